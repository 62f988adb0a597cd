"""Whole documents out of SQL, one after the other: text, layout, paths, passages and vectors.

For what takes a store elsewhere (export, a copy into another database). Everything is read as it was at one
revision, in short transactions: rows do not change once they are committed, so a long run sees one state
without holding anything up. A document that has been deleted and compacted away meanwhile is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, or_, select

from index.records import FileState
from index.sql.schema import ContentRow, DocumentRow, PassageRow, PathRow, VectorRow
from ingest.conversion.document_json import layout_records
from ingest.records import Document, Passage

VECTOR = np.dtype("<f2")
_KEYS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A document as a store holds it; `vectors` by the index of the passage, float16."""

    document: Document
    paths: tuple[tuple[str, FileState], ...]
    passages: tuple[Passage, ...]
    vectors: Mapping[int, NDArray[np.float16]]


class Holdings:
    """The part of the catalogue that gives documents away whole."""

    _engine: Engine

    def count_holdings(self, revision: int) -> int:
        """How many documents there are at a revision."""
        statement = select(func.count()).select_from(DocumentRow).where(visible(DocumentRow, revision))
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def holdings(self, revision: int, fingerprint: str | None) -> Iterator[Holding]:
        """All documents at a revision, oldest first; with the vectors of that encoder if one is named."""
        last = 0
        while True:
            statement = (
                select(DocumentRow.key)
                .where(DocumentRow.key > last, visible(DocumentRow, revision))
                .order_by(DocumentRow.key)
                .limit(_KEYS)
            )
            with self._engine.connect() as connection:
                keys = list(connection.scalars(statement))
            if not keys:
                return
            last = keys[-1]
            for key in keys:
                with self._engine.connect() as connection:
                    holding = _holding(connection, key, revision, fingerprint)
                if holding is not None:
                    yield holding


def visible(table: Any, revision: int) -> Any:
    """Whether a row of a table is there at a revision."""
    return (table.created_revision <= revision) & or_(
        table.deleted_revision.is_(None), table.deleted_revision > revision
    )


def _holding(connection: Connection, key: int, revision: int, fingerprint: str | None) -> Holding | None:
    row = connection.execute(
        select(*DocumentRow.__table__.columns, ContentRow.text, ContentRow.layout)
        .join(ContentRow, ContentRow.document_key == DocumentRow.key)
        .where(DocumentRow.key == key)
    ).one_or_none()
    paths = connection.execute(
        select(PathRow.path, PathRow.size_bytes, PathRow.modified_ns, PathRow.checked_ns)
        .where(PathRow.document_key == key, visible(PathRow, revision))
        .order_by(PathRow.key)
    ).all()
    if row is None or not paths:
        return None
    passages = connection.execute(
        select(PassageRow.id, PassageRow.start, PassageRow.end, PassageRow.page, PassageRow.headings)
        .where(PassageRow.document_key == key)
        .order_by(PassageRow.id)
    ).all()
    document = Document(
        id=row.id,
        content_sha256=row.content_sha256,
        path=paths[0].path,
        title=row.title,
        text=row.text,
        type=row.type,
        language=row.language,
        metadata=row.attributes,
        parser=row.parser,
        size_bytes=paths[0].size_bytes,
        modified_ns=paths[0].modified_ns,
        **layout_records(row.layout),
    )
    return Holding(
        document=document,
        paths=tuple(
            (p.path, FileState(size_bytes=p.size_bytes, modified_ns=p.modified_ns, checked_ns=p.checked_ns))
            for p in paths
        ),
        passages=tuple(
            Passage(
                text=row.text[p.start : p.end],
                start=p.start,
                end=p.end,
                page=p.page,
                headings=tuple(p.headings),
            )
            for p in passages
        ),
        vectors=_vectors(connection, key, [p.id for p in passages], fingerprint) if fingerprint else {},
    )


def _vectors(
    connection: Connection, key: int, ids: list[int], fingerprint: str
) -> dict[int, NDArray[np.float16]]:
    statement = (
        select(VectorRow.passage_id, VectorRow.data)
        .join(PassageRow, PassageRow.id == VectorRow.passage_id)
        .where(PassageRow.document_key == key, VectorRow.fingerprint == fingerprint)
    )
    numbers = {passage_id: number for number, passage_id in enumerate(ids)}
    return {
        numbers[row.passage_id]: np.frombuffer(row.data, dtype=VECTOR)
        for row in connection.execute(statement)
    }
