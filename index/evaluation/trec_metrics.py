"""Retrieval quality by trec_eval's rules, computed by trec_eval's own code (pytrec-eval-terrier).

    run: {question id: {document id: score}}     judgements: {question id: {document id: grade}}

trec_eval orders a run by score alone and breaks ties by document id, the later in the alphabet first; ranks
given by us do not count. A question without any results counts as 0, otherwise a retriever would gain by
finding nothing. This module knows ids and scores, neither texts nor stores.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean

import pytrec_eval

from index.errors import DataError

Run = Mapping[str, Mapping[str, float]]
Judgements = Mapping[str, Mapping[str, int]]

DEPTH = 1000
_MEASURES = {"ndcg_cut.10", "recall.10,100", f"map_cut.{DEPTH}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionScores:
    """One question, each score between 0 and 1; under the names of the means that they go into."""

    ndcg_at_10: float
    recall_at_10: float
    recall_at_100: float
    mrr_at_10: float
    map: float

    def figures(self) -> dict[str, float]:
        """The scores under the names of the measures."""
        return {
            "ndcg@10": self.ndcg_at_10,
            "recall@10": self.recall_at_10,
            "recall@100": self.recall_at_100,
            "mrr@10": self.mrr_at_10,
            "map": self.map,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalScores(QuestionScores):
    """Means over the judged questions.

    nDCG uses grades as gains; the others count a grade of 1 or more as relevant. `map` looks `DEPTH` results
    deep, `mrr_at_10` no further than ten.
    """

    queries: int


def mean_scores(scores: Sequence[QuestionScores]) -> RetrievalScores:
    """The means; raises DataError where there are no questions."""
    if not scores:
        raise DataError("there are no judgements to score against", hint="check the qrels file and the split")
    names = [field.name for field in fields(QuestionScores)]
    means = {name: fmean(getattr(item, name) for item in scores) for name in names}
    return RetrievalScores(**means, queries=len(scores))


def score_questions(judgements: Judgements, run: Run) -> dict[str, QuestionScores]:
    """The scores of every question of `judgements`, in their order; without results, zeros."""
    judged = {question: dict(grades) for question, grades in judgements.items()}
    if not judged:
        return {}
    deep = {question: dict(ranking(run[question], DEPTH)) for question in judged if run.get(question)}
    short = {question: dict(ranking(results, 10)) for question, results in deep.items()}
    found = pytrec_eval.RelevanceEvaluator(judged, _MEASURES).evaluate(deep)
    first = pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(short)
    return {
        question: QuestionScores(
            ndcg_at_10=_score(found, question, "ndcg_cut_10"),
            recall_at_10=_score(found, question, "recall_10"),
            recall_at_100=_score(found, question, "recall_100"),
            mrr_at_10=_score(first, question, "recip_rank"),
            map=_score(found, question, f"map_cut_{DEPTH}"),
        )
        for question in judged
    }


def ranking(results: Mapping[str, float], depth: int) -> list[tuple[str, float]]:
    """The best `depth` results in the order in which trec_eval ranks them."""
    best = heapq.nlargest(depth, results.items(), key=lambda item: (item[1], item[0]))
    return [(document, float(score)) for document, score in best]


def write_trec_run(run: Run, path: Path, *, tag: str = "spanwise") -> None:
    """Writes `question Q0 document rank score tag` lines, in the order in which trec_eval ranks them."""
    with path.open("w", encoding="utf-8") as file:
        for question, results in run.items():
            for rank, (document, score) in enumerate(ranking(results, DEPTH), start=1):
                file.write(f"{question} Q0 {document} {rank} {score!r} {tag}\n")


def _score(found: Mapping[str, Mapping[str, float]], question: str, measure: str) -> float:
    return found.get(question, {}).get(measure, 0.0)
