"""Questionnaires: questions out of many kinds of files, and tables that no spreadsheet takes for code."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from index.errors import DataError
from index.records import Hit
from qa.records import Answer, AskResult, Reason, Source
from ui.services.questionnaire import (
    COLUMNS,
    Row,
    pasted_questions,
    read_questions,
    read_rows,
    row_of,
    table_writer,
    to_csv,
    to_xlsx,
)

WANTED = ["Who wrote it?", "When, and where?", "谁写的？"]
ATTACKS = ["=HYPERLINK(A1)", "+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "\r\n=cmd|' /C calc'!A0"]


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row(**values: object) -> Row:
    given: dict[str, object] = {
        "id": "1",
        "question": "Who?",
        "answered": True,
        "answer": "Liu",
        "confidence": 0.75,
        "calibrated": True,
        **values,
    }
    return Row(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.txt", "\n\n".join(WANTED).encode()),
        ("q.txt", "1. Who wrote it?\n2) When, and where?\n- 谁写的？\n".encode("utf-16")),
        ("q.csv", 'id,Question\n7,Who wrote it?\n8,"When, and where?"\n9,谁写的？\n'.encode()),
        ("q.csv", 'nr;frage\n1;Who wrote it?\n2;"When, and where?"\n3;谁写的？\n'.encode("utf-8-sig")),
        ("q.csv", '1,Who wrote it?\n2,"When, and where?"\n3,谁写的？\n'.encode()),
        ("q.tsv", "问题\tid\nWho wrote it?\t1\nWhen, and where?\t2\n谁写的？\t3\n".encode()),
        ("q.xlsx", workbook([["id", "Question"], *([n, text] for n, text in enumerate(WANTED))])),
        ("q.jsonl", "\n".join(json.dumps({"question": text}) for text in WANTED).encode()),
        ("q.json", json.dumps(WANTED).encode()),
        (
            "q.json",
            json.dumps({"data": [{"paragraphs": [{"qas": [{"question": q} for q in WANTED]}]}]}).encode(),
        ),
    ],
)
def test_questions_come_out_of_every_kind_of_file(name: str, content: bytes) -> None:
    assert read_questions(name, content) == WANTED


@pytest.mark.parametrize(
    ("name", "content"),
    [("q.pdf", b"%PDF-1.7"), ("q.xlsx", b"no zip"), ("q.json", b"{"), ("q.txt", b" \n"), ("q.csv", b"")],
)
def test_what_holds_no_questions_is_named(name: str, content: bytes) -> None:
    with pytest.raises(DataError):
        read_questions(name, content)


def test_too_many_questions_are_refused_before_hours_of_work() -> None:
    with pytest.raises(DataError, match="6,000 questions"):
        pasted_questions("Who?\n" * 6000)


def test_no_cell_of_a_csv_is_a_formula_and_none_is_lost() -> None:
    table = to_csv([row(answer=text, question=text, sentence='He said "no",\nand went.') for text in ATTACKS])
    assert table.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    assert tuple(head) == COLUMNS
    for text, cells in zip(ATTACKS, rows, strict=True):
        assert cells[COLUMNS.index("answer")] == cells[COLUMNS.index("question")] == f"'{text}"
        assert cells[COLUMNS.index("sentence")] == 'He said "no",\nand went.'
        assert cells[COLUMNS.index("confidence")] == "0.75"


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers() -> None:
    rows = [row(answer=text) for text in ATTACKS] + [row(answer="a\x00b\ud800c\uffff", page=3)]
    sheet = openpyxl.load_workbook(io.BytesIO(to_xlsx(rows)))["answers"]
    cells = [line[COLUMNS.index("answer")] for line in sheet.iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells] == ["s"] * len(rows)
    assert [cell.value for cell in cells][:4] == ATTACKS[:4]
    assert cells[-1].value == "ab?c\ufffd"
    assert sheet.cell(len(rows) + 1, COLUMNS.index("page") + 1).value == 3
    assert sheet.cell(2, COLUMNS.index("confidence") + 1).value == 0.75


def test_a_row_says_where_an_answer_stands_and_where_else(make_hit: Callable[..., Hit]) -> None:
    hit = make_hit("RoBERTa came from Liu.", start=10)
    answer = Answer(
        text="Liu",
        confidence=0.9,
        span_score=3.0,
        retrieval_score=1.0,
        document=hit.document,
        page=4,
        headings=("Top", "Authors"),
        start=28,
        end=31,
        sentence="RoBERTa came from Liu.",
        passage=hit.passage,
        also_in=(
            Source(path="/library/d2.txt", start=0, end=3),
            Source(path="/library/d2.txt", start=9, end=12),
        ),
    )
    fair, hardly_possible = (
        replace(answer, text=words, confidence=share) for words, share in (("me", 0.2), ("us", 0.01))
    )
    answers = (answer, fair, hardly_possible)
    result = AskResult(
        question="Who?", answered=True, confidence=0.9, reason=None, answers=answers, passages=(hit,)
    )
    found = row_of("q7", result)
    assert found.other_answers == "me (20 %)"
    assert (found.id, found.answer, found.page, found.start, found.end) == ("q7", "Liu", 4, 28, 31)
    assert (found.headings, found.also_in) == ("Top › Authors", "/library/d2.txt")
    refused = AskResult(
        question="Who?",
        answered=False,
        confidence=0.1,
        reason=Reason.BELOW_THRESHOLD,
        answers=(),
        passages=(hit,),
    )
    assert row_of("q8", refused).answer == ""
    assert row_of("q8", refused).reason == "below_threshold"
    assert row_of("q8", refused).nearest == "d1 › Top"
    assert row_of("q8", refused).status == "none"
    likely = row_of("q9", replace(refused, candidates=(fair, hardly_possible)))
    assert (likely.status, likely.answer, likely.likely) == ("probable", "", "me")
    assert (likely.other_answers, likely.page) == ("", 4)
    sentence = replace(answer, text=answer.sentence, span_score=None)
    closest = row_of("q9", replace(refused, closest=sentence))
    assert (closest.status, closest.answer, closest.likely) == ("closest", "", "RoBERTa came from Liu.")
    assert row_of("q7", result).likely == ""


def test_rows_can_be_read_while_they_are_written(tmp_path: Path) -> None:
    with table_writer(tmp_path / "t.jsonl") as write:
        write(row(answer="Liu"))
        with (tmp_path / "t.jsonl").open("ab") as file:
            file.write(b'{"id": "2", "ques')
        assert [item.answer for item in read_rows(tmp_path / "t.jsonl")] == ["Liu"]
    assert read_rows(tmp_path / "none.jsonl") == []
    with pytest.raises(DataError), table_writer(tmp_path / "t.docx"):
        pass
