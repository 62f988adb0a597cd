"""One store with its models, shared by all sessions of the page (no streamlit).

Streamlit runs every session in a thread of its own. The store is safe to share; models are not, so each is
used by one thread at a time. Threads take turns after a few passages, so that a question waits for a moment
and not for a long text that another session has encoded.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Self

import numpy as np

from index.models.encoder import load_encoder
from index.protocols import Encoder, Vectors
from index.records import DocumentInfo, Filters, Stats
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.errors import IngestError
from ingest.text.tokenizer import TextTokenizer
from qa.answering.answerer import Answerer
from qa.protocols import Reader
from qa.reading.reader import exact_for, load_reader
from qa.records import SpanCandidate
from ui.services.jobs import Jobs
from ui.services.url_state import folders_of

LARGEST_UPLOAD = 200_000_000
_RESERVED = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)))
)
_LONGEST_NAME = 200  # bytes; file systems stop at 255
_SLICE = 32  # passages: well under a second of the bundled encoder on two cores


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the store held at one revision; the lists are read when they are first looked at."""

    revision: int
    stats: Stats
    store: Store

    @cached_property
    def documents(self) -> tuple[DocumentInfo, ...]:
        """All documents. Of a long collection that takes a moment: only for what needs them all."""
        return self.store.documents()

    @cached_property
    def folders(self) -> list[str]:
        """Every folder that holds a document, in order."""
        return folders_of(self.store.paths())


