"""Questionnaires: N questions in, a row for each out, as a table that other programs open (no streamlit).

    read_questions  pasted lines, or a .txt, .csv, .tsv, .xlsx, .json or .jsonl file -> questions
    Row             a question with its answer, how sure it is, and where it stands
    table_writer    rows -> .csv, .xlsx or .jsonl

A spreadsheet runs none of the cells, see `ui.render.tables`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from index.errors import DataError
from ingest.errors import SpanwiseError
from qa.answering.support import others_worth_showing
from qa.records import AskResult
from ui.render import phrasing, tables

MOST_QUESTIONS = 5000
FORMATS = (".csv", ".xlsx", ".jsonl")
_LONGEST_QUESTION = 10_000
_NAMES = frozenset(("question", "questions", "frage", "fragen", "问题", "問題", "pregunta", "requirement"))
_FORM = "paste one question a line, or give .txt, .csv, .tsv, .xlsx, .json or .jsonl with a column 'question'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question and what the collection says; empty texts where there is no answer.

    `likely` is a likely answer or the closest sentence, whichever `status` names, and the place is its place.
    """

    id: str
    question: str
    answered: bool
    answer: str
    confidence: float
    calibrated: bool
    sentence: str = ""
    title: str = ""
    headings: str = ""
    page: int | None = None
    path: str = ""
    start: int | None = None
    end: int | None = None
    also_in: str = ""
    other_answers: str = ""
    reason: str = ""
    nearest: str = ""
    status: str = ""
    likely: str = ""


COLUMNS = tuple(field.name for field in fields(Row))
_WIDTHS = (8, 48, 10, 40, 12, 10, 60, 30, 30)  # of the first columns, in characters


def row_of(name: str, result: AskResult) -> Row:
    """The row of a result; a refusal names the place that came nearest."""
    nearest = result.passages[0] if result.passages else None
    place = (
        ""
        if nearest is None
        else phrasing.place(nearest.document.title, nearest.passage.headings, nearest.passage.page)
    )
    best = next(iter(result.shown), result.closest)
    if best is None:
        return Row(
            id=name,
            question=result.question,
            answered=result.answered,
            answer="",
            confidence=round(float(result.confidence), 4),
            calibrated=result.calibrated,
            reason=result.reason.value if result.reason else "",
            nearest=place,
            status=result.status.value,
        )
    elsewhere = dict.fromkeys(item.path for item in best.also_in if item.path != best.document.path)
    return Row(
        id=name,
        question=result.question,
        answered=result.answered,
        answer=best.text if result.answers else "",
        confidence=round(float(result.confidence), 4),
        calibrated=result.calibrated,
        sentence=best.sentence,
        title=best.document.title,
        headings=" › ".join(best.headings),
        page=best.page,
        path=best.document.path,
        start=best.start,
        end=best.end,
        also_in="; ".join(elsewhere),
        other_answers="; ".join(
            f"{item.text} ({phrasing.percent(item.confidence)})" for item in others_worth_showing(result)
        ),
        reason=result.reason.value if result.reason else "",
        nearest=place,
        status=result.status.value,
        likely="" if result.answers else best.text,
    )


def pasted_questions(text: str) -> list[str]:
    """One question a line, blank lines and the numbers or bullets of a list left out.

    >>> pasted_questions("1. Who?\\n\\n- When?\\n2024 was what?")
    ['Who?', 'When?', '2024 was what?']
    """
    lines = (_unlisted(line.strip()) for line in text.splitlines())
    return _checked([line for line in lines if line], "the pasted text")


def read_questions(name: str, content: bytes) -> list[str]:
    """The questions in an uploaded file; the kind goes by its name. Raises DataError that names the file."""
    suffix = Path(name).suffix.lower()
    if suffix == ".xlsx":
        return _checked(_column(_sheet(name, content), name), name)
    text = _decoded(name, content)
    if suffix in (".csv", ".tsv"):
        return _checked(_column(_csv_rows(text, suffix), name), name)
    if suffix in (".json", ".jsonl", ".ndjson"):
        return _checked(_from_json(name, text, lines=suffix != ".json"), name)
    if suffix in (".txt", ".md", ""):
        return pasted_questions(text)
    raise DataError(f"{name} is no file of questions that can be read", hint=_FORM)


