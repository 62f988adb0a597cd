"""What can be wrong inside SQL, found by questions that read every row; nothing is changed here.

Each finding has a kind, the keys of the rows and a sentence. The kinds and how each is mended stand side by
side in `mending`; what is wrong between SQL and the files is the matter of `integrity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, Select, Text, case, cast, exists, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from index.errors import StoreError
from index.sql.database import get_setting
from index.sql.schema import VECTOR, ContentRow, DocumentRow, PassageRow, PathRow, VectorRow
from index.sql.stored_documents import fitting_layout

_ROWS = 2000
_UNIT_ERROR = 0.01


class Fault(StrEnum):
    """What is wrong; keys are those of the rows named."""

    DATABASE = "the database file is damaged"
    REVISION = "the revision counter is wrong"
    ENCODING = "the record of the encoder is wrong"
    ORPHAN_VECTOR = "vectors belong to no passage; passage"
    ORPHAN_PASSAGE = "passages belong to no document; passage"
    ORPHAN_CONTENT = "texts belong to no document; document"
    ORPHAN_PATH = "paths belong to no document; path"
    TWIN_PATH = "paths are listed twice; path"
    NO_PATH = "documents have no path; document"
    GHOST_PASSAGE = "passages outlive their document; passage"
    DETAILS = "documents have details that cannot be read; document"
    COUNTS = "documents have a wrong count of characters or a wrong first passage; document"
    NO_CONTENT = "documents have no text; document"
    LAYOUT = "documents have pages or headings that cannot be right; document"
    PASSAGES = "documents have passages that are not slices of their text; document"
    LOST_PASSAGES = "documents have fewer or more passages than they should; document"
    TWISTED = "documents are deleted and yet have a path; document"
    VECTOR = "vectors are not unit vectors of the encoder's width; passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Some rows that are wrong in the same way."""

    fault: Fault
    keys: tuple[int, ...]
    said: str


class Audit:
    """Checks the rows of all tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def findings(self) -> list[Finding]:
        """All that is wrong inside SQL."""
        with self._engine.connect() as connection:
            try:
                return [*_findings(connection)]
            except (SQLAlchemyError, StoreError) as error:
                said = str(getattr(error, "orig", None) or error).splitlines()[0]
                return [Finding(fault=Fault.DATABASE, keys=(), said=f"database: {said}")]

    def problems(self) -> list[str]:
        """The same in sentences."""
        return [finding.said for finding in self.findings()]


def _findings(connection: Connection) -> Iterator[Finding]:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars():
            if line != "ok":
                yield Finding(fault=Fault.DATABASE, keys=(), said=f"database: {line}")
    yield from _settings(connection)
    for fault, statement in (*_questions(), *(_unreadable() if sqlite else ())):
        yield from _found(fault, connection.scalars(statement).all())
    yield from _found(Fault.LAYOUT, list(_wrong_layouts(connection)))
    fingerprint, dimension = get_setting(connection, "fingerprint"), get_setting(connection, "dimension")
    if fingerprint is not None and (dimension or "").isdigit():
        yield from _found(Fault.VECTOR, list(_wrong_vectors(connection, fingerprint, int(dimension or 0))))


def _found(fault: Fault, keys: Sequence[int]) -> Iterator[Finding]:
    if keys:
        what, noun = fault.value.split("; ")
        said = f"{what}: {len(keys)}, the first is {noun} {keys[0]}"
        yield Finding(fault=fault, keys=tuple(keys), said=said)


def newest_revision(connection: Connection) -> int:
    """The greatest revision that any row speaks of."""
    columns = [
        column
        for table in (DocumentRow, PathRow, PassageRow)
        for column in (table.created_revision, table.deleted_revision)
    ]
    return max(int(connection.scalar(select(func.max(column))) or 0) for column in columns)


def _settings(connection: Connection) -> Iterator[Finding]:
    counter, newest = get_setting(connection, "revision") or "", newest_revision(connection)
    if not counter.isdigit() or int(counter) < newest:
        said = f"the revision counter says {counter or 'nothing'}, the rows go up to {newest}"
        yield Finding(fault=Fault.REVISION, keys=(), said=said)
    fingerprint = get_setting(connection, "fingerprint")
    used = set(connection.scalars(select(VectorRow.fingerprint).distinct()))
    dimension = get_setting(connection, "dimension") or ""
    if used and (fingerprint is None or not dimension.isdigit()):
        said = "the record of the encoder is missing or cannot be read, and there are vectors"
        yield Finding(fault=Fault.ENCODING, keys=(), said=said)


def _questions() -> Iterator[tuple[Fault, Select[Any]]]:
    """A question for each fault that one statement can find; each asks for one column of keys."""
    of_document = exists().where(DocumentRow.key == PassageRow.document_key)
    yield (
        Fault.ORPHAN_VECTOR,
        select(VectorRow.passage_id).where(~exists().where(PassageRow.id == VectorRow.passage_id)).distinct(),
    )
    yield Fault.ORPHAN_PASSAGE, select(PassageRow.id).where(~of_document)
    content_of = exists().where(DocumentRow.key == ContentRow.document_key)
    yield Fault.ORPHAN_CONTENT, select(ContentRow.document_key).where(~content_of)
    path_of = exists().where(DocumentRow.key == PathRow.document_key)
    yield Fault.ORPHAN_PATH, select(PathRow.key).where(~path_of)
    newer = aliased(PathRow)
    twin = exists().where(
        newer.path == PathRow.path, newer.key > PathRow.key, newer.deleted_revision.is_(None)
    )
    yield Fault.TWIN_PATH, select(PathRow.key).where(PathRow.deleted_revision.is_(None), twin)
    alive = DocumentRow.deleted_revision.is_(None)
    at_a_path = exists().where(PathRow.document_key == DocumentRow.key, PathRow.deleted_revision.is_(None))
    yield Fault.NO_PATH, select(DocumentRow.key).where(alive, ~at_a_path)
    yield Fault.TWISTED, select(DocumentRow.key).where(~alive, at_a_path)
    yield (
        Fault.GHOST_PASSAGE,
        select(PassageRow.id)
        .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
        .where(PassageRow.deleted_revision.is_(None), ~alive, ~at_a_path),
    )
    has_text = exists().where(ContentRow.document_key == DocumentRow.key)
    yield Fault.NO_CONTENT, select(DocumentRow.key).where(alive, ~has_text)
    yield from _questions_of_counts(alive)


def _questions_of_counts(alive: Any) -> Iterator[tuple[Fault, Select[Any]]]:
    count, lowest, deleted = (
        select(what)
        .where(PassageRow.document_key == DocumentRow.key)
        .correlate(DocumentRow)
        .scalar_subquery()
        for what in (func.count(), func.min(PassageRow.id), func.count(PassageRow.deleted_revision))
    )
    yield (
        Fault.LOST_PASSAGES,
        select(DocumentRow.key).where(alive, or_(DocumentRow.passages != count, deleted != 0)),
    )
    yield (
        Fault.COUNTS,
        select(DocumentRow.key)
        .join(ContentRow, ContentRow.document_key == DocumentRow.key)
        .where(
            alive,
            or_(
                DocumentRow.characters != func.length(ContentRow.text),
                DocumentRow.first_passage.is_distinct_from(lowest),
            ),
        ),
    )
    slice_ = func.substr(ContentRow.text, PassageRow.start + 1, PassageRow.end - PassageRow.start)
    yield (
        Fault.PASSAGES,
        select(PassageRow.document_key)
        .join(ContentRow, ContentRow.document_key == PassageRow.document_key)
        .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
        .where(alive, PassageRow.deleted_revision.is_(None))
        .where(or_(PassageRow.start < 0, PassageRow.end <= PassageRow.start, slice_ != PassageRow.text))
        .distinct(),
    )


def _unreadable() -> Iterator[tuple[Fault, Select[Any]]]:
    """JSON that SQLite keeps as text; a server's database accepts no other than well-formed."""
    alive = DocumentRow.deleted_revision.is_(None)
    yield (
        Fault.DETAILS,
        select(DocumentRow.key).where(alive, func.json_type(_valid(DocumentRow.attributes)) != "object"),
    )
    yield (
        Fault.PASSAGES,
        select(PassageRow.document_key)
        .where(PassageRow.deleted_revision.is_(None))
        .where(func.json_type(_valid(PassageRow.headings)) != "array")
        .distinct(),
    )


