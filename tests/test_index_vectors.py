"""FAISS segments against numpy, and the plan of merging."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import vectors as vectors_module
from index.protocols import Vectors
from index.vectors import DamagedSegment, Ids, Segment, VectorIndex, merge_plan, write_segment

WIDTH = 32


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float16).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


@pytest.fixture
def collection(tmp_path: Path) -> tuple[list[Segment], Ids, Vectors]:
    ids = np.arange(5, 5 + 3 * 1000, 3, dtype=np.int64)
    rows = unit_rows(1000, seed=1)
    segments = []
    for number, part in enumerate((slice(0, 700), slice(700, 983), slice(983, 1000))):
        write_segment(tmp_path / f"{number}.faiss", ids[part], rows[part])
        segments.append(Segment(tmp_path / f"{number}.faiss", WIDTH))
    return segments, ids, rows


def brute_force(ids: Ids, rows: Vectors, query: Vectors, k: int) -> list[int]:
    scores = rows @ query
    return [int(ids[i]) for i in np.lexsort((ids, -scores))[:k]]


def test_search_over_segments_equals_numpy(collection: tuple[list[Segment], Ids, Vectors]) -> None:
    segments, ids, rows = collection
    index = VectorIndex(segments, WIDTH, np.empty(0, np.int64))
    for query in unit_rows(20, seed=2):
        found = index.search(query, 17)
        assert found.ids.tolist() == brute_force(ids, rows, query, 17)
        assert np.allclose(found.scores, np.sort(rows @ query)[::-1][:17], atol=1e-4)


def test_filter_of_half_a_percent_is_exact_and_full(
    collection: tuple[list[Segment], Ids, Vectors],
) -> None:
    segments, ids, rows = collection
    index = VectorIndex(segments, WIDTH, np.empty(0, np.int64))
    chosen = np.sort(np.random.default_rng(3).choice(1000, 5, replace=False))
    for query in unit_rows(10, seed=4):
        found = index.search(query, 5, allowed=ids[chosen])
        assert found.ids.tolist() == brute_force(ids[chosen], rows[chosen], query, 5)


def test_deleted_passages_are_never_found_and_k_stays_full(
    collection: tuple[list[Segment], Ids, Vectors],
) -> None:
    segments, ids, rows = collection
    deleted = ids[::2]
    index = VectorIndex(segments, WIDTH, deleted)
    assert len(index) == 500
    assert index.ids().tolist() == ids[1::2].tolist()
    query = unit_rows(1, seed=5)[0]
    assert index.search(query, 400).ids.tolist() == brute_force(ids[1::2], rows[1::2], query, 400)


def test_asking_for_more_than_there_is_gives_all(
    collection: tuple[list[Segment], Ids, Vectors],
) -> None:
    segments, ids, _ = collection
    index = VectorIndex(segments, WIDTH, np.empty(0, np.int64))
    found = index.search(unit_rows(1, seed=6)[0], 5000)
    assert sorted(found.ids.tolist()) == ids.tolist()


def test_vectors_come_back_as_they_were_written(collection: tuple[list[Segment], Ids, Vectors]) -> None:
    segments, _, rows = collection
    assert np.array_equal(np.concatenate([segment.vectors() for segment in segments]), rows)


@pytest.mark.parametrize("damage", ["truncated", "empty", "other"])
def test_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "vectors.faiss"
    write_segment(path, np.arange(50, dtype=np.int64), unit_rows(50, seed=7))
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "other": b"x" * 999}[damage])
    with pytest.raises(DamagedSegment, match=r"vectors\.faiss"):
        Segment(path, WIDTH)


def test_segment_of_another_width_is_refused(tmp_path: Path) -> None:
    write_segment(tmp_path / "a.faiss", np.arange(3, dtype=np.int64), unit_rows(3, seed=8))
    with pytest.raises(DamagedSegment, match="width 32"):
        Segment(tmp_path / "a.faiss", 64)


def test_ids_that_do_not_fit_the_vectors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 ids do not fit"):
        write_segment(tmp_path / "a.faiss", np.arange(2, dtype=np.int64), unit_rows(3, seed=9))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300))
def test_merging_keeps_few_segments_and_little_work(commits: list[int]) -> None:
    sizes: list[int] = []
    written = 0
    for size in commits:
        sizes.append(size)
        count = merge_plan(sizes)
        total = sum(sizes[-count:])
        sizes[-count:] = [total]
        written += total
    total = sum(commits)
    # Each segment is more than four times the next, so there are at most log_4(total) + 1 of them.
    assert len(sizes) <= np.log(total) / np.log(4) + 2
    assert written <= total * (5 * np.log2(total + 1) + 2)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(vectors_module).failed == 0
