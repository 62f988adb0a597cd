"""Vectors in FAISS: the only module that imports it.

A segment is an exact file (float16 scalar quantisation of vectors that are float16 already, inner product,
memory-mapped) and, when it is large, an approximate index beside it. The approximate one only proposes
positions: their scores always come from the exact file, and so does every search over few enough positions.
No file is changed once written: FAISS aborts the process when asked to add to a memory-mapped index, and
HNSW cannot remove. Positions inside a segment follow ascending passage id.

See `vector_index` for merging and deletion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.dense.index_kinds import EXACT, EXAMPLE, Effort
from index.errors import StoreError
from index.protocols import Vectors

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 16_384
# Up to here scoring the selected positions exactly costs less than a widened search (see `index_kinds`).
EXACT_UP_TO = 10_000
# A scan tests every position (2 ns); gathering the selected ones costs each of them 1.2 us more than a scan.
_SCANNED_PER_GATHERED = 600
# A larger share than this stands in all lists alike: deletions must not cost every search a count of them.
_EVERYWHERE = 0.5
_SPARSE = 32
_SEED = 1
_WRITE_BYTES = 1 << 22
_LEAST_PER_CENTROID = 39  # FAISS complains below
_MOST_PER_CENTROID = 256
_MOST_TRAINING = 200_000
_LIBRARY: Any = faiss  # its stubs know the C++ signatures, not those of its Python layer


class DamagedSegment(Exception):
    """A segment file cannot be read; the store rebuilds it."""


class BuildStopped(Exception):
    """The build was called off."""


class Chosen:
    """Some positions of a segment, in the form that FAISS takes."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.count = int(mask.sum())
        self._bits = np.packbits(mask, bitorder="little")
        self.selector: Any = _LIBRARY.IDSelectorBitmap(self._bits)


class Approximate:
    """A read-only approximate index over the positions of one segment; see `build_approximate`."""

    def __init__(self, path: Path, effort: Effort) -> None:
        try:
            self._outer: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise DamagedSegment(f"{path.name}: {error}") from error
        self.effort = effort
        self.path = path
        self._inverted = _inverted(self._outer)
        self._lists: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return int(self._outer.ntotal)

    @property
    def lists(self) -> int | None:
        """How many inverted lists there are, None for an index without."""
        return None if self._inverted is None else int(self._inverted.nlist)

    def refined(self, exact: Any) -> Any:
        """This index with the exact file behind it: what it proposes is scored there."""
        return _LIBRARY.IndexRefine(self._outer, exact)

    def parameters(self, query: Vectors, k: int, chosen: Chosen | None) -> Any:
        """FAISS's search parameters for the `k` nearest, among the chosen positions if given."""
        probes = self.effort.probes
        if chosen is not None:
            probes = self._widened(query, chosen)
        options: dict[str, Any] = {} if chosen is None else {"sel": chosen.selector}
        if self._inverted is not None:
            inner = _LIBRARY.SearchParametersIVF(nprobe=probes, **options)
        elif isinstance(_inmost(self._outer), faiss.IndexHNSW):
            width = max(probes, self.effort.candidates_for(k))
            inner = _LIBRARY.SearchParametersHNSW(efSearch=width, **options)
        else:
            inner = _LIBRARY.SearchParameters(**options)
        if isinstance(self._outer, faiss.IndexPreTransform):
            inner = _LIBRARY.SearchParametersPreTransform(index_params=inner)
        factor = self.effort.candidates_for(k) / k
        return _LIBRARY.IndexRefineSearchParameters(k_factor=factor, base_index_params=inner)

    def _widened(self, query: Vectors, chosen: Chosen) -> int:
        """Probes that meet as many chosen vectors as an unrestricted search meets vectors."""
        share = chosen.count / len(self)
        if self._inverted is None or share > _EVERYWHERE:
            return min(self.lists or len(self), int(self.effort.probes / share))
        if self._lists is None:
            self._lists = _list_of_each(self._inverted)
        held = np.bincount(self._lists[chosen.mask], minlength=self._inverted.nlist)
        _, order = self._inverted.quantizer.search(self._transformed(query[None, :]), self._inverted.nlist)
        met = np.cumsum(held[order[0][order[0] >= 0]])
        wanted = min(chosen.count, self.effort.probes * len(self) / self._inverted.nlist)
        return max(self.effort.probes, int(np.searchsorted(met, wanted)) + 1)

    def _transformed(self, rows: Vectors) -> Vectors:
        if isinstance(self._outer, faiss.IndexPreTransform):
            chain: Any = self._outer.chain
            for number in range(chain.size()):
                rows = chain.at(number).apply(rows)
        return rows


