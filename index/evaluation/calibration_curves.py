"""Calibration and risk-coverage curves of confidences.

    reliability     questions in ranges of confidence, each with its mean confidence and its accuracy
    risk coverage   accuracy among the questions answered, as more and more of them are answered

Pure numpy over one score and one verdict for each question; the caller decides what counts as right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Questions with a confidence from `low` to `high`; mean confidence and accuracy, None for none."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None

    @property
    def gap(self) -> float:
        """How far confidence and accuracy are apart, 0.0 without questions."""
        if self.confidence is None or self.accuracy is None:
            return 0.0
        return abs(self.confidence - self.accuracy)

    def as_json(self) -> dict[str, float | int | None]:
        """The range as a JSON object."""
        return {
            "low": self.low,
            "high": self.high,
            "count": self.count,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
        }


def reliability(
    confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10, equal_mass: bool = False
) -> tuple[Bin, ...]:
    """The questions in `bins` ranges of confidence: of equal width, or of (nearly) equally many questions.

    Equal confidences are never parted, so that ranges of equal mass can be fewer than `bins`.
    """
    values, verdicts = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    if not len(values):
        return ()
    edges = _mass_edges(values, bins) if equal_mass else np.arange(bins + 1) / bins
    places = bin_places(values, edges)
    made: list[Bin] = []
    for place in range(len(edges) - 1):
        inside = places == place
        count = int(inside.sum())
        made.append(
            Bin(
                low=float(edges[place]),
                high=float(edges[place + 1]),
                count=count,
                confidence=float(values[inside].mean()) if count else None,
                accuracy=float(verdicts[inside].mean()) if count else None,
            )
        )
    return tuple(made)


def bin_places(confidences: Floats, edges: Floats) -> NDArray[np.int64]:
    """The number of the range that holds each confidence; the last range holds its upper edge too."""
    return np.clip(np.searchsorted(edges, confidences, side="right") - 1, 0, len(edges) - 2)


def _mass_edges(values: Floats, bins: int) -> Floats:
    ordered = np.sort(values)
    firsts = [part[0] for part in np.array_split(ordered, min(bins, len(ordered)))]
    edges = np.unique([*firsts, ordered[-1]])
    return edges if len(edges) > 1 else np.repeat(edges, 2)


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean gap between confidence and accuracy over the ranges, by their sizes; 0.0 without questions."""
    total = sum(item.count for item in bins)
    return sum(item.count * item.gap for item in bins) / total if total else 0.0


def expected_calibration_error(
    confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10, equal_mass: bool = False
) -> float:
    """`calibration_error` of the `reliability` of these questions.

    It is never below zero, so that chance alone makes it larger on fewer questions.
    """
    return calibration_error(reliability(confidences, right, bins=bins, equal_mass=equal_mass))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskCoverage:
    """Questions from the surest on: `accuracy[i]` is the share that is right among the first i + 1.

    `scores` is what they are sorted by, descending. Both have the shape (questions,).
    """

    scores: Floats
    accuracy: Floats

    @property
    def coverage(self) -> Floats:
        """The share of the questions answered at each place."""
        return np.arange(1, len(self.accuracy) + 1) / max(len(self.accuracy), 1)

    @property
    def area(self) -> float:
        """The area under risk (1 - accuracy) over coverage, 0 to 1, the less the better."""
        return float(1 - self.accuracy.mean()) if len(self.accuracy) else 0.0

    def accuracy_at(self, coverage: float) -> float:
        """Accuracy among that share (0 to 1) of the questions, rounded up to at least one question."""
        return float(self.accuracy[self._place(coverage)]) if len(self.accuracy) else 0.0

    def points(self, steps: int = 20) -> list[dict[str, float | None]]:
        """The curve at equal steps of coverage; `threshold` is the score from which on one answers."""
        if not len(self.accuracy):
            return []
        # Of few questions every one is a step.
        places = sorted({self._place(step / steps) for step in range(1, steps + 1)})
        return [
            {
                "coverage": float(self.coverage[place]),
                "accuracy": float(self.accuracy[place]),
                "threshold": float(self.scores[place]) if np.isfinite(self.scores[place]) else None,
            }
            for place in places
        ]

    def _place(self, coverage: float) -> int:
        # Rounded first, so that 0.15 of 20 questions (3.0000000000000004) is three of them.
        return max(math.ceil(round(coverage * len(self.accuracy), 6)), 1) - 1


def risk_coverage(scores: Sequence[float], right: Sequence[bool]) -> RiskCoverage:
    """The curve over all questions; those of one score count alike, whatever order they came in."""
    values, verdicts = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    if not len(values):
        return RiskCoverage(scores=values, accuracy=verdicts)
    levels, group = np.unique(-values, return_inverse=True)
    share = np.bincount(group, weights=verdicts) / np.bincount(group)
    order = np.argsort(group, kind="stable")
    return RiskCoverage(
        scores=-levels[group[order]],
        accuracy=np.cumsum(share[group[order]]) / np.arange(1, len(values) + 1),
    )
