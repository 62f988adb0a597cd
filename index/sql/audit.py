"""What can be wrong inside SQL, found by statements that read every row, and what the rows alone can repair.

Damaged rows come from a damaged file or from an editor of the database: every write is one transaction, and
foreign keys are enforced. A document with any fault is read again (`index.store.repair`); only the settings
and rows that belong to nothing are repaired here. Faults between SQL and the index files are found by
`index.snapshots.verify`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Text,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from index.errors import StoreError
from index.sql.database import changing, get_setting, next_revision, set_setting
from index.sql.schema import VECTOR, Base, ContentRow, DocumentRow, PassageRow, PathRow, VectorRow
from index.sql.stored_documents import fitting_layout, read_metadata

_ROWS = 2000
_UNIT_ERROR = 0.01


class Fault(StrEnum):
    """A kind of damage; after the semicolon whose keys a finding of it has."""

    DATABASE = "the database file is damaged"
    REVISION = "the revision counter is wrong"
    ENCODING = "the record of the encoder is wrong"
    ORPHAN = "rows belong to nothing"
    VECTOR = "vectors are not unit vectors of the encoder's width; passage"
    PASSAGES = "documents have passages that are not slices of their text; document"
    LOST_PASSAGES = "documents have fewer or more passages than they should; document"
    GHOST_PASSAGES = "passages outlive their document; document"
    NO_CONTENT = "documents have no text; document"
    LAYOUT = "documents have pages or headings that cannot be right; document"
    DETAILS = "documents have details that cannot be read; document"
    COUNTS = "documents have a wrong count of characters or a wrong first passage; document"
    TWIN_PATH = "paths are listed twice; document"
    NO_PATH = "documents have no path; document"
    TWISTED = "documents are deleted and yet have a path; document"

    @property
    def of_document(self) -> bool:
        """Whether the keys of a finding are those of documents."""
        return self.value.endswith("; document")


_ORPHANS = {
    "vectors": "vectors belong to no passage",
    "passages": "passages belong to no document",
    "contents": "texts belong to no document",
    "paths": "paths belong to no document",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Rows that are wrong in the same way, by their keys, and a sentence about them."""

    fault: Fault
    keys: tuple[int, ...] = ()
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRepairs:
    """What was repaired, in sentences, and the paths whose document row is lost."""

    done: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Audit:
    """Checks the rows of all tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def findings(self) -> list[Finding]:
        """Everything that is wrong inside SQL."""
        with self._engine.connect() as connection:
            try:
                return [*_findings(connection)]
            except (SQLAlchemyError, StoreError) as error:
                message = str(getattr(error, "orig", None) or error).splitlines()[0]
                return [Finding(fault=Fault.DATABASE, message=f"database: {message}")]

    def repair(self, findings: Sequence[Finding]) -> RowRepairs:
        """Repair the settings, and delete rows that belong to nothing, in one transaction."""
        faults = {finding.fault for finding in findings}
        done: list[str] = []
        paths: list[str] = []
        with changing(self._engine) as connection:
            if Fault.DATABASE in faults and connection.dialect.name == "sqlite":
                connection.exec_driver_sql("REINDEX")
                done.append("the database's own indexes were built again")
            if Fault.REVISION in faults:
                newest = _newest_revision(connection)
                set_setting(connection, "revision", str(newest))
                done.append(f"the revision counter was set to {newest}")
            if Fault.ORPHAN in faults:
                removed, paths = _delete_orphans(connection)
                done.append(f"{removed} rows that belonged to nothing were removed")
            if done:
                next_revision(connection)
        return RowRepairs(done=tuple(done), paths=tuple(paths))

    def paths_of(self, document_key: int) -> tuple[list[str], str | None]:
        """The paths under which a faulty document belongs, and the SHA-256 of its bytes.

        They are its living paths, but for those listed again for another document; without one, its last
        path if no other document has it now; none for a document that is deleted.
        """
        newer = aliased(PathRow)
        again = (newer.path == PathRow.path) & newer.deleted_revision.is_(None)
        other = exists().where(again, newer.key > PathRow.key, newer.document_key != document_key)
        own = select(PathRow.path).where(PathRow.document_key == document_key)
        living = own.where(PathRow.deleted_revision.is_(None), ~other).order_by(PathRow.key)
        last = own.add_columns(exists().where(again)).order_by(PathRow.key.desc()).limit(1)
        document = select(DocumentRow.content_sha256, DocumentRow.deleted_revision)
        with self._engine.connect() as connection:
            row = connection.execute(document.where(DocumentRow.key == document_key)).one_or_none()
            paths = list(dict.fromkeys(connection.scalars(living)))
            if not paths and row is not None and row.deleted_revision is None:
                paths = [path for path, taken in connection.execute(last) if not taken]
        return paths, None if row is None else row.content_sha256


def _delete_orphans(connection: Connection) -> tuple[int, list[str]]:
    """Delete rows whose parent row is missing; how many, and the living paths among them."""
    removed = 0
    paths: list[str] = []
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # a parent may go before its children
    while rows := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        for table, row, *_ in rows:
            this = literal_column("rowid") == int(row)
            if table == PathRow.__tablename__:
                living = select(PathRow.path).where(this, PathRow.deleted_revision.is_(None))
                paths += connection.scalars(living).all()
            connection.execute(delete(Base.metadata.tables[table]).where(this))
        removed += len(rows)
    return removed, paths


def _findings(connection: Connection) -> Iterator[Finding]:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars():
            if line != "ok":
                yield Finding(fault=Fault.DATABASE, message=f"database: {line}")
        # A server's database never lets go of its foreign keys.
        orphans = Counter(row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check"))
        for table, count in orphans.items():
            yield Finding(fault=Fault.ORPHAN, message=f"{_ORPHANS[table]}: {count}")
    yield from _settings(connection)
    for fault, statement in _statements():
        yield from _finding(fault, connection.scalars(statement).all())
    if sqlite:
        yield from _finding(Fault.PASSAGES, connection.scalars(_wrong_headings()).all())
    wrong = list(_wrong_json(connection))
    for fault in (Fault.LAYOUT, Fault.DETAILS):
        yield from _finding(fault, [key for kind, key in wrong if kind is fault])
    fingerprint, dimension = get_setting(connection, "fingerprint"), get_setting(connection, "dimension")
    if fingerprint is not None and (dimension or "").isdigit():
        yield from _finding(Fault.VECTOR, list(_wrong_vectors(connection, fingerprint, int(dimension or 0))))


def _finding(fault: Fault, keys: Sequence[int]) -> Iterator[Finding]:
    if keys:
        what, noun = fault.value.split("; ")
        message = f"{what}: {len(keys)}, the first is {noun} {keys[0]}"
        yield Finding(fault=fault, keys=tuple(keys), message=message)


def _newest_revision(connection: Connection) -> int:
    """The greatest revision in any row."""
    columns = [
        column
        for table in (DocumentRow, PathRow, PassageRow)
        for column in (table.created_revision, table.deleted_revision)
    ]
    return max(int(connection.scalar(select(func.max(column))) or 0) for column in columns)


def _settings(connection: Connection) -> Iterator[Finding]:
    counter, newest = get_setting(connection, "revision") or "", _newest_revision(connection)
    if not counter.isdigit() or int(counter) < newest:
        message = f"the revision counter says {counter or 'nothing'}, the rows go up to {newest}"
        yield Finding(fault=Fault.REVISION, message=message)
    fingerprint = get_setting(connection, "fingerprint")
    used = set(connection.scalars(select(VectorRow.fingerprint).distinct()))
    dimension = get_setting(connection, "dimension") or ""
    if used and (fingerprint is None or not dimension.isdigit()):
        message = "the record of the encoder is missing or cannot be read, and there are vectors"
        yield Finding(fault=Fault.ENCODING, message=message)


def _statements() -> Iterator[tuple[Fault, Select[Any]]]:
    """A statement for each fault that one can find; each asks for one column of document keys."""
    alive = DocumentRow.deleted_revision.is_(None)
    at_a_path = exists().where(PathRow.document_key == DocumentRow.key, PathRow.deleted_revision.is_(None))
    older = aliased(PathRow)
    twin = exists().where(
        older.path == PathRow.path, older.key < PathRow.key, older.deleted_revision.is_(None)
    )
    yield Fault.TWIN_PATH, select(PathRow.document_key).where(PathRow.deleted_revision.is_(None), twin)
    yield Fault.NO_PATH, select(DocumentRow.key).where(alive, ~at_a_path)
    yield Fault.TWISTED, select(DocumentRow.key).where(~alive, at_a_path)
    living_passages = exists().where(
        PassageRow.document_key == DocumentRow.key, PassageRow.deleted_revision.is_(None)
    )
    yield Fault.GHOST_PASSAGES, select(DocumentRow.key).where(~alive, ~at_a_path, living_passages)
    has_text = exists().where(ContentRow.document_key == DocumentRow.key)
    yield Fault.NO_CONTENT, select(DocumentRow.key).where(alive, ~has_text)
    yield from _count_statements(alive)


def _count_statements(alive: Any) -> Iterator[tuple[Fault, Select[Any]]]:
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


def _wrong_headings() -> Select[Any]:
    """Documents with headings that are no JSON array; SQLite keeps JSON as text and accepts any."""
    headings = cast(PassageRow.headings, Text)
    readable = case((func.json_valid(headings) == 1, headings), else_="null")
    return (
        select(PassageRow.document_key)
        .where(PassageRow.deleted_revision.is_(None), func.json_type(readable) != "array")
        .distinct()
    )


def _wrong_json(connection: Connection) -> Iterator[tuple[Fault, int]]:
    """Documents whose metadata, pages, headings or units cannot be read or do not fit their text."""
    statement = (
        select(
            ContentRow.document_key,
            func.length(ContentRow.text).label("length"),
            cast(ContentRow.layout, Text).label("layout"),
            cast(DocumentRow.attributes, Text).label("attributes"),
        )
        .join(DocumentRow, DocumentRow.key == ContentRow.document_key)
        .where(DocumentRow.deleted_revision.is_(None))
    )
    for row in connection.execute(statement, execution_options={"yield_per": _ROWS}):
        if fitting_layout(row.layout, row.length) is None:
            yield Fault.LAYOUT, row.document_key
        if read_metadata(row.attributes) is None:
            yield Fault.DETAILS, row.document_key


def _wrong_vectors(connection: Connection, fingerprint: str, dimension: int) -> Iterator[int]:
    """Passages whose vector has another width or another length than 1."""
    statement = select(VectorRow.passage_id, VectorRow.data).where(VectorRow.fingerprint == fingerprint)
    for rows in connection.execute(statement, execution_options={"yield_per": _ROWS}).partitions():
        sized = [row for row in rows if len(row.data) == VECTOR.itemsize * dimension]
        yield from (row.passage_id for row in rows if len(row.data) != VECTOR.itemsize * dimension)
        data = np.frombuffer(b"".join(row.data for row in sized), dtype=VECTOR)
        lengths = np.linalg.norm(data.reshape(len(sized), dimension).astype(np.float32), axis=1)
        yield from (
            row.passage_id
            for row, length in zip(sized, lengths, strict=True)
            if not abs(float(length) - 1) < _UNIT_ERROR
        )
