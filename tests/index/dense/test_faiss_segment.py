"""FAISS files of segments: what is written comes back, what is damaged or cannot be used is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.dense.faiss_segment import (
    Approximate,
    BuildStopped,
    Chosen,
    DamagedSegment,
    Segment,
    build_approximate,
    least_vectors,
    write_blocks,
    write_segment,
)
from index.dense.index_kinds import EXAMPLE, Effort
from index.errors import StoreError
from index.protocols import Vectors

WIDTH = 32
KINDS = ["IVF16,PQ16x4fs", "IVF16,SQ8", "HNSW16,SQ8", "PCAR32,IVF16,PQ16x4fs", "SQ8"]
FULL = Effort(probes=16, candidates=400)


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def exact(path: Path, rows: Vectors) -> Segment:
    write_segment(path, np.arange(0, 3 * len(rows), 3, dtype=np.int64), rows)
    return Segment(path, WIDTH)


@pytest.fixture(scope="module", params=KINDS)
def segment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Segment:
    """Two thousand vectors with an approximate index of each kind."""
    folder = tmp_path_factory.mktemp("segment")
    plain = exact(folder / "exact.faiss", unit_rows(2000, seed=1))
    path = folder / "near.approximate"
    build_approximate(plain, request.param, path, trained=None, stop=lambda: False)
    return Segment(plain.path, WIDTH, Approximate(path, FULL))


def test_vectors_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = unit_rows(50, seed=7)
    ids = np.arange(50, dtype=np.int64)
    assert write_blocks(tmp_path / "a.faiss", WIDTH, [(ids[:20], rows[:20]), (ids[20:], rows[20:])]) == 50
    segment = Segment(tmp_path / "a.faiss", WIDTH)
    assert np.array_equal(np.concatenate([part for _, part in segment.blocks()]), rows)
    assert np.array_equal(segment.rows_at(np.array([3, 40])), rows[[3, 40]])


@pytest.mark.parametrize("damage", ["truncated", "empty", "other"])
@pytest.mark.parametrize("what", ["exact", "approximate"])
def test_damaged_file_is_named(tmp_path: Path, damage: str, what: str) -> None:
    segment = exact(tmp_path / "exact", unit_rows(700, seed=7))
    build_approximate(segment, "IVF16,SQ8", tmp_path / "approximate", trained=None, stop=lambda: False)
    path = tmp_path / what
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "other": b"x" * 999}[damage])
    with pytest.raises(DamagedSegment, match=what):
        Segment(path, WIDTH) if what == "exact" else Approximate(path, FULL)


def test_segment_of_another_width_or_size_is_refused(tmp_path: Path) -> None:
    segment = exact(tmp_path / "a.faiss", unit_rows(700, seed=8))
    with pytest.raises(DamagedSegment, match="width 32"):
        Segment(segment.path, 64)
    build_approximate(segment, "HNSW8,SQ8", tmp_path / "near", trained=None, stop=lambda: False)
    other = exact(tmp_path / "b.faiss", unit_rows(90, seed=8))
    with pytest.raises(DamagedSegment, match="700 vectors, not 90"):
        Segment(other.path, WIDTH, Approximate(tmp_path / "near", FULL))


def test_ids_that_do_not_fit_the_vectors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 ids do not fit"):
        write_segment(tmp_path / "a.faiss", np.arange(2, dtype=np.int64), unit_rows(3, seed=9))


def test_scores_of_an_approximate_search_are_exact(segment: Segment) -> None:
    rows = np.concatenate([part for _, part in segment.blocks()])
    for query in unit_rows(10, seed=2):
        ids, scores = segment.search(query, 20, None)
        assert np.allclose(scores, rows[ids // 3] @ query, atol=1e-4)
        assert (np.diff(scores) <= 0).all()


def test_selected_positions_are_all_that_is_found(segment: Segment) -> None:
    rows = np.concatenate([part for _, part in segment.blocks()])
    chosen = Chosen(np.random.default_rng(4).random(len(segment)) < 0.3)
    for query in unit_rows(10, seed=3):
        ids, _ = segment.search(query, 10, chosen, exact_up_to=0)
        assert chosen.mask[ids // 3].all()
        nearest = np.sort((rows @ query)[chosen.mask])[-10:]
        assert (rows[ids // 3] @ query >= nearest[0] - 1e-3).mean() >= 0.7


def test_search_that_proposes_too_few_is_exact(segment: Segment) -> None:
    assert segment.approximate is not None
    segment.approximate.effort = Effort(probes=1, candidates=1)
    rows = np.concatenate([part for _, part in segment.blocks()])
    query = unit_rows(1, seed=5)[0]
    ids, _ = segment.search(query, 1900, None)
    assert len(set(ids.tolist())) == 1900
    nearest = np.argsort(-(rows @ query), kind="stable")[:1900]
    assert len(np.intersect1d(ids, 3 * nearest)) >= (1850 if segment.approximate.lists else 1900 - 1900 // 20)


def test_builds_are_repeatable_and_keep_a_training(tmp_path: Path) -> None:
    segment = exact(tmp_path / "exact", unit_rows(2000, seed=1))
    for name in ("first", "second"):
        build_approximate(segment, "IVF16,PQ16x4fs", tmp_path / name, trained=None, stop=lambda: False)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    larger = exact(tmp_path / "larger", unit_rows(2500, seed=1))
    trained = tmp_path / "first"
    build_approximate(larger, "unused", tmp_path / "third", trained=trained, stop=lambda: False)
    assert len(Approximate(tmp_path / "third", FULL)) == 2500


def test_build_can_be_stopped(tmp_path: Path) -> None:
    segment = exact(tmp_path / "exact", unit_rows(700, seed=1))
    with pytest.raises(BuildStopped):
        build_approximate(segment, "HNSW8,SQ8", tmp_path / "near", trained=None, stop=lambda: True)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("IVF", "no index"),
        ("nonsense", "no index"),
        ("", "no index"),
        ("IVF16,PQ7", "no index"),
        ("PQ16", "neither IVF nor HNSW"),
        ("NSG32,Flat", "neither IVF nor HNSW"),
        ("IDMap,Flat", "neither IVF nor HNSW"),
        ("IVF16,Flat,RFlat", "neither IVF nor HNSW"),
    ],
)
def test_bad_factory_string_is_named_with_an_example(kind: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        least_vectors(kind, WIDTH)
    assert repr(kind) in str(caught.value)
    assert EXAMPLE in caught.value.hint
    assert ".cpp" not in str(caught.value)


def test_what_training_takes() -> None:
    assert least_vectors("IVF64,SQ8", WIDTH) == 39 * 64
    assert least_vectors("IVF16,PQ16", WIDTH) == 39 * 256
    assert least_vectors("HNSW32,SQ8", WIDTH) == 0
