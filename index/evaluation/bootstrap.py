"""Sampling error of a figure: the percentile bootstrap over questions.

    questions drawn again with replacement, many times -> the figure of each draw -> its middle 95 %

A draw is a row of counts (how often each question came), so that every figure is a few matrix products over
all draws at once, and all figures of one report are taken from the same draws. Questions are drawn singly:
those about one article resemble each other, which these intervals do not know. `compare` asks the same of the
difference of two runs over the same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
COMPARISONS = 10_000
LEVEL = 0.95

_NUMBERS_AT_ONCE = 2_000_000
_ROUNDING = 1e-12
_TAILS = (50 * (1 - LEVEL), 50 * (1 + LEVEL))

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""From counts, shape (draws, questions), to a figure for each draw, shape (draws,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where the middle 95 % of the draws lie."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The mean of one run less that of another, over the same questions.

    `p` is two-sided: how often a difference as large would come by the luck of the questions if there were
    none. `better`, `equal` and `worse` count questions.
    """

    mean: float
    interval: Interval
    p: float
    better: int
    equal: int
    worse: int


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
    return {name: _interval(np.percentile(np.concatenate(parts), _TAILS)) for name, parts in drawn.items()}


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


def compare(
    ours: Sequence[float], theirs: Sequence[float], *, resamples: int = COMPARISONS, seed: int = 0
) -> Difference:
    """Scores of the same questions by two runs, compared by the paired bootstrap (Smucker et al. 2007).

    The same for the same seed. Raises ValueError where the two are of different lengths, or empty.
    """
    gains = np.array([one - other for one, other in zip(ours, theirs, strict=True)], np.float64)
    if not len(gains):
        raise ValueError("no questions to compare")
    drawn = np.concatenate([counts @ gains for counts in _draws(len(gains), resamples, seed)]) / len(gains)
    mean = float(gains.mean())
    # The draws moved to where no difference would put them; one more, what was seen, so that p is never 0.
    as_large = int((np.abs(drawn - mean) >= abs(mean) - _ROUNDING).sum())
    return Difference(
        mean=mean,
        interval=_interval(np.percentile(drawn, _TAILS)),
        p=(as_large + 1) / (resamples + 1),
        better=int((gains > _ROUNDING).sum()),
        equal=int((np.abs(gains) <= _ROUNDING).sum()),
        worse=int((gains < -_ROUNDING).sum()),
    )
