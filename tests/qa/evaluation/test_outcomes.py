"""The stage that lost a question: each of them brought about, counted and written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from index.errors import DataError
from index.models.encoder import load_encoder
from index.protocols import Encoder
from index.records import Hit
from qa.evaluation.evaluate import evaluate_answers
from qa.evaluation.outcomes import Outcome, failure_log
from qa.reading.reader import load_reader
from qa.records import AskResult, SpanCandidate
from qa.squad.dataset import Example, GoldAnswer

TEXTS = {
    "ferry": "The ferry to the island leaves the harbour at noon every day.",
    "bread": "Good bread needs flour, water, salt and a long night of rest.",
    "clock": "The clock of the old tower was built by a smith named Hanna.",
}


class Told:
    """Proposes for each question the words that it is told, with that log-odds, wherever they stand."""

    name = "told"
    fingerprint = "0"

    def __init__(self, told: dict[str, tuple[str, float]]) -> None:
        self.told = told

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        text, score = self.told.get(question, ("", 0.0))
        return [
            SpanCandidate(
                text=text,
                start=context.index(text),
                end=context.index(text) + len(text),
                score=score,
                null_score=0.0,
                context=index,
            )
            for index, context in enumerate(contexts)
            if text and text in context
        ]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]


SURE, UNSURE = 60.0, -60.0
# question, its context, its gold answer, what the reader says, the stage when one passage is read
CASES = {
    "When does the ferry leave the harbour?": ("ferry", "noon", ("noon", SURE), None),
    "Where does the ferry leave the harbour?": ("ferry", "the island", ("noon", SURE), "out_scored"),
    "Which day does the ferry leave?": ("ferry", "every day", ("every day", UNSURE), "wrongly_refused"),
    "Who built the ferry?": ("ferry", None, ("noon", SURE), "wrongly_answered"),
    "Who sank the ferry?": ("ferry", None, ("noon", UNSURE), None),
    # Most of the words are those of another text, and one is of a second: that is found with two passages.
    "flour water salt clock": ("clock", "Hanna", ("flour", SURE), "not_read"),
    "ferry island harbour clock": ("bread", "salt", ("noon", SURE), "not_retrieved"),
}


def squad_file(path: Path) -> Path:
    paragraphs = []
    for name, context in TEXTS.items():
        questions = []
        for question, (where, gold, _, _) in CASES.items():
            if where == name:
                answers = [] if gold is None else [{"text": gold, "answer_start": context.index(gold)}]
                questions.append({"id": question, "question": question, "answers": answers})
        paragraphs.append({"context": context, "qas": questions})
    content = {"version": "v2.0", "data": [{"title": "Town", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_every_stage(tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    from index.search.retriever import Retriever
    from qa.evaluation import evaluate

    monkeypatch.setattr(evaluate, "SEARCH_DEPTH", 2)
    deeper: list[str] = []
    search = Retriever.search

    def noted(self: Retriever, query: str, k: int = 10) -> Sequence[Hit]:
        deeper.append(query)
        return search(self, query, k=k)

    monkeypatch.setattr(Retriever, "search", noted)
    out = tmp_path / "failures.jsonl"
    report = evaluate_answers(
        squad_file(tmp_path / "squad.json"),
        Told({question: told for question, (_, _, told, _) in CASES.items()}),
        hashing_encoder,
        k=1,
        failures_out=out,
    )
    lines = {line["id"]: line for line in map(json.loads, out.read_text(encoding="utf-8").splitlines())}
    assert {question: line["stage"] for question, line in lines.items()} == {
        question: stage for question, (_, _, _, stage) in CASES.items() if stage
    }
    assert report.as_json()["failures"] == {
        "not_retrieved": 1,
        "not_read": 1,
        "out_scored": 1,
        "wrongly_refused": 1,
        "wrongly_answered": 1,
    }
    assert sorted(deeper) == ["ferry island harbour clock", "flour water salt clock"]
    line = lines["Which day does the ferry leave?"]
    assert (line["golds"], line["predicted"], line["answered"]) == (["every day"], "every day", False)
    assert (line["reason"], line["gold_rank"], line["f1"]) == ("below_threshold", 1, 1.0)
    assert line["path"].startswith("text:")
    assert line["title"] == "Town"
    assert line["sentence"] == TEXTS["ferry"]
    assert 0 <= line["confidence"] < 0.01
    assert [line["gold_rank"] for line in lines.values()].count(None) == 2  # unanswerable, not retrieved


def test_words_are_compared_as_chosen_and_answers_judged_as_shown(
    tmp_path: Path, hashing_encoder: Encoder
) -> None:
    question = "Why does the ferry leave the harbour?"
    context = "The ferry leaves the harbour because the tide turns. It is back at noon."
    for gold, exact, judged in (("the tide", 100.0, True), ("The ferry leaves the harbour", 0.0, False)):
        answers = [{"text": gold, "answer_start": context.index(gold)}]
        asked = {"id": "1", "question": question, "answers": answers}
        content = {"data": [{"title": "T", "paragraphs": [{"context": context, "qas": [asked]}]}]}
        path = tmp_path / "squad.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        figures = evaluate_answers(path, Told({question: ("the tide", SURE)}), hashing_encoder).as_json()
        assert figures["exact_forced"] == exact  # the reader's words, though their clause is shown
        assert (figures["ece_judged"] < 0.1) is judged


def test_a_question_that_the_reader_leaves_out_is_written_down_too(
    tmp_path: Path, hashing_encoder: Encoder
) -> None:
    out = tmp_path / "failures.jsonl"
    evaluate_answers(squad_file(tmp_path / "squad.json"), Told({}), hashing_encoder, failures_out=out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {line["stage"] for line in lines} == {"out_scored"}
    assert {(line["predicted"], line["reason"], line["path"]) for line in lines} == {
        ("", "model_failure", None)
    }


def test_a_question_is_in_the_file_as_soon_as_it_is_known(
    tmp_path: Path, make_hit: Callable[..., Hit]
) -> None:
    example = Example(
        id="1", question="Who?", context="", title="T", answers=(GoldAnswer(text="😀 Ada", start=0),)
    )
    result = AskResult(question="Who?", answered=False, confidence=0.0, reason=None, answers=(), passages=())
    path = tmp_path / "out.jsonl"
    with failure_log(path) as note:
        note(Outcome(example=example, result=result, rank=None, deep_rank=7))
        written = path.read_text(encoding="utf-8")
    assert "😀 Ada" in written
    assert json.loads(written)["stage"] == "not_read"
    assert json.loads(written)["gold_rank"] == 7


def test_a_file_that_cannot_be_written_is_said_before_anything_is_read(
    tmp_path: Path, hashing_encoder: Encoder
) -> None:
    with pytest.raises(DataError, match=r"out\.jsonl cannot be written"):
        evaluate_answers(
            squad_file(tmp_path / "squad.json"),
            Told({}),
            hashing_encoder,
            failures_out=tmp_path / "none" / "out.jsonl",
        )


@pytest.mark.slow
def test_failures_of_the_bundled_models_add_up(tmp_path: Path) -> None:
    source = Path(__file__).parents[3] / "data" / "questions.json"
    out = tmp_path / "failures.jsonl"
    report = evaluate_answers(
        source, load_reader("pocket"), load_encoder("pocket"), limit=15, seed=2, failures_out=out
    )
    wrong = out.read_text(encoding="utf-8").splitlines()
    assert sum(report.failures.values()) == len(wrong)
    assert len(wrong) == round(15 - 15 * report.decided.exact / 100)
