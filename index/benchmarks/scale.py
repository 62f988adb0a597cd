"""A store filled to sizes that no collection at hand has, and what each part of the filling cost.

Documents of another store are added again and again under other names and titles, each by the same path as
any text: cut up, committed, published. Only encoding is left out, which costs the same for a passage whatever
the store holds: vectors of the source's texts, moved a little, stand for theirs. Titles tell the copies
apart, so that the lexical index meets new words as it would in a real collection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from index.checkpoints.hardware import resident_bytes
from index.errors import StoreError
from index.protocols import Encoder, Vectors
from index.store.store import Store
from ingest.records import Text

# How far a vector goes from its source: neighbours in a collection of passages are at about .78.
_NOISE = 0.8
_SEED = 11
_SOURCE_TEXTS = 500  # whose vectors are moved
_DOCUMENTS_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePoint:
    """The store at a size: what the last part of the filling cost a passage, and what the store takes.

    `write_ms` are milliseconds of processor time for each passage of the part, publishing included (all
    threads, so an index that is built meanwhile counts); `wall_ms` the same by the clock. `disk_bytes` is
    the whole folder, `index_bytes` the memory for each passage of what a search holds.
    """

    passages: int
    write_ms: float
    wall_ms: float
    disk_bytes: int
    index_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleReport:
    """How a store grew, in the order of its sizes."""

    source_passages: int
    points: tuple[ScalePoint, ...]

    def as_json(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return asdict(self)


def fill(source: Store, folder: Path, sizes: Sequence[int]) -> Iterator[ScaleReport]:
    """Fill a new store in `folder` with copies of the documents of `source`, to each of `sizes` in turn.

    A size is reached to the next document. Gives what is known so far at each of them. Raises StoreError
    for a source without passages.
    """
    stats = source.stats()
    held = stats.passages
    if not held:
        raise StoreError(f"the store {source.path} is empty", hint="ingest documents first: they are copied")
    copies = _copies(source)
    points: list[ScalePoint] = []
    passages = 0
    with Store.open(folder, create=True, encoder=_MovedVectors(source)) as store:
        for size in sizes:
            cpu, wall, before = time.process_time(), time.perf_counter(), passages
            while passages < size:
                left = max(1, (size - passages) * stats.documents // held)
                passages += store.add(islice(copies, min(left, _DOCUMENTS_AT_ONCE))).passages
            store.settle()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            point = ScalePoint(
                passages=passages,
                write_ms=1000 * cpu / max(1, passages - before),
                wall_ms=1000 * wall / max(1, passages - before),
                disk_bytes=store.stats().bytes,
                index_bytes=_searched_bytes(store) / passages,
            )
            points.append(point)
            yield ScaleReport(source_passages=held, points=tuple(points))


class _MovedVectors:
    """The source's encoder, but for passages: their vectors are those of the source's texts, moved.

    Questions are encoded as ever, and the fingerprint is the source's, so that the store can be asked.
    """

    def __init__(self, source: Store) -> None:
        encoder: Encoder = source.encoder
        self.name, self.fingerprint, self.dimension = encoder.name, encoder.fingerprint, encoder.dimension
        self.max_tokens, self.passage_room = encoder.max_tokens, encoder.passage_room
        self.tokenizer = encoder.tokenizer
        self.unknown_share, self.encode_queries = encoder.unknown_share, encoder.encode_queries
        texts = [source.document(info.id).text[:1000] for info in source.documents(limit=_SOURCE_TEXTS)]
        self._vectors = encoder.encode_passages(texts)
        self._rng = np.random.default_rng(_SEED)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit-length rows, drawn whatever the texts, shape (len(texts), dimension)."""
        rows = self._vectors[self._rng.integers(0, len(self._vectors), len(texts))]
        noise = self._rng.standard_normal(rows.shape, dtype=np.float32)
        moved = rows + noise * np.float32(_NOISE / np.sqrt(self.dimension))
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def _copies(source: Store) -> Iterator[Text]:
    """The source's documents over and over, every copy under a name and a title of its own."""
    names = [info.id for info in source.documents()]
    for turn in count(1):
        for name in names:
            document = source.document(name)
            label = f"{turn}-{name[:6]}"
            yield Text(id=f"{turn}/{name}", text=document.text, title=f"{document.title} {label}")


def _searched_bytes(store: Store) -> int:
    """Bytes of memory that opening the indexes takes."""
    before = resident_bytes()
    snapshot = store.snapshot()
    snapshot.vectors.search(snapshot.vectors.mean, 10)
    return max(0, resident_bytes() - before)
