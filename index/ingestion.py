"""One ingest run: which files are new, changed, renamed or gone, and their way into SQL.

    files -> unchanged? known content? -> parse (worker) -> split -> encode (many files) -> a transaction each

Encoding gathers passages of several files, because small files alone would waste the model; committing stays
one file, one transaction. What the run counts was committed when it was counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.catalog import Catalog, FileState, KnownPath, NewDocument
from index.protocols import Encoder, Vectors
from index.records import IngestProgress, IngestReport
from ingest.chunking import ChunkSettings, embedding_text, split
from ingest.errors import IngestError
from ingest.formats import is_current
from ingest.pipeline import Parser, document_from_text, sha256_of
from ingest.records import Document, Passage, Rejected, RejectReason, Text
from ingest.sources import find_files

# A share of unknown tokens above which an encoder's vector says nothing about the text.
UNKNOWN_LIMIT = 0.1
_BATCH_PASSAGES = 256
_PUBLISH_SECONDS = 60.0
# A file changed within this time of being read may have changed again without a new time stamp.
_RACY_NS = 2_000_000_000


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
        self._uploads = uploads
        self._chunking = chunking
        self._publish = publish
        self._report = IngestReport()
        self._pending: list[_Pending] = []
        self._published = time.monotonic()

    def ingest_paths(
        self,
        paths: Iterable[str | Path],
        *,
        prune: bool,
        dry_run: bool,
        progress: Callable[[IngestProgress], None] | None,
    ) -> IngestReport:
        """Add and update what stands at the given paths."""
        started = time.monotonic()
        roots = [Path(path).expanduser().absolute() for path in paths]
        if prune:
            _require_readable(roots)
        files = list(find_files(roots))
        done = _Progress(len(files), progress)
        if dry_run:
            for file in files:
                self._foresee(file)
                done.step(file, 0)
        else:
            with Parser() as parser:
                for item in parser.parse_many(self._to_parse(files, done)):
                    self._take(item, done)
                self._flush(done)
        if prune:
            self._prune(roots, dry_run=dry_run)
        return replace(self._report, seconds=time.monotonic() - started)

    def ingest_texts(self, texts: Iterable[Text]) -> IngestReport:
        """Add and update texts given from Python."""
        started = time.monotonic()
        done = _Progress(0, None)
        for text in texts:
            self._take(document_from_text(text), done)
        self._flush(done)
        return replace(self._report, seconds=time.monotonic() - started)

    # -- what to do with a file -----------------------------------------------------------------------------

    def _to_parse(self, files: Sequence[str], done: _Progress) -> Iterator[str]:
        """The files whose content must be read; the others are settled on the way."""
        for file in files:
            if self._settled(file):
                done.step(file, 0)
            else:
                yield file

    def _settled(self, file: str) -> bool:
        try:
            status = Path(file).stat()
            known = self._catalog.known_path(file)
            if known is not None and not is_current(known.parser):
                return False
            if known is not None and _surely_same(known, status.st_size, status.st_mtime_ns):
                self._count(unchanged=1)
                return True
            content = sha256_of(file)
        except OSError:
            return False  # the parser meets the same trouble and says what it is
        state = FileState.now(status.st_size, status.st_mtime_ns)
        if known is not None and known.content_sha256 == content:
            self._catalog.touch(file, state)
            self._count(unchanged=1)
            return True
        return self._linked(file, self._catalog.known_content(content), state)

    def _linked(self, file: str, holders: Sequence[KnownPath], state: FileState) -> bool:
        """Put a file under its known content: a rename if an old path is gone, else one more copy."""
        alike = [
            holder
            for holder in holders
            if Path(holder.path).suffix == Path(file).suffix and is_current(holder.parser)
        ]
        if not alike:
            return False
        gone = next((h.path for h in alike if h.path.startswith("/") and not Path(h.path).exists()), None)
        known = self._catalog.known_path(file) is not None
        self._catalog.link(alike[0].document_key, file, state, instead_of=gone)
        self._count(updated=1) if known or gone else self._count(added=1)
        return True

    def _foresee(self, file: str) -> None:
        """Count what a run would do with a file, as far as that can be told without parsing it."""
        try:
            status = Path(file).stat()
            known = self._catalog.known_path(file)
            if known is None:
                self._count(added=1)
            elif _surely_same(known, status.st_size, status.st_mtime_ns):
                self._count(unchanged=1)
            else:
                same = known.content_sha256 == sha256_of(file)
                self._count(unchanged=1) if same else self._count(updated=1)
        except OSError as error:
            reason = Rejected(path=file, reason=RejectReason.UNREADABLE, detail=str(error.strerror))
            self._report = replace(self._report, rejected=(*self._report.rejected, reason))

    # -- the way into SQL -----------------------------------------------------------------------------------

    def _take(self, item: Document | Rejected, done: _Progress) -> None:
        if isinstance(item, Rejected):
            if self._catalog.known_path(item.path) is not None:
                item = replace(item, detail=f"{item.detail}; the version stored before is kept")
            self._report = replace(self._report, rejected=(*self._report.rejected, item))
            done.step(item.path, 0)
            return
        if item.warnings:
            warnings = tuple(f"{item.path}: {warning}" for warning in item.warnings)
            self._report = replace(self._report, warnings=(*self._report.warnings, *warnings))
        encoder = self._encoder()
        settings = self._chunking or ChunkSettings.for_window(encoder.passage_room, special_tokens=0)
        passages = split(item, encoder.tokenizer, settings)
        state = FileState.now(item.size_bytes, item.modified_ns or time.time_ns())
        self._pending.append(_Pending(document=item, passages=passages, state=state))
        if sum(len(pending.passages) for pending in self._pending) >= _BATCH_PASSAGES:
            self._flush(done)

    def _flush(self, done: _Progress) -> None:
        pending, self._pending = self._pending, []
        vectors = iter(self._encode(pending))
        for item in pending:
            self._commit(item, dict(next(vectors)))
            done.step(item.document.path, len(item.passages))
        if time.monotonic() - self._published > _PUBLISH_SECONDS:
            self._publish()
            self._published = time.monotonic()

    def _encode(self, pending: Sequence[_Pending]) -> list[dict[int, Vectors]]:
        """For each document the vectors of its passages by passage index, less the unreadable ones."""
        encoder = self._encoder()
        places: list[tuple[int, int]] = []
        texts: list[str] = []
        for number, item in enumerate(pending):
            for index, passage in enumerate(item.passages):
                if encoder.unknown_share(passage.text) <= UNKNOWN_LIMIT:
                    places.append((number, index))
                    texts.append(embedding_text(item.document.title, passage.headings, passage.text))
        found: list[dict[int, Vectors]] = [{} for _ in pending]
        if texts:
            for (number, index), vector in zip(places, encoder.encode_passages(texts), strict=True):
                found[number][index] = vector
        return found

    def _commit(self, item: _Pending, vectors: dict[int, Vectors]) -> None:
        path = item.document.path
        known = self._catalog.known_path(path)
        if known is not None and known.document_id == item.document.id:
            self._catalog.touch(path, item.state)
            self._count(unchanged=1)
            return
        holders = self._catalog.known_document(item.document.id)
        if not (holders and self._linked(path, holders, item.state)):
            new = NewDocument(document=item.document, passages=item.passages, vectors=vectors)
            self._catalog.write(new, path, item.state, self._encoder().fingerprint)
            self._count(**{"updated" if known else "added": 1}, passages=len(item.passages))

    def _prune(self, roots: Sequence[Path], *, dry_run: bool) -> None:
        gone = [
            path
            for path in self._catalog.paths()
            if path.startswith("/")
            and any(Path(path).is_relative_to(root) for root in roots)
            and not Path(path).is_relative_to(self._uploads)
            and not Path(path).exists()
        ]
        if not dry_run:
            self._catalog.remove(gone)
        self._count(removed=len(gone))

    def _count(self, **more: int) -> None:
        self._report = replace(
            self._report, **{name: getattr(self._report, name) + count for name, count in more.items()}
        )


class _Progress:
    def __init__(self, total: int, callback: Callable[[IngestProgress], None] | None) -> None:
        self._total = total
        self._done = 0
        self._callback = callback

    def step(self, path: str, passages: int) -> None:
        self._done += 1
        if self._callback is not None:
            self._callback(IngestProgress(done=self._done, total=self._total, path=path, passages=passages))


def _surely_same(known: KnownPath, size_bytes: int, modified_ns: int) -> bool:
    """Whether size and time alone prove that a file holds what it held."""
    same = known.size_bytes == size_bytes and known.modified_ns == modified_ns
    return same and known.checked_ns - known.modified_ns > _RACY_NS


def _require_readable(roots: Sequence[Path]) -> None:
    for root in roots:
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
