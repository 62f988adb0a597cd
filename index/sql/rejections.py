"""Files that could not be taken in, remembered so that the next run need not read them again.

A rejection holds as long as the file has the size and time it had and the same readers would try it: whoever
asks compares `size_bytes`, `modified_ns` and `readers` (a word for the set of parsers, their versions and
options) with those of today. It goes by itself when something is stored under its path or the path is
removed. Remembering changes nothing that can be searched, so the revision stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select

from index.records import FileState
from index.sql.database import changing
from index.sql.schema import RejectionRow
from ingest.records import RejectReason

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedRejection:
    """Why a file was left out, and the state in which it was tried."""

    path: str
    reason: RejectReason
    detail: str
    readers: str
    size_bytes: int
    modified_ns: int
    checked_ns: int


class Rejections:
    """The part of the catalogue that remembers what was left out."""

    _engine: Engine

    def remember_rejected(
        self, path: str, state: FileState, reason: RejectReason, detail: str, *, readers: str = ""
    ) -> None:
        """Note that the file at `path` was left out in this state; replaces what was noted before.

        `readers` names the parsers that were tried (up to 64 characters).
        """
        row = {"path": path, "reason": reason.value, "detail": detail, "readers": readers, **asdict(state)}
        with changing(self._engine) as connection:
            connection.execute(delete(RejectionRow).where(RejectionRow.path == path))
            connection.execute(insert(RejectionRow).values(row))

    def rejected(self, path: str) -> RememberedRejection | None:
        """What is noted about a path, None if nothing is."""
        return next(iter(self._rejections(RejectionRow.path == path)), None)

    def rejections(self) -> tuple[RememberedRejection, ...]:
        """All that is noted, by path."""
        return tuple(sorted(self._rejections(), key=lambda found: found.path))

    def rejection_counts(self) -> dict[str, int]:
        """How many files are noted, by reason, most first."""
        statement = select(RejectionRow.reason, func.count()).group_by(RejectionRow.reason)
        with self._engine.connect() as connection:
            counts = [(str(reason), int(count)) for reason, count in connection.execute(statement)]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0])))

    def forget_rejected(self, *paths: str) -> None:
        """Forget what is noted about these paths; nothing happens for others."""
        with changing(self._engine) as connection:
            drop_rejections(connection, paths)

    def _rejections(self, *conditions: Any) -> list[RememberedRejection]:
        statement = select(*RejectionRow.__table__.columns).where(*conditions)
        with self._engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return [RememberedRejection(**{**row, "reason": RejectReason(row["reason"])}) for row in rows]


def drop_rejections(connection: Connection, paths: Iterable[str]) -> None:
    """Forget these paths, in the caller's transaction."""
    given = list(paths)
    for start in range(0, len(given), _CHUNK):
        part = given[start : start + _CHUNK]
        connection.execute(delete(RejectionRow).where(RejectionRow.path.in_(part)))
