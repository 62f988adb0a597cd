"""The figures of answers that get a bootstrap interval, as functions of how often each question was drawn.

Each takes what the figure is made of and gives a `Statistic` of `index.evaluation.bootstrap`, which draws the
questions and takes the middle of what comes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.evaluation.bootstrap import Statistic
from index.evaluation.calibration_curves import Floats, bin_places
from qa.squad.metrics import Outcome


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
