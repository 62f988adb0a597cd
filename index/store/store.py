"""One folder that holds a collection: SQL as the truth, the derived indexes, one writer, many readers.

    store.json       where the database is, and the kind of the vector index if one was chosen
    spanwise.db      documents, paths, passages, vectors, revision (SQLite, WAL)
    index/           derived: vector segments, lexical index, manifest (see `snapshots.publisher`)
    uploads/         files handed in through the page
    writer.lock      held by the process that writes; the operating system drops it when that process dies

A write goes: lock, one SQL transaction for each file, publish. If the process dies in between, the next
question publishes what SQL already holds. Readers never wait: they keep the snapshot they have.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from index.checkpoints.presets import ModelChoice, resolve_models
from index.errors import ModelMismatch, StoreError, StoreNotFound
from index.ingestion import run as ingestion
from index.ingestion.choose_models import FirstDocuments
from index.protocols import Encoder
from index.records import (
    BackupReport,
    CheckReport,
    DocumentInfo,
    DocumentSize,
    ExportReport,
    Feedback,
    FileReport,
    Filters,
    ImportReport,
    IndexInfo,
    IngestProgress,
    IngestReport,
    LabelCount,
    ReembedReport,
    Stats,
    StoredPassage,
)
from index.snapshots.publisher import Snapshot
from index.sql.catalog import Catalog
from index.sql.vectors import Encoding
from index.store.folder import (
    SETTINGS,
    database_url,
    folder_size,
    found_inside,
    make_folder,
    named_inside,
)
from index.store.store_index import StoreIndex
from index.store.write_lock import StoreLock
from ingest.chunking.split import ChunkSettings
from ingest.conversion.options import ParseOptions
from ingest.conversion.parser_pool import Limits
from ingest.records import Document, Rejected, Text

if TYPE_CHECKING:
    from index.store.read_export import Export

# A question that has begun is answered within this time.
GRACE_SECONDS = 60.0


class Store:
    """A collection of documents that can be searched.

    Safe to share between threads: readers work on immutable snapshots, writers take turns.
    """

    def __init__(self, path: Path, catalog: Catalog, models: ModelChoice, encoder: Encoder | None) -> None:
        self.path = path
        self.models = models
        self.uploads = path / "uploads"
        self._catalog = catalog
        self._encoder = encoder
        self._encoder_loading = threading.Lock()
        self._lock = StoreLock(path, catalog.writer_lock(path))
        self._index = StoreIndex(path, catalog, self._lock)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        models: str | None = None,
        encoder: Encoder | None = None,
        database: str | None = None,
    ) -> Store:
        """Open the store in a folder.

        `models` is a preset or "ENCODER,READER" with either side empty; without it the store's recorded
        models serve, and those of a new store are chosen by its first documents. `encoder` is a loaded
        encoder to use instead of the recorded one. `database` is the URL of a PostgreSQL database for the SQL
        side of a store made now; its password comes from the environment. Raises StoreNotFound unless
        `create`, StoreVersionMismatch, and StoreError when the folder holds something else or the database
        cannot be reached.
        """
        folder = Path(path).expanduser().absolute()
        made = create and make_folder(folder, database)
        if not (folder / SETTINGS).is_file():
            raise StoreNotFound(
                f"there is no store in {folder}",
                hint=f"make one with: spanwise ingest PATH --store {folder}",
            )
        try:
            catalog = Catalog.open(database_url(folder), folder)
        except StoreError:
            if made:  # a database that cannot be reached leaves no store behind
                (folder / SETTINGS).unlink()
            raise
        reader = found_inside(folder, catalog.settings.get("reader") or "")
        recorded = f"{catalog.settings.get('encoder') or ''},{reader}"
        chosen = resolve_models(models, default=resolve_models(recorded))
        store = cls(folder, catalog, chosen, encoder)
        # Without a word about models the first documents decide: `index.ingestion.choose_models`.
        if create and (encoder or models) and catalog.settings.get("encoder") is None:
            store._record_models(replace(chosen, encoder=encoder.name) if encoder else chosen)
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._index.builder.finish(give_up=error is not None)
        self.close()

    def close(self) -> None:
        """Let go of the files, when an index that is being built in the background is done."""
        self._index.close()
        self._catalog.close()

    @property
    def encoder(self) -> Encoder:
        """The encoder of this store, loaded on first use; raises ModelMismatch for another's vectors."""
        with self._encoder_loading:
            if self._encoder is None:
                from index.models.encoder import load_encoder

                self._encoder = load_encoder(self.models.encoder)
            self.require_match(self._encoder)
            return self._encoder

    # -- writing --------------------------------------------------------------------------------------------

    def ingest(
        self,
        paths: Iterable[str | Path],
        *,
        prune: bool = False,
        dry_run: bool = False,
        progress: Callable[[IngestProgress], None] | None = None,
        chunking: ChunkSettings | None = None,
        limits: Limits | None = None,
        options: ParseOptions | None = None,
        retry_rejected: bool = False,
        only: Collection[str] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> IngestReport:
        """Add and update files and folders; what the report counts as added can be searched on return.

        A file that cannot be ingested is listed in the report and never ends the run; it is tried again
        when it, or what reads it, has changed, or with `retry_rejected`. `prune` removes documents below
        the given paths whose files are gone or left out today. `limits` bound what one file may cost,
        `options` hold passwords and text recognition. `only` restricts the run to these paths, absolute,
        and what lies below them. Of the files below `paths`, only those count that match one of `include`
        (patterns as in `.gitignore`; without any, all) and none of `exclude`; what is stored of the others
        stays, whether or not the run prunes. Raises IngestError for a path that does not exist or a pattern
        that is none, StoreLocked while another process writes.
        """
        if options is not None and options.ocr is not None:
            from ingest.parsers.pdf.ocr import require_tesseract

            require_tesseract(options.ocr)
        with self._lock.writing("ingest"):
            session = self._ingestion(chunking)
            try:
                return session.ingest_paths(
                    paths,
                    prune=prune,
                    dry_run=dry_run,
                    progress=progress,
                    limits=limits,
                    options=options,
                    retry_rejected=retry_rejected,
                    only=only,
                    include=include,
                    exclude=exclude,
                )
            finally:
                if not dry_run:
                    self._index.publish()

    def add(self, texts: Iterable[Text], *, chunking: ChunkSettings | None = None) -> IngestReport:
        """Add or replace texts under their own ids; they can be searched on return."""
        with self._lock.writing("adding texts"):
            session = self._ingestion(chunking)
            try:
                return session.ingest_texts(texts)
            finally:
                self._index.publish()

    def settle(self) -> None:
        """Wait until no index is being built in the background."""
        self._index.builder.finish()

    def delete(self, names: Sequence[str]) -> int:
        """Remove documents by path, folder, document id or id of an added text; returns the number of paths.

        Files handed in through the page are deleted from `uploads` too, all others stay where they are.
        Raises StoreError for a name that is not in the store, before anything is removed.
        """
        with self._lock.writing("delete"):
            paths = sorted({path for name in names for path in self._paths_of(name)})
            removed = self._catalog.remove(paths)
            for path in paths:
                if Path(path).is_relative_to(self.uploads):
                    Path(path).unlink(missing_ok=True)
            self._index.publish()
            return removed

    def forget_rejected(self, paths: Sequence[str]) -> None:
        """Forget that files were left out; those among `uploads` that are no documents are deleted."""
        with self._lock.writing("forgetting files that were left out"):
            self._catalog.rejections.forget(*paths)
            for path in set(paths) - set(self._catalog.paths.among(paths)):
                if Path(path).is_relative_to(self.uploads):
                    Path(path).unlink(missing_ok=True)

    def repair(self) -> CheckReport:
        """Repair what `check` finds, build both indexes again from SQL, and check once more.

        The report says what was done, and what is lost: texts that are damaged in the database and whose
        files are gone or have changed.
        """
        from index.store.repair import Repair

        with self._lock.writing("repair"):
            fingerprint = self._catalog.settings.get("fingerprint")
            repair = Repair(self._catalog, lambda: self.encoder)
            suspects = self._index.suspected_vectors(fingerprint) if fingerprint else []
            repair.run(self._catalog.audit.findings(), suspects)
            self._index.publish(from_scratch=True)
        self._index.builder.run()
        return replace(self.check(), done=tuple(repair.done), lost=tuple(repair.lost))

    def compact(self, *, index: str | None = None, grace_seconds: float = GRACE_SECONDS) -> IndexInfo:
        """Rewrite both indexes without deleted passages, the vectors as one segment.

        Documents deleted `grace_seconds` ago or earlier leave the database for good. `index` records the kind
        of the vector index: `auto` chooses by size, else a FAISS factory string. Raises StoreError for a
        string that cannot be used, before anything is changed.
        """
        with self._lock.writing("compact"):
            if index is not None:
                self._index.record_kind(index, lambda: self.encoder.dimension)
            self._catalog.vectors.remove_unused()
            self._index.publish(from_scratch=True)
            self._catalog.purge.run(
                self._catalog.purge.purgeable_revision(self._catalog.revision(), time.time(), grace_seconds)
            )
            self._catalog.purge.vacuum()
            self._catalog.checkpoint()
        self._index.builder.run()
        return self.stats().index

    def reembed(
        self, encoder: str | Encoder, *, progress: Callable[[int, int], None] | None = None
    ) -> ReembedReport:
        """Let another encoder (a name, or one that is loaded) serve this store from now on.

        Its vectors are written beside those of the present one, which serve until all are there; a run that
        was cut short goes on where it stopped. Raises StoreLocked while another process writes for long.
        """
        from index.store.reembed import Reembedding

        if isinstance(encoder, str):
            from index.models.encoder import load_encoder

            encoder = load_encoder(resolve_models(f"{encoder},").encoder)
        report = Reembedding(self._catalog, encoder, lambda: self._lock.writing("reembed"), progress).run()
        with self._encoder_loading:
            self._encoder = encoder
            self.models = replace(self.models, encoder=encoder.name)
        with self._lock.writing("reembed"):
            self._index.publish()
        self._index.builder.run()
        return report

    def read_with(self, reader: str) -> None:
        """Record another reader (a preset, hub id or folder) for this store.

        A folder inside the store is recorded by its place there, so that it is found when the store moves.
        """
        with self._lock.writing("changing the reader"):
            self._catalog.settings.set("reader", named_inside(self.path, reader))
        self.models = replace(self.models, reader=reader)

    # -- moving ---------------------------------------------------------------------------------------------

    def export_file(
        self,
        target: str | Path,
        *,
        vectors: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """Write all documents as JSON lines (the format stands in `store.export`), `.gz` compressed.

        With `vectors` a store of the same encoder need not encode the passages again.
        """
        from index.store.export import export_store

        return export_store(self._catalog, self.path, target, vectors=vectors, progress=progress)

    def import_file(
        self, source: str | Path | Export, *, progress: Callable[[int, int], None] | None = None
    ) -> ImportReport:
        """Import what an export holds; lines that cannot be read are listed in the report.

        Raises DataError for a file that is no export.
        """
        from index.store.import_export import Import
        from index.store.read_export import Export, read_export

        if not isinstance(source, Export):
            with read_export(source) as opened:
                return self.import_file(opened, progress=progress)
        with self._lock.writing("import"):
            session = Import(self._catalog, self.path, self._ready_encoder, self._index.publish)
            try:
                return session.run(source, progress)
            finally:
                self._index.publish()

    def backup(self, target: str | Path) -> BackupReport:
        """Copy this store into a new or empty folder while others use it; the copy opens as a store."""
        from index.store.backup import back_up

        report = back_up(self._catalog, self.path, target)
        with Store.open(target) as copy:
            copy.snapshot()  # builds its indexes now, not when the copy is needed
        return report

    # -- reading --------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The newest published state; it stays as it is while others write."""
        return self._index.snapshot()

    def rebuild_index(self, reason: Exception) -> None:
        """Build both indexes again from SQL after a search has met damage in them."""
        self._index.rebuild_after(reason)

    @property
    def catalog(self) -> Catalog:
        """The SQL side, for the modules of `index` only."""
        return self._catalog

    def stats(self) -> Stats:
        """What the store holds."""
        totals = self._catalog.documents.totals()
        return Stats(
            **totals,
            revision=self._catalog.revision(),
            encoder=self._catalog.settings.get("encoder") or self.models.encoder,
            reader=self.models.reader,
            languages=self._catalog.documents.languages(),
            types=self._catalog.documents.types(),
            bytes=folder_size(self.path) + self._catalog.server_bytes(),
            index=self._index.info(),
            rejected=self._catalog.rejections.counts(),
            **self._catalog.annotations.counts(),
        )

    def check(self) -> CheckReport:
        """Whether SQL and both indexes agree, checksums and every vector included; changes nothing.

        Writers wait meanwhile. What a writer that died has committed is published first, as by any reader.
        Raises StoreLocked while another process writes for long.
        """
        from index.store.repair import find_problems

        if not self._lock.writable:
            problems = find_problems(self._catalog, self._index, lambda: self.encoder)
        else:
            with self._lock.writing("check"):
                self._index.publish_leftovers()
                problems = find_problems(self._catalog, self._index, lambda: self.encoder)
        return CheckReport(ok=not problems, problems=tuple(problems))

    def documents(
        self, filters: Filters | None = None, *, offset: int = 0, limit: int | None = None
    ) -> tuple[DocumentInfo, ...]:
        """Documents that pass the filters, by path."""
        if not filters or filters.empty:
            if offset or limit is not None:
                return self._catalog.documents.search(offset=offset, limit=limit)[1]
            return tuple(self._catalog.documents.infos().values())
        keys = self._catalog.filters.select(filters, self._catalog.revision()).documents.tolist()
        chosen = tuple(self._catalog.documents.infos(keys).values())
        return chosen[offset : None if limit is None else offset + limit]

    def files(self) -> Iterator[FileReport]:
        """Every stored file, by path, then every file that was left out, by path."""
        yield from self._catalog.documents.files()
        for item in self._catalog.rejections.all():
            rejected = Rejected(path=item.path, reason=item.reason, detail=item.detail)
            yield FileReport(path=item.path, size_bytes=item.size_bytes, rejected=rejected)

    def named(self, name: str) -> tuple[DocumentInfo, ...]:
        """The documents under a path or in a folder, or the one with an id; raises StoreError for none."""
        known = self._catalog.paths.among(self._paths_of(name)).values()
        return tuple(self._catalog.documents.infos({item.document_key for item in known}).values())

    def document(self, document_id: str) -> Document:
        """A document with its whole text, pages and headings; raises StoreError for an unknown id."""
        document = self._catalog.stored_documents.get(document_id)
        if document is None:
            raise StoreError(f"there is no document {document_id} in {self.path}", hint="see: spanwise stats")
        return document

    def document_of_content(self, content_sha256: str) -> Document | None:
        """A document made from a file with these bytes, None if there is none."""
        known = self._catalog.paths.of_content(content_sha256, limit=1)
        return self.document(known[0].document_id) if known else None

    def find_documents(
        self, text: str = "", *, offset: int = 0, limit: int | None = None
    ) -> tuple[int, tuple[DocumentInfo, ...]]:
        """How many documents have `text` in their title or a path, and one page of them, by path."""
        return self._catalog.documents.search(text, offset=offset, limit=limit)

    def document_sizes(self) -> list[DocumentSize]:
        """File type and size of every document."""
        return self._catalog.documents.sizes()

    def paths(self, among: Sequence[str] | None = None) -> list[str]:
        """All paths of documents, sorted; or those of `among` under which there is a document."""
        return self._catalog.paths.all() if among is None else sorted(self._catalog.paths.among(among))

    def recorded_models(self) -> tuple[str | None, str | None]:
        """The fingerprint of the encoder and the name of the reader, as other processes see them now."""
        return self._catalog.settings.get("fingerprint"), self._catalog.settings.get("reader")

    def draw_passages(self, count: int, *, seed: int) -> list[StoredPassage]:
        """Up to `count` passages drawn at random."""
        revision = self.snapshot().revision
        ids, _ = self._catalog.passages.visible(revision)
        drawn = np.random.default_rng(seed).choice(ids, min(count, len(ids)), replace=False)
        return [passage for passage, _ in self._catalog.passages.get(drawn.tolist(), revision).values()]

    # -- labels and feedback --------------------------------------------------------------------------------

    def label_counts(self) -> tuple[LabelCount, ...]:
        """How many files and how many places in files have each label, the commonest first."""
        return self._catalog.annotations.label_counts()

    def labels_of(self, passage_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The labels on each of these passages or on its file, sorted; () for a passage without any."""
        return self._catalog.annotations.labels_of(passage_ids)

    def add_label(self, name: str, document_ids: Collection[str]) -> int:
        """Put a label on the files of documents; how many did not have it."""
        files = set(self._catalog.documents.content_hashes(sorted(document_ids)).values())
        return sum(self._catalog.annotations.add_label(name, file) for file in sorted(files))

    def remove_label(self, name: str, document_ids: Collection[str] | None = None) -> int:
        """Remove a label from documents and all words in them (by default from all); how many there were."""
        if document_ids is None:
            return self._catalog.annotations.remove_labels(name)
        files = self._catalog.documents.content_hashes(sorted(document_ids)).values()
        return self._catalog.annotations.remove_labels(name, set(files))

    def feedback(self) -> tuple[Feedback, ...]:
        """All verdicts on answers, in the order in which they were given."""
        return self._catalog.annotations.feedback()

    def add_feedback(self, feedback: Feedback) -> bool:
        """Store a verdict; False if the very same is stored already."""
        return self._catalog.annotations.add_feedback(feedback)

    def remove_feedback(self, feedback: Feedback) -> bool:
        """Remove a verdict; False if it is not stored."""
        return self._catalog.annotations.remove_feedback(feedback) > 0

    # -- inside ---------------------------------------------------------------------------------------------

    def _ingestion(self, chunking: ChunkSettings | None) -> ingestion.Ingestion:
        return ingestion.Ingestion(
            catalog=self._catalog,
            encoder=self._ready_encoder,
            uploads=self.uploads,
            chunking=chunking,
            publish=self._index.publish,
            first=None if self._has_models else FirstDocuments(self._choose_models),
        )

    @property
    def _has_models(self) -> bool:
        return self._encoder is not None or self._catalog.settings.get("encoder") is not None

    def _choose_models(self, preset: str) -> None:
        self.models = resolve_models(preset)
        self._record_models(self.models)

    def _record_models(self, models: ModelChoice) -> None:
        self._catalog.settings.set("encoder", models.encoder)
        self._catalog.settings.set("reader", named_inside(self.path, models.reader))

    def _ready_encoder(self) -> Encoder:
        """The encoder, recorded as the one whose vectors this store holds."""
        encoder = self.encoder
        if self._catalog.settings.get("encoder") is None:
            self._record_models(self.models)
        if self._catalog.settings.get("fingerprint") is None:
            self._index.publish_empty(encoder.fingerprint, encoder.dimension)
            self._catalog.vectors.record_encoder(Encoding.of(encoder))
        return encoder

    def require_match(self, encoder: Encoder) -> None:
        """Raise ModelMismatch unless this store holds vectors of that encoder, or none."""
        recorded = self._catalog.settings.get("fingerprint")
        if recorded is not None and recorded != encoder.fingerprint:
            name = self._catalog.settings.get("encoder")
            raise ModelMismatch(
                f"the store {self.path} holds vectors of the encoder {name}, not of {encoder.name}",
                hint=f"open it with --encoder {name}, or change it: "
                f"spanwise reembed --encoder {encoder.name} --store {self.path}",
            )

    def _paths_of(self, name: str) -> list[str]:
        absolute = Path(name).expanduser().absolute().as_posix()
        paths = [*self._catalog.paths.among([name, absolute, f"text:{name}"])]
        paths = paths or self._catalog.paths.below(absolute)
        paths = paths or [known.path for known in self._catalog.paths.of_document(name)]
        if not paths:
            raise StoreError(
                f"{name} is not in the store {self.path}: no such path, folder or document id",
                hint="see what it holds with: spanwise stats",
            )
        return paths
