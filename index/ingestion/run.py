"""One ingest run: which files are new, changed, renamed or gone, and their way into SQL.

    walk -> settle (unchanged? known? refused?) -> parse (process) -> split -> encode (thread) -> transactions

Files stream through: neither their names nor their texts are ever all in memory. Encoding gathers passages of
several files, because small files alone would waste the model, but only as many as take half a second. While
one batch is encoded, the batch before it is committed and the next one parsed and cut up: a process that is
killed loses two batches, or the one large file that it was at. Committing stays one file, one transaction, in
the order of the files. What the run counts was committed when it was counted.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.ingestion.change_detection import Look, Settling, Verdict, first_gone
from index.ingestion.counts import Tally, Totals
from index.ingestion.embed_passages import embed_documents
from index.protocols import Encoder, Vectors
from index.records import FileState, IngestProgress, IngestReport
from index.sql.catalog import Catalog, NewDocument
from index.sql.paths import KnownPath
from ingest.chunking.split import ChunkSettings, split
from ingest.conversion.options import ParseOptions
from ingest.conversion.parser_pool import Limits, Parser, document_from_text
from ingest.errors import IngestError
from ingest.files.walk import Walk, is_below, roots_of
from ingest.records import Document, Passage, Rejected, RejectReason, Text

_MOST_PASSAGES = 256
_LEAST_PASSAGES = 32
# What a killed process may have encoded in vain, and how long a file may wait for others.
_BATCH_SECONDS = 0.5
_HOLD_SECONDS = 1.0
_PUBLISH_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A document that is cut up and waits for its vectors."""

    document: Document
    passages: tuple[Passage, ...]
    state: FileState


