"""What an evaluation of retrieval found, and the keys under which it is published.

The keys of `as_json` are contracts: new ones are only ever added. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from index.evaluation.bootstrap import Difference
from index.evaluation.indexed_collection import Unit
from index.evaluation.trec_metrics import QuestionScores, RetrievalScores
from index.records import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """Scores of one mode over one collection; `truncated` counts documents cut at the encoder's window.

    `questions` are the scores of each question by its id.
    """

    scores: RetrievalScores
    questions: Mapping[str, QuestionScores]
    documents: int
    mode: Mode
    unit: Unit
    truncated: int
    seconds: float

    def as_json(self) -> dict[str, float | int | str]:
        """The machine-readable form."""
        return {
            **self.scores.figures(),
            "queries": self.scores.queries,
            "documents": self.documents,
            "mode": str(self.mode),
            "unit": self.unit,
            "truncated": self.truncated,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeDifference:
    """How nDCG@10 of `mode` differs from that of `against`, question by question."""

    mode: Mode
    against: Mode
    ndcg_at_10: Difference

    def as_json(self) -> dict[str, object]:
        """The machine-readable form."""
        found = self.ndcg_at_10
        return {
            "mode": str(self.mode),
            "against": str(self.against),
            "measure": "ndcg@10",
            "difference": found.mean,
            "interval": [found.interval.low, found.interval.high],
            "p": found.p,
            "better": found.better,
            "equal": found.equal,
            "worse": found.worse,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalComparison:
    """The modes in the order in which they were asked for, and each pair of them compared."""

    reports: tuple[RetrievalReport, ...]
    differences: tuple[ModeDifference, ...]

    def as_json(self) -> dict[str, object]:
        """The figures of the first mode; where there are several, lists of all and of the differences too."""
        figures: dict[str, object] = dict(self.reports[0].as_json())
        if len(self.reports) > 1:
            figures["modes"] = [report.as_json() for report in self.reports]
            figures["comparisons"] = [item.as_json() for item in self.differences]
        return figures
