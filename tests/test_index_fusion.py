"""Fusing two ranked lists."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from index import fusion
from index.fusion import FusionSettings, fuse

scored = st.dictionaries(st.integers(0, 30), st.integers(-40, 400).map(lambda n: n / 8), max_size=12).map(
    lambda found: sorted(found.items(), key=lambda item: -item[1])
)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(fusion).failed == 0


def test_weight_moves_the_order() -> None:
    dense, lexical = [(1, 0.9), (2, 0.1)], [(2, 9.0), (1, 1.0)]
    assert fuse(dense, lexical, FusionSettings(dense_weight=0.9))[0][0] == 1
    assert fuse(dense, lexical, FusionSettings(dense_weight=0.1))[0][0] == 2


@given(scored, scored)
def test_every_candidate_is_ranked_once_with_a_score_between_zero_and_one(
    dense: list[tuple[int, float]], lexical: list[tuple[int, float]]
) -> None:
    fused = fuse(dense, lexical)
    assert sorted(i for i, _ in fused) == sorted({i for i, _ in dense} | {i for i, _ in lexical})
    scores = [score for _, score in fused]
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(scored)
def test_one_list_keeps_its_order(dense: list[tuple[int, float]]) -> None:
    values = dict(dense)
    fused = [values[i] for i, _ in fuse(dense, [])]
    assert fused == sorted(fused, reverse=True)
