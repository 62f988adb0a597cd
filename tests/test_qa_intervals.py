"""Bootstrap intervals: the figures of an even draw are the figures themselves, and their spread is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import intervals
from qa.curves import expected_calibration_error
from qa.intervals import best_percent, bootstrap, calibration_gap, mean_percent
from qa.metrics import Outcome, best_threshold

OUTCOMES = st.lists(
    st.builds(
        Outcome,
        predicted=st.sampled_from(["", "x"]),
        score=st.sampled_from([0.0, 0.4, 1.0]),
        no_answer=st.floats(-9, 9),
        answerable=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@given(OUTCOMES)
def test_a_draw_of_every_question_once_has_the_best_threshold(outcomes: list[Outcome]) -> None:
    even = np.ones((1, len(outcomes)))
    assert best_percent(outcomes)(even).tolist() == pytest.approx([best_threshold(outcomes)[0]])


@given(OUTCOMES, st.integers(0, 2**31))
def test_a_draw_chooses_its_own_best_threshold(outcomes: list[Outcome], seed: int) -> None:
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


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    scores = [1.0] * 300 + [0.0] * 700
    interval = bootstrap({"exact": mean_percent(scores)}, 1000)["exact"]
    error = 100 * 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    assert interval.low == pytest.approx(30 - error, abs=0.5)
    assert interval.high == pytest.approx(30 + error, abs=0.5)


def test_a_seed_gives_the_same_interval_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    statistics = {"f1": mean_percent([0.1, 0.5, 0.7, 1.0, 0.0])}
    whole = bootstrap(statistics, 5, seed=4)
    monkeypatch.setattr(intervals, "_NUMBERS_AT_ONCE", 35)
    assert bootstrap(statistics, 5, seed=4) == whole
    assert bootstrap(statistics, 5, seed=5) != whole


def test_one_question_has_no_spread_and_none_have_no_interval() -> None:
    interval = bootstrap({"exact": mean_percent([1.0])}, 1)["exact"]
    assert (interval.low, interval.high) == (100.0, 100.0)
    assert bootstrap({"exact": mean_percent([])}, 0) == {}
