"""SQuAD contexts as a judged collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.datasets.beir import BeirSet
from index.evaluation.retrieval import compare_retrieval
from index.evaluation.retrieval_report import RetrievalReport
from index.protocols import Encoder
from index.records import Mode
from qa.squad.collection import judged_contexts
from qa.squad.dataset import read_squad

XQUAD = Path(__file__).parents[4] / "shared" / "data" / "multilingual"
FILE = {
    "version": "v2.0",
    "data": [
        {
            "title": "Harbour",
            "paragraphs": [
                {
                    "context": "The tide is noted at six.",
                    "qas": [
                        {
                            "id": "a",
                            "question": "When is the tide noted?",
                            "answers": [{"text": "six", "answer_start": 21}],
                            "is_impossible": False,
                        },
                        {"id": "b", "question": "Who sails?", "answers": [], "is_impossible": True},
                    ],
                },
                {"context": "Galettes want buckwheat.", "qas": []},
            ],
        }
    ],
}


def evaluate_retrieval(
    collection: BeirSet | Path, *, mode: Mode | str = Mode.HYBRID, **options: Any
) -> RetrievalReport:
    """The report of one mode."""
    return compare_retrieval(collection, modes=[mode], **options).reports[0]


def test_answerable_questions_are_judged_by_their_own_context(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(FILE))
    judged = judged_contexts(read_squad(path))
    assert dict(judged.queries) == {"a": "When is the tide noted?"}
    (relevant,) = judged.judgements["a"]
    (document,) = [item for item in judged.documents if item.id == relevant]
    assert (document.title, document.text) == ("Harbour", "The tide is noted at six.")


@pytest.mark.slow
@pytest.mark.skipif(not XQUAD.is_dir(), reason="needs ../shared/data/multilingual")
@pytest.mark.parametrize("language", ["en", "zh", "hi", "th", "de"])
def test_words_alone_find_the_paragraph(language: str, hashing_encoder: Encoder) -> None:
    judged = judged_contexts(read_squad(XQUAD / f"xquad.{language}.json.gz"))
    report = evaluate_retrieval(judged, encoder=hashing_encoder, mode=Mode.LEXICAL)
    assert report.scores.recall_at_10 >= 0.97


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not XQUAD.is_dir(), reason="needs ../shared/data/multilingual")
def test_words_alone_find_the_paragraph_in_every_language(hashing_encoder: Encoder) -> None:
    recall = {}
    for path in sorted(XQUAD.glob("xquad.*.json.gz")):
        judged = judged_contexts(read_squad(path))
        report = evaluate_retrieval(judged, encoder=hashing_encoder, mode=Mode.LEXICAL)
        recall[path.name] = report.scores.recall_at_10
    assert len(recall) == 12
    assert min(recall.values()) >= 0.95, recall
    assert sum(recall.values()) / len(recall) >= 0.98, recall
