"""Whole documents out of SQL: text, layout, paths, passages and vectors.

A run over all of them (export) reads everything as of one revision, in short transactions: rows do not change
once they are committed, so that a long run sees one state and holds nothing up. A document that has been
deleted and compacted away meanwhile is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Text, cast, func, select

from index.records import FileState
from index.sql.database import blocks
from index.sql.schema import VECTOR, ContentRow, DocumentRow, PassageRow, PathRow, VectorRow, visible
from ingest.conversion.document_json import layout_records
from ingest.records import Document, Passage

_BLOCK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document as a store holds it; `vectors` by the index of the passage, float16."""

    document: Document
    paths: tuple[tuple[str, FileState], ...]
    passages: tuple[Passage, ...]
    vectors: Mapping[int, NDArray[np.float16]]


class StoredDocuments:
    """The tables of documents and contents together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, document_id: str) -> Document | None:
        """A document with its whole text and layout, None for an unknown id."""
        statement = (
            _DOCUMENTS.add_columns(PathRow.path, PathRow.size_bytes, PathRow.modified_ns)
            .join(PathRow, PathRow.document_key == DocumentRow.key)
            .where(DocumentRow.id == document_id, DocumentRow.deleted_revision.is_(None))
            .where(PathRow.deleted_revision.is_(None))
            .order_by(PathRow.key)
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            return None
        metadata, layout = json.loads(row.attributes), layout_records(json.loads(row.layout))
        return _document(row, metadata, layout, row.path, row.size_bytes, row.modified_ns)

    def salvage(self, key: int) -> Document | None:
        """A document without damaged layout or metadata, by its last path; None without a text."""
        path = select(PathRow.path, PathRow.size_bytes, PathRow.modified_ns)
        path = path.where(PathRow.document_key == key).order_by(PathRow.key.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(_DOCUMENTS.where(DocumentRow.key == key)).one_or_none()
            last = connection.execute(path).one_or_none()
        if row is None:
            return None
        metadata, layout = read_metadata(row.attributes), fitting_layout(row.layout, len(row.text))
        return _document(row, metadata or {}, layout or {}, *(last or ()))

    def count(self, revision: int) -> int:
        """How many documents are visible at a revision."""
        statement = select(func.count()).select_from(DocumentRow).where(visible(DocumentRow, revision))
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def read(self, revision: int, fingerprint: str | None) -> Iterator[StoredDocument]:
        """All documents visible at a revision, oldest first, with the vectors of an encoder if given."""
        statement = select(DocumentRow.key).where(visible(DocumentRow, revision))
        for rows in blocks(self._engine, statement, DocumentRow.key, _BLOCK):
            for row in rows:
                with self._engine.connect() as connection:
                    stored = _stored_document(connection, row.key, revision, fingerprint)
                if stored is not None:
                    yield stored


def read_metadata(attributes: str) -> dict[str, str] | None:
    """The metadata of a document out of its JSON; None where that is damaged."""
    try:
        metadata = json.loads(attributes)
    except ValueError:
        return None
    return metadata if isinstance(metadata, dict) else None


def fitting_layout(layout: str, length: int) -> dict[str, Any] | None:
    """Fields of a document out of its stored layout; None where they do not fit a text of this length."""
    try:
        fields = layout_records(json.loads(layout))
        spans = [*fields["pages"], *fields["units"]]
        starts = [heading.start for heading in fields["headings"]]
        fits = all(0 <= span.start <= span.end <= length for span in spans)
        return fields if fits and all(0 <= start <= length for start in starts) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


# JSON as text, so that what is damaged can be salvaged.
_DOCUMENTS = select(
    *(column for column in DocumentRow.__table__.columns if column.name != "attributes"),
    cast(DocumentRow.attributes, Text).label("attributes"),
    ContentRow.text,
    cast(ContentRow.layout, Text).label("layout"),
).join(ContentRow, ContentRow.document_key == DocumentRow.key)


def _document(
    row: Any,
    metadata: Mapping[str, str],
    layout: Mapping[str, Any],
    path: str = "",
    size_bytes: int = 0,
    modified_ns: int = 0,
) -> Document:
    return Document(
        id=row.id,
        content_sha256=row.content_sha256,
        path=path,
        title=row.title,
        text=row.text,
        type=row.type,
        language=row.language,
        metadata=metadata,
        parser=row.parser,
        size_bytes=size_bytes,
        modified_ns=modified_ns,
        **layout,
    )


def _stored_document(
    connection: Connection, key: int, revision: int, fingerprint: str | None
) -> StoredDocument | None:
    row = connection.execute(_DOCUMENTS.where(DocumentRow.key == key)).one_or_none()
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
    metadata, layout, first = json.loads(row.attributes), layout_records(json.loads(row.layout)), paths[0]
    return StoredDocument(
        document=_document(row, metadata, layout, first.path, first.size_bytes, first.modified_ns),
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
    connection: Connection, key: int, ids: Sequence[int], fingerprint: str
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
