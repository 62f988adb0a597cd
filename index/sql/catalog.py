"""The SQL side of a store: one database, a small class for each task on it, and the changes of documents.

Everything takes and returns records, never ORM rows. Every change is one transaction that also counts the
revision up, so that a file is either wholly in or not at all and `revision` always names the state that a
reader sees. No transaction outlives a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, update

from index.protocols import Vectors
from index.records import FileState
from index.sql.annotations import Annotations
from index.sql.audit import Audit
from index.sql.database import (
    Settings,
    WriterLock,
    batches,
    changing,
    connect,
    explaining,
    next_revision,
    writer_lock,
)
from index.sql.documents import Documents
from index.sql.filters import FilterQueries
from index.sql.migrations.upgrade import require_current_schema
from index.sql.passages import Passages
from index.sql.paths import Paths
from index.sql.purge import Purge
from index.sql.rejections import Rejections, drop_rejections
from index.sql.schema import VECTOR, Base, ContentRow, DocumentRow, PassageRow, PathRow, VectorRow
from index.sql.stored_documents import StoredDocuments
from index.sql.vectors import PassageVectors
from ingest.conversion.document_json import layout_of
from ingest.records import Document, Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A parsed document ready to be written: its passages and, by passage index, the vectors it has."""

    document: Document
    passages: tuple[Passage, ...]
    vectors: Mapping[int, Vectors]


