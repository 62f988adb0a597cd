"""The schema of a store's database: made for a new store, brought up to date for an older one.

An older SQLite file is copied first (`spanwise.db.schema-1`). The steps themselves need Alembic, which is
imported only when there is something to migrate, because it loads slower than a question is answered.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout
from sqlalchemy import Engine, insert, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError

from index.errors import StoreError, StoreLocked, StoreReadOnly, StoreVersionMismatch
from index.sql.database import WriterLock, changing, copy_sqlite, shown_url, writer_lock
from index.sql.schema import SCHEMA_VERSION, Base, Setting

_LOG = logging.getLogger(__name__)
_UPGRADE_SECONDS = 10.0


def require_current_schema(engine: Engine, folder: Path) -> None:
    """Make the tables of a new store, or bring those of an older one up to date.

    Raises StoreError for a database that holds no store although `folder` has an index,
    StoreVersionMismatch for a newer schema, and for an older one that cannot be brought up to date here.
    """
    schema = _recorded_schema(engine)
    # Without an index nothing was ever published: a store whose making was cut short.
    if schema is None and (folder / "index").exists():
        raise StoreError(
            f"the database {shown_url(engine)} holds no store",
            hint="restore it from a copy, or ingest the documents into a new store",
        )
    if schema is None:
        with _held(writer_lock(engine, folder), folder):
            _create(engine)
    elif schema < SCHEMA_VERSION:
        _upgrade(engine, folder, schema)
    elif schema > SCHEMA_VERSION:
        raise StoreVersionMismatch(
            f"the store has schema {schema}, this version of Spanwise reads up to {SCHEMA_VERSION}",
            hint="use the version of Spanwise that wrote it, or a newer one",
        )


def _recorded_schema(engine: Engine) -> int | None:
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


def _upgrade(engine: Engine, folder: Path, schema: int) -> None:
    """Bring an older schema up to date, in one transaction, after a copy of a SQLite file."""
    if not os.access(folder, os.W_OK):
        raise StoreVersionMismatch(
            f"the store has schema {schema}, which must become {SCHEMA_VERSION}; {folder} cannot be written",
            hint="open it once where it can be written, or use the version of Spanwise that wrote it",
        )
    with _held(writer_lock(engine, folder), folder):
        now = _recorded_schema(engine)
        if now is None or now >= SCHEMA_VERSION:
            return  # another process was quicker
        saved = _saved(engine, now)
        from index.sql.migrations.steps import migrate

        with changing(engine) as connection:
            migrate(connection, now, SCHEMA_VERSION)
            connection.execute(
                update(Setting).where(Setting.name == "schema_version").values(value=str(SCHEMA_VERSION))
            )
    _LOG.warning("the store %s now has schema %d instead of %d%s", folder, SCHEMA_VERSION, schema, saved)


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
