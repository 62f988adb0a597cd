"""Vectors that stand for those of a large collection, to measure at sizes that no collection at hand has.

Passages of a collection crowd around many subjects of very unequal size, the subjects around fewer fields,
and all of them share a direction. So here: a field and a subject are drawn in a space whose axes fade (the
power -0.35 of their rank), subjects have sizes by a power law (-0.7) with 20 vectors each on average, a
vector leaves its subject along the 32 directions of its field and a little in all others, and a common mean
is added before all are brought to unit length. The amount of each was set so that what decides how hard a
search is comes out as on real passages. Means over held-out passages and over questions; contrast is the
distance of any passage over that of the tenth, dimension the local intrinsic one (from twenty neighbours):

                                 passages: cosine of           questions:
                                 1st   10th  contrast  dim.    10th  contrast  dim.
    228 PEPs, 4,828 passages     .786  .639      1.50  11.3
    SciFact, 5,183 abstracts     .676  .529      1.37  16.7    .446      1.28  20.9
    five real sets, 16,075       .715  .567      1.51  15.2    .497      1.40  18.9
    generated, 16,075            .759  .648      1.53  13.3    .637      1.43  22.6
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.protocols import Vectors

_PER_SUBJECT = 20
_FIELDS = 64
_DIRECTIONS = 32
_AXES_FADE, _DIRECTIONS_FADE, _SIZES_FADE = 0.35, 0.5, 0.7
_MEAN, _FIELD, _REST = 0.9, 0.7, 0.7
_BLOCK = 32_768


class GeneratedVectors:
    """A distribution of unit vectors for a collection of `count`; the same for the same seed."""

    def __init__(self, count: int, dimension: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self._count, self._dimension = count, dimension
        self._axes = _faded(dimension, _AXES_FADE)
        rotation, _ = np.linalg.qr(random.normal(size=(dimension, dimension)))
        self._rotation = rotation.T.astype(np.float32)
        fields = self._drawn(random, _FIELDS)
        subjects = max(8, count // _PER_SUBJECT)
        self._field = random.integers(0, _FIELDS, subjects)
        self._centres = self._drawn(random, subjects) + np.float32(_FIELD) * fields[self._field]
        weights = np.arange(1, subjects + 1) ** -_SIZES_FADE
        self._shares = weights / weights.sum()
        directions = random.normal(size=(_FIELDS, min(_DIRECTIONS, dimension), dimension)) * self._axes
        directions /= np.linalg.norm(directions, axis=2, keepdims=True)
        fading = _faded(directions.shape[1], _DIRECTIONS_FADE)
        self._directions = (directions * fading[:, None]).astype(np.float32)

    def blocks(self, count: int | None = None, *, seed: int = 1) -> Iterator[Vectors]:
        """`count` of them (default: the size of the collection), a block of rows at a time."""
        random = np.random.default_rng(seed)
        left = self._count if count is None else count
        while left:
            rows = min(left, _BLOCK)
            left -= rows
            yield self._rows(random, rows)

    def questions(self, count: int, *, seed: int = 2) -> Vectors:
        """Vectors as far from the collection as questions are: each between two that are not stored."""
        own, other = (np.concatenate(list(self.blocks(count, seed=seed + part))) for part in (0, 1))
        return _unit(np.float32(0.8) * own + np.float32(0.6) * other)

    def _rows(self, random: np.random.Generator, rows: int) -> Vectors:
        subjects = random.choice(len(self._shares), rows, p=self._shares)
        vectors = self._centres[subjects] + np.float32(_REST) * self._drawn(random, rows)
        along = random.normal(size=(rows, self._directions.shape[1])).astype(np.float32)
        fields = self._field[subjects]
        for field in np.unique(fields):
            here = fields == field
            vectors[here] += along[here] @ self._directions[field]
        vectors[:, 0] += np.float32(_MEAN)
        return _unit(vectors @ self._rotation)

    def _drawn(self, random: np.random.Generator, rows: int) -> Vectors:
        drawn = random.standard_normal(size=(rows, self._dimension), dtype=np.float32)
        return np.asarray(drawn * self._axes, dtype=np.float32)


def _faded(count: int, power: float) -> NDArray[np.float32]:
    """Weights that fall with their rank, of unit length together."""
    weights = np.arange(1, count + 1) ** -power
    return np.asarray(weights / np.linalg.norm(weights), dtype=np.float32)


def _unit(rows: NDArray[np.floating[Any]]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
