"""Reliability and risk-coverage: by hand, and against the plainest way of counting the same."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.evaluation.calibration_curves import (
    Bin,
    bin_places,
    calibration_error,
    expected_calibration_error,
    reliability,
    risk_coverage,
)

JUDGED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def test_reliability_by_hand() -> None:
    bins = reliability([0.52, 0.58, 0.9, 1.0, 0.0], [True, False, True, True, False])
    assert [item.count for item in bins] == [1, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert bins[1] == Bin(low=0.1, high=0.2, count=0, confidence=None, accuracy=None)
    assert (bins[5].low, bins[5].high, bins[5].accuracy) == (0.5, 0.6, 0.5)
    assert bins[5].confidence == pytest.approx(0.55)
    assert bins[9].as_json() == {"low": 0.9, "high": 1.0, "count": 2, "confidence": 0.95, "accuracy": 1.0}
    # 0.05 apart in both ranges of two, nothing apart at zero
    assert calibration_error(bins) == pytest.approx(4 * 0.05 / 5)


def test_a_confidence_on_an_edge_belongs_to_the_range_that_it_begins() -> None:
    edges = np.arange(11) / 10
    assert bin_places(edges, edges).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]


def test_ranges_of_equal_mass_by_hand() -> None:
    confidences = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7]
    bins = reliability(confidences, [value > 0.5 for value in confidences], bins=3, equal_mass=True)
    assert [(item.low, item.high, item.count) for item in bins] == [
        (0.1, 0.3, 2),
        (0.3, 0.8, 2),
        (0.8, 0.9, 2),
    ]
    assert [item.accuracy for item in bins] == [0.0, 0.5, 1.0]


@given(JUDGED, st.booleans())
def test_every_question_stands_in_one_range(judged: list[tuple[float, bool]], equal_mass: bool) -> None:
    bins = reliability([c for c, _ in judged], [right for _, right in judged], equal_mass=equal_mass)
    assert sum(item.count for item in bins) == len(judged)
    assert sum(item.count * (item.accuracy or 0) for item in bins) == pytest.approx(
        sum(right for _, right in judged)
    )
    assert all(
        item.low - 1e-12 <= item.confidence <= item.high + 1e-12
        for item in bins
        if item.confidence is not None
    )
    assert 0 <= calibration_error(bins) <= 1


@given(JUDGED)
def test_the_error_is_the_gap_of_each_range_by_its_size(judged: list[tuple[float, bool]]) -> None:
    total = 0.0
    for step in range(10):
        low, high = step / 10, (step + 1) / 10 if step < 9 else 2.0
        inside = [(confidence, right) for confidence, right in judged if low <= confidence < high]
        total += abs(sum(confidence for confidence, _ in inside) - sum(right for _, right in inside))
    error = expected_calibration_error([c for c, _ in judged], [right for _, right in judged])
    assert error == pytest.approx(total / max(len(judged), 1))


def test_equal_confidences_stay_together() -> None:
    (only,) = reliability([0.4] * 7, [True] * 7, equal_mass=True)
    assert (only.count, only.low, only.high) == (7, 0.4, 0.4)
    assert reliability([], []) == reliability([], [], equal_mass=True) == ()
    assert expected_calibration_error([], []) == 0.0


def test_risk_and_coverage_by_hand() -> None:
    curve = risk_coverage([0.2, 0.9, 0.5, 0.7], [True, True, False, True])
    assert curve.scores.tolist() == [0.9, 0.7, 0.5, 0.2]
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.accuracy == pytest.approx([1, 1, 2 / 3, 3 / 4])
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert curve.accuracy_at(0.5) == 1.0
    assert curve.accuracy_at(0.51) == pytest.approx(2 / 3)
    assert curve.accuracy_at(0.0) == 1.0  # one question at least
    assert curve.points(2) == [
        {"coverage": 0.5, "accuracy": 1.0, "threshold": 0.7},
        {"coverage": 1.0, "accuracy": 0.75, "threshold": 0.2},
    ]


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.8]), st.booleans()), min_size=1, max_size=5))
def test_equal_scores_count_as_the_mean_of_all_their_orders(judged: list[tuple[float, bool]]) -> None:
    orders = [order for order in permutations(judged) if all(a[0] >= b[0] for a, b in pairwise(order))]
    accuracies = [
        [sum(right for _, right in order[:size]) / size for size in range(1, len(order) + 1)]
        for order in orders
    ]
    curve = risk_coverage([score for score, _ in judged], [right for _, right in judged])
    assert curve.accuracy == pytest.approx(np.mean(accuracies, axis=0))
    assert curve.area == pytest.approx(1 - np.mean(accuracies))


def test_questions_for_which_nothing_was_proposed_come_last() -> None:
    curve = risk_coverage([float("-inf"), 3.0], [False, True])
    assert curve.points() == [
        {"coverage": 0.5, "accuracy": 1.0, "threshold": 3.0},
        {"coverage": 1.0, "accuracy": 0.5, "threshold": None},
    ]


def test_no_questions_make_no_curve() -> None:
    curve = risk_coverage([], [])
    assert (curve.area, curve.accuracy_at(0.5), curve.points()) == (0.0, 0.0, [])
