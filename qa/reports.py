"""What an evaluation found, and the flat figures under which it is published.

Field names are ours, the keys of `as_json` are contracts: those of the official SQuAD script for a reader,
those of the command line for answers. Nothing is computed here but a ratio.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Exact match and F1 (0 to 100) over some of the questions, and how many those are."""

    exact: float
    f1: float
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderReport:
    """The official figures of a reader; `unanswerable` and `best_f1` only where there are such questions.

    `best_f1_thresh` is on the scale null score minus span score: questions at or below it are answered.
    """

    every: Share
    answerable: Share
    unanswerable: Share | None
    best_f1: float | None
    best_f1_thresh: float | None
    seconds: float

    def as_json(self) -> dict[str, float]:
        """The keys of the official script, and `seconds`."""
        figures: dict[str, float] = {
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
        if self.best_f1 is not None and self.best_f1_thresh is not None:
            figures |= {"best_f1": self.best_f1, "best_f1_thresh": self.best_f1_thresh}
        return figures | {"seconds": self.seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersReport:
    """Answers over a whole collection. Exact match and F1 are 0 to 100, shares and `ece` 0 to 1.

    `decided`: a refusal counts as ''; `forced`: the top span regardless of the decision. `recall`: share of
    the answerable questions for which one passage that was read holds a gold span. `ece`: confidence of
    the top span against its exact match.
    """

    decided: Share
    forced: Share
    answered: int
    accuracy_answered: float
    recall: float
    ece: float
    p50_ms: float
    p95_ms: float

    def as_json(self) -> dict[str, float]:
        """Flat figures under the names of the command line."""
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
            "questions": self.decided.total,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
        }
