"""The files of a store one by one: what was read of each, what was not, and why some were left out.

Read from SQL, so that it can be asked for at any time after an ingest and not only at its end. Pages and
warnings stand in the layout of a document, beside its text; they are read page by page of the answer and
never all at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, select

from index.records import FileReport
from index.sql.rejections import Rejections, RememberedRejection
from index.sql.schema import ContentRow, DocumentRow, PathRow, RejectionRow
from ingest.records import Rejected

_PAGE = 1000
_CHUNK = 500


class Coverage(Rejections):
    """The part of the catalogue that tells of single files."""

    _engine: Engine

    def files(self) -> Iterator[FileReport]:
        """Every stored file by path, then every file that was left out, by path."""
        pages, warnings = ContentRow.layout["pages"], ContentRow.layout["warnings"]
        last = ""
        while True:
            statement = (
                select(
                    PathRow.path,
                    PathRow.size_bytes,
                    DocumentRow.type,
                    DocumentRow.language,
                    DocumentRow.characters,
                    DocumentRow.passages,
                    pages.label("pages"),
                    warnings.label("warnings"),
                )
                .join(DocumentRow, DocumentRow.key == PathRow.document_key)
                .join(ContentRow, ContentRow.document_key == DocumentRow.key)
                .where(PathRow.deleted_revision.is_(None), PathRow.path > last)
                .order_by(PathRow.path)
                .limit(_PAGE)
            )
            with self._engine.connect() as connection:
                rows = connection.execute(statement).all()
            yield from (_stored(row) for row in rows)
            if len(rows) < _PAGE:
                break
            last = rows[-1].path
        for item in self.rejections():
            rejected = Rejected(path=item.path, reason=item.reason, detail=item.detail)
            yield FileReport(path=item.path, size_bytes=item.size_bytes, rejected=rejected)

    def pages_without_text(self, document_key: int) -> int:
        """How many pages of a document hold no text; 0 for one without pages."""
        statement = select(ContentRow.layout["pages"]).where(ContentRow.document_key == document_key)
        with self._engine.connect() as connection:
            pages = connection.scalar(statement) or []
        return len(pages) - _with_text(pages)

    def path_blocks(self) -> Iterator[Sequence[str]]:
        """All living paths, some thousands at a time, in no order."""
        last = 0
        while True:
            statement = (
                select(PathRow.key, PathRow.path)
                .where(PathRow.deleted_revision.is_(None), PathRow.key > last)
                .order_by(PathRow.key)
                .limit(10 * _PAGE)
            )
            with self._engine.connect() as connection:
                rows = connection.execute(statement).all()
            if not rows:
                return
            last = rows[-1].key
            yield [row.path for row in rows]

    def rejected_among(self, paths: Sequence[str]) -> dict[str, RememberedRejection]:
        """What is noted about those of these paths that were left out."""
        return {
            found.path: found
            for start in range(0, len(paths), _CHUNK)
            for found in self._rejections(RejectionRow.path.in_(paths[start : start + _CHUNK]))
        }


def _stored(row: Any) -> FileReport:
    pages = row.pages or []
    return FileReport(
        path=row.path,
        size_bytes=row.size_bytes,
        type=row.type,
        language=row.language,
        characters=row.characters,
        passages=row.passages,
        pages=len(pages),
        pages_with_text=_with_text(pages),
        warnings=tuple(row.warnings or ()),
    )


def _with_text(pages: Sequence[Sequence[int]]) -> int:
    return sum(end > start for _, start, end in pages)
