"""Deletes the rows of deleted documents for good, once no reader can need them any more.

A deletion only marks rows, so that readers of an older revision keep a whole view. `mark` records now and
then which revision was current; `run` deletes the rows that had been marked at a revision that was current a
grace period ago. A reader that has slept longer than that sees by `purged_revision` that it must look again,
so that correctness does not depend on the clock. It works in small transactions on rows that nobody shows.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Engine, delete, select

from index.os_errors import explained
from index.sql.database import changing, get_setting, set_setting
from index.sql.schema import ContentRow, DocumentRow, PassageRow, PathRow, VectorRow

_MARKS = "marks"
_PURGED = "purged"
# Seconds; times are in seconds since 1970.
_BETWEEN_SECONDS = 15.0
_MOST_MARKS = 64
_DOCUMENTS = 100
_ROWS = 500
_FREE_SHARE = 0.1


class Purge:
    """Removes rows that only mark deletions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def purged_revision(self) -> int:
        """Up to which revision the rows of deleted documents may have been deleted for good."""
        with self._engine.connect() as connection:
            return int(get_setting(connection, _PURGED) or 0)

    def marked(self) -> bool:
        """Whether a revision was ever recorded: whether anything was ever published."""
        with self._engine.connect() as connection:
            return bool(_marks(connection))

    def mark(self, revision: int, now: float) -> None:
        """Record that a revision was current at time `now`, unless one was recorded just before."""
        with changing(self._engine) as connection:
            marks = _marks(connection)
            if not marks or not 0 <= now - marks[-1][1] < _BETWEEN_SECONDS:
                set_setting(connection, _MARKS, json.dumps([*marks, [revision, now]][-_MOST_MARKS:]))

    def purgeable_revision(self, revision: int, now: float, grace_seconds: float) -> int:
        """The newest revision that was current `grace_seconds` ago; `revision`, today's, for none."""
        if grace_seconds <= 0:
            return revision
        with self._engine.connect() as connection:
            old = [int(marked) for marked, at in _marks(connection) if now - at >= grace_seconds]
        return max(old, default=0)

    def run(self, revision: int) -> int:
        """Delete the rows that had been marked at a revision; returns the number of documents."""
        with changing(self._engine) as connection:
            before = int(get_setting(connection, _PURGED) or 0)
            if revision > before:
                set_setting(connection, _PURGED, str(revision))
        with self._engine.connect() as connection:
            deleted = select(DocumentRow.key).where(DocumentRow.deleted_revision <= revision)
            keys = connection.scalars(deleted).all()
        for start in range(0, len(keys), _DOCUMENTS):
            with changing(self._engine) as connection:
                for key in keys[start : start + _DOCUMENTS]:
                    _delete_document(connection, key)
        with changing(self._engine) as connection:
            connection.execute(delete(PathRow).where(PathRow.deleted_revision <= revision))
        return len(keys)

    def vacuum(self) -> None:
        """Return free pages of a SQLite file to the disk, where they are more than a tenth of it."""
        if self._engine.dialect.name != "sqlite":
            return  # a server does that by itself
        raw = self._engine.raw_connection()
        try:
            cursor = raw.cursor()
            free, pages = (
                int(cursor.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("freelist_count", "page_count")
            )
            if free > _FREE_SHARE * pages:
                cursor.execute("VACUUM")
            cursor.close()
        except Exception as error:  # the driver's own class
            known = explained(error, str(self._engine.url.database))
            if known is None:
                raise
            raise known from error
        finally:
            raw.close()


def _delete_document(connection: Connection, key: int) -> None:
    ids = connection.scalars(select(PassageRow.id).where(PassageRow.document_key == key)).all()
    for start in range(0, len(ids), _ROWS):
        part = ids[start : start + _ROWS]
        connection.execute(delete(VectorRow).where(VectorRow.passage_id.in_(part)))
        connection.execute(delete(PassageRow).where(PassageRow.id.in_(part)))
    connection.execute(delete(PathRow).where(PathRow.document_key == key))
    connection.execute(delete(ContentRow).where(ContentRow.document_key == key))
    connection.execute(delete(DocumentRow).where(DocumentRow.key == key))


def _marks(connection: Connection) -> list[Any]:
    try:
        return list(json.loads(get_setting(connection, _MARKS) or "[]"))
    except ValueError:
        return []  # only a record of times