def to_csv(rows: Iterable[Row]) -> bytes:
    """The rows below the names of their columns."""
    return tables.to_csv(COLUMNS, (tuple(asdict(row).values()) for row in rows))


def to_xlsx(rows: Iterable[Row]) -> bytes:
    """A workbook with one sheet."""
    return tables.to_xlsx("answers", COLUMNS, (tuple(asdict(row).values()) for row in rows), widths=_WIDTHS)


def read_rows(path: Path) -> list[Row]:
    """The rows written so far into a .jsonl table; a line that is still being written is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            rows.append(Row(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return rows


@contextmanager
def table_writer(path: Path) -> Iterator[Any]:
    """Gives a function that takes row after row; .jsonl has each at once, others are written at the end.

    Raises DataError for another kind of file, or one that cannot be written, before anything is asked.
    """
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"{path} is no table that can be written", hint=f"give {', '.join(FORMATS)}")
    rows: list[Row] = []
    try:
        with path.open("wb") as file:
            if path.suffix.lower() == ".jsonl":
                yield lambda row: _write_line(file, row)
                return
            yield rows.append
            file.write(to_csv(rows) if path.suffix.lower() == ".csv" else to_xlsx(rows))
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}", hint="give a file in a folder that exists"
        ) from error


def _write_line(file: Any, row: Row) -> None:
    file.write(json.dumps(asdict(row), ensure_ascii=False).encode(errors="backslashreplace") + b"\n")
    file.flush()


def _unlisted(line: str) -> str:
    head, space, rest = line.partition(" ")
    bullet = head in ("-", "*", "•", "–") or (head[:-1].isdecimal() and head[-1:] in (".", ")"))
    return rest.strip() if space and bullet else line


def _checked(questions: Sequence[str], where: str) -> list[str]:
    if not questions:
        raise DataError(f"there is no question in {where}", hint=_FORM)
    if len(questions) > MOST_QUESTIONS:
        raise DataError(
            f"{where} has {len(questions):,} questions, and {MOST_QUESTIONS:,} are the most at once",
            hint="split it",
        )
    return [question[:_LONGEST_QUESTION] for question in questions]


def _decoded(name: str, content: bytes) -> str:
    from ingest.text.encoding import decode

    try:
        return decode(content)
    except SpanwiseError as error:
        raise DataError(f"{name} is no text: {error}", hint=_FORM) from error


def _csv_rows(text: str, suffix: str) -> list[list[str]]:
    if suffix == ".tsv":
        return list(csv.reader(text.splitlines(), delimiter="\t"))
    try:
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t")
    except csv.Error:
        return list(csv.reader(io.StringIO(text)))
    return list(csv.reader(io.StringIO(text), dialect))


def _sheet(name: str, content: bytes) -> list[list[str]]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(max_row=MOST_QUESTIONS + 2, values_only=True)
        return [["" if value is None else str(value) for value in row] for row in rows]
    except Exception as error:  # openpyxl raises whatever its zip and XML parsers do
        raise DataError(f"{name} is no workbook that can be read: {error}", hint=_FORM) from error


def _column(rows: Sequence[Sequence[str]], where: str) -> list[str]:
    """The column that is called question, else the one with the most text."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return []
    head = [cell.strip().casefold() for cell in filled[0]]
    named = next((place for place, cell in enumerate(head) if cell in _NAMES), None)
    if named is not None:
        return [row[named].strip() for row in filled[1:] if named < len(row) and row[named].strip()]
    width = max(len(row) for row in filled)
    lengths = [sum(len(row[place]) for row in filled if place < len(row)) for place in range(width)]
    longest = lengths.index(max(lengths))
    return [row[longest].strip() for row in filled if longest < len(row) and row[longest].strip()]


def _from_json(name: str, text: str, *, lines: bool) -> list[str]:
    try:
        value = (
            [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
        )
    except ValueError as error:
        raise DataError(f"{name} is not JSON: {error}", hint=_FORM) from error
    return [question.strip() for question in _questions_in(value) if question.strip()]


def _questions_in(value: Any) -> Iterator[str]:
    """Every question in a list of texts or objects, or in a SQuAD file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _questions_in(item)
    elif isinstance(value, Mapping):
        if isinstance(value.get("question"), str):
            yield value["question"]
        for key in ("data", "paragraphs", "qas", "questions"):
            if isinstance(value.get(key), list):
                yield from _questions_in(value[key])
