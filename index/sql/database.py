"""Connections to the database of a store: SQLite in its folder, or a PostgreSQL server by URL.

    open_database    connect, make the tables, bring an older schema up to date (after a copy of the old file)
    writer_lock      one writer at a time: a lock file beside SQLite, an advisory lock on a server

Both locks die with the process that holds them. A password is never part of a URL that is kept: it comes from
SPANWISE_DATABASE_PASSWORD or, as for every PostgreSQL program, from PGPASSWORD or ~/.pgpass. What is in the
tables is none of this module's business.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select, update
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from index.errors import StoreError, StoreLocked, StoreReadOnly, StoreVersionMismatch
from index.os_errors import explained
from index.sql.schema import SCHEMA_VERSION, Base, Setting

_LOG = logging.getLogger(__name__)
_PASSWORD_VARIABLE = "SPANWISE_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable
_LOCK_FILE = "writer.lock"
_LOCK_KEY = 0x5370_616E  # "Span": the first half of the advisory lock's key
_LOCK_STEP_SECONDS = 0.1
_CONNECT_SECONDS = 10
_UPGRADE_SECONDS = 10.0
_WRITES = "spanwise_writes"


class WriterLock(Protocol):
    """Held by the one who writes."""

    def acquire(self, timeout: float) -> object:
        """Take it; raises filelock.Timeout when somebody else holds it for so many seconds."""
        ...

    def release(self) -> None:
        """Give it back."""
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


def open_database(url: str, folder: Path) -> Engine:
    """Connect to the database of the store in `folder`; its schema is the newest one on return.

    Raises StoreError when it cannot be used, StoreVersionMismatch for a newer schema, and for an older one
    that cannot be brought up to date here.
    """
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        _require_file(engine, folder)
    explain = _explain if engine.dialect.name == "sqlite" else _explain_server
    event.listen(engine, "handle_error", partial(explain, place=str(folder)))
    try:
        found = _found_schema(engine)
        # Without an index nothing was ever published: a store whose making was cut short.
        if found is None and (folder / "index").exists():
            raise StoreError(
                f"the database {_shown(engine)} holds no store",
                hint="restore it from a copy, or ingest the documents into a new store",
            )
        if found is None:
            with _held(writer_lock(engine, folder), folder):
                _create(engine)
        elif found < SCHEMA_VERSION:
            _upgrade(engine, folder, found)
        elif found > SCHEMA_VERSION:
            raise StoreVersionMismatch(
                f"the store has schema {found}, this version of Spanwise reads up to {SCHEMA_VERSION}",
                hint="use the version of Spanwise that wrote it, or a newer one",
            )
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(
            f"the database {_shown(engine)} cannot be used: {_first_line(error)}",
            hint=_mending(engine),
        ) from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def changing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that writes: it waits for its turn when it begins, never in the middle."""
    return engine.execution_options(**{_WRITES: True}).begin()


def _require_file(engine: Engine, folder: Path) -> None:
    """An index without a database is what is left of a store; SQLite would make an empty one of it."""
    file = Path(str(engine.url.database).removeprefix("file:").split("?")[0])
    if (folder / "index").exists() and not file.exists():
        raise StoreError(
            f"the database {file} is missing",
            hint="restore it from a backup, or remove the folder and ingest the documents again",
        )


def writer_lock(engine: Engine, folder: Path) -> WriterLock:
    """What keeps two writers of a store apart."""
    if engine.dialect.name == "sqlite":
        return FileLock(folder / _LOCK_FILE, thread_local=False)
    return _AdvisoryLock(engine)


class _AdvisoryLock:
    """A session's lock on a PostgreSQL server, one for each schema of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def acquire(self, timeout: float) -> None:
        """Take it; raises filelock.Timeout when another session holds it for so many seconds."""
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
        """Give it back; a connection that has died has given it back already."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.scalar(
                    select(func.pg_advisory_unlock(_LOCK_KEY, func.hashtext(func.current_schema())))
                )
            except SQLAlchemyError:
                connection.invalidate()
            connection.close()


