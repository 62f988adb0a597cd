"""Reports of a retrieval evaluation, and the JSON keys under which they are published.

The keys of `as_json` are contracts: new ones are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from index.datasets.beir import BeirSet
from index.evaluation.bootstrap import Difference
from index.evaluation.indexed_collection import Unit
from index.evaluation.trec_metrics import DEPTH, QuestionScores, RetrievalScores, Run, ranking
from index.records import Mode

_TOP = 10
_INSTEAD = 3
_TITLE = 100


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
        """The figures as a JSON object."""
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
        """The figures as a JSON object."""
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


def question_lines(
    judged: BeirSet, run: Run, scores: Mapping[str, QuestionScores], mode: Mode
) -> Iterator[str]:
    """What a run missed, question by question: a line of JSON for each, in the order of the collection.

        {"mode", "id", "question", "ndcg@10", "recall@10", "recall@100", "mrr@10", "map", "relevant",
         "missed":  [{"id", "title", "grade", "rank"}]             relevant and not in the first ten
         "instead": [{"id", "title", "grade", "rank", "score"}]}   irrelevant and in the first ten

    A rank is null beyond the depth of the run, a title where the corpus lacks the document, a grade where
    nobody judged it.
    """
    titles = {item.id: (item.title or item.text)[:_TITLE] for item in judged.documents}
    for name, grades in judged.judgements.items():
        ranked = ranking(run.get(name, {}), DEPTH)
        ranks = {document: rank for rank, (document, _) in enumerate(ranked, start=1)}
        relevant = {document: grade for document, grade in grades.items() if grade > 0}
        missed = [
            {"id": item, "title": titles.get(item), "grade": grade, "rank": ranks.get(item)}
            for item, grade in relevant.items()
            if ranks.get(item, DEPTH) > _TOP
        ]
        wrong = [(item, score) for item, score in ranked[:_TOP] if item not in relevant]
        instead = [
            {
                "id": item,
                "title": titles.get(item),
                "grade": grades.get(item),
                "rank": ranks[item],
                "score": score,
            }
            for item, score in wrong[:_INSTEAD]
        ]
        line = {
            "mode": str(mode),
            "id": name,
            "question": judged.queries[name],
            **scores[name].figures(),
            "relevant": len(relevant),
            "missed": missed,
            "instead": instead,
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"
