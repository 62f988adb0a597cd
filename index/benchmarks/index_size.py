"""What a vector index costs at a given size: built from generated vectors the way a store builds it.

The vectors stream into one segment; its kind is the store's own choice for that size or a factory string.
Measured are the time to build, bytes, searches one at a time on one thread and on all, recall@10 against
brute force on questions that are no stored vectors, searches among a selected share, and memory. Nothing of
a user's store is touched.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from index.benchmarks.synthetic_vectors import GeneratedVectors
from index.checkpoints.hardware import peak_memory
from index.dense.faiss_segment import Approximate, Ids, Segment, faiss_threads, least_vectors, write_blocks
from index.dense.index_kinds import AUTO, EXACT, IndexRules
from index.dense.recall import measured_recall, true_scores
from index.dense.segment_writer import write_approximate
from index.dense.vector_index import VectorIndex
from index.errors import StoreError
from index.protocols import Vectors

_QUESTIONS = 500
_K = 10
_DEPTH = 100  # what a hybrid search asks the vectors for
_SHARES = (0.001, 0.005, 0.02, 0.1, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedFigures:
    """Searches among a random share of the vectors."""

    share: float
    p50_ms: float
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFigures:
    """What an index of one size costs.

    `memory_bytes` is what a process holds of each vector, `disk_bytes` the files of each vector, whose exact
    part is memory-mapped; `p50_ms` and `p95_ms` are of searches for ten on one thread, `p50_ms_threads` on
    all, `p50_ms_deep` for a hundred on one; `peak_rss` is of the whole process in bytes.
    """

    kind: str
    vectors: int
    dimension: int
    write_seconds: float
    build_seconds: float
    memory_bytes: float
    disk_bytes: float
    probes: int | None
    candidates: int | None
    recall_built: float | None
    recall: float
    p50_ms: float
    p95_ms: float
    p50_ms_threads: float
    p50_ms_deep: float
    peak_rss: int
    selected: tuple[SelectedFigures, ...]

    def as_json(self) -> dict[str, object]:
        """The record of `bench index --json`."""
        return asdict(self)


def measure_index(
    vectors: int,
    *,
    setting: str = AUTO,
    dimension: int = 384,
    progress: Callable[[str], None] | None = None,
) -> IndexFigures:
    """Build an index over so many generated vectors in a temporary folder, and measure it.

    Raises StoreError for a factory string that cannot be used or that takes more vectors to train.
    """
    say = progress or (lambda _: None)
    rules = IndexRules(setting=setting)
    if setting not in (AUTO, EXACT):
        rules = IndexRules(setting=setting, least=least_vectors(setting, dimension))
    kind = rules.kind(vectors, dimension)
    if kind is None and setting not in (AUTO, EXACT):
        raise StoreError(
            f"{setting!r} takes {rules.least:,} vectors to train, not {vectors:,}", hint="give more --vectors"
        )
    source = GeneratedVectors(vectors, dimension)
    with tempfile.TemporaryDirectory(prefix="spanwise-bench-") as scratch:
        folder = Path(scratch)
        say("writing the vectors")
        started = time.perf_counter()
        write_blocks(folder / "exact", dimension, _numbered(source))
        written = time.perf_counter()
        segment = Segment(folder / "exact", dimension)
        effort, built_recall, files = None, None, ["exact"]
        if kind is not None:
            say(f"building {kind}")
            file, built_recall = write_approximate(
                folder, folder / "exact", dimension, kind, trained=None, stop=lambda: False
            )
            effort = file.effort
            files.append(file.file)
            segment = Segment(folder / "exact", dimension, Approximate(folder / file.file, effort))
        built = time.perf_counter()
        say("searching")
        sizes = [(folder / name).stat().st_size for name in files]
        return IndexFigures(
            kind=kind or EXACT,
            vectors=vectors,
            dimension=dimension,
            write_seconds=written - started,
            build_seconds=built - written,
            memory_bytes=(8 * vectors + sum(sizes[1:])) / vectors,
            disk_bytes=sum(sizes) / vectors,
            probes=effort.probes if effort else None,
            candidates=effort.candidates if effort else None,
            recall_built=built_recall,
            **_searched(segment, source.questions(_QUESTIONS)),
            selected=tuple(_selected(segment, source.questions(50, seed=9))),
            peak_rss=peak_memory(),
        )


def _numbered(source: GeneratedVectors) -> Iterator[tuple[Ids, Vectors]]:
    start = 0
    for block in source.blocks():
        # Stored vectors are float16.
        yield np.arange(start, start + len(block)), block.astype(np.float16).astype(np.float32)
        start += len(block)


def _searched(segment: Segment, asked: Vectors) -> Mapping[str, float]:
    truth = true_scores(segment, asked, _K)
    index = VectorIndex([segment], asked.shape[1], np.empty(0, np.int64))
    with faiss_threads(1):
        _times(index, asked[:50], _K)  # brings the files into memory
        single = _times(index, asked, _K)
        deep = _times(index, asked[:200], _DEPTH)
    return {
        "recall": measured_recall(segment, asked, truth),
        "p50_ms": float(np.median(single)),
        "p95_ms": float(np.quantile(single, 0.95)),
        "p50_ms_threads": float(np.median(_times(index, asked, _K))),
        "p50_ms_deep": float(np.median(deep)),
    }


def _selected(segment: Segment, asked: Vectors) -> Iterator[SelectedFigures]:
    """Searches among random shares; the truth is the exact file alone, by the same selector."""
    index = VectorIndex([segment], asked.shape[1], np.empty(0, np.int64))
    exact = VectorIndex([Segment(segment.path, asked.shape[1])], asked.shape[1], np.empty(0, np.int64))
    random = np.random.default_rng(3)
    for share in _SHARES:
        allowed = segment.ids[random.random(len(segment)) < share]
        found = 0
        for question in asked:
            expected = exact.search(question, _K, allowed).ids
            found += len(np.intersect1d(index.search(question, _K, allowed).ids, expected))
        with faiss_threads(1):
            times = _times(index, asked, _K, allowed)
        least = min(_K, len(allowed)) * len(asked)
        yield SelectedFigures(share=share, p50_ms=float(np.median(times)), recall=found / max(1, least))


def _times(index: VectorIndex, asked: Vectors, k: int, allowed: Ids | None = None) -> list[float]:
    times = []
    for question in asked:
        started = time.perf_counter()
        index.search(question, k, allowed)
        times.append((time.perf_counter() - started) * 1000)
    return times
