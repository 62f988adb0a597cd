"""Connections to the database of a store: SQLite in its folder, or a PostgreSQL server by URL.

    connect        an engine whose errors say what can be done about them
    changing       a transaction that writes
    writer_lock    one writer at a time: a lock file beside SQLite, an advisory lock on a server
    Settings       the settings of a store, among them the revision counter
    copy_database  a copy of all tables as one SQLite file

Both locks die with the process that holds them. A password is never part of a URL that is kept: it comes from
SPANWISE_DATABASE_PASSWORD or, as for every PostgreSQL program, from PGPASSWORD or ~/.pgpass.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, update
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from index.errors import StoreError
from index.os_errors import explained
from index.sql.schema import Base, Setting

_PASSWORD_VARIABLE = "SPANWISE_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable
_LOCK_FILE = "writer.lock"
_LOCK_KEY = 0x5370_616E  # "Span": the first half of the advisory lock's key
_LOCK_STEP_SECONDS = 0.1
_CONNECT_SECONDS = 10
_WRITES = "spanwise_writes"
_COPIED_ROWS = 1000
_PARAMETERS = 500  # bound parameters in one statement; SQLite's older limit is 999
_T = TypeVar("_T")


class WriterLock(Protocol):
    """A lock that one writer of a store holds."""

    def acquire(self, timeout: float) -> object:
        """Take the lock; raises filelock.Timeout when it is held elsewhere for `timeout` seconds."""
        ...

    def release(self) -> None:
        """Release the lock."""
        ...


def checked_url(url: str) -> str:
    """The URL of a server's database as a store may keep it; raises StoreError for one that it may not."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"{url} is no database URL", hint=_URL_HINT) from error
    if parsed.drivername.split("+")[0] not in ("postgresql", "postgres"):
        raise StoreError(f"{parsed.render_as_string()} is no database of a known kind", hint=_URL_HINT)
    if parsed.password is not None:
        raise StoreError(
            f"{parsed.render_as_string()} holds a password, and a store keeps its URL",
            hint=f"leave the password out and put it into {_PASSWORD_VARIABLE} or PGPASSWORD",
        )
    if not parsed.database:
        raise StoreError(f"{url} names no database", hint=_URL_HINT)
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)


_URL_HINT = "give it as postgresql://USER@HOST/DATABASE"


def connect(url: str, folder: Path) -> Engine:
    """Connections to the database of the store in `folder`; raises StoreError when the file is missing."""
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        _require_file(engine, folder)
    explain = _explain if engine.dialect.name == "sqlite" else _explain_server
    event.listen(engine, "handle_error", partial(explain, place=str(folder)))
    return engine


@contextmanager
def explaining(engine: Engine) -> Iterator[None]:
    """Close the connections when the block fails; errors of the database become StoreError."""
    try:
        yield
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(
            f"the database {shown_url(engine)} cannot be used: {_first_line(error)}",
            hint=_advice(engine),
        ) from error
    except StoreError:
        engine.dispose()
        raise


def changing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that writes: it waits for its turn when it begins, never in the middle."""
    return engine.execution_options(**{_WRITES: True}).begin()


def _require_file(engine: Engine, folder: Path) -> None:
    """Raise StoreError for an index without a database file, because SQLite would make an empty one."""
    file = Path(str(engine.url.database).removeprefix("file:").split("?")[0])
    if (folder / "index").exists() and not file.exists():
        raise StoreError(
            f"the database {file} is missing",
            hint="restore it from a backup, or remove the folder and ingest the documents again",
        )


def writer_lock(engine: Engine, folder: Path) -> WriterLock:
    """The lock that keeps two writers of a store apart."""
    if engine.dialect.name == "sqlite":
        return FileLock(folder / _LOCK_FILE, thread_local=False)
    return _AdvisoryLock(engine)


class _AdvisoryLock:
    """A session's lock on a PostgreSQL server, one for each schema of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def acquire(self, timeout: float) -> None:
        """Take the lock; raises filelock.Timeout when another session holds it for `timeout` seconds."""
        key = func.hashtext(func.current_schema())
        until = time.monotonic() + timeout
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        while not connection.scalar(select(func.pg_try_advisory_lock(_LOCK_KEY, key))):
            if time.monotonic() >= until:
                connection.close()
                raise Timeout(self._engine.url.render_as_string())
            time.sleep(_LOCK_STEP_SECONDS)
        self._connection = connection

    def release(self) -> None:
        """Release the lock; the server does that itself when the connection dies."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.scalar(
                    select(func.pg_advisory_unlock(_LOCK_KEY, func.hashtext(func.current_schema())))
                )
            except SQLAlchemyError:
                connection.invalidate()
            connection.close()


# -- settings ------------------------------------------------------------------------------------------------


class Settings:
    """The table of settings: facts about the store, by name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> str | None:
        """The value of a setting, None if it was never set."""
        with self._engine.connect() as connection:
            return get_setting(connection, name)

    def set(self, name: str, value: str) -> None:
        """Replace the value of a setting."""
        with changing(self._engine) as connection:
            set_setting(connection, name, value)

    def revision(self) -> int:
        """The number of the last committed change; raises StoreError for a damaged counter."""
        value = self.get("revision") or "0"
        if not value.isdigit():
            raise StoreError(
                f"the revision counter of the database is {value!r}, which is no number",
                hint="mend it with: spanwise repair",
            )
        return int(value)


