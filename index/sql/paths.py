"""The paths under which documents are stored, each with the state of its file when it was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, select, update

from index.records import FileState
from index.sql.database import batches, blocks, changing
from index.sql.schema import DocumentRow, PathRow

_BLOCK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPath:
    """A path of a stored document, and the state of its file when it was read."""

    path: str
    document_key: int
    document_id: str
    content_sha256: str
    parser: str
    size_bytes: int
    modified_ns: int
    checked_ns: int


class Paths:
    """The table of paths."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, path: str) -> KnownPath | None:
        """The document stored under a path, None if there is none."""
        return next(self._known(PathRow.path == path), None)

    def among(self, paths: Sequence[str]) -> dict[str, KnownPath]:
        """The stored ones of these paths, by path."""
        return {known.path: known for part in batches(paths) for known in self._known(PathRow.path.in_(part))}

    def of_content(self, content_sha256: str, *, limit: int = 50) -> tuple[KnownPath, ...]:
        """The first paths of files with these bytes; some contents lie in ten thousand folders."""
        return tuple(self._known(DocumentRow.content_sha256 == content_sha256, limit))

    def of_document(self, document_id: str) -> tuple[KnownPath, ...]:
        """All paths of a document."""
        return tuple(self._known(DocumentRow.id == document_id))

    def below(self, folder: str) -> list[str]:
        """All paths inside a folder, sorted; read by the index of the table."""
        low, high = folder.rstrip("/") + "/", folder.rstrip("/") + chr(ord("/") + 1)
        # The order of another database may follow a language; its own prefix search is right everywhere.
        sqlite = self._engine.dialect.name == "sqlite"
        inside = (
            (PathRow.path >= low) & (PathRow.path < high)
            if sqlite
            else PathRow.path.startswith(low, autoescape=True)
        )
        statement = select(PathRow.path).where(inside, PathRow.deleted_revision.is_(None))
        with self._engine.connect() as connection:
            return sorted(connection.scalars(statement))

    def all(self) -> list[str]:
        """All paths, sorted by the database."""
        with self._engine.connect() as connection:
            statement = select(PathRow.path).where(PathRow.deleted_revision.is_(None)).order_by(PathRow.path)
            return list(connection.scalars(statement))

    def blocks(self) -> Iterator[Sequence[str]]:
        """All paths, ten thousand at a time, in the order in which they were stored."""
        statement = select(PathRow.key, PathRow.path).where(PathRow.deleted_revision.is_(None))
        for rows in blocks(self._engine, statement, PathRow.key, _BLOCK):
            yield [row.path for row in rows]

    def touch(self, path: str, state: FileState) -> None:
        """Record the state of a file that was looked at and has not changed."""
        with changing(self._engine) as connection:
            connection.execute(
                update(PathRow)
                .where(PathRow.path == path, PathRow.deleted_revision.is_(None))
                .values(**asdict(state))
            )

    def _known(self, condition: Any, limit: int | None = None) -> Iterator[KnownPath]:
        statement = (
            select(
                PathRow.path,
                PathRow.document_key,
                DocumentRow.id.label("document_id"),
                DocumentRow.content_sha256,
                DocumentRow.parser,
                PathRow.size_bytes,
                PathRow.modified_ns,
                PathRow.checked_ns,
            )
            .join(DocumentRow, DocumentRow.key == PathRow.document_key)
            .where(condition, PathRow.deleted_revision.is_(None), DocumentRow.deleted_revision.is_(None))
            .order_by(PathRow.key)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(statement).mappings().all():
                yield KnownPath(**row)
