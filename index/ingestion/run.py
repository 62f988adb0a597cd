"""One ingest run: which files are new, changed, renamed or gone, and their way into SQL.

    walk -> detect changes -> parse (process) -> split -> encode (thread) -> transactions

Files stream through: neither their names nor their texts are ever all in memory. Encoding gathers passages of
several files, because small files alone would waste the model, but only as many as take half a second. While
one batch is encoded, the batch before it is committed and the next one parsed and split: a process that is
killed loses two batches, or the one large file that it was at. Each file is one transaction, in the order of
the files; what the run has counted is committed. What is committed is published while the run goes on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path

from index.checkpoints.presets import DEFAULT_PRESET
from index.ingestion.change_detection import (
    Action,
    ChangeDetector,
    FileDecision,
    ReadingConditions,
    first_gone,
)
from index.ingestion.choose_models import FirstDocuments, Held, foreign_note, is_foreign
from index.ingestion.counts import Tally, Totals
from index.ingestion.encoding_thread import EncodingThread
from index.ingestion.prune import PruneScope, require_readable
from index.ingestion.publish_pace import PublishPace
from index.protocols import Encoder, Vectors
from index.records import FileState, IngestProgress, IngestReport
from index.sql.catalog import Catalog, NewDocument
from index.sql.paths import KnownPath
from ingest.chunking.split import ChunkSettings, split
from ingest.conversion.options import ParseOptions
from ingest.conversion.parser_pool import READ_AHEAD, Limits, Parser, document_from_text
from ingest.files.globs import Globs
from ingest.files.walk import Walk, roots_of
from ingest.records import Document, Passage, Rejected, RejectReason, Text

# How long a file may wait for others to be encoded with.
_HOLD_SECONDS = 1.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A document that is split and waits for its vectors."""

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
        first: FirstDocuments | None = None,
    ) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._uploads = uploads.as_posix()
        self._chunking = chunking
        self._pace = PublishPace(publish)
        self._first = first
        self._tally = Tally()
        self._pending: list[_Pending] = []
        self._encoding: tuple[Sequence[_Pending], Future[list[dict[int, Vectors]]]] | None = None
        self._thread = EncodingThread(encoder)
        self._held_since = 0.0
        self._progress = Totals(None, None)

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
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> IngestReport:
        """Add and update what stands at the given paths."""
        started = time.monotonic()
        given = list(paths)
        if prune:
            require_readable(given)
        roots = roots_of(given)
        own = (Path(self._uploads).parent.as_posix(),)
        globs = Globs(roots, include=include, exclude=exclude)
        walk = Walk(roots, without=own, only=only, globs=globs)
        scope = PruneScope(walk, roots, only=only, globs=globs, uploads=self._uploads)
        conditions = ReadingConditions.today(
            limits or Limits(), options or ParseOptions(), retry_rejected=retry_rejected
        )
        decisions = ChangeDetector(self._catalog, conditions).decide(scope.walked() if prune else walk)
        with Totals(Walk(roots, without=own, only=only, globs=globs), progress) as self._progress:
            if dry_run:
                for decision in decisions:
                    self._foresee(decision)
            else:
                self._act_on(decisions, conditions)
        if prune:
            self._prune(scope, dry_run=dry_run)
        for path in walk.unnamable:
            detail = "its name is not UTF-8; rename it"
            self._tally.reject(Rejected(path=path, reason=RejectReason.UNREADABLE, detail=detail), held=False)
        self._tally.skipped.update({reason.value: count for reason, count in walk.skipped.items()})
        return self._tally.report(seconds=time.monotonic() - started)

    def ingest_texts(self, texts: Iterable[Text]) -> IngestReport:
        """Add and update texts given from Python."""
        started = time.monotonic()
        with self._thread:
            for text in texts:
                document = document_from_text(text)
                self._hold(document, FileState.now(document.size_bytes, time.time_ns()))
            self._finish()
        return self._tally.report(seconds=time.monotonic() - started)

    # -- what to do with a file -----------------------------------------------------------------------------

    def _act_on(self, decisions: Iterable[FileDecision], conditions: ReadingConditions) -> None:
        """Parse what changed, a few files ahead, and commit it; settle all others on the way."""
        parsing: deque[FileDecision] = deque()
        readers = conditions.readers

        def idle() -> None:
            if self._first is not None and self._first.late:
                self._split_all(self._first.release())
            self._drain()
            self._pace.publish_if_due()
            self._progress.within(parsing[0].path)

        with self._thread, Parser(conditions.limits, conditions.options, idle=idle) as parser:
            for decision in decisions:
                if decision.action is not Action.PARSE:
                    self._settle(decision, readers)
                    continue
                parser.submit(decision.path)
                parsing.append(decision)
                if len(parsing) == READ_AHEAD:
                    result = parser.next_result()
                    self._take(parsing.popleft(), result, readers)
            while parsing:
                result = parser.next_result()
                self._take(parsing.popleft(), result, readers)
            self._finish()

    def _settle(self, decision: FileDecision, readers: str) -> None:
        """Do what is to be done with a file that need not be parsed."""
        path, state = decision.path, decision.state
        match decision.action:
            case Action.UNCHANGED:
                self._tally.unchanged += 1
            case Action.TOUCHED if state is not None:
                self._catalog.paths.touch(path, state)
                self._catalog.rejections.forget(path)
                self._tally.unchanged += 1
            case Action.KNOWN if state is not None:
                self._link(decision.document_key, path, state, gone=decision.renamed_from, held=decision.held)
            case Action.REJECTED if decision.rejected is not None:
                self._reject(decision.rejected, decision, readers)
        self._progress.step(path, 0, decision.rejected)

    def _link(self, key: int, path: str, state: FileState, *, gone: str | None, held: bool) -> None:
        """Put a file under its known content: a rename if an old path is gone, else one more copy."""
        self._catalog.link(key, path, state, instead_of=gone)
        if held or gone is not None:
            self._tally.updated += 1
        else:
            self._tally.added += 1

    def _reject(self, rejected: Rejected, decision: FileDecision, readers: str) -> None:
        if not decision.remembered and decision.state is not None:
            self._catalog.rejections.remember(
                rejected.path, decision.state, rejected.reason, rejected.detail, readers=readers
            )
        self._tally.reject(rejected, held=decision.held)

    def _foresee(self, decision: FileDecision) -> None:
        """Count what a run would do; a file that must be parsed counts as if that succeeds."""
        match decision.action:
            case Action.UNCHANGED | Action.TOUCHED:
                self._tally.unchanged += 1
            case Action.REJECTED if decision.rejected is not None:
                self._tally.reject(decision.rejected, held=decision.held)
            case Action.PARSE if decision.state is None:
                detail = "it cannot be looked at"
                rejected = Rejected(path=decision.path, reason=RejectReason.UNREADABLE, detail=detail)
                self._tally.reject(rejected, held=decision.held)
            case _ if decision.held or decision.renamed_from is not None:
                self._tally.updated += 1
                self._tally.renamed.update(filter(None, [decision.renamed_from]))
            case _:
                self._tally.added += 1
        self._progress.step(decision.path, 0, decision.rejected)

    # -- the way into SQL -----------------------------------------------------------------------------------

    def _take(self, decision: FileDecision, result: Document | Rejected, readers: str) -> None:
        """Note a rejection, or hold the parsed document for encoding."""
        if isinstance(result, Rejected):
            self._reject(result, decision, readers)
            self._progress.step(result.path, 0, result)
            return
        # The file may have changed since its stat was taken, but not between that time and the reading.
        checked_ns = decision.state.checked_ns if decision.state is not None else 0
        state = FileState(size_bytes=result.size_bytes, modified_ns=result.modified_ns, checked_ns=checked_ns)
        self._hold(result, state)

    def _hold(self, document: Document, state: FileState) -> None:
        """Hold a document: until the models are chosen, then until there are enough passages to encode."""
        self._tally.warn(document)
        if is_foreign(document):
            self._tally.foreign[document.language] += 1
        if self._first is None:
            self._split(document, state)
            return
        if released := self._first.add(document, state):
            self._split_all(released)

    def _split_all(self, released: Sequence[Held]) -> None:
        if self._first is not None:
            self._tally.models, self._first = self._first.chosen, None
        for document, state in released:
            self._split(document, state)

    def _split(self, document: Document, state: FileState) -> None:
        """Split a document and hold it until there are enough passages to encode, or it waited enough."""
        encoder = self._encoder()
        settings = self._chunking or ChunkSettings.for_window(encoder.passage_room, special_tokens=0)
        passages = split(document, encoder.tokenizer, settings)
        if len(passages) >= self._thread.batch:
            self._flush()  # small files do not wait for the encoding of a book
        if not self._pending:
            self._held_since = time.monotonic()
        self._pending.append(_Pending(document=document, passages=passages, state=state))
        enough = sum(len(pending.passages) for pending in self._pending) >= self._thread.batch
        if enough or time.monotonic() - self._held_since > _HOLD_SECONDS:
            self._flush()

    def _flush(self) -> None:
        """Start encoding what is held, and commit what was encoded meanwhile."""
        pending, self._pending = self._pending, []
        begun = self._encoding
        documents = [(item.document.title, item.passages) for item in pending]
        self._encoding = (pending, self._thread.submit(documents)) if pending else None
        if begun is None:
            return
        for item, vectors in zip(begun[0], self._encoded(*begun), strict=True):
            self._commit(item, vectors)
            self._progress.step(item.document.path, len(item.passages))
        self._pace.committed()

    def _encoded(
        self, items: Sequence[_Pending], future: Future[list[dict[int, Vectors]]]
    ) -> list[dict[int, Vectors]]:
        """Wait for the vectors; meanwhile say how far a long document is, and publish what is due."""
        while not wait([future], _LOOK_SECONDS).done:
            if len(items) == 1:
                path, passages = items[0].document.path, len(items[0].passages)
                self._progress.within(path, min(self._thread.encoded, passages), passages)
            self._pace.publish_if_due()
        return future.result()

    def _finish(self) -> None:
        """Encode and commit everything, also what waited for the choice of the models."""
        if self._first is not None:
            self._split_all(self._first.release())
        self._drain()
        if self._tally.foreign and self._encoder().name == DEFAULT_PRESET:
            self._tally.warnings.append(foreign_note(self._tally.foreign))

    def _drain(self) -> None:
        """Encode and commit everything that is held."""
        while self._pending or self._encoding is not None:
            self._flush()

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

    def _prune(self, scope: PruneScope, *, dry_run: bool) -> None:
        """Remove what is gone from the scope; what a dry run saw under a new path is not gone."""
        gone = [path for block in self._catalog.paths.blocks() for path in block if scope.is_gone(path)]
        gone = [path for path in gone if path not in self._tally.renamed]
        self._tally.removed += len(gone)
        if not dry_run:
            self._catalog.remove(gone)
            refused = [item.path for item in self._catalog.rejections.all() if scope.is_gone(item.path)]
            self._catalog.rejections.forget(*refused)