def get_setting(connection: Connection, name: str) -> str | None:
    """The value of a setting, None if it was never set."""
    return connection.scalar(select(Setting.value).where(Setting.name == name))


def set_setting(connection: Connection, name: str, value: str) -> None:
    """Replace the value of a setting."""
    changed = connection.execute(update(Setting).where(Setting.name == name).values(value=value))
    if not changed.rowcount:
        connection.execute(insert(Setting).values(name=name, value=value))


def next_revision(connection: Connection) -> int:
    """Count the revision up and return it; on a server other writers wait here."""
    counter = select(Setting.value).where(Setting.name == "revision").with_for_update()
    revision = int(connection.scalar(counter) or 0) + 1
    set_setting(connection, "revision", str(revision))
    return revision


def batches(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The values in slices that fit into one statement as bound parameters."""
    for start in range(0, len(values), _PARAMETERS):
        yield values[start : start + _PARAMETERS]


def blocks(engine: Engine, statement: Any, column: Any, size: int) -> Iterator[Sequence[Any]]:
    """The rows of a statement, in order of a unique column of it, `size` in each short transaction."""
    last: Any = None
    while True:
        part = statement if last is None else statement.where(column > last)
        with engine.connect() as connection:
            rows = connection.execute(part.order_by(column).limit(size)).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        last = getattr(rows[-1], column.key)


# -- copying -------------------------------------------------------------------------------------------------


def copy_database(source: Engine, target: Path) -> None:
    """Copy all tables as of one moment into a new SQLite file."""
    if source.dialect.name == "sqlite" and source.url.database:
        copy_sqlite(Path(source.url.database), target)
        return
    engine = create_engine(f"sqlite:///{target}")
    try:
        with source.connect() as reading, changing(engine) as writing:
            # One snapshot for all tables, whatever is committed meanwhile.
            reading = reading.execution_options(isolation_level="REPEATABLE READ", yield_per=_COPIED_ROWS)
            Base.metadata.create_all(writing)
            for table in Base.metadata.sorted_tables:
                for rows in reading.execute(select(table)).mappings().partitions(_COPIED_ROWS):
                    writing.execute(insert(table), [dict(row) for row in rows])
    finally:
        engine.dispose()


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite file as of one moment while others write, and flush the copy to the disk."""
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    reading, writing = sqlite3.connect(source), sqlite3.connect(partial)
    try:
        reading.backup(writing)
    finally:
        writing.close()
        reading.close()
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(target)


# -- connecting ----------------------------------------------------------------------------------------------


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        engine = create_engine(parsed)
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return _server_engine(parsed)


def _server_engine(url: URL) -> Engine:
    password = os.environ.get(_PASSWORD_VARIABLE)
    if password is not None:
        url = url.set(password=password)
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": _CONNECT_SECONDS},
            pool_pre_ping=True,
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the store is in the database {url.render_as_string()}, and its driver is not installed",
            hint='install it with: pip install "spanwise[postgres]"',
        ) from error


def _tune_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun by _begin_sqlite: the driver begins them too late, at the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        try:
            cursor.execute(f"PRAGMA {pragma}")
        except Exception as error:  # the driver's own class; a read-only folder cannot switch the journal
            if "readonly" not in str(error) and "unable to open" not in str(error):
                raise
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another has written in between.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _explain(context: ExceptionContext, place: str) -> None:
    error = context.original_exception
    if "unable to open database file" in str(error) and os.access(place, os.W_OK):
        # The files beside the database could not be made, in a folder where they may be.
        error = OSError(errno.EIO, str(error))
    known = explained(error, place)
    if known is not None:
        raise known from context.original_exception


def _explain_server(context: ExceptionContext, place: str) -> None:
    # A connection that is only tried out may be dead: another one takes its place.
    lost = context.is_disconnect or isinstance(context.sqlalchemy_exception, OperationalError)
    if lost and context.engine is not None and not context.is_pre_ping:
        raise StoreError(
            f"the database {shown_url(context.engine)} of the store {place} cannot be used: "
            f"{_first_line(context.original_exception)}",
            hint=_advice(context.engine),
        ) from context.original_exception


def shown_url(engine: Engine) -> str:
    """The URL as the user gave it, without the driver and the password."""
    return engine.url.set(drivername=engine.dialect.name, password=None).render_as_string()


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _advice(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return "check that the file is whole and that you may read it"
    return (
        f"check that the server runs, that the database exists, and the password in {_PASSWORD_VARIABLE} "
        "or PGPASSWORD"
    )
