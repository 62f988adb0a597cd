"""The passages of a store on a plane: those with like vectors lie together, as far as two dimensions show it.

PCA keeps the two directions in which the vectors differ most and says how much of their spread that is; UMAP
(McInnes et al. 2018), where it is installed, keeps neighbours together instead and has no such figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from index.errors import DataError
from index.protocols import Vectors
from index.records import StoredPassage
from index.store.store import Store

Projection = Literal["pca", "umap"]
MOST_POINTS = 2000
_ROWS = 4096
_LEAST_FOR_UMAP = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMap:
    """Points (n, 2) of passages, each between -1 and 1; `of` is how many passages the store has.

    `kept` is the share of the vectors' variance that the plane shows, None for UMAP.
    """

    points: NDArray[np.float32]
    passages: tuple[StoredPassage, ...]
    of: int
    kept: float | None


def projections() -> tuple[Projection, ...]:
    """Those that can be drawn here."""
    return get_args(Projection) if find_spec("umap") is not None else ("pca",)


def map_of(store: Store, *, projection: Projection = "pca", at_most: int = MOST_POINTS) -> FlatMap:
    """The passages of the store that have a vector; of many an even spread. Raises DataError for no UMAP."""
    snapshot = store.snapshot()
    ids, _ = store.catalog.passages.visible(snapshot.revision)
    step = max(1, -(-len(ids) // at_most))
    blocks = list(
        store.catalog.vectors.blocks(ids[::step], store.encoder.fingerprint, store.encoder.dimension, _ROWS)
    )
    held = np.concatenate([part for part, _ in blocks]) if blocks else np.zeros(0, np.int64)
    found = store.catalog.passages.get(held.tolist(), snapshot.revision)
    vectors = np.concatenate([part for _, part in blocks]) if blocks else np.zeros((0, 2), np.float32)
    kept = None
    if projection == "umap":
        points = _umap(vectors)
    else:
        points, kept = pca(vectors)
    return FlatMap(
        points=_fitted(points),
        passages=tuple(found[passage_id][0] for passage_id in held.tolist()),
        of=len(ids),
        kept=kept,
    )


def pca(vectors: Vectors) -> tuple[NDArray[np.float32], float]:
    """Points (n, 2) along the two directions of largest variance, and the share of the variance they keep.

    Each direction's sign is that which makes its largest weight positive, so that a map does not flip.
    """
    if len(vectors) < 2:
        return np.zeros((len(vectors), 2), np.float32), 1.0
    centred = vectors - vectors.mean(axis=0)
    spread, directions = np.linalg.eigh(centred.T @ centred)
    chosen = directions[:, ::-1][:, :2]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), range(chosen.shape[1])])
    total = float(spread.sum())
    kept = float(spread[-2:].sum()) / total if total > 0 else 1.0
    return np.asarray(centred @ chosen, dtype=np.float32), kept


def _umap(vectors: Vectors) -> NDArray[np.float32]:
    if find_spec("umap") is None:
        raise DataError("UMAP is not installed", hint="pip install umap-learn, or draw the map by PCA")
    if len(vectors) < _LEAST_FOR_UMAP:
        return pca(vectors)[0]
    library: Any = import_module("umap")
    points = library.UMAP(metric="cosine", random_state=0).fit_transform(vectors)
    return np.asarray(points, dtype=np.float32)


def _fitted(points: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(points):
        return points
    centred = points - (points.max(axis=0) + points.min(axis=0)) / 2
    return np.asarray(centred / max(float(np.abs(centred).max()), 1e-9), dtype=np.float32)