class Catalog:
    """The database of one store; its members read and write one kind of thing each."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.settings = Settings(engine)
        self.paths = Paths(engine)
        self.documents = Documents(engine)
        self.stored_documents = StoredDocuments(engine)
        self.passages = Passages(engine)
        self.vectors = PassageVectors(engine)
        self.filters = FilterQueries(engine)
        self.annotations = Annotations(engine)
        self.rejections = Rejections(engine)
        self.purge = Purge(engine)
        self.audit = Audit(engine)

    @classmethod
    def open(cls, url: str, folder: Path) -> Catalog:
        """The catalogue of the store in `folder`; its schema is the newest one on return.

        Raises StoreError when the database cannot be used, StoreVersionMismatch for a newer schema, and for
        an older one that cannot be brought up to date here.
        """
        engine = connect(url, folder)
        with explaining(engine):
            require_current_schema(engine, folder)
        return cls(engine)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def writer_lock(self, folder: Path) -> WriterLock:
        """The lock that keeps two writers of the store in `folder` apart."""
        return writer_lock(self.engine, folder)

    def revision(self) -> int:
        """The number of the last committed change; raises StoreError for a damaged counter."""
        return self.settings.revision()

    # -- changes of documents -------------------------------------------------------------------------------

    def write(self, new: NewDocument, path: str, state: FileState, fingerprint: str) -> int:
        """Store a document under a path, replacing what was there, in one transaction; the new revision."""
        with changing(self.engine) as connection:
            revision = next_revision(connection)
            lost = _drop_paths(connection, [path], revision)
            key = _insert_document(connection, new, revision, fingerprint)
            _insert_path(connection, path, key, state, revision)
            _drop_orphans(connection, lost, revision)
        return revision

    def link(self, document_key: int, path: str, state: FileState, *, instead_of: str | None = None) -> int:
        """Store a known document under one more path, or after a rename `instead_of` its old one."""
        with changing(self.engine) as connection:
            revision = next_revision(connection)
            replaced = [path] if instead_of is None else [path, instead_of]
            lost = _drop_paths(connection, replaced, revision)
            _insert_path(connection, path, document_key, state, revision)
            _drop_orphans(connection, lost, revision)
        return revision

    def remove(self, paths: Sequence[str]) -> int:
        """Remove paths, and documents without another path, in one transaction; returns how many paths."""
        if not paths:
            return 0
        with changing(self.engine) as connection:
            revision = next_revision(connection)
            lost = _drop_paths(connection, paths, revision)
            _drop_orphans(connection, lost, revision)
            drop_rejections(connection, paths)
        return len(lost)

    def replace(
        self, key: int, new: NewDocument, paths: Sequence[str], state: FileState, fingerprint: str
    ) -> None:
        """Store a document under these paths instead of the faulty one with this key, in one transaction."""
        with changing(self.engine) as connection:
            revision = next_revision(connection)
            lost = _drop_paths(connection, paths, revision)
            new_key = _insert_document(connection, new, revision, fingerprint)
            for path in paths:
                _insert_path(connection, path, new_key, state, revision)
            _drop_orphans(connection, lost, revision)
            _mark_deleted(connection, [key], revision)

    def discard(self, key: int, paths: Sequence[str]) -> None:
        """Delete a faulty document and its paths, in one transaction."""
        with changing(self.engine) as connection:
            revision = next_revision(connection)
            _drop_paths(connection, paths, revision)
            _mark_deleted(connection, [key], revision)

    # -- the database itself --------------------------------------------------------------------------------

    def server_bytes(self) -> int:
        """Bytes that the tables take on a server; 0 where they are in the store's folder."""
        if self.engine.dialect.name == "sqlite":
            return 0
        with self.engine.connect() as connection:
            sizes = [
                connection.scalar(select(func.pg_total_relation_size(func.to_regclass(name))))
                for name in Base.metadata.tables
            ]
        return sum(int(size or 0) for size in sizes)

    def checkpoint(self) -> None:
        """Flush what was committed to the disk, so that it outlives a loss of power; waits for no reader."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def _insert_document(connection: Connection, new: NewDocument, revision: int, fingerprint: str) -> int:
    document = new.document
    key = connection.execute(
        insert(DocumentRow).values(
            id=document.id,
            content_sha256=document.content_sha256,
            parser=document.parser,
            type=document.type,
            title=document.title,
            language=document.language,
            characters=len(document.text),
            passages=len(new.passages),
            attributes=dict(document.metadata),
            created_revision=revision,
        )
    ).inserted_primary_key
    assert key is not None  # noqa: S101 - for the type checker: one row was inserted
    document_key = int(key[0])
    connection.execute(
        insert(ContentRow).values(document_key=document_key, text=document.text, layout=layout_of(document))
    )
    rows = [
        {
            "document_key": document_key,
            "text": passage.text,
            "start": passage.start,
            "end": passage.end,
            "page": passage.page,
            "headings": list(passage.headings),
            "created_revision": revision,
        }
        for passage in new.passages
    ]
    if rows:
        ids = connection.scalars(
            insert(PassageRow).returning(PassageRow.id, sort_by_parameter_order=True), rows
        ).all()
        connection.execute(
            update(DocumentRow).where(DocumentRow.key == document_key).values(first_passage=ids[0])
        )
        vectors = [
            {"passage_id": ids[index], "fingerprint": fingerprint, "data": vector.astype(VECTOR).tobytes()}
            for index, vector in new.vectors.items()
        ]
        if vectors:
            connection.execute(insert(VectorRow), vectors)
    return document_key


def _insert_path(connection: Connection, path: str, key: int, state: FileState, revision: int) -> None:
    connection.execute(
        insert(PathRow).values(path=path, document_key=key, created_revision=revision, **asdict(state))
    )
    drop_rejections(connection, [path])


def _drop_paths(connection: Connection, paths: Sequence[str], revision: int) -> list[int]:
    """Mark paths as deleted; returns the keys of the documents under them, one for each stored path."""
    keys: list[int] = []
    for part in batches(paths):
        stored = PathRow.path.in_(part) & PathRow.deleted_revision.is_(None)
        keys += connection.scalars(select(PathRow.document_key).where(stored)).all()
        connection.execute(update(PathRow).where(stored).values(deleted_revision=revision))
    return keys


def _drop_orphans(connection: Connection, candidates: Iterable[int], revision: int) -> None:
    """Mark those documents that have no path any more as deleted, and their passages."""
    for part in batches(sorted(set(candidates))):
        with_path = select(PathRow.document_key).where(
            PathRow.document_key.in_(part), PathRow.deleted_revision.is_(None)
        )
        orphans = sorted(set(part) - set(connection.scalars(with_path).all()))
        if orphans:
            _mark_deleted(connection, orphans, revision)


def _mark_deleted(connection: Connection, keys: Sequence[int], revision: int) -> None:
    """Mark documents and their passages as deleted, those rows that are not so already."""
    for table, column in ((DocumentRow, DocumentRow.key), (PassageRow, PassageRow.document_key)):
        connection.execute(
            update(table)
            .where(column.in_(keys), table.deleted_revision.is_(None))
            .values(deleted_revision=revision)
        )
