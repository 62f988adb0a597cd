"""A search over all segments of a vector index, and which of them to merge (pure).

The index is a list of immutable segments in the order of their passage ids. A commit adds a small exact one;
neighbours are written together so that sizes stay geometric and the cost of a commit does not grow with the
collection. Deleted passages are left out by a selector until their segment is written again. Filters come
before the search, never after it: the exact file of a segment answers for few passages, a widened
approximate search for many, and the exact file again wherever that finds fewer than it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from index.dense.faiss_segment import EXACT_UP_TO, Chosen, Ids, Segment, members
from index.protocols import Vectors

_MERGE_FACTOR = 4
# A segment is written again when this share of it is deleted.
MOST_DEAD = 0.25
_MEAN_SAMPLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Passage ids and cosines of one query, best first; equal cosines by ascending id."""

    ids: Ids
    scores: Vectors


class VectorIndex:
    """An immutable view of some segments, less the passages that are deleted."""

    def __init__(
        self, segments: Sequence[Segment], dimension: int, deleted: Ids, *, exact_up_to: int = EXACT_UP_TO
    ) -> None:
        self.segments = tuple(segments)
        self.dimension = dimension
        self._exact_up_to = exact_up_to
        self._alive = [segment.alive(deleted) for segment in self.segments]

    def __len__(self) -> int:
        return sum(
            len(segment) if alive is None else alive.count
            for segment, alive in zip(self.segments, self._alive, strict=True)
        )

    @cached_property
    def mean(self) -> Vectors:
        """The mean of a spread of the vectors, shape (dimension,), zeros for none.

        Its product with a query is about the cosine of a passage that has nothing to do with it.
        """
        total = sum(len(segment) for segment in self.segments)
        parts = [
            segment.spread(-(-_MEAN_SAMPLE * len(segment) // total))
            for segment in self.segments
            if len(segment)
        ]
        return np.concatenate(parts).mean(axis=0) if parts else np.zeros(self.dimension, np.float32)

    def ids(self) -> Ids:
        """The ids that can be found, ascending."""
        parts = [
            segment.ids if alive is None else segment.ids[alive.mask]
            for segment, alive in zip(self.segments, self._alive, strict=True)
        ]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def search(self, query: Vectors, k: int, allowed: Ids | None = None) -> Neighbours:
        """The `k` nearest passages to one unit vector of shape (dimension,), among `allowed` ids if given.

        `allowed` ascends. There are fewer than `k` only if fewer passages may be found.
        """
        if query.shape != (self.dimension,):
            raise ValueError(f"query of shape {query.shape}, index of width {self.dimension}")
        ids, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for segment, alive in zip(self.segments, self._alive, strict=True):
            chosen = alive
            if allowed is not None:
                inside = members(segment.ids, allowed)
                chosen = Chosen(inside if alive is None else inside & alive.mask)
            found = segment.search(query, k, chosen, exact_up_to=self._exact_up_to)
            ids.append(found[0])
            scores.append(found[1])
        all_ids, all_scores = np.concatenate(ids), np.concatenate(scores)
        best = np.lexsort((all_ids, -all_scores))[:k]
        return Neighbours(ids=all_ids[best], scores=all_scores[best])


def merge_plan(sizes: Sequence[int], *, limit: int | None = None) -> int:
    """How many of the last segments to write together, given all sizes in order (the newest last).

    Never so many that they reach `limit` vectors together.

    >>> merge_plan([1000, 100, 40])
    2
    >>> merge_plan([1000, 100, 10])
    1
    >>> merge_plan([1000, 100, 40], limit=140)
    1
    """
    count, total = 1, sizes[-1] if sizes else 0
    for size in reversed(sizes[:-1]):
        if size > _MERGE_FACTOR * total or (limit is not None and size + total >= limit):
            break
        count, total = count + 1, total + size
    return count
