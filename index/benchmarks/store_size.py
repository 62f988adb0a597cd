"""What a store costs at a given size: filled through the real path of a commit, opened anew and searched.

Texts are drawn from a made-up vocabulary with the shares of a natural one, vectors from `generated`; nothing
is encoded, so that what is measured is SQL, both indexes and the files. The store lies in a temporary folder
or, to be looked at afterwards, in one that is given. Nothing of a user's store is touched.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.benchmarks.synthetic_vectors import GeneratedVectors
from index.benchmarks.tracing import inside_sql
from index.checkpoints.presets import models_folder
from index.dense.segment_writer import checksum_of
from index.protocols import Vectors
from index.records import FileState
from index.search.retriever import Retriever
from index.sql.catalog import NewDocument
from index.store.store import Store
from ingest.records import Document, Passage, Text, document_id
from ingest.text.tokenizer import TextTokenizer

_PASSAGES = 10  # of a document
_WORDS = 60  # of a passage
_VOCABULARY = 50_000
_PUBLISH = 500  # documents, as many as an ingest commits between two states that can be searched
_QUESTIONS = 200
_ADDED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """What a store of one size costs; times are medians.

    `commit_first_ms` and `commit_last_ms` are the transaction of a document of ten passages, among the first
    and the last of them; `add_small_ms` and `add_ms` a text that is added and can be searched, in a store of
    500 documents and in the whole.
    `open_ms` is opening the whole and taking the first snapshot, of which `read_ms` go to reading approximate
    indexes. `sql_ms` is how long one question holds a connection to the database, for `statements`
    statements, and `search_ms` all of its search.
    """

    passages: int
    documents: int
    dimension: int
    fill_seconds: float
    commit_first_ms: float
    commit_last_ms: float
    add_small_ms: float
    add_ms: float
    open_ms: float
    read_ms: float
    statements: float
    sql_ms: float
    sql_p95_ms: float
    search_ms: float
    database_bytes: int
    index_bytes: int
    kind: str

    def as_json(self) -> dict[str, object]:
        """The record of `bench store --json`."""
        return asdict(self)


class _Drawn:
    """An encoder in name: its vectors are drawn, whatever the text."""

    name = "generated"
    fingerprint = "generated-1"
    max_tokens = passage_room = 256

    def __init__(self, source: GeneratedVectors, dimension: int) -> None:
        self.dimension = dimension
        self.tokenizer = TextTokenizer.from_file(models_folder() / "pocket" / "encoder" / "tokenizer.json")
        self._rows = source.questions(_QUESTIONS)
        self._next = 0

    def unknown_share(self, text: str) -> float:
        return 0.0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self._next += len(texts)
        return self._rows[np.arange(self._next - len(texts), self._next) % len(self._rows)]

    encode_queries = encode_passages


def measure_store(
    passages: int,
    *,
    dimension: int = 384,
    folder: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> StoreFigures:
    """Fill a store with so many passages (at least 200, in tens), open it again and ask it 200 questions."""
    say = progress or (lambda _: None)
    source = GeneratedVectors(passages, dimension)
    encoder = _Drawn(source, dimension)
    with tempfile.TemporaryDirectory(prefix="spanwise-bench-") as scratch:
        path = folder or Path(scratch) / "store"
        with Store.open(path, create=True, encoder=encoder) as store:
            filling = _fill(store, source, passages // _PASSAGES, say)
        say("opening and searching")
        read_ms = _milliseconds(lambda: [checksum_of(file) for file in path.glob("index/*.approximate")])
        started = time.perf_counter()
        with Store.open(path, encoder=encoder) as store:
            store.snapshot()
            opened_ms = 1000 * (time.perf_counter() - started)
            asked = _asked(store)
            added = _added(store, "after")
            stats = store.stats()
        return StoreFigures(
            passages=stats.passages - 2 * _ADDED,
            documents=stats.documents - 2 * _ADDED,
            dimension=dimension,
            **filling.figures(added),
            open_ms=opened_ms,
            read_ms=read_ms,
            **asked,
            database_bytes=sum(file.stat().st_size for file in path.glob("spanwise.db*")),
            index_bytes=sum(file.stat().st_size for file in path.rglob("index/**/*") if file.is_file()),
            kind=stats.index.kind,
        )


@dataclass(frozen=True, slots=True)
class _Filling:
    """How long the transactions of the filling took, the whole of it, and adding to the small store."""

    commits_ms: list[float]
    seconds: float
    added_ms: float

    def figures(self, added_ms: float) -> dict[str, Any]:
        part = max(1, min(_PUBLISH, len(self.commits_ms) // 4))
        return {
            "fill_seconds": self.seconds,
            "commit_first_ms": float(np.median(self.commits_ms[:part])),
            "commit_last_ms": float(np.median(self.commits_ms[-part:])),
            "add_small_ms": self.added_ms,
            "add_ms": added_ms,
        }


def _fill(store: Store, source: GeneratedVectors, documents: int, say: Callable[[str], None]) -> _Filling:
    store.add([])
    started = time.perf_counter()
    commits: list[float] = []
    added = 0.0
    for number, new in enumerate(_documents(source, documents), start=1):
        state = FileState(size_bytes=1, modified_ns=1, checked_ns=1)
        fingerprint = store._ready_encoder().fingerprint
        began = time.perf_counter()
        store.catalog.write(new, new.document.path, state, fingerprint)
        commits.append(1000 * (time.perf_counter() - began))
        if number == min(_PUBLISH, documents // 2):
            added = _added(store, "before")
        if number % _PUBLISH == 0:
            store.add([])  # publishes
            say(f"{number * _PASSAGES:,} passages")
    store.add([])
    return _Filling(commits, time.perf_counter() - started, added)


def _documents(source: GeneratedVectors, documents: int) -> Iterator[NewDocument]:
    random = np.random.default_rng(5)
    shares = 1 / np.arange(1, _VOCABULARY + 1)
    words = np.array([_word(number) for number in range(_VOCABULARY)])
    vectors = (row for block in source.blocks() for row in block)
    for number in range(documents):
        drawn = random.choice(_VOCABULARY, (_PASSAGES, _WORDS), p=shares / shares.sum())
        parts = [f"{' '.join(words[row])}." for row in drawn]
        text = "\n\n".join(parts)
        starts = np.cumsum([0, *(len(part) + 2 for part in parts[:-1])]).tolist()
        sha = hashlib.sha256(text.encode()).hexdigest()
        document = Document(
            id=document_id(sha, "txt/1"),
            content_sha256=sha,
            path=f"/library/{number // 1000}/{number}.txt",
            title=f"Document {number}",
            text=text,
            type="txt",
            language="en",
            parser="txt/1",
        )
        cut = tuple(
            Passage(text=part, start=start, end=start + len(part))
            for part, start in zip(parts, starts, strict=True)
        )
        yield NewDocument(
            document=document, passages=cut, vectors={n: next(vectors) for n in range(len(cut))}
        )


def _word(number: int) -> str:
    """Short words are the frequent ones, as in a language."""
    letters, word = "etaoinshrdlucmfwypvbgkjqxz", ""
    number += 26
    while number:
        number, letter = divmod(number, 26)
        word += letters[letter]
    return word


def _added(store: Store, name: str) -> float:
    times = []
    for number in range(_ADDED):
        text = Text(id=f"{name}-{number}", text=f"Note {number}, added {name} all others.")
        times.append(_milliseconds(lambda text=text: store.add([text])))  # type: ignore[misc]
    return float(np.median(times))


def _asked(store: Store) -> dict[str, float]:
    """Questions of three words each, after a few that bring the files into memory."""
    retriever = Retriever(store)
    random = np.random.default_rng(6)
    queries = [
        " ".join(_word(int(number)) for number in random.integers(50, 5000, 3)) for _ in range(_QUESTIONS)
    ]
    retriever.search_many(queries[:20], k=20)
    inside, whole, statements = [], [], 0
    for query in queries:
        with inside_sql(store.catalog.engine) as spent:
            whole.append(_milliseconds(lambda query=query: retriever.search(query, k=20)))  # type: ignore[misc]
        inside.append(spent.milliseconds)
        statements += spent.statements
    return {
        "statements": statements / len(queries),
        "sql_ms": float(np.median(inside)),
        "sql_p95_ms": float(np.quantile(inside, 0.95)),
        "search_ms": float(np.median(whole)),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)