def copy_sqlite(source: Path, target: Path) -> None:
    """A copy of a SQLite database as it is at one moment, whoever writes meanwhile, brought to the disk."""
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
            f"the database {_shown(context.engine)} of the store {place} cannot be used: "
            f"{_first_line(context.original_exception)}",
            hint=_mending(context.engine),
        ) from context.original_exception


def _shown(engine: Engine) -> str:
    """The URL as the user gave it, without the driver and the password."""
    return engine.url.set(drivername=engine.dialect.name, password=None).render_as_string()


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _mending(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return "check that the file is whole and that you may read it"
    return (
        f"check that the server runs, that the database exists, and the password in {_PASSWORD_VARIABLE} "
        "or PGPASSWORD"
    )


# -- the schema ----------------------------------------------------------------------------------------------


def _found_schema(engine: Engine) -> int | None:
    """The version of the schema, None where there are no tables."""
    with engine.connect() as connection:
        try:
            value = connection.scalar(select(Setting.value).where(Setting.name == "schema_version"))
            return int(value) if value is not None else None
        except SQLAlchemyError:
            connection.rollback()
            if inspect(connection).has_table(Setting.__tablename__):
                raise
            return None


def _create(engine: Engine) -> None:
    """Make the tables, unless another process was quicker."""
    with changing(engine) as connection:
        Base.metadata.create_all(connection)
        if connection.scalar(select(Setting.value).where(Setting.name == "schema_version")) is None:
            facts = {"store_id": uuid.uuid4().hex, "revision": "0", "schema_version": str(SCHEMA_VERSION)}
            rows = [{"name": name, "value": value} for name, value in facts.items()]
            connection.execute(insert(Setting), rows)


def _upgrade(engine: Engine, folder: Path, found: int) -> None:
    """Bring an older schema up to date, in one transaction, after a copy of a SQLite file."""
    if not os.access(folder, os.W_OK):
        raise StoreVersionMismatch(
            f"the store has schema {found}, which must become {SCHEMA_VERSION}; {folder} cannot be written",
            hint="open it once where it can be written, or use the version of Spanwise that wrote it",
        )
    with _held(writer_lock(engine, folder), folder):
        now = _found_schema(engine)
        if now is None or now >= SCHEMA_VERSION:
            return  # another process was quicker
        saved = _saved(engine, now)
        from index.sql.migrations import migrate

        with changing(engine) as connection:
            migrate(connection, now, SCHEMA_VERSION)
            connection.execute(
                update(Setting).where(Setting.name == "schema_version").values(value=str(SCHEMA_VERSION))
            )
    _LOG.warning("the store %s now has schema %d instead of %d%s", folder, SCHEMA_VERSION, found, saved)


def _saved(engine: Engine, schema: int) -> str:
    """Keep a copy of a SQLite file as it was; a server's database has its own backups."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return ""
    file = Path(engine.url.database)
    copy = file.with_name(f"{file.name}.schema-{schema}")
    try:
        copy_sqlite(file, copy)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"no copy of {file} could be made before its schema is changed: {error}",
            hint="make room on the disk, or ingest the documents into a new store",
        ) from error
    return f"; the database as it was is kept in {copy.name}"


@contextmanager
def _held(lock: WriterLock, folder: Path) -> Iterator[None]:
    try:
        lock.acquire(timeout=_UPGRADE_SECONDS)
    except Timeout as error:
        raise StoreLocked(
            f"the schema of {folder} must change and something else is writing to it",
            hint="try again when it has finished",
        ) from error
    except OSError as error:
        raise StoreReadOnly(
            f"the store {folder} cannot be written to: {error.strerror}", hint="check the folder's owner"
        ) from error
    try:
        yield
    finally:
        lock.release()
