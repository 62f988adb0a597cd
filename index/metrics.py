"""Retrieval quality by trec_eval's rules, computed by trec_eval's own code (pytrec-eval-terrier).

    run: {question id: {document id: score}}     judgements: {question id: {document id: grade}}

trec_eval orders a run by score alone and breaks ties by document id, the later in the alphabet first; ranks
given by us do not count. A question without any results counts as 0, otherwise a retriever would gain by
finding nothing. This module knows ids and scores, neither texts nor stores.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytrec_eval

from index.errors import DataError

Run = Mapping[str, Mapping[str, float]]
Judgements = Mapping[str, Mapping[str, int]]

DEPTH = 1000
_MEASURES = {"ndcg_cut.10", "recall.10,100", f"map_cut.{DEPTH}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalScores:
    """Means over the judged questions, each between 0 and 1.

    nDCG uses grades as gains; the others count a grade of 1 or more as relevant. `map` looks `DEPTH` results
    deep, `mrr_at_10` no further than ten.
    """

    ndcg_at_10: float
    recall_at_10: float
    recall_at_100: float
    mrr_at_10: float
    map: float
    queries: int


def evaluate_run(judgements: Judgements, run: Run) -> RetrievalScores:
    """The scores of `run` over all questions of `judgements`; results of other questions are ignored.

    Raises DataError where there are no judgements.
    """
    if not judgements:
        raise DataError("there are no judgements to score against", hint="check the qrels file and the split")
    judged = {question: dict(grades) for question, grades in judgements.items()}
    deep = {question: _top(run[question], DEPTH) for question in judged if run.get(question)}
    short = {question: _top(results, 10) for question, results in deep.items()}
    means = _Means(judged, pytrec_eval.RelevanceEvaluator(judged, _MEASURES).evaluate(deep))
    first = _Means(judged, pytrec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(short))
    return RetrievalScores(
        ndcg_at_10=means.of("ndcg_cut_10"),
        recall_at_10=means.of("recall_10"),
        recall_at_100=means.of("recall_100"),
        mrr_at_10=first.of("recip_rank"),
        map=means.of(f"map_cut_{DEPTH}"),
        queries=len(judged),
    )


def write_trec_run(run: Run, path: Path, *, tag: str = "spanwise") -> None:
    """Writes `question Q0 document rank score tag` lines, in the order in which trec_eval ranks them."""
    with path.open("w", encoding="utf-8") as file:
        for question, results in run.items():
            for rank, (document, score) in enumerate(_top(results, DEPTH).items(), start=1):
                file.write(f"{question} Q0 {document} {rank} {score!r} {tag}\n")


def _top(results: Mapping[str, float], depth: int) -> dict[str, float]:
    best = heapq.nlargest(depth, results.items(), key=lambda item: (item[1], item[0]))
    return {document: float(score) for document, score in best}


class _Means:
    def __init__(self, judged: Judgements, scores: Mapping[str, Mapping[str, float]]) -> None:
        self._judged = judged
        self._scores = scores

    def of(self, measure: str) -> float:
        """The mean over all judged questions, those without results as 0."""
        return sum(found[measure] for found in self._scores.values()) / len(self._judged)
