"""Vectors in FAISS: the only module that imports it.

The index is a list of immutable segments, each one file. A commit adds a small segment; `merge_plan` says
which neighbours to write together so that sizes stay geometric and the cost of a commit does not grow with
the collection. Nothing is ever changed in place: FAISS aborts the process when asked to add to a memory-
mapped index, and HNSW cannot remove. Deleted passages are left out by a selector until their segment is
merged.

Segments are exact (float16 scalar quantisation of vectors that are float16 already, inner product), so
recall is 1.0 under any filter. Positions inside a segment follow ascending passage id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.protocols import Vectors

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

KIND = "IDMap2,SQfp16"
_MERGE_FACTOR = 4
_MEAN_SAMPLE = 1000


class DamagedSegment(Exception):
    """A segment file cannot be read; the store rebuilds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Passage ids and cosines of one query, best first; equal cosines by ascending id."""

    ids: Ids
    scores: Vectors


def write_segment(path: Path, ids: Ids, vectors: Vectors) -> None:
    """Write one segment; `ids` ascending, shape (n,); `vectors` unit length, shape (n, dimension)."""
    if vectors.ndim != 2 or ids.shape != (len(vectors),):
        raise ValueError(f"{len(ids)} ids do not fit vectors of shape {vectors.shape}")
    index = faiss.index_factory(vectors.shape[1], KIND, faiss.METRIC_INNER_PRODUCT)
    index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
    faiss.write_index(index, str(path))


class Segment:
    """One memory-mapped segment file."""

    def __init__(self, path: Path, dimension: int) -> None:
        try:
            # Typed as Any: the stubs of faiss know neither IndexIDMap2.id_map nor the search parameters.
            outer: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
            self.ids: Ids = np.asarray(faiss.vector_to_array(outer.id_map), dtype=np.int64)
            self._index: Any = faiss.downcast_index(outer.index)
        except (RuntimeError, AttributeError) as error:
            raise DamagedSegment(f"{path.name}: {error}") from error
        self._keep_alive = outer
        self.path = path
        if self._index.d != dimension or self._index.ntotal != len(self.ids):
            raise DamagedSegment(f"{path.name}: {self._index.ntotal} vectors of width {self._index.d}")

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, query: Vectors, k: int, keep: Mask | None) -> Neighbours:
        """The `k` nearest among the positions that `keep` (shape (len(self),)) marks, or among all."""
        available = len(self.ids) if keep is None else int(keep.sum())
        if not available:
            return Neighbours(ids=np.empty(0, np.int64), scores=np.empty(0, np.float32))
        parameters = None if keep is None else _only(keep)
        scores, positions = self._index.search(query[None, :], min(k, available), params=parameters)
        found = positions[0] >= 0
        return Neighbours(ids=self.ids[positions[0][found]], scores=scores[0][found])

    def vectors(self) -> Vectors:
        """All vectors, float32, shape (len(self), dimension)."""
        return np.asarray(self._index.reconstruct_n(0, len(self.ids)), dtype=np.float32)

    def spread(self, count: int) -> Vectors:
        """`count` of its vectors, or all if those are fewer, evenly over its positions."""
        positions = np.linspace(0, len(self.ids) - 1, min(count, len(self.ids))).astype(np.int64)
        return np.asarray(self._index.reconstruct_batch(positions), dtype=np.float32)


class VectorIndex:
    """An immutable view of some segments, less the passages that are deleted."""

    def __init__(self, segments: Sequence[Segment], dimension: int, deleted: Ids) -> None:
        self.segments = tuple(segments)
        self.dimension = dimension
        self._alive = [None if not len(deleted) else _outside(s.ids, deleted) for s in self.segments]

    def __len__(self) -> int:
        return sum(
            len(s) if alive is None else int(alive.sum())
            for s, alive in zip(self.segments, self._alive, strict=True)
        )

    @cached_property
    def mean(self) -> Vectors:
        """The mean of a spread of the vectors, shape (dimension,), zeros for none.

        Its product with a query is about the cosine of a passage that has nothing to do with it.
        """
        total = sum(len(s) for s in self.segments)
        parts = [s.spread(-(-_MEAN_SAMPLE * len(s) // total)) for s in self.segments if len(s)]
        return np.concatenate(parts).mean(axis=0) if parts else np.zeros(self.dimension, np.float32)

    def ids(self) -> Ids:
        """The ids that can be found, ascending."""
        parts = [
            s.ids if alive is None else s.ids[alive]
            for s, alive in zip(self.segments, self._alive, strict=True)
        ]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> Neighbours:
        """The `k` nearest passages to one unit vector of shape (dimension,), exact among `allowed` ids."""
        if query.shape != (self.dimension,):
            raise ValueError(f"query of shape {query.shape}, index of width {self.dimension}")
        found = []
        for segment, alive in zip(self.segments, self._alive, strict=True):
            keep = alive
            if allowed is not None:
                inside = ~_outside(segment.ids, allowed)
                keep = inside if alive is None else inside & alive
            found.append(segment.search(query, k, keep))
        if not found:
            return Neighbours(ids=np.empty(0, np.int64), scores=np.empty(0, np.float32))
        ids = np.concatenate([part.ids for part in found])
        scores = np.concatenate([part.scores for part in found])
        best = np.lexsort((ids, -scores))[:k]
        return Neighbours(ids=ids[best], scores=scores[best])


def merge_plan(sizes: Sequence[int]) -> int:
    """How many of the last segments to write together, given all sizes in order (the newest last).

    >>> merge_plan([1000, 100, 40])
    2
    >>> merge_plan([1000, 100, 10])
    1
    """
    count, total = 1, sizes[-1] if sizes else 0
    for size in reversed(sizes[:-1]):
        if size > _MERGE_FACTOR * total:
            break
        count, total = count + 1, total + size
    return count


def _only(keep: Mask) -> Any:
    library: Any = faiss  # its stubs know the C++ signatures, not those of its Python layer
    selector = library.IDSelectorBitmap(np.packbits(keep, bitorder="little"))
    return library.SearchParameters(sel=selector)


def _outside(ids: Ids, others: Ids) -> Mask:
    return np.isin(ids, others, assume_unique=True, invert=True)
