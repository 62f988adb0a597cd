"""Files that could not be ingested, remembered so that the next run need not read them again.

A rejection holds as long as the file has the size and time it had and the same parsers would try it: callers
compare `size_bytes`, `modified_ns` and `readers` (a digest of the set of parsers, their versions and options)
with those of today. It is dropped when something is stored under its path or the path is removed.
Rejections change nothing that can be searched, so the revision stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select

from index.records import FileState
from index.sql.database import batches, changing
from index.sql.schema import RejectionRow
from ingest.records import RejectReason


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
    """The table of rejections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remember(
        self, path: str, state: FileState, reason: RejectReason, detail: str, *, readers: str = ""
    ) -> None:
        """Record why the file at `path` was left out in this state, in place of any earlier record.

        `readers` names the parsers that were tried (up to 64 characters).
        """
        row = {"path": path, "reason": reason.value, "detail": detail, "readers": readers, **asdict(state)}
        with changing(self._engine) as connection:
            connection.execute(delete(RejectionRow).where(RejectionRow.path == path))
            connection.execute(insert(RejectionRow).values(row))

    def among(self, paths: Sequence[str]) -> dict[str, RememberedRejection]:
        """The rejections of those of these paths that have one, by path."""
        return {
            item.path: item for part in batches(paths) for item in self._read(RejectionRow.path.in_(part))
        }

    def all(self) -> tuple[RememberedRejection, ...]:
        """All rejections, by path."""
        return tuple(sorted(self._read(), key=lambda item: item.path))

    def counts(self) -> dict[str, int]:
        """How many files were rejected, by reason, most first."""
        statement = select(RejectionRow.reason, func.count()).group_by(RejectionRow.reason)
        with self._engine.connect() as connection:
            counts = [(str(reason), int(count)) for reason, count in connection.execute(statement)]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0])))

    def forget(self, *paths: str) -> None:
        """Drop the rejections of these paths; other paths are ignored."""
        with changing(self._engine) as connection:
            drop_rejections(connection, paths)

    def _read(self, *conditions: Any) -> list[RememberedRejection]:
        statement = select(*RejectionRow.__table__.columns).where(*conditions)
        with self._engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return [RememberedRejection(**{**row, "reason": RejectReason(row["reason"])}) for row in rows]


def drop_rejections(connection: Connection, paths: Iterable[str]) -> None:
    """Drop the rejections of these paths, in the caller's transaction."""
    for part in batches(list(paths)):
        connection.execute(delete(RejectionRow).where(RejectionRow.path.in_(part)))
