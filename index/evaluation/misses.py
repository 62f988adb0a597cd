"""Question by question: what a run missed, where that stood, and what stood in its place.

One line of JSON for a question and a mode, in the order of the collection's file:

    {"mode", "id", "question", "ndcg@10", "recall@10", "recall@100", "mrr@10", "map", "relevant",
     "missed":  [{"id", "title", "grade", "rank"}]             relevant and not in the first ten
     "instead": [{"id", "title", "grade", "rank", "score"}]}   irrelevant and in the first ten

A rank is null beyond the depth of the run, a title where the corpus lacks the document, a grade where nobody
judged it. Pure: the file is `index.evaluation.retrieval`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from index.datasets.beir import BeirSet
from index.evaluation.trec_metrics import DEPTH, QuestionScores, Run, ranking
from index.records import Mode

_TOP = 10
_INSTEAD = 3
_TITLE = 100


def question_lines(
    judged: BeirSet, run: Run, scores: Mapping[str, QuestionScores], mode: Mode
) -> Iterator[str]:
    """The lines of one mode, each with its line end."""
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
