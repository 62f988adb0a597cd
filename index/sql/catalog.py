"""Transactions on the SQL side of a store: takes and returns records, never ORM rows.

Every change is one transaction that also counts the revision up, so that a file is either wholly in or not at
all and `revision` always says which state a reader sees. No transaction outlives a call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, insert, select, update

from index.errors import StoreError
from index.lexical.tantivy_index import LexicalEntry
from index.protocols import Vectors
from index.records import DocumentInfo, FileState, StoredPassage
from index.sql.annotations import Remarks
from index.sql.audit import Audit
from index.sql.coverage import Coverage
from index.sql.database import WriterLock, changing, open_database, writer_lock
from index.sql.filters import Selecting, matrix
from index.sql.listing import Listing
from index.sql.purge import Upkeep
from index.sql.rejections import drop_rejections
from index.sql.repair_rows import Mending
from index.sql.revisions import get_setting, next_revision, set_setting
from index.sql.schema import (
    Base,
    ContentRow,
    DocumentRow,
    PassageRow,
    PathRow,
    VectorRow,
)
from index.sql.stored_documents import VECTOR, Holdings, visible
from index.sql.vectors import Succession
from ingest.chunking.split import embedding_text
from ingest.conversion.document_json import layout_of, layout_records
from ingest.records import Document, Passage

Ids = NDArray[np.int64]
_T = TypeVar("_T")
_CHUNK = 500  # bound parameters in one statement; SQLite's older limit is 999


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPath:
    """A path that the catalogue holds, and the state of its file when it was read."""

    path: str
    document_key: int
    document_id: str
    content_sha256: str
    parser: str
    size_bytes: int
    modified_ns: int
    checked_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A parsed document ready to be written: its passages and, by passage index, the vectors it has."""

    document: Document
    passages: tuple[Passage, ...]
    vectors: Mapping[int, Vectors]


