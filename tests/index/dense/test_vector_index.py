"""A search over segments against brute force, whatever is filtered or deleted; the plan of merging."""

from __future__ import annotations

import doctest
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.dense import index_kinds as kinds
from index.dense import vector_index as segments
from index.dense.faiss_segment import (
    Approximate,
    Ids,
    Mask,
    Segment,
    build_approximate,
    members,
    write_segment,
)
from index.dense.index_kinds import Effort
from index.dense.vector_index import VectorIndex, merge_plan
from index.protocols import Vectors

WIDTH = 32
COUNT = 3000
NONE = np.empty(0, np.int64)


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


IDS = np.arange(5, 5 + 3 * COUNT, 3, dtype=np.int64)
ROWS = unit_rows(COUNT, seed=1)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Segment]:
    """A large segment with an approximate index that knows little, and two exact ones."""
    folder = tmp_path_factory.mktemp("segments")
    found = []
    for number, part in enumerate((slice(0, 2500), slice(2500, 2983), slice(2983, COUNT))):
        write_segment(folder / f"{number}.faiss", IDS[part], ROWS[part])
        found.append(Segment(folder / f"{number}.faiss", WIDTH))
    build_approximate(found[0], "IVF32,PQ8x4fs", folder / "near", trained=None, stop=lambda: False)
    near = Approximate(folder / "near", Effort(probes=2, candidates=50))
    return [Segment(found[0].path, WIDTH, near), *found[1:]]


@pytest.fixture(scope="module")
def exact_parts(parts: Sequence[Segment]) -> Sequence[Segment]:
    """The same segments without an approximate index."""
    return [Segment(part.path, WIDTH) for part in parts]


def brute_force(query: Vectors, k: int, mask: Mask) -> list[int]:
    ids, scores = IDS[mask], ROWS[mask] @ query
    return [int(ids[i]) for i in np.lexsort((ids, -scores))[:k]]


def test_search_over_exact_segments_equals_numpy(exact_parts: Sequence[Segment]) -> None:
    index = VectorIndex(exact_parts, WIDTH, NONE)
    for query in unit_rows(20, seed=2):
        found = index.search(query, 17)
        assert found.ids.tolist() == brute_force(query, 17, np.ones(COUNT, bool))
        assert np.allclose(found.scores, np.sort(ROWS @ query)[::-1][:17], atol=1e-4)


@given(
    share=st.sampled_from([0.0, 0.001, 0.005, 0.05, 0.5, 1.0]),
    dead=st.sampled_from([0.0, 0.1, 0.9]),
    k=st.integers(1, 400),
    seed=st.integers(0, 10_000),
)
def test_filtered_search_equals_brute_force(
    parts: Sequence[Segment], share: float, dead: float, k: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    allowed, deleted = random.random(COUNT) < share, random.random(COUNT) < dead
    index = VectorIndex(parts, WIDTH, IDS[deleted])
    assert len(index) == COUNT - deleted.sum()
    query = unit_rows(1, seed=seed)[0]
    found = index.search(query, k, allowed=IDS[allowed])
    assert found.ids.tolist() == brute_force(query, k, allowed & ~deleted)


@given(
    share=st.floats(0.0, 1.0),
    dead=st.sampled_from([0.0, 0.3]),
    k=st.integers(1, 3500),
    seed=st.integers(0, 99),
)
def test_selector_search_gives_k_of_the_allowed(
    parts: Sequence[Segment], share: float, dead: float, k: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    allowed, deleted = random.random(COUNT) < share, random.random(COUNT) < dead
    index = VectorIndex(parts, WIDTH, IDS[deleted], exact_up_to=0)
    query = unit_rows(1, seed=seed)[0]
    found = index.search(query, k, allowed=IDS[allowed])
    alive = allowed & ~deleted
    assert len(found.ids) == min(k, alive.sum())
    assert len(np.unique(found.ids)) == len(found.ids)
    assert np.isin(found.ids, IDS[alive]).all()
    assert np.allclose(found.scores, ROWS[(found.ids - 5) // 3] @ query, atol=1e-4)


def test_widening_finds_what_lies_far_from_the_query(parts: Sequence[Segment]) -> None:
    # Only the third of the vectors farthest from the query may be found: its own lists hold none of them.
    query = unit_rows(1, seed=8)[0]
    far = ROWS @ query < np.quantile(ROWS @ query, 1 / 3)
    index = VectorIndex(parts[:1], WIDTH, NONE, exact_up_to=0)
    near = parts[0].approximate
    assert near is not None
    far[2500:] = False
    near.effort = Effort(probes=16, candidates=400)
    found = index.search(query, 10, allowed=IDS[far])
    near.effort = Effort(probes=2, candidates=50)
    assert len(np.intersect1d(found.ids, brute_force(query, 10, far))) >= 7


def test_deleted_passages_are_never_found_and_k_stays_full(parts: Sequence[Segment]) -> None:
    index = VectorIndex(parts, WIDTH, IDS[::2])
    assert index.ids().tolist() == IDS[1::2].tolist()
    found = index.search(unit_rows(1, seed=5)[0], 1400)
    assert len(found.ids) == 1400
    assert not np.isin(found.ids, IDS[::2]).any()


def test_asking_for_more_than_there_is_gives_all(parts: Sequence[Segment]) -> None:
    found = VectorIndex(parts, WIDTH, NONE).search(unit_rows(1, seed=6)[0], 5000)
    assert sorted(found.ids.tolist()) == IDS.tolist()


def test_query_of_another_width_is_refused(parts: Sequence[Segment]) -> None:
    with pytest.raises(ValueError, match="index of width 32"):
        VectorIndex(parts, WIDTH, NONE).search(np.zeros(8, np.float32), 1)


@given(st.sets(st.integers(0, 90) | st.integers(0, 9000)), st.sets(st.integers(0, 90) | st.integers(0, 9000)))
def test_members_equals_set_membership(ids: set[int], others: set[int]) -> None:
    mask = members(_ascending(ids), _ascending(others))
    assert mask.tolist() == [number in others for number in sorted(ids)]


def _ascending(numbers: set[int]) -> Ids:
    return np.array(sorted(numbers), dtype=np.int64)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300), st.sampled_from([None, 200]))
def test_merging_keeps_few_segments_and_little_work(commits: list[int], limit: int | None) -> None:
    sizes: list[int] = []
    written = 0
    for size in commits:
        sizes.append(size)
        count = merge_plan(sizes, limit=limit)
        total = sum(sizes[-count:])
        sizes[-count:] = [total]
        written += total
        assert limit is None or total < limit
    total = sum(commits)
    # Each segment is more than four times the next, so there are at most log_4(total) + 1 of them.
    assert limit is not None or len(sizes) <= np.log(total) / np.log(4) + 2
    assert written <= total * (5 * np.log2(total + 1) + 2)


@pytest.mark.parametrize("module", [segments, kinds])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