class Library:
    """A store, its retriever and its answerer, ready for many threads."""

    def __init__(
        self,
        store: Store,
        answerer: Answerer,
        retriever: Retriever,
        *,
        fingerprint: str | None = None,
        reader: str | None = None,
    ) -> None:
        self.store = store
        self.answerer = answerer
        self.retriever = retriever
        self.examples: tuple[object, tuple[str, ...]] | None = None
        self._fingerprint = fingerprint
        self._reader = reader
        self._contents: Contents | None = None

    @classmethod
    def open(cls, path: Path, models: str | None) -> Self:
        """Open the store (an empty one is made where there is none) and load its models."""
        with Store.open(path, create=True, models=models) as store:
            chosen = store.models
        encoder = OneAtATimeEncoder(load_encoder(chosen.encoder))
        store = Store.open(path, models=models, encoder=encoder)
        loaded = load_reader(chosen.reader)

        def exact() -> Reader | None:
            found = exact_for(loaded)
            return None if found is None else OneAtATimeReader(found)

        return cls(
            store,
            Answerer(store, OneAtATimeReader(loaded), encoder, exact=exact),
            Retriever(store, encoder),
            fingerprint=encoder.fingerprint,
            reader=store.recorded_models()[1],
        )

    def revision(self) -> int:
        """The revision that the next question will see."""
        return self.store.snapshot().revision

    @property
    def outdated(self) -> bool:
        """Whether the store has come to another encoder or reader since it was opened here."""
        fingerprint, reader = self.store.recorded_models()
        return fingerprint not in (None, self._fingerprint) or reader != self._reader

    @property
    def jobs(self) -> Jobs:
        """Long work in processes of its own."""
        return Jobs(self.store.path)

    def contents(self) -> Contents:
        """Figures and lists of the present revision, read once for each."""
        revision = self.revision()
        contents = self._contents
        if contents is None or contents.revision != revision:
            contents = Contents(revision=revision, stats=self.store.stats(), store=self.store)
            self._contents = contents
        return contents

    def labelled(self) -> dict[str, frozenset[str]]:
        """The ids of the documents that carry each label."""
        names = [count.name for count in self.store.label_counts()]
        return {
            name: frozenset(document.id for document in self.store.documents(Filters(labels=(name,))))
            for name in names
        }

    def keep_uploads(self, files: Sequence[tuple[str, bytes]]) -> list[Path]:
        """Write files that were uploaded together, names and contents; IngestError before any is written.

        Of two with the same name the second gets a number, so that neither is lost.
        """
        names = _numbered([safe_name(name) for name, _ in files])
        for name, (_, content) in zip(names, files, strict=True):
            if len(content) > LARGEST_UPLOAD:
                raise IngestError(
                    f"{name} has {len(content):,} bytes, the limit for uploads is {LARGEST_UPLOAD:,}",
                    hint="take it in from its folder: `spanwise ingest FILE`",
                )
        return [self.keep_upload(name, content) for name, (_, content) in zip(names, files, strict=True)]

    def keep_upload(self, name: str, content: bytes) -> Path:
        """Write an uploaded file into the store's folder for uploads; the same name again replaces it.

        What it replaces is put aside until `settle_uploads` says whether the new one could be read.
        """
        target = self.store.uploads / safe_name(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not _put_aside(target).exists():
            target.replace(_put_aside(target))
        # Renamed into its place, so that a link that lies there is replaced and never followed.
        unfinished = target.with_name(f".upload.{target.name}")
        unfinished.unlink(missing_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(target)
        return target

    def settle_uploads(self, paths: Iterable[Path], rejected: Iterable[str]) -> None:
        """Drop uploaded files that could not be taken in, and bring back what they were to replace."""
        refused = set(rejected)
        for path in paths:
            if path.as_posix() not in refused:
                _put_aside(path).unlink(missing_ok=True)
            elif _put_aside(path).exists():
                _put_aside(path).replace(path)
            else:
                path.unlink(missing_ok=True)


def _put_aside(path: Path) -> Path:
    return path.with_name(f".before.{path.name}")  # hidden, so that no ingest takes it for a document


def safe_name(name: str) -> str:
    """The last part of an uploaded file's name, fit for any file system; IngestError where nothing is left.

    >>> safe_name("../../etc/notes.md")
    'notes.md'
    """
    last = unicodedata.normalize("NFC", PurePosixPath(PureWindowsPath(name).name).name)
    # What is invisible, or turns the direction of writing, could pass one name off as another.
    kept = "".join(char for char in last if char.isprintable()).lstrip(".").strip(" .")
    if kept.partition(".")[0].strip().upper() in _RESERVED:
        kept = f"_{kept}"
    stem, dot, suffix = kept.rpartition(".")
    room = _LONGEST_NAME - len(suffix.encode()) - 1
    short = stem.encode()[: max(room, 1)].decode(errors="ignore") if dot else ""
    kept = kept if len(kept.encode()) <= _LONGEST_NAME else f"{short}{dot}{suffix}"[:_LONGEST_NAME]
    if not kept:
        raise IngestError(f"{name!r} is no file name", hint="rename the file and upload it again")
    return kept


def _numbered(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    found: list[str] = []
    for name in names:
        path = PurePosixPath(name)
        candidates = (f"{path.stem} ({number}){path.suffix}" for number in count(2))
        chosen = name
        while chosen.casefold() in taken:
            chosen = next(candidates)
        taken.add(chosen.casefold())
        found.append(chosen)
    return found


class Turns:
    """A lock that threads get in turn: who lets go stands behind those who already wait."""

    def __init__(self) -> None:
        self._next = threading.Lock()
        self._held = threading.Lock()

    def __enter__(self) -> None:
        with self._next:
            self._held.acquire()

    def __exit__(self, *_: object) -> None:
        self._held.release()


@dataclass(frozen=True, slots=True)
class OneAtATimeEncoder:
    """An encoder that one thread at a time may use."""

    _encoder: Encoder
    _turns: Turns = field(default_factory=Turns)

    @property
    def name(self) -> str:
        """The encoder's own."""
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """The encoder's own."""
        return self._encoder.fingerprint

    @property
    def dimension(self) -> int:
        """The encoder's own."""
        return self._encoder.dimension

    @property
    def max_tokens(self) -> int:
        """The encoder's own."""
        return self._encoder.max_tokens

    @property
    def passage_room(self) -> int:
        """The encoder's own."""
        return self._encoder.passage_room

    @property
    def tokenizer(self) -> TextTokenizer:
        """The encoder's own; it changes nothing when used, so many threads may."""
        return self._encoder.tokenizer

    def unknown_share(self, text: str) -> float:
        """The encoder's own."""
        return self._encoder.unknown_share(text)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The encoder's own; other threads get their turn between slices."""
        slices = [texts[first : first + _SLICE] for first in range(0, len(texts), _SLICE)] or [texts]
        return np.concatenate([self._encode_slice(part) for part in slices])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The encoder's own, one thread at a time."""
        with self._turns:
            return self._encoder.encode_queries(texts)

    def _encode_slice(self, texts: Sequence[str]) -> Vectors:
        with self._turns:
            return self._encoder.encode_passages(texts)


@dataclass(frozen=True, slots=True)
class OneAtATimeReader:
    """A reader that one thread at a time may use."""

    _reader: Reader
    _turns: Turns = field(default_factory=Turns)

    @property
    def name(self) -> str:
        """The reader's own."""
        return self._reader.name

    @property
    def fingerprint(self) -> str:
        """The reader's own."""
        return self._reader.fingerprint

    def unknown_share(self, text: str) -> float:
        """The reader's own."""
        return self._reader.unknown_share(text)

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        """The reader's own, one thread at a time."""
        with self._turns:
            return self._reader.read(question, contexts)

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        """The reader's own, one thread at a time."""
        with self._turns:
            return self._reader.read_many(asked)
