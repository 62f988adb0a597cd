"""Fusing two ranked lists."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from index.search import fusion
from index.search.fusion import FusionSettings, fuse

scored = st.dictionaries(st.integers(0, 30), st.integers(-40, 400).map(lambda n: n / 8), max_size=12).map(
    lambda found: sorted(found.items(), key=lambda item: -item[1])
)

positive = scored.map(lambda found: [(i, abs(score)) for i, score in found])


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(fusion).failed == 0


def test_weight_moves_the_order() -> None:
    dense, lexical = [(1, 0.9), (2, 0.1)], [(2, 9.0), (1, 1.0)]
    assert fuse(dense, lexical, FusionSettings(dense_weight=0.9))[0][0] == 1
    assert fuse(dense, lexical, FusionSettings(dense_weight=0.1))[0][0] == 2


lifts = st.dictionaries(st.integers(0, 30), st.sampled_from([0.25, 2.0, 6.0]), max_size=5)


@given(scored, positive, lifts, st.none() | st.integers(-5, 5).map(float))
def test_every_candidate_is_ranked_once_with_a_score_between_zero_and_one(
    dense: list[tuple[int, float]],
    lexical: list[tuple[int, float]],
    lift: dict[int, float],
    floor: float | None,
) -> None:
    fused = fuse(dense, lexical, lift=lift, dense_floor=floor)
    assert sorted(i for i, _ in fused) == sorted({i for i, _ in dense} | {i for i, _ in lexical})
    scores = [score for _, score in fused]
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(scored, st.none() | st.integers(-5, 40).map(float))
def test_one_list_keeps_its_order(dense: list[tuple[int, float]], floor: float | None) -> None:
    assert [i for i, _ in fuse(dense, [], dense_floor=floor)] == [i for i, _ in dense]


@given(scored, positive, lifts)
def test_what_is_demanded_comes_before_all_else(
    dense: list[tuple[int, float]], lexical: list[tuple[int, float]], lift: dict[int, float]
) -> None:
    order = [i for i, _ in fuse(dense, lexical, lift=lift)]
    demanded = [lift.get(i, 0.0) >= 2 for i in order]
    assert demanded == sorted(demanded, reverse=True)


def test_depth_of_the_lists_does_not_move_what_stands_above_the_floor() -> None:
    dense = [(i, 0.9 - i / 100) for i in range(60)]
    lexical = [(100 - i, 20.0 - i / 4) for i in range(60)]
    deep = fuse(dense, lexical, dense_floor=0.1)
    shallow = fuse(dense[:20], lexical[:20], dense_floor=0.1)
    assert dict(shallow).items() <= dict(deep).items()
