"""How far a figure could be off by the luck of which questions were asked: the percentile bootstrap.

    questions drawn again with replacement, many times -> the figure of each draw -> its middle 95 %

A draw is a row of counts (how often each question came), so that every figure is a few matrix products over
all draws at once, and all figures of one report are taken from the same draws. Questions are drawn singly:
those about one article resemble each other, which these intervals do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qa.curves import Floats, bin_places
from qa.metrics import Outcome

RESAMPLES = 1000
LEVEL = 0.95

_NUMBERS_AT_ONCE = 2_000_000

Statistic = Callable[[Floats], Floats]
"""From counts, shape (draws, questions), to a figure for each draw, shape (draws,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where the middle 95 % of the draws lie."""

    low: float
    high: float


def bootstrap(
    statistics: Mapping[str, Statistic], questions: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """An interval for every statistic, the same for the same seed; none where there are no questions."""
    if not questions:
        return {}
    drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
    for counts in _draws(questions, resamples, seed):
        for name, statistic in statistics.items():
            drawn[name].append(statistic(counts))
    tails = (50 * (1 - LEVEL), 50 * (1 + LEVEL))
    return {name: _interval(np.percentile(np.concatenate(parts), tails)) for name, parts in drawn.items()}


def _interval(ends: Floats) -> Interval:
    low, high = ends.tolist()
    return Interval(low=low, high=high)


def _draws(questions: int, resamples: int, seed: int) -> Iterator[Floats]:
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, rows := max(1, _NUMBERS_AT_ONCE // questions)):
        draws = min(rows, resamples - start)
        chosen = generator.integers(questions, size=(draws, questions))
        chosen += np.arange(draws)[:, None] * questions
        counts = np.bincount(chosen.ravel(), minlength=draws * questions)
        yield counts.reshape(draws, questions).astype(np.float64)


def mean_percent(scores: Sequence[float]) -> Statistic:
    """The mean of a score of 0 to 1, as 0 to 100."""
    values = 100 * np.asarray(scores, np.float64)
    return lambda counts: counts @ values / len(values)


def best_percent(outcomes: Sequence[Outcome]) -> Statistic:
    """The best mean score (0 to 100) of one threshold, which every draw chooses for itself."""
    ordered = sorted(range(len(outcomes)), key=lambda place: outcomes[place].no_answer)
    gains = np.array([outcomes[place].gain for place in ordered])
    refused = np.array([not outcome.answerable for outcome in outcomes], np.float64)

    def best(counts: Floats) -> Floats:
        gained = np.cumsum(counts[:, ordered] * gains, axis=1).max(axis=1)
        total: Floats = 100 * (counts @ refused + np.maximum(gained, 0)) / len(outcomes)
        return total

    return best


def calibration_gap(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> Statistic:
    """The expected calibration error over ranges of equal width."""
    values = np.asarray(confidences, np.float64)
    places = bin_places(values, np.arange(bins + 1) / bins)
    surplus = np.zeros((len(values), bins))
    surplus[np.arange(len(values)), places] = values - np.asarray(right, np.float64)

    def error(counts: Floats) -> Floats:
        gap: Floats = np.abs(counts @ surplus).sum(axis=1) / len(values)
        return gap

    return error
