"""Lists and counts of the stored documents, read in narrow rows without their texts (`stored_documents`).

Everything here is read from SQL, so that it can be asked for at any time after an ingest. Pages and warnings
stand in the layout of a document, beside its text; they are read block by block, never all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from index.records import DocumentInfo, DocumentSize, FileReport
from index.sql.database import batches, blocks
from index.sql.schema import ContentRow, DocumentRow, PathRow

_BLOCK = 1000


class Documents:
    """The table of documents, those that are deleted left out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- lists ----------------------------------------------------------------------------------------------

    def infos(self, keys: Iterable[int] | None = None) -> dict[int, DocumentInfo]:
        """Documents by key (all that are not deleted by default), in order of their first path."""
        with self._engine.connect() as connection:
            if keys is None:
                rows = _rows(connection, DocumentRow.deleted_revision.is_(None))
            else:
                rows = [
                    row
                    for part in batches(sorted(set(keys)))
                    for row in _rows(connection, DocumentRow.key.in_(part))
                ]
        grouped: dict[int, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row.key, []).append(row)
        infos = {key: _info(group) for key, group in grouped.items()}
        return dict(sorted(infos.items(), key=lambda item: item[1].path))

    def search(
        self, text: str = "", *, offset: int = 0, limit: int | None = None
    ) -> tuple[int, tuple[DocumentInfo, ...]]:
        """How many documents have `text` in their title or a path, and one page of them, by path."""
        if text:
            matches = self._matching(text.casefold())
            total, keys = len(matches), matches[offset : None if limit is None else offset + limit]
        else:
            total, keys = self._count(), self._keys(offset, limit)
        infos = self.infos(keys)
        return total, tuple(infos[key] for key in keys if key in infos)

    def content_hashes(self, document_ids: Sequence[str]) -> dict[str, str]:
        """The SHA-256 of the file of each of these documents, by the document's id."""
        statement = select(DocumentRow.id, DocumentRow.content_sha256)
        hashes: dict[str, str] = {}
        with self._engine.connect() as connection:
            for part in batches(document_ids):
                rows = connection.execute(statement.where(DocumentRow.id.in_(part)))
                hashes |= {document: content for document, content in rows}
        return hashes

    def _count(self) -> int:
        statement = select(func.count()).where(DocumentRow.deleted_revision.is_(None))
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def _keys(self, offset: int, limit: int | None) -> list[int]:
        statement = _with_paths(DocumentRow.key).group_by(DocumentRow.key).order_by(func.min(PathRow.path))
        with self._engine.connect() as connection:
            return list(connection.scalars(statement.offset(offset).limit(limit)))

    def _matching(self, text: str) -> list[int]:
        # Not by LIKE: SQLite knows upper and lower case of ASCII letters only.
        statement = _with_paths(DocumentRow.key, DocumentRow.title, PathRow.path).order_by(PathRow.path)
        with self._engine.connect() as connection:
            rows = connection.execute(statement)
            return list(
                dict.fromkeys(row.key for row in rows if text in f"{row.title}\n{row.path}".casefold())
            )

    # -- counts ---------------------------------------------------------------------------------------------

    def languages(self) -> dict[str, int]:
        """Documents by language, most first."""
        return self._count_by(DocumentRow.language)

    def types(self) -> dict[str, int]:
        """Documents by file type, most first."""
        return self._count_by(DocumentRow.type)

    def _count_by(self, column: Any) -> dict[str, int]:
        statement = (
            select(column, func.count()).where(DocumentRow.deleted_revision.is_(None)).group_by(column)
        )
        with self._engine.connect() as connection:
            counts = [(str(name), int(count)) for name, count in connection.execute(statement)]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0])))

    def totals(self) -> dict[str, int]:
        """Numbers of documents, paths, passages and characters."""
        with self._engine.connect() as connection:
            documents, characters, passages = connection.execute(
                select(
                    func.count(),
                    func.coalesce(func.sum(DocumentRow.characters), 0),
                    func.coalesce(func.sum(DocumentRow.passages), 0),
                ).where(DocumentRow.deleted_revision.is_(None))
            ).one()
            paths = connection.scalar(
                select(func.count()).select_from(PathRow).where(PathRow.deleted_revision.is_(None))
            )
        return {
            "documents": int(documents),
            "paths": int(paths or 0),
            "passages": int(passages),
            "characters": int(characters),
        }

    def sizes(self) -> list[DocumentSize]:
        """File type and size of every document."""
        statement = select(DocumentRow.type, DocumentRow.characters, DocumentRow.passages)
        with self._engine.connect() as connection:
            rows = connection.execute(statement.where(DocumentRow.deleted_revision.is_(None)))
            return [
                DocumentSize(type=row.type, characters=row.characters, passages=row.passages) for row in rows
            ]

    # -- files ----------------------------------------------------------------------------------------------

    def files(self) -> Iterator[FileReport]:
        """Every stored file, by path."""
        statement = (
            select(
                PathRow.path,
                PathRow.size_bytes,
                DocumentRow.type,
                DocumentRow.language,
                DocumentRow.characters,
                DocumentRow.passages,
                ContentRow.layout["pages"].label("pages"),
                ContentRow.layout["warnings"].label("warnings"),
            )
            .join(DocumentRow, DocumentRow.key == PathRow.document_key)
            .join(ContentRow, ContentRow.document_key == DocumentRow.key)
            .where(PathRow.deleted_revision.is_(None))
        )
        for rows in blocks(self._engine, statement, PathRow.path, _BLOCK):
            yield from (_file_report(row) for row in rows)

    def pages_without_text(self, document_key: int) -> int:
        """How many pages of a document hold no text; 0 for one without pages."""
        statement = select(ContentRow.layout["pages"]).where(ContentRow.document_key == document_key)
        with self._engine.connect() as connection:
            pages = connection.scalar(statement) or []
        return len(pages) - _count_with_text(pages)


def _with_paths(*columns: Any) -> Any:
    return (
        select(*columns)
        .join(PathRow, PathRow.document_key == DocumentRow.key)
        .where(DocumentRow.deleted_revision.is_(None), PathRow.deleted_revision.is_(None))
    )


def _rows(connection: Connection, condition: Any) -> list[Any]:
    statement = (
        select(*DocumentRow.__table__.columns, PathRow.path, PathRow.modified_ns, PathRow.deleted_revision)
        .join(PathRow, PathRow.document_key == DocumentRow.key)
        .where(condition)
        .order_by(PathRow.key)
    )
    return list(connection.execute(statement))


def _info(rows: Sequence[Any]) -> DocumentInfo:
    # A reader of an older revision may still show a document whose paths have just gone.
    living = [row for row in rows if row.deleted_revision_1 is None] or rows
    first = living[0]
    return DocumentInfo(
        id=first.id,
        path=first.path,
        title=first.title,
        language=first.language,
        type=first.type,
        characters=first.characters,
        passages=first.passages,
        modified=datetime.fromtimestamp(first.modified_ns / 1e9, tz=UTC),
        paths=tuple(row.path for row in living),
        sha256=first.content_sha256,
        metadata=first.attributes,
    )


def _file_report(row: Any) -> FileReport:
    pages = row.pages or []
    return FileReport(
        path=row.path,
        size_bytes=row.size_bytes,
        type=row.type,
        language=row.language,
        characters=row.characters,
        passages=row.passages,
        pages=len(pages),
        pages_with_text=_count_with_text(pages),
        warnings=tuple(row.warnings or ()),
    )


def _count_with_text(pages: Sequence[Sequence[int]]) -> int:
    return sum(end > start for _, start, end in pages)
