"""Figures that get an interval: those of an even draw are the figures themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.evaluation.calibration_curves import expected_calibration_error
from qa.evaluation.scoring import best_percent, calibration_gap, mean_percent
from qa.squad.metrics import ScoredQuestion, best_threshold

OUTCOMES = st.lists(
    st.builds(
        ScoredQuestion,
        predicted=st.sampled_from(["", "x"]),
        score=st.sampled_from([0.0, 0.4, 1.0]),
        no_answer=st.floats(-9, 9),
        answerable=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@given(OUTCOMES)
def test_a_draw_of_every_question_once_has_the_best_threshold(outcomes: list[ScoredQuestion]) -> None:
    even = np.ones((1, len(outcomes)))
    assert best_percent(outcomes)(even).tolist() == pytest.approx([best_threshold(outcomes)[0]])


@given(OUTCOMES, st.integers(0, 2**31))
def test_a_draw_chooses_its_own_best_threshold(outcomes: list[ScoredQuestion], seed: int) -> None:
    chosen = np.random.default_rng(seed).integers(len(outcomes), size=len(outcomes))
    counts = np.bincount(chosen, minlength=len(outcomes))[None, :].astype(float)
    # Copies in the order of the originals: equal thresholds are visited as in the draw.
    drawn = [outcome for outcome, count in zip(outcomes, counts[0], strict=True) for _ in range(int(count))]
    assert best_percent(outcomes)(counts).tolist() == pytest.approx([best_threshold(drawn)[0]])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_a_draw_of_every_question_once_has_the_calibration_error(judged: list[tuple[float, bool]]) -> None:
    confidences, right = [c for c, _ in judged], [r for _, r in judged]
    gap = calibration_gap(confidences, right)(np.ones((1, len(judged))))
    assert gap.tolist() == pytest.approx([expected_calibration_error(confidences, right)])


def test_the_mean_of_a_draw_counts_questions_as_often_as_they_came() -> None:
    counts = np.array([[1.0, 1.0, 1.0], [3.0, 0.0, 0.0]])
    assert mean_percent([1.0, 0.5, 0.0])(counts).tolist() == [50.0, 100.0]
