"""Natural questions judged: every outcome brought about and counted; the shares are the reference tool's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.errors import DataError
from index.protocols import Encoder
from index.store.store import Store
from ingest.records import Text
from qa.evaluation.natural import NaturalReport, collection_of, evaluate_natural, read_natural_questions
from qa.records import SpanCandidate
from ui.render.json_forms import ask_json

TOOL = Path(__file__).parents[4] / "shared" / "tools" / "score_natural.py"
SURE, UNSURE = 60.0, -60.0
TEXTS = {
    "ferry": "The ferry to the island leaves the harbour at noon every day.",
    "bread": "Good bread needs flour, water, salt and a long night of rest.",
    "clock": "The clock of the old tower was built by a smith named Hanna.",
}
# kind, question, accepted answer (None: nothing answers it), what the reader proposes, where it is lost
CASES = (
    ("fact", "When does the ferry leave the harbour?", "at noon", ("noon", SURE), None),
    ("fact", "Where does the ferry leave the harbour?", "the island", ("noon", SURE), "out_scored"),
    ("fact", "Which day does the ferry leave?", "every day", ("every day", UNSURE), "wrongly_refused"),
    ("why", "Who built the ferry?", None, ("noon", SURE), "wrongly_answered"),
    ("why", "Who sank the ferry?", None, ("noon", UNSURE), None),
)


class Scripted:
    """Proposes for each question the words of `CASES`, wherever they stand."""

    name = "scripted"
    fingerprint = "0"

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        words, score = {case[1]: case[3] for case in CASES}[question]
        return [
            SpanCandidate(
                text=words,
                start=context.index(words),
                end=context.index(words) + len(words),
                score=score,
                null_score=0.0,
                context=index,
            )
            for index, context in enumerate(contexts)
            if words in context
        ]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]


def lines() -> list[dict[str, Any]]:
    return [
        {
            "id": str(number),
            "collection": "town" if number < 3 else "ship",
            "kind": kind,
            "question": question,
            "answerable": answer is not None,
            "answers": [answer] if answer else [],
            "evidence": TEXTS["ferry"] if answer else "",
        }
        for number, (kind, question, answer, _, _) in enumerate(CASES)
    ]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n\n" for line in lines()), encoding="utf-8")
    return path


@pytest.fixture
def report(questions: Path, store: Store, hashing_encoder: Encoder) -> NaturalReport:
    store.add([Text(id=name, text=text) for name, text in TEXTS.items()])
    return evaluate_natural(read_natural_questions(questions), store, Scripted(), hashing_encoder)


def test_every_outcome_is_counted_and_says_where_it_was_lost(report: NaturalReport) -> None:
    assert [item.stage and item.stage.value for item in report.judged] == [case[4] for case in CASES]
    form = report.as_json()
    third = pytest.approx(1 / 3)
    assert form["all"] | {"ece": 0} == {
        **{"questions": 5, "answerable": 3, "right": third, "wrong": third, "refused": third},
        **{"silent": 0.5, "spoke": 0.5, "precision": third, "first": third, "doubt": 0.0},
        **{"passage@1": 1.0, "passage@5": 1.0, "ece": 0},
    }
    assert list(form["collections"]) == ["town", "ship"]
    assert form["kinds"]["why"]["right"] is None
    assert form["kinds"]["fact"]["silent"] is None
    misses = [miss.as_json() for miss in report.misses]
    assert [miss["stage"] for miss in misses] == [case[4] for case in CASES if case[4]]
    assert misses[0]["candidates"][0]["text"] == "noon"
    assert json.loads(json.dumps([form, misses])) == [form, misses]


def unsure(report: NaturalReport) -> NaturalReport:
    """The same with the closest sentence for the third question and a likely answer for the last."""
    *rest, third, sunk, last = (item for item in report.judged)
    best = third.result.answers[0]
    sentence = replace(best, text=best.sentence, span_score=None)
    likely = replace(last.result, candidates=last.result.answers)
    return NaturalReport(
        judged=(
            *rest,
            replace(third, result=replace(third.result, closest=sentence)),
            sunk,
            replace(last, result=likely),
        )
    )


def test_what_is_shown_first_counts_where_no_answer_is_sure(report: NaturalReport) -> None:
    figures = unsure(report).as_json()["all"]
    assert (figures["right"], figures["first"], figures["doubt"]) == (
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
        0.5,
    )
    third = unsure(report).judged[2]
    likely = replace(third, result=replace(third.result, candidates=third.result.answers, closest=None))
    assert likely.first_right
    assert not replace(third, result=replace(third.result, closest=None)).first_right


@pytest.mark.skipif(not TOOL.is_file(), reason="the reference tool is not beside this checkout")
@pytest.mark.parametrize("change", [lambda report: report, unsure])
def test_shares_are_those_of_the_reference_tool(
    report: NaturalReport,
    questions: Path,
    tmp_path: Path,
    change: Callable[[NaturalReport], NaturalReport],
) -> None:
    report = change(report)
    answers = tmp_path / "answers.jsonl"
    with answers.open("w", encoding="utf-8") as file:
        for item in report.judged:
            file.write(json.dumps({"id": item.asked.id, **ask_json(item.result)}) + "\n")
    done = subprocess.run(
        [sys.executable, str(TOOL), str(questions), str(answers)], capture_output=True, text=True, check=True
    )
    head, *rows = [line.split() for line in done.stdout.splitlines()]
    tool = dict(zip(head[1:], rows[0][1:], strict=False))
    ours = report.as_json()["all"]
    for name in ("right", "wrong", "refused", "silent", "spoke", "precision", "first", "doubt"):
        assert tool[name] == f"{100 * ours[name]:.0f}%"
    assert (tool["p@1"], tool["p@5"]) == ("100%", "100%")


def test_folder_becomes_a_collection_of_its_own(tmp_path: Path, hashing_encoder: Encoder) -> None:
    (tmp_path / "town").mkdir()
    with pytest.raises(DataError, match="no document"), collection_of([tmp_path / "town"], hashing_encoder):
        pass
    for name, text in TEXTS.items():
        (tmp_path / "town" / f"{name}.txt").write_text(text, encoding="utf-8")
    with collection_of([tmp_path / "town"], hashing_encoder) as store:
        assert store.stats().documents == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "holds no question"),
        ("[]", r"line 1: not an object but \[\]"),
        ('{"id": "1"}', "line 1: question is None"),
        ('{"question": "Who?", "answers": "Ines"}', "line 1: answers is 'Ines'"),
        ('{"question": "Who?", "answerable": "no"}', "line 1: answerable is 'no'"),
        ('{"id": "1", "question": "Who?", "answerable": true}', "without accepted answers"),
        ("{", "line 1"),
    ],
)
def test_file_of_another_form_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_natural_questions(path)
    assert '"answers": ["Ines Falk"]' in caught.value.hint


def test_question_and_answers_are_enough(tmp_path: Path, store: Store, hashing_encoder: Encoder) -> None:
    """Without evidence the passage that holds an accepted answer counts."""
    path = tmp_path / "questions.jsonl"
    kind, question, answer, *_ = CASES[0]
    path.write_text(json.dumps({"question": question, "answers": [answer]}), encoding="utf-8")
    (asked,) = read_natural_questions(path)
    assert (asked.id, asked.kind, asked.evidence) == ("1", kind, "")
    store.add([Text(id=name, text=text) for name, text in TEXTS.items()])
    figures = evaluate_natural([asked], store, Scripted(), hashing_encoder).as_json()["all"]
    assert (figures["passage@1"], figures["right"]) == (1.0, 1.0)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*nothing\.jsonl"):
        read_natural_questions(tmp_path / "nothing.jsonl")
