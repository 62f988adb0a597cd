"""Documents page by page, and what is counted of all of them, read from SQL in narrow rows.

For lists of documents that people look through: only the rows of the page that is looked at are read whole.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, func, select

from index.records import DocumentSize
from index.sql.schema import DocumentRow, PathRow


class Listing:
    """A part of the catalogue."""

    _engine: Engine

    def stretch(self, wanted: str, *, offset: int, limit: int | None) -> tuple[int, list[int]]:
        """How many living documents have `wanted` in their title or a path, and the keys of some, by path."""
        if not wanted:
            return self._count(), self._keys(offset, limit)
        keys = self._matching(wanted.casefold())
        return len(keys), keys[offset : None if limit is None else offset + limit]

    def standing_paths(self) -> list[str]:
        """Every path at which a document stands, in order."""
        statement = select(PathRow.path).where(PathRow.deleted_revision.is_(None)).order_by(PathRow.path)
        with self._engine.connect() as connection:
            return list(connection.scalars(statement))

    def sizes(self) -> list[DocumentSize]:
        """Kind and size of every living document."""
        statement = select(DocumentRow.type, DocumentRow.characters, DocumentRow.passages)
        with self._engine.connect() as connection:
            rows = connection.execute(statement.where(DocumentRow.deleted_revision.is_(None)))
            return [
                DocumentSize(type=row.type, characters=row.characters, passages=row.passages) for row in rows
            ]

    def _count(self) -> int:
        statement = select(func.count()).where(DocumentRow.deleted_revision.is_(None))
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def _keys(self, offset: int, limit: int | None) -> list[int]:
        statement = _living(DocumentRow.key).group_by(DocumentRow.key).order_by(func.min(PathRow.path))
        with self._engine.connect() as connection:
            return list(connection.scalars(statement.offset(offset).limit(limit)))

    def _matching(self, wanted: str) -> list[int]:
        # Not by LIKE: SQLite knows upper and lower case of ASCII letters only.
        statement = _living(DocumentRow.key, DocumentRow.title, PathRow.path).order_by(PathRow.path)
        with self._engine.connect() as connection:
            rows = connection.execute(statement)
            return list(
                dict.fromkeys(row.key for row in rows if wanted in f"{row.title}\n{row.path}".casefold())
            )


def _living(*columns: Any) -> Any:
    return (
        select(*columns)
        .join(PathRow, PathRow.document_key == DocumentRow.key)
        .where(DocumentRow.deleted_revision.is_(None), PathRow.deleted_revision.is_(None))
    )