class Catalog(Audit, Coverage, Succession, Holdings, Listing, Mending, Remarks, Selecting, Upkeep):
    """The SQL side of one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, folder: Path) -> Catalog:
        """The catalogue of the store in `folder`; see `database.open_database`."""
        return cls(open_database(url, folder))

    @property
    def engine(self) -> Engine:
        """The connections, for what copies whole tables."""
        return self._engine

    def writer_lock(self, folder: Path) -> WriterLock:
        """What keeps two writers of the store in `folder` apart."""
        return writer_lock(self._engine, folder)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # -- settings -------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str | None:
        """One recorded fact, None if it was never set."""
        with self._engine.connect() as connection:
            return get_setting(connection, name)

    def set_setting(self, name: str, value: str) -> None:
        """Record one fact."""
        with changing(self._engine) as connection:
            set_setting(connection, name, value)

    def revision(self) -> int:
        """The number of the last committed change."""
        said = self.setting("revision") or "0"
        if not said.isdigit():
            raise StoreError(
                f"the revision counter of the database is {said!r}, which is no number",
                hint="mend it with: spanwise repair",
            )
        return int(said)

    def purged(self) -> int:
        """Up to which revision rows of deleted documents may have been taken away for good."""
        return int(self.setting("purged") or 0)

    # -- writing --------------------------------------------------------------------------------------------

    def write(self, new: NewDocument, path: str, state: FileState, fingerprint: str) -> int:
        """Put a document under a path, in one transaction; what the path held before goes. The revision."""
        with changing(self._engine) as connection:
            revision = next_revision(connection)
            lost = _drop_paths(connection, [path], revision)
            key = _insert_document(connection, new, revision, fingerprint)
            _insert_path(connection, path, key, state, revision)
            _drop_orphans(connection, lost, revision)
        return revision

    def link(self, document_key: int, path: str, state: FileState, *, instead_of: str | None = None) -> int:
        """Put a known document under another path (a copy, or a rename when `instead_of` is its old path)."""
        with changing(self._engine) as connection:
            revision = next_revision(connection)
            gone = [path] if instead_of is None else [path, instead_of]
            lost = _drop_paths(connection, gone, revision)
            _insert_path(connection, path, document_key, state, revision)
            _drop_orphans(connection, lost, revision)
        return revision

    def touch(self, path: str, state: FileState) -> None:
        """Note that a file was looked at and holds what it held."""
        with changing(self._engine) as connection:
            connection.execute(
                update(PathRow)
                .where(PathRow.path == path, PathRow.deleted_revision.is_(None))
                .values(**asdict(state))
            )

    def remove(self, paths: Sequence[str]) -> int:
        """Take paths out, and the documents that have no other path, in one transaction. How many."""
        if not paths:
            return 0
        with changing(self._engine) as connection:
            revision = next_revision(connection)
            lost = _drop_paths(connection, paths, revision)
            _drop_orphans(connection, lost, revision)
            drop_rejections(connection, paths)
        return len(lost)

    def server_bytes(self) -> int:
        """Bytes that the tables take on a server; 0 where they are in the store's folder."""
        if self._engine.dialect.name == "sqlite":
            return 0
        with self._engine.connect() as connection:
            sizes = [
                connection.scalar(select(func.pg_total_relation_size(func.to_regclass(name))))
                for name in Base.metadata.tables
            ]
        return sum(int(size or 0) for size in sizes)

    def checkpoint(self) -> None:
        """Bring what was committed to the disk itself, past a loss of power; waits for no reader."""
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    # -- paths and documents --------------------------------------------------------------------------------

    def known_path(self, path: str) -> KnownPath | None:
        """What the catalogue holds under a path."""
        return next(self._known(PathRow.path == path), None)

    def known_paths(self, paths: Sequence[str]) -> dict[str, KnownPath]:
        """What the catalogue holds under those of these paths that it knows."""
        return {known.path: known for part in _chunks(paths) for known in self._known(PathRow.path.in_(part))}

    def known_content(self, content_sha256: str, *, limit: int = 50) -> tuple[KnownPath, ...]:
        """The first paths under which these bytes are held; some contents lie in ten thousand folders."""
        return tuple(self._known(DocumentRow.content_sha256 == content_sha256, limit))

    def known_document(self, document_id: str) -> tuple[KnownPath, ...]:
        """All paths of a document."""
        return tuple(self._known(DocumentRow.id == document_id))

    def paths_below(self, folder: str) -> list[str]:
        """All paths inside a folder, sorted; by the index, whatever else the store holds."""
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

    def paths(self) -> list[str]:
        """All paths, sorted."""
        with self._engine.connect() as connection:
            statement = select(PathRow.path).where(PathRow.deleted_revision.is_(None)).order_by(PathRow.path)
            return list(connection.scalars(statement))

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

    def listed(
        self, wanted: str = "", *, offset: int = 0, limit: int | None = None
    ) -> tuple[int, tuple[DocumentInfo, ...]]:
        """How many living documents have `wanted` in their title or a path, and a stretch of them by path."""
        total, keys = self.stretch(wanted, offset=offset, limit=limit)
        found = self.documents(keys)
        return total, tuple(found[key] for key in keys if key in found)

    def documents(self, keys: Iterable[int] | None = None) -> dict[int, DocumentInfo]:
        """Documents by key (all living ones by default), in order of their first path."""
        with self._engine.connect() as connection:
            if keys is None:
                rows = _document_rows(connection, DocumentRow.deleted_revision.is_(None))
            else:
                rows = [
                    row
                    for part in _chunks(sorted(set(keys)))
                    for row in _document_rows(connection, DocumentRow.key.in_(part))
                ]
        grouped: dict[int, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row.key, []).append(row)
        found = {key: _document_info(group) for key, group in grouped.items()}
        return dict(sorted(found.items(), key=lambda item: item[1].path))

    def document(self, document_id: str) -> Document | None:
        """A living document with its whole text and layout."""
        known = self.known_document(document_id)
        if not known:
            return None
        info = self.documents([known[0].document_key])[known[0].document_key]
        with self._engine.connect() as connection:
            content = connection.execute(
                select(ContentRow.text, ContentRow.layout).where(
                    ContentRow.document_key == known[0].document_key
                )
            ).one()
        return Document(
            id=document_id,
            content_sha256=known[0].content_sha256,
            path=info.path,
            title=info.title,
            text=content.text,
            type=info.type,
            language=info.language,
            metadata=info.metadata,
            parser=known[0].parser,
            size_bytes=known[0].size_bytes,
            modified_ns=known[0].modified_ns,
            **layout_records(content.layout),
        )

    def languages(self) -> dict[str, int]:
        """Living documents by language."""
        return self._count_by(DocumentRow.language)

    def types(self) -> dict[str, int]:
        """Living documents by file type."""
        return self._count_by(DocumentRow.type)

    def _count_by(self, column: Any) -> dict[str, int]:
        statement = (
            select(column, func.count()).where(DocumentRow.deleted_revision.is_(None)).group_by(column)
        )
        with self._engine.connect() as connection:
            counts = [(str(name), int(count)) for name, count in connection.execute(statement)]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0])))

    def totals(self) -> dict[str, int]:
        """Living documents, paths, passages and characters."""
        alive = DocumentRow.deleted_revision.is_(None)
        with self._engine.connect() as connection:
            documents, characters, passages = connection.execute(
                select(
                    func.count(),
                    func.coalesce(func.sum(DocumentRow.characters), 0),
                    func.coalesce(func.sum(DocumentRow.passages), 0),
                ).where(alive)
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

    # -- passages and vectors -------------------------------------------------------------------------------

    def passages(self, ids: Sequence[int], revision: int) -> dict[int, tuple[StoredPassage, int]]:
        """Passages visible at a revision, by id, each with the key of its document."""
        found: dict[int, tuple[StoredPassage, int]] = {}
        with self._engine.connect() as connection:
            for part in _chunks(ids):
                statement = (
                    select(*PassageRow.__table__.columns, DocumentRow.id.label("document"))
                    .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
                    .where(PassageRow.id.in_(part), visible(PassageRow, revision))
                )
                for row in connection.execute(statement):
                    passage = StoredPassage(
                        id=row.id,
                        document_id=row.document,
                        text=row.text,
                        start=row.start,
                        end=row.end,
                        page=row.page,
                        headings=tuple(row.headings),
                    )
                    found[row.id] = (passage, row.document_key)
        return found

    def living_passages(self, revision: int) -> tuple[Ids, Ids]:
        """Ids (ascending) of all passages visible at a revision, and the keys of their documents."""
        statement = (
            select(PassageRow.id, PassageRow.document_key)
            .where(visible(PassageRow, revision))
            .order_by(PassageRow.id)
        )
        with self._engine.connect() as connection:
            rows = matrix(connection.execute(statement), 2)
        return rows[:, 0], rows[:, 1]

    def deleted_passages(self, since: int, revision: int) -> Ids:
        """Ids (ascending) of passages deleted after `since` and up to `revision`."""
        statement = (
            select(PassageRow.id)
            .where(PassageRow.deleted_revision > since, PassageRow.deleted_revision <= revision)
            .order_by(PassageRow.id)
        )
        with self._engine.connect() as connection:
            return np.array(connection.scalars(statement).all(), dtype=np.int64)

    def vector_ids(self, since: int, revision: int, fingerprint: str) -> Ids:
        """Ids (ascending) of passages with a vector, written after `since` and still there at `revision`."""
        statement = (
            select(VectorRow.passage_id)
            .join(PassageRow, PassageRow.id == VectorRow.passage_id)
            .where(_written(since, revision), VectorRow.fingerprint == fingerprint)
            .order_by(VectorRow.passage_id)
        )
        with self._engine.connect() as connection:
            return np.array(connection.scalars(statement).all(), dtype=np.int64)

    def vector_blocks(
        self, ids: Ids, fingerprint: str, dimension: int, rows: int
    ) -> Iterator[tuple[Ids, Vectors]]:
        """The vectors of these passages (ascending ids), float32, up to `rows` at a time.

        One that cannot be right (another width, a number that is none) is left out; `check` names it.
        """
        for start in range(0, len(ids), rows):
            part = ids[start : start + rows]
            statement = (
                select(VectorRow.passage_id, VectorRow.data)
                .where(
                    VectorRow.passage_id.between(int(part[0]), int(part[-1])),
                    VectorRow.fingerprint == fingerprint,
                )
                .order_by(VectorRow.passage_id)
            )
            with self._engine.connect() as connection:
                found = connection.execute(statement).fetchall()
            sized = [row for row in found if len(row.data) == dimension * VECTOR.itemsize]
            held = np.array([row.passage_id for row in sized], dtype=np.int64)
            data = np.frombuffer(b"".join(row.data for row in sized), dtype=VECTOR)
            vectors = data.reshape(len(sized), dimension)
            wanted = np.isin(held, part, assume_unique=True) & np.isfinite(vectors).all(axis=1)
            yield held[wanted], vectors[wanted].astype(np.float32)

    def lexical_entries(self, since: int, revision: int) -> Iterator[LexicalEntry]:
        """What the lexical index needs of passages written after `since` and still there at `revision`."""
        statement = (
            select(
                PassageRow.id,
                PassageRow.document_key,
                PassageRow.text,
                PassageRow.headings,
                DocumentRow.title,
                DocumentRow.language,
            )
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .where(_written(since, revision))
            .order_by(PassageRow.id)
        )
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(statement):
                yield LexicalEntry(
                    id=row.id,
                    document_key=row.document_key,
                    text=embedding_text(row.title, tuple(row.headings), row.text),
                    language=row.language,
                )


def _chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _written(since: int, revision: int) -> Any:
    return (PassageRow.created_revision > since) & visible(PassageRow, revision)


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
    """Mark paths as gone; the keys of the documents that stood there, one for each path that was held."""
    lost: list[int] = []
    for part in _chunks(paths):
        held = PathRow.path.in_(part) & PathRow.deleted_revision.is_(None)
        lost += connection.scalars(select(PathRow.document_key).where(held)).all()
        connection.execute(update(PathRow).where(held).values(deleted_revision=revision))
    return lost


def _drop_orphans(connection: Connection, candidates: Iterable[int], revision: int) -> None:
    """Mark those documents as gone that have no path any more, and their passages."""
    for part in _chunks(sorted(set(candidates))):
        held = select(PathRow.document_key).where(
            PathRow.document_key.in_(part), PathRow.deleted_revision.is_(None)
        )
        gone = sorted(set(part) - set(connection.scalars(held).all()))
        if gone:
            connection.execute(
                update(DocumentRow).where(DocumentRow.key.in_(gone)).values(deleted_revision=revision)
            )
            connection.execute(
                update(PassageRow)
                .where(PassageRow.document_key.in_(gone), PassageRow.deleted_revision.is_(None))
                .values(deleted_revision=revision)
            )


def _document_rows(connection: Connection, condition: Any) -> list[Any]:
    statement = (
        select(*DocumentRow.__table__.columns, PathRow.path, PathRow.modified_ns, PathRow.deleted_revision)
        .join(PathRow, PathRow.document_key == DocumentRow.key)
        .where(condition)
        .order_by(PathRow.key)
    )
    return list(connection.execute(statement))


def _document_info(rows: Sequence[Any]) -> DocumentInfo:
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
        metadata=first.attributes,
    )
