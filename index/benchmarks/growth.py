"""A store grown to a size that no collection at hand has, and what each part of the growth cost.

Documents of another store are written again and again under new paths, their vectors moved a little, each by
the same transaction and the same publishing as any document: only parsing, cutting up and encoding are left
out, which cost the same for a passage whatever the store holds. A title tells the copies apart, so that the
lexical index meets new words as it would in a real collection.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.checkpoints.hardware import resident_bytes
from index.sql.stored_documents import StoredDocument
from index.store.store import Store
from ingest.records import document_id

# How far a copy's vector goes from its source: neighbours in a collection of passages are at about .78.
_NOISE = 0.8
_SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint:
    """The store at a size: what the last part of the growth cost a passage, and what the store takes.

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
class Growth:
    """How a store grew, in the order of its sizes."""

    source_passages: int
    points: tuple[GrowthPoint, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, ready for json.dumps."""
        return asdict(self)


def grow(source: Store, target: Store, sizes: Sequence[int]) -> Iterator[Growth]:
    """Write documents of `source` into the empty store `target` until it holds each of `sizes` in turn.

    Gives what is known so far at each of them. Raises ValueError for a source without passages.
    """
    held = source.stats().passages
    if not held:
        raise ValueError("the source holds no passages")
    documents = _copies(source, source.encoder.fingerprint)
    points: list[GrowthPoint] = []
    written = 0
    for size in sizes:
        cpu, wall, before = time.process_time(), time.perf_counter(), written
        written += target.take_over(_until(documents, size - written))
        target.settle()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        points.append(
            GrowthPoint(
                passages=written,
                write_ms=1000 * cpu / max(1, written - before),
                wall_ms=1000 * wall / max(1, written - before),
                disk_bytes=target.stats().bytes,
                index_bytes=_searched_bytes(target) / max(1, written),
            )
        )
        yield Growth(source_passages=held, points=tuple(points))


def _searched_bytes(store: Store) -> int:
    """Bytes of memory that opening the indexes takes."""
    before = resident_bytes()
    snapshot = store.snapshot()
    snapshot.vectors.search(snapshot.vectors.mean, 10)
    return max(0, resident_bytes() - before)


def _until(documents: Iterator[StoredDocument], passages: int) -> Iterator[StoredDocument]:
    while passages > 0:
        holding = next(documents)
        passages -= len(holding.passages)
        yield holding


def _copies(source: Store, fingerprint: str) -> Iterator[StoredDocument]:
    """The source's documents over and over, in another order each time, every copy a document of its own."""
    random = np.random.default_rng(_SEED)
    revision = source.catalog.revision()
    for turn in count(1):
        for holding in source.catalog.stored_documents.read(revision, fingerprint):
            yield _copy(holding, turn, random)


def _copy(holding: StoredDocument, turn: int, random: np.random.Generator) -> StoredDocument:
    document = holding.document
    content = hashlib.sha256(f"{document.content_sha256} {turn}".encode()).hexdigest()
    path, state = holding.paths[0]
    return StoredDocument(
        document=replace(
            document,
            id=document_id(content, document.parser),
            content_sha256=content,
            title=f"{document.title} {content[:6]}",
            path=f"/copies/{turn}{path}",
        ),
        paths=((f"/copies/{turn}{path}", state),),
        passages=holding.passages,
        vectors={place: _moved(vector, random) for place, vector in holding.vectors.items()},
    )


def _moved(vector: NDArray[np.float16], random: np.random.Generator) -> NDArray[np.float16]:
    noise = random.standard_normal(len(vector), dtype=np.float32)
    moved = vector.astype(np.float32) + noise * np.float32(_NOISE / np.sqrt(len(vector)))
    return np.asarray(moved / np.linalg.norm(moved), dtype=np.float16)
