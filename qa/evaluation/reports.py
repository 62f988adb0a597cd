"""The records of an evaluation, and the keys under which its figures are published.

The keys of `as_json` are contracts: those of the official SQuAD script for a reader, those of the command
line for answers; new ones are only ever added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index.evaluation.bootstrap import Interval
from index.evaluation.calibration_curves import Bin, RiskCoverage, calibration_error
from qa.evaluation.outcomes import FailureStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Exact match and F1 (0 to 100) over some of the questions, and how many those are."""

    exact: float
    f1: float
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The best score (0 to 100) that one threshold reaches, and that threshold.

    It is on the scale null score minus span score: questions at or below it are answered.
    """

    best: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderReport:
    """The official figures of a reader; None where the file has no questions of that kind.

    `intervals` are of the keys that they are named after. `risk_coverage` ranks questions by the log-odds of
    the best span against no answer; right is a best span that matches exactly. `seconds` is for all questions
    read in batches, `p50_ms` and `p95_ms` are for one question read by itself, over at most 100 of them.
    """

    every: Share
    answerable: Share | None
    unanswerable: Share | None
    best_exact: Threshold | None
    best_f1: Threshold | None
    intervals: Mapping[str, Interval]
    risk_coverage: RiskCoverage
    seconds: float
    p50_ms: float
    p95_ms: float

    def as_json(self) -> dict[str, Any]:
        """The keys of the official script, then ours."""
        figures: dict[str, Any] = {
            "exact": self.every.exact,
            "f1": self.every.f1,
            "total": self.every.total,
        }
        for prefix, share in (("HasAns", self.answerable), ("NoAns", self.unanswerable)):
            if share is not None:
                figures |= {
                    f"{prefix}_exact": share.exact,
                    f"{prefix}_f1": share.f1,
                    f"{prefix}_total": share.total,
                }
        for name, threshold in (("best_exact", self.best_exact), ("best_f1", self.best_f1)):
            if threshold is not None:
                figures |= {name: threshold.best, f"{name}_thresh": threshold.at}
        return figures | {
            "seconds": self.seconds,
            "ms_per_question": 1000 * self.seconds / self.every.total,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            **_curve_figures(self.risk_coverage),
            "intervals": _interval_figures(self.intervals),
            "risk_coverage": self.risk_coverage.points(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersReport:
    """Answers over a whole collection. Exact match and F1 are 0 to 100, shares and errors 0 to 1.

    `decided`: a refusal counts as ''; `forced`: the top span regardless of the decision. `accuracy_answered`
    is None where nothing was answered. `recall`: share of the answerable questions for which one passage that
    was read holds a gold span, None where there are none. Calibration and `risk_coverage` compare the
    confidence of the top span with its exact match, which a question without an answer never has;
    `reliability_judged` compares it with whether a person would judge the answer right.
    `failures` counts the questions decided wrongly by the stage that lost them.
    """

    decided: Share
    forced: Share
    answered: int
    accuracy_answered: float | None
    recall: float | None
    p50_ms: float
    p95_ms: float
    reliability: tuple[Bin, ...]
    reliability_equal_mass: tuple[Bin, ...]
    reliability_judged: tuple[Bin, ...]
    risk_coverage: RiskCoverage
    intervals: Mapping[str, Interval]
    failures: Mapping[FailureStage, int]

    @property
    def ece(self) -> float:
        """Mean gap between confidence and accuracy, over ten ranges of confidence of equal width."""
        return calibration_error(self.reliability)

    def as_json(self) -> dict[str, Any]:
        """Flat figures under the names of the command line, then intervals and curves."""
        return {
            "exact": self.decided.exact,
            "f1": self.decided.f1,
            "exact_forced": self.forced.exact,
            "f1_forced": self.forced.f1,
            "answered": self.answered,
            "coverage": self.answered / self.decided.total,
            "accuracy_answered": self.accuracy_answered,
            "recall@k": self.recall,
            "ece": self.ece,
            "ece_judged": calibration_error(self.reliability_judged),
            "questions": self.decided.total,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "ece_equal_mass": calibration_error(self.reliability_equal_mass),
            **_curve_figures(self.risk_coverage),
            "failures": {stage.value: count for stage, count in self.failures.items()},
            "intervals": _interval_figures(self.intervals),
            "risk_coverage": self.risk_coverage.points(),
            "reliability": {
                "equal_width": [item.as_json() for item in self.reliability],
                "equal_mass": [item.as_json() for item in self.reliability_equal_mass],
            },
        }


def _curve_figures(curve: RiskCoverage) -> dict[str, float]:
    return {"accuracy_top_half": curve.accuracy_at(0.5), "aurc": curve.area}


def _interval_figures(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [interval.low, interval.high] for name, interval in intervals.items()}