class Ingestion:
    """The state of one run; used once, under the store's lock."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        encoder: Callable[[], Encoder],
        uploads: Path,
        chunking: ChunkSettings | None,
        publish: Callable[[], None],
    ) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._uploads = uploads.as_posix()
        self._chunking = chunking
        self._publish = publish
        self._tally = Tally()
        self._pending: list[_Pending] = []
        self._encoding: tuple[Sequence[_Pending], Future[list[dict[int, Vectors]]]] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._held_since = 0.0
        self._batch = 2 * _LEAST_PASSAGES
        self._asked: dict[str, Look] = {}
        self._published = time.monotonic()
        self._readers = ""

    def ingest_paths(
        self,
        paths: Iterable[str | Path],
        *,
        prune: bool,
        dry_run: bool,
        progress: Callable[[IngestProgress], None] | None,
        limits: Limits | None = None,
        options: ParseOptions | None = None,
        retry_rejected: bool = False,
        only: Collection[str] | None = None,
    ) -> IngestReport:
        """Add and update what stands at the given paths."""
        started = time.monotonic()
        limits, options = limits or Limits(), options or ParseOptions()
        given = list(paths)
        if prune:
            _require_readable(given)
        roots = roots_of(given)
        own = (Path(self._uploads).parent.as_posix(),)
        walk = Walk(roots, without=own, only=only)
        seen = _Seen()
        files = seen.noting(walk) if prune else iter(walk)
        settling = Settling(self._catalog, limits=limits, options=options, retry_rejected=retry_rejected)
        with Totals(Walk(roots, without=own, only=only), progress) as done:
            if dry_run:
                self._foresee(settling.look(files), done)
            else:
                self._readers = settling.readers
                with self._thread, Parser(limits, options, idle=lambda: self._drain(done)) as parser:
                    for item in parser.parse_many(self._to_parse(settling.look(files), done)):
                        self._take(item, done)
                    self._drain(done)
        if prune:
            self._prune(roots, walk, seen, only=only, dry_run=dry_run)
        self._tally.skipped.update({reason.value: count for reason, count in walk.skipped.items()})
        return self._tally.report(seconds=time.monotonic() - started)

    def ingest_texts(self, texts: Iterable[Text]) -> IngestReport:
        """Add and update texts given from Python."""
        started = time.monotonic()
        with self._thread, Totals(None, None) as done:
            for text in texts:
                document = document_from_text(text)
                self._hold(document, FileState.now(document.size_bytes, time.time_ns()), done)
            self._drain(done)
        return self._tally.report(seconds=time.monotonic() - started)

    # -- what to do with a file -----------------------------------------------------------------------------

    def _to_parse(self, looks: Iterable[Look], done: Totals) -> Iterator[str]:
        """The files whose content must be read; the others are settled on the way."""
        for look in looks:
            match look.verdict:
                case Verdict.PARSE:
                    self._asked[look.path] = look
                    yield look.path
                    continue
                case Verdict.UNCHANGED:
                    self._tally.unchanged += 1
                case Verdict.LOOKED_AT if look.state is not None:
                    self._catalog.paths.touch(look.path, look.state)
                    self._catalog.rejections.forget(look.path)
                    self._tally.unchanged += 1
                case Verdict.KNOWN if look.state is not None:
                    self._link(look.document_key, look.path, look.state, gone=look.gone, held=look.held)
                case Verdict.REJECTED if look.rejected is not None:
                    self._reject(look.rejected, look)
            done.step(look.path, 0)

    def _link(self, key: int, path: str, state: FileState, *, gone: str | None, held: bool) -> None:
        """Put a file under its known content: a rename if an old path is gone, else one more copy."""
        self._catalog.link(key, path, state, instead_of=gone)
        if held or gone is not None:
            self._tally.updated += 1
        else:
            self._tally.added += 1

    def _reject(self, rejected: Rejected, look: Look) -> None:
        if not look.remembered and look.state is not None:
            self._catalog.rejections.remember(
                rejected.path, look.state, rejected.reason, rejected.detail, readers=self._readers
            )
        self._tally.reject(rejected, held=look.held)

    def _foresee(self, looks: Iterable[Look], done: Totals) -> None:
        """Count what a run would do, as far as that can be told without parsing."""
        for look in looks:
            match look.verdict:
                case Verdict.UNCHANGED | Verdict.LOOKED_AT:
                    self._tally.unchanged += 1
                case Verdict.REJECTED if look.rejected is not None:
                    self._tally.reject(look.rejected, held=look.held)
                case Verdict.PARSE if look.state is None:
                    detail = "it cannot be looked at"
                    rejected = Rejected(path=look.path, reason=RejectReason.UNREADABLE, detail=detail)
                    self._tally.reject(rejected, held=look.held)
                case _ if look.held or look.gone is not None:
                    self._tally.updated += 1
                    self._tally.renamed.update(filter(None, [look.gone]))
                case _:
                    self._tally.added += 1
            done.step(look.path, 0)

    # -- the way into SQL -----------------------------------------------------------------------------------

    def _take(self, item: Document | Rejected, done: Totals) -> None:
        look = self._asked.pop(item.path)
        if isinstance(item, Rejected):
            self._reject(item, look)
            done.step(item.path, 0)
            return
        # The file may have changed since it was looked at, but not since it was looked at and then read.
        checked_ns = look.state.checked_ns if look.state is not None else 0
        state = FileState(size_bytes=item.size_bytes, modified_ns=item.modified_ns, checked_ns=checked_ns)
        self._hold(item, state, done)

    def _hold(self, document: Document, state: FileState, done: Totals) -> None:
        """Keep a document until there are enough passages to encode at once, or it has waited enough."""
        self._tally.warn(document)
        encoder = self._encoder()
        settings = self._chunking or ChunkSettings.for_window(encoder.passage_room, special_tokens=0)
        passages = split(document, encoder.tokenizer, settings)
        if len(passages) >= self._batch:
            self._flush(done)  # small files do not wait for the encoding of a book
        if not self._pending:
            self._held_since = time.monotonic()
        self._pending.append(_Pending(document=document, passages=passages, state=state))
        enough = sum(len(pending.passages) for pending in self._pending) >= self._batch
        if enough or time.monotonic() - self._held_since > _HOLD_SECONDS:
            self._flush(done)

    def _flush(self, done: Totals) -> None:
        """Let what waits be encoded, and commit what was encoded meanwhile."""
        pending, self._pending = self._pending, []
        begun = self._encoding
        self._encoding = (pending, self._thread.submit(self._encode, pending)) if pending else None
        if begun is None:
            return
        for item, vectors in zip(begun[0], begun[1].result(), strict=True):
            self._commit(item, vectors)
            done.step(item.document.path, len(item.passages))
        if time.monotonic() - self._published > _PUBLISH_SECONDS:
            self._publish()
            self._published = time.monotonic()

    def _drain(self, done: Totals) -> None:
        """Commit all that was taken in so far."""
        while self._pending or self._encoding is not None:
            self._flush(done)

    def _encode(self, pending: Sequence[_Pending]) -> list[dict[int, Vectors]]:
        """The vectors of each document, by the position of the passage; sets how many are encoded at once."""
        encoder, began = self._encoder(), time.monotonic()
        vectors = embed_documents(encoder, [(item.document.title, item.passages) for item in pending])
        encoded = sum(map(len, vectors))
        if encoded:
            in_time = _BATCH_SECONDS * encoded / max(time.monotonic() - began, 1e-6)
            self._batch = int(min(max(in_time, _LEAST_PASSAGES), _MOST_PASSAGES))
        return vectors

    def _commit(self, item: _Pending, vectors: dict[int, Vectors]) -> None:
        path = item.document.path
        known = self._catalog.paths.get(path)
        if known is not None and known.document_id == item.document.id:
            self._catalog.paths.touch(path, item.state)
            self._catalog.rejections.forget(path)
            self._tally.unchanged += 1
            return
        holders: tuple[KnownPath, ...] = self._catalog.paths.of_document(item.document.id)
        if holders:
            gone = first_gone(holders)
            self._link(holders[0].document_key, path, item.state, gone=gone, held=known is not None)
            return
        new = NewDocument(document=item.document, passages=item.passages, vectors=vectors)
        self._catalog.write(new, path, item.state, self._encoder().fingerprint)
        self._tally.passages += len(item.passages)
        if known is not None:
            self._tally.updated += 1
        else:
            self._tally.added += 1

    def _prune(
        self,
        roots: Sequence[str],
        walk: Walk,
        seen: _Seen,
        *,
        only: Collection[str] | None,
        dry_run: bool,
    ) -> None:
        """Remove what stands below the roots and the walk did not come by, or is gone since."""

        def is_gone(path: str) -> bool:
            inside = path.startswith("/") and any(is_below(path, root) for root in roots)
            if not inside or is_below(path, self._uploads) or path in self._tally.renamed:
                return False
            if only is not None and not any(is_below(path, wanted) for wanted in only):
                return False
            return not seen.holds(path) and not any(is_below(path, closed) for closed in walk.closed)

        gone = [path for block in self._catalog.paths.blocks() for path in block if is_gone(path)]
        self._tally.removed += len(gone)
        if not dry_run:
            self._catalog.remove(gone)
            refused = [item.path for item in self._catalog.rejections.all() if is_gone(item.path)]
            self._catalog.rejections.forget(*refused)


class _Seen:
    """The paths that a walk came by, as eight bytes each."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._sorted: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None

    def noting(self, walk: Iterable[str]) -> Iterator[str]:
        """The same paths, noted on the way."""
        for path in walk:
            self._hashes.append(hash(path))
            yield path

    def holds(self, path: str) -> bool:
        """Whether the walk came by this path and its file is still there."""
        if self._sorted is None:
            self._sorted = np.sort(np.frombuffer(self._hashes, dtype=np.int64))
        place = int(np.searchsorted(self._sorted, hash(path)))
        return place < len(self._sorted) and self._sorted[place] == hash(path) and Path(path).exists()


def _require_readable(paths: Iterable[str | Path]) -> None:
    for root in (Path(path).expanduser().absolute() for path in paths):
        try:
            if root.is_dir():
                next(root.iterdir(), None)
            else:
                root.stat()
        except OSError as error:
            raise IngestError(
                f"{root} is missing or cannot be read, so nothing below it is removed: {error.strerror}",
                hint="make it readable, or run without --prune",
            ) from error