class Segment:
    """One memory-mapped segment, with its approximate index if it has one."""

    def __init__(self, path: Path, dimension: int, approximate: Approximate | None = None) -> None:
        try:
            # Typed as Any: the stubs of faiss know neither IndexIDMap2.id_map nor the search parameters.
            outer: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
            self.ids: Ids = np.asarray(faiss.vector_to_array(outer.id_map), dtype=np.int64)
            self._exact: Any = _LIBRARY.downcast_index(outer.index)
        except (RuntimeError, AttributeError) as error:
            raise DamagedSegment(f"{path.name}: {error}") from error
        self._keep_alive = outer
        self.path = path
        self.approximate = approximate
        if self._exact.d != dimension or self._exact.ntotal != len(self.ids):
            raise DamagedSegment(f"{path.name}: {self._exact.ntotal} vectors of width {self._exact.d}")
        if approximate is not None and len(approximate) != len(self.ids):
            raise DamagedSegment(f"{approximate.path.name}: {len(approximate)} vectors, not {len(self.ids)}")
        codes = _LIBRARY.rev_swig_ptr(self._exact.codes.data(), len(self.ids) * self._exact.code_size)
        self._codes: NDArray[np.uint8] = codes.reshape(len(self.ids), -1)
        self._refined: Any = approximate.refined(self._exact) if approximate else None
        self._dead: tuple[Ids, Chosen] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def alive(self, deleted: Ids) -> Chosen | None:
        """The positions that are not among `deleted` (ascending), None for all of them.

        The last result is kept, so that a deletion elsewhere costs a large segment nothing.
        """
        if len(self.ids):
            first, last = np.searchsorted(deleted, (self.ids[0], self.ids[-1] + 1))
            deleted = deleted[first:last]
        if not len(deleted) or not len(self.ids):
            return None
        kept = self._dead  # one look only: other threads may replace it
        if kept is None or not np.array_equal(kept[0], deleted):
            kept = (deleted.copy(), Chosen(~members(self.ids, deleted)))
            self._dead = kept
        return kept[1] if kept[1].count < len(self.ids) else None

    def dead_share(self, deleted: Ids) -> float:
        """The share of its vectors that is deleted."""
        alive = self.alive(deleted)
        return 0.0 if alive is None else 1 - alive.count / len(self.ids)

    def search(
        self, query: Vectors, k: int, chosen: Chosen | None, *, exact_up_to: int = EXACT_UP_TO
    ) -> tuple[Ids, Vectors]:
        """Ids and exact scores of the `k` nearest among the chosen positions, or among all.

        Fewer only if there are fewer. Among `exact_up_to` chosen positions or less the result is exact.
        """
        available = len(self.ids) if chosen is None else chosen.count
        k = min(k, available)
        if not k:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if self.approximate is not None and (chosen is None or available > exact_up_to):
            parameters = self.approximate.parameters(query, k, chosen)
            scores, positions = self._refined.search(query[None, :], k, params=parameters)
            if (positions[0] >= 0).all():
                return self.ids[positions[0]], scores[0]
        if chosen is not None and available * _SCANNED_PER_GATHERED < len(self.ids):
            return self._gathered(query, k, np.flatnonzero(chosen.mask))
        parameters = None if chosen is None else _LIBRARY.SearchParameters(sel=chosen.selector)
        scores, positions = self._exact.search(query[None, :], k, params=parameters)
        return self.ids[positions[0]], scores[0]

    def _gathered(self, query: Vectors, k: int, positions: Ids) -> tuple[Ids, Vectors]:
        scores = self.rows_at(positions) @ query
        best = np.lexsort((positions, -scores))[:k]
        return self.ids[positions[best]], scores[best]

    def rows(self, start: int, count: int) -> Vectors:
        """The vectors at `count` positions from `start` on, float32, shape (count, dimension)."""
        return np.asarray(self._exact.reconstruct_n(start, count), dtype=np.float32)

    def rows_at(self, positions: Ids) -> Vectors:
        """The vectors at these positions, float32, shape (len(positions), dimension)."""
        # Decoding at once: the library's own `reconstruct_batch` sets up a decoder for each row.
        return np.asarray(self._exact.sa_decode(self._codes[positions]), dtype=np.float32)

    def spread(self, count: int) -> Vectors:
        """`count` of its vectors, or all if those are fewer, evenly over its positions."""
        return self.rows_at(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64))

    def blocks(self) -> Iterator[tuple[Ids, Vectors]]:
        """All ids and vectors, some thousand at a time."""
        for start in range(0, len(self.ids), BLOCK):
            ids = self.ids[start : start + BLOCK]
            yield ids, self.rows(start, len(ids))


def write_segment(path: Path, ids: Ids, vectors: Vectors) -> None:
    """Write one exact file; `ids` ascending, shape (n,); `vectors` unit length, shape (n, dimension)."""
    if vectors.ndim != 2:
        raise ValueError(f"vectors of shape {vectors.shape}")
    write_blocks(path, vectors.shape[1], [(ids, vectors)])


def write_blocks(path: Path, dimension: int, blocks: Iterable[tuple[Ids, Vectors]]) -> int:
    """Write one exact file from a stream of ids and vectors, ids ascending throughout; how many there were.

    Only the float16 form of all vectors is held in memory.
    """
    index: Any = faiss.index_factory(dimension, f"IDMap2,{EXACT}", faiss.METRIC_INNER_PRODUCT)
    for ids, vectors in blocks:
        if ids.shape != (len(vectors),):
            raise ValueError(f"{len(ids)} ids do not fit vectors of shape {vectors.shape}")
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
    _write(index, path)
    return int(index.ntotal)


