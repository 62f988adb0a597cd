"""Imports an export into a store: documents with their passages, and their vectors where they fit.

Each document is one transaction; without fitting vectors it is encoded. A path that is stored already gets
what the export has under it, as a file that changed would. An import that was killed can be run again, and
costs only what is missing then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from index.ingestion.embed_passages import embed_documents
from index.ingestion.publish_pace import PublishPace
from index.protocols import Encoder, Vectors
from index.records import Feedback, ImportReport, Label
from index.sql.catalog import Catalog, NewDocument
from index.store.read_export import Calibration, Export, Header, Imported, Line

_BATCH_PASSAGES = 256


class Import:
    """One run; used once, under the store's lock."""

    def __init__(
        self, catalog: Catalog, folder: Path, encoder: Callable[[], Encoder], publish: Callable[[], None]
    ) -> None:
        self._catalog = catalog
        self._folder = folder
        self._encoder = encoder
        self._pace = PublishPace(publish)
        self._pending: list[Imported] = []
        self._use_vectors = False
        self._counts = {"added": 0, "updated": 0, "unchanged": 0, "passages": 0, "encoded": 0, "remarks": 0}

    def run(self, export: Export, progress: Callable[[int, int], None] | None) -> ImportReport:
        """Import all lines."""
        started = time.monotonic()
        self._adopt(export.header)
        done = 0
        for line in export.lines():
            if isinstance(line, Imported):
                self._queue(line)
                done += 1
                if progress is not None:
                    progress(done, max(done, export.header.documents))
            else:
                self._import_other(line)
        self._flush()
        return ImportReport(
            **self._counts, problems=tuple(export.problems), seconds=time.monotonic() - started
        )

    def _adopt(self, header: Header) -> None:
        """Use the vectors of an export by the store's encoder; an empty store adopts that encoder."""
        settings = self._catalog.settings
        fits = header.vectors and bool(header.fingerprint) and header.dimension > 0
        if fits and settings.get("fingerprint") is None and settings.get("encoder") == header.encoder:
            settings.set("dimension", str(header.dimension))
            settings.set("fingerprint", header.fingerprint or "")
        if not fits or settings.get("fingerprint") != header.fingerprint:
            self._encoder()  # recorded on first use; it fails before anything is imported
        self._use_vectors = fits and settings.get("fingerprint") == header.fingerprint

    def _queue(self, item: Imported) -> None:
        """Keep a document until there are enough passages to encode at once."""
        self._pending.append(item)
        if sum(len(pending.passages) for pending in self._pending) >= _BATCH_PASSAGES:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        new = [item for item in pending if not self._catalog.paths.of_document(item.document.id)]
        missing = [] if self._use_vectors else new
        encoded: dict[str, Mapping[int, Vectors]] = {}
        if missing:
            documents = [(item.document.title, item.passages) for item in missing]
            for item, vectors in zip(missing, embed_documents(self._encoder(), documents), strict=True):
                encoded[item.document.id] = vectors
                self._counts["encoded"] += len(vectors)
        for item in pending:
            self._store(item, encoded.get(item.document.id, item.vectors))
        self._pace.committed()

    def _store(self, item: Imported, vectors: Mapping[int, Vectors]) -> None:
        fingerprint = self._catalog.settings.get("fingerprint") or ""
        for path, state in item.paths:
            present = self._catalog.paths.get(path)
            if present is not None and present.document_id == item.document.id:
                self._counts["unchanged"] += 1
                continue
            holders = self._catalog.paths.of_document(item.document.id)
            if holders:
                self._catalog.link(holders[0].document_key, path, state)
            else:
                new = NewDocument(document=item.document, passages=item.passages, vectors=vectors)
                self._catalog.write(new, path, state, fingerprint)
                self._counts["passages"] += len(item.passages)
            self._counts["added" if present is None else "updated"] += 1

    def _import_other(self, line: Line) -> None:
        match line:
            case Label():
                self._counts["remarks"] += self._catalog.annotations.add_label(
                    line.name,
                    line.content_sha256,
                    quote=line.quote,
                    start=line.start,
                    author=line.author,
                    created_ns=line.created_ns,
                )
            case Feedback():
                self._counts["remarks"] += self._catalog.annotations.add_feedback(line)
            case Calibration():
                target = self._folder / "calibration" / line.name
                if not target.exists():
                    target.parent.mkdir(exist_ok=True)
                    target.write_text(line.content, encoding="utf-8")
            case (path, state, reason, detail, readers) if self._catalog.paths.get(path) is None:
                self._catalog.rejections.remember(path, state, reason, detail, readers=readers)
