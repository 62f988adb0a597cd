"""Lines about single questions: what was missed, where it stood and what stood there instead."""

from __future__ import annotations

import json

from index.datasets.beir import BeirDocument, BeirSet
from index.evaluation.retrieval_report import question_lines
from index.evaluation.trec_metrics import score_questions
from index.records import Mode


def test_a_line_says_what_was_missed_and_what_came_instead() -> None:
    documents = [BeirDocument(id=f"d{number:02}", title=f"T{number}", text="") for number in range(30)]
    judged = BeirSet(
        name="set",
        split="test",
        documents=tuple(documents),
        queries={"q1": "wo ist es?", "q2": ""},
        judgements={"q1": {"d00": 2, "d01": 1, "d02": 0, "d12": 1, "lost": 1}, "q2": {"d05": 1}},
    )
    run = {"q1": {f"d{number:02}": 30.0 - number for number in range(1, 20)}}
    lines = list(question_lines(judged, run, score_questions(judged.judgements, run), Mode.DENSE))
    first, second = (json.loads(line) for line in lines)
    assert all(line.endswith("\n") for line in lines)
    assert (first["mode"], first["id"], first["question"], first["relevant"]) == (
        "dense",
        "q1",
        "wo ist es?",
        4,
    )
    assert (first["recall@10"], first["recall@100"], first["mrr@10"]) == (0.25, 0.5, 1.0)
    assert first["missed"] == [
        {"id": "d00", "title": "T0", "grade": 2, "rank": None},
        {"id": "d12", "title": "T12", "grade": 1, "rank": 12},
        {"id": "lost", "title": None, "grade": 1, "rank": None},
    ]
    assert first["instead"] == [
        {"id": "d02", "title": "T2", "grade": 0, "rank": 2, "score": 28.0},
        {"id": "d03", "title": "T3", "grade": None, "rank": 3, "score": 27.0},
        {"id": "d04", "title": "T4", "grade": None, "rank": 4, "score": 26.0},
    ]
    assert second["missed"] == [{"id": "d05", "title": "T5", "grade": 1, "rank": None}]
    assert (second["ndcg@10"], second["instead"]) == (0.0, [])