def build_approximate(
    segment: Segment, kind: str, path: Path, *, trained: Path | None, stop: Callable[[], bool]
) -> None:
    """Write an approximate index over a segment; `trained` is an index of this kind whose training is kept.

    Training takes a bounded sample drawn with a fixed seed. Raises BuildStopped soon after `stop()` is true.
    """
    if trained is None:
        index = _made(kind, segment.rows(0, 1).shape[1])
        needed = _centroids(index)
        if needed and not index.is_trained:
            most = max(min(_MOST_PER_CENTROID * needed, _MOST_TRAINING), _LEAST_PER_CENTROID * needed)
            count = min(len(segment), most)
            drawn = np.random.default_rng(_SEED).choice(len(segment), count, replace=False)
            index.train(segment.rows_at(np.sort(drawn)))
        elif not index.is_trained:
            index.train(segment.rows(0, min(len(segment), _MOST_TRAINING)))
    else:
        index = faiss.read_index(str(trained))
        index.reset()
    for _, vectors in segment.blocks():
        if stop():
            raise BuildStopped(kind)
        index.add(vectors)
    _write(index, path)


def _write(index: Any, path: Path) -> None:
    """Write an index through Python's files: FAISS's own do not say that the last part found no room."""
    with path.open("wb") as file:
        faiss.write_index(index, _LIBRARY.PyCallbackIOWriter(file.write, _WRITE_BYTES))


def members(ids: Ids, others: Ids) -> Mask:
    """Which of `ids` are among `others`; both ascend.

    >>> members(np.array([2, 3, 5]), np.array([1, 3, 9])).tolist()
    [False, True, False]
    """
    mask = np.zeros(len(ids), dtype=np.bool_)
    if not len(ids):
        return mask
    first, last = int(ids[0]), int(ids[-1])
    others = others[np.searchsorted(others, first) : np.searchsorted(others, last, side="right")]
    if len(others) * _SPARSE > len(ids) and last - first < _SPARSE * len(ids):
        # Ten times as fast as a search of each where many are asked for.
        listed = np.zeros(last - first + 1, dtype=np.bool_)
        listed[others - first] = True
        return np.asarray(listed[ids - first], dtype=np.bool_)
    places = np.searchsorted(ids, others)
    mask[places[ids[places] == others]] = True
    return mask


@contextmanager
def faiss_threads(count: int) -> Iterator[None]:
    """FAISS on so many threads, in this thread of ours, for a while."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def least_vectors(kind: str, dimension: int) -> int:
    """How many vectors training this kind takes; raises StoreError for a string that cannot be used."""
    return _LEAST_PER_CENTROID * _centroids(_made(kind, dimension))


def _made(kind: str, dimension: int) -> Any:
    """An empty index of a kind; raises StoreError for a string that FAISS or this module cannot use."""
    hint = f"give a FAISS factory string such as {EXAMPLE}, HNSW32,SQ8 or {EXACT}, or auto"
    try:
        index: Any = faiss.index_factory(dimension, kind, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        # What FAISS says begins with the function and the line of its source.
        reason = re.split(r"\.cpp:\d+: ", str(error))[-1].removeprefix("Error: ").splitlines()[0]
        raise StoreError(
            f"{kind!r} is no index for vectors of width {dimension}: {reason}", hint=hint
        ) from error
    searchable = (faiss.IndexIVF, faiss.IndexHNSW, faiss.IndexScalarQuantizer, faiss.IndexFlat)
    if not isinstance(_inmost(index), searchable):
        raise StoreError(
            f"{kind!r} cannot be searched under filters: it is neither IVF nor HNSW, SQ or Flat", hint=hint
        )
    return index


def _inmost(index: Any) -> Any:
    return faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index


def _inverted(index: Any) -> Any:
    inner = _inmost(index)
    return inner if isinstance(inner, faiss.IndexIVF) else None


def _centroids(index: Any) -> int:
    """The largest number of centroids that one of the trainings of an index looks for."""
    inner = _inmost(index)
    product = getattr(inner, "pq", None)
    if isinstance(inner, faiss.IndexHNSW):
        product = getattr(faiss.downcast_index(inner.storage), "pq", None)
    lists = inner.nlist if isinstance(inner, faiss.IndexIVF) else 0
    return max(lists, product.ksub if product is not None else 0)


def _list_of_each(inverted: Any) -> NDArray[np.int32]:
    """The number of the inverted list that holds each position."""
    found = np.zeros(inverted.ntotal, np.int32)
    for number in range(inverted.nlist):
        size = inverted.invlists.list_size(number)
        if size:
            found[faiss.rev_swig_ptr(inverted.invlists.get_ids(number), size)] = number
    return found
