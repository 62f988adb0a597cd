"""Bootstrap: spreads that theory knows, the same for the same seed, and differences that are there or not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.evaluation import bootstrap as resampling
from index.evaluation.bootstrap import Statistic, bootstrap, compare


def percent(scores: Sequence[float]) -> Statistic:
    return lambda counts: counts @ (100 * np.array(scores)) / len(scores)


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    scores = [1.0] * 300 + [0.0] * 700
    interval = bootstrap({"exact": percent(scores)}, 1000)["exact"]
    error = 100 * 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    assert interval.low == pytest.approx(30 - error, abs=0.5)
    assert interval.high == pytest.approx(30 + error, abs=0.5)


def test_a_seed_gives_the_same_interval_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    statistics = {"f1": percent([0.1, 0.5, 0.7, 1.0, 0.0])}
    whole = bootstrap(statistics, 5, seed=4)
    monkeypatch.setattr(resampling, "_NUMBERS_AT_ONCE", 35)
    assert bootstrap(statistics, 5, seed=4) == whole
    assert bootstrap(statistics, 5, seed=5) != whole


def test_one_question_has_no_spread_and_none_have_no_interval() -> None:
    interval = bootstrap({"exact": percent([1.0])}, 1)["exact"]
    assert (interval.low, interval.high) == (100.0, 100.0)
    assert bootstrap({"exact": percent([])}, 0) == {}


def test_a_difference_is_as_sure_as_the_t_test_says() -> None:
    generator = np.random.default_rng(3)
    theirs = generator.uniform(size=200)
    gains = generator.normal(0.02, 0.15, size=200)
    found = compare((theirs + gains).tolist(), theirs.tolist())
    error = gains.std(ddof=1) / math.sqrt(200)
    assert found.mean == pytest.approx(gains.mean())
    assert found.interval.low == pytest.approx(gains.mean() - 1.96 * error, abs=0.002)
    assert found.interval.high == pytest.approx(gains.mean() + 1.96 * error, abs=0.002)
    two_sided = math.erfc(abs(gains.mean()) / error / math.sqrt(2))
    assert found.p == pytest.approx(two_sided, abs=0.02)


def test_the_luck_of_the_questions_is_rarely_taken_for_a_difference() -> None:
    generator = np.random.default_rng(0)
    gains = generator.normal(0, 0.2, size=(200, 60))
    alarms = sum(compare(row.tolist(), [0.0] * 60, resamples=500).p <= 0.05 for row in gains)
    assert 2 <= alarms <= 22


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_turning_a_comparison_round_turns_its_signs(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    one, other = compare(ours, theirs, resamples=200), compare(theirs, ours, resamples=200)
    assert (one.mean, one.p) == pytest.approx((-other.mean, other.p))
    assert (one.interval.low, one.interval.high) == pytest.approx((-other.interval.high, -other.interval.low))
    assert (one.better, one.equal, one.worse) == (other.worse, other.equal, other.better)
    assert one.better + one.equal + one.worse == len(pairs)


def test_equal_runs_do_not_differ_and_none_cannot_be_compared() -> None:
    found = compare([0.5, 1.0], [0.5, 1.0])
    assert (found.mean, found.p, found.equal) == (0.0, 1.0, 2)
    with pytest.raises(ValueError, match="no questions"):
        compare([], [])
    with pytest.raises(ValueError, match="shorter"):
        compare([1.0, 1.0], [1.0])