def _valid(column: Any) -> Any:
    text = cast(column, Text)
    return case((func.json_valid(text) == 1, text), else_="null")


def _wrong_layouts(connection: Connection) -> Iterator[int]:
    """Documents whose pages, headings or units cannot be read or lie outside of their text."""
    last = 0
    while True:
        rows = connection.execute(
            select(
                ContentRow.document_key,
                func.length(ContentRow.text).label("length"),
                cast(ContentRow.layout, Text).label("layout"),
            )
            .join(DocumentRow, DocumentRow.key == ContentRow.document_key)
            .where(DocumentRow.deleted_revision.is_(None), ContentRow.document_key > last)
            .order_by(ContentRow.document_key)
            .limit(_ROWS)
        ).all()
        for row in rows:
            if fitting_layout(row.layout, row.length) is None:
                yield row.document_key
        if len(rows) < _ROWS:
            return
        last = rows[-1].document_key


def _wrong_vectors(connection: Connection, fingerprint: str, dimension: int) -> Iterator[int]:
    last = 0
    while True:
        rows = connection.execute(
            select(VectorRow.passage_id, VectorRow.data)
            .where(VectorRow.fingerprint == fingerprint, VectorRow.passage_id > last)
            .order_by(VectorRow.passage_id)
            .limit(_ROWS)
        ).all()
        sized = [row for row in rows if len(row.data) == 2 * dimension]
        yield from (row.passage_id for row in rows if len(row.data) != 2 * dimension)
        data = np.frombuffer(b"".join(row.data for row in sized), dtype=VECTOR)
        lengths = np.linalg.norm(data.reshape(len(sized), dimension).astype(np.float32), axis=1)
        yield from (
            row.passage_id
            for row, length in zip(sized, lengths, strict=True)
            if not abs(float(length) - 1) < _UNIT_ERROR
        )
        if len(rows) < _ROWS:
            return
        last = rows[-1].passage_id
