"""Test collections in BEIR's form: documents, questions and relevance judgements.

    folder/corpus.jsonl  queries.jsonl  qrels/<split>.tsv      each also as .gz

A split may have its own questions (`queries-train.jsonl`). Every mistake in a file is reported with its name
and line. Judgements of documents that the corpus lacks are kept, as published figures keep
them, because they lower every score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.datasets.row_files import lines, objects
from index.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirDocument:
    """One document of a collection; `title` or `text` may be empty, hardly both."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """Title, one space, text: what published figures embed."""
        return f"{self.title} {self.text}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirSet:
    """One split: all documents, the judged questions by id, grades by question and document id.

    `files` are those that it was read from.
    """

    name: str
    split: str
    documents: tuple[BeirDocument, ...]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]
    files: tuple[Path, ...] = ()


def read_beir(folder: Path, *, split: str = "test") -> BeirSet:
    """Reads one split of the collection in `folder`; questions without judgements are left out.

    Raises DataError naming the file, and the line where one is wrong.
    """
    corpus = _either(folder / "corpus.jsonl")
    documents = tuple(_document(where, record) for where, record in _records(corpus))
    if len({document.id for document in documents}) < len(documents):
        raise DataError(f"{corpus} has two documents of one id", hint="make the `_id` fields unique")
    judged, asked = _either(folder / "qrels" / f"{split}.tsv"), _query_file(folder, split)
    judgements = _judgements(judged)
    queries = _queries(asked, judgements)
    return BeirSet(
        name=folder.resolve().name,
        split=split,
        documents=documents,
        queries=queries,
        judgements=judgements,
        files=(corpus, asked, judged),
    )


def _query_file(folder: Path, split: str) -> Path:
    own = folder / f"queries-{split}.jsonl"
    return own if own.is_file() else _either(folder / "queries.jsonl", own.with_name(f"{own.name}.gz"))


def _either(path: Path, *others: Path) -> Path:
    """The first that exists of `others`, `path` and `path`.gz."""
    candidates = (*others, path, path.with_name(f"{path.name}.gz"))
    existing = next((candidate for candidate in candidates if candidate.is_file()), None)
    if existing is None:
        raise DataError(
            f"there is no {path} (nor {path.name}.gz)",
            hint="a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/<split>.tsv",
        )
    return existing


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, record in objects(path, hint="one JSON object a line"):
        if not isinstance(record, dict) or not isinstance(record.get("_id"), str | int):
            raise DataError(
                f"{path}, {where}: no `_id`", hint='each line is an object with at least "_id" and "text"'
            )
        yield f"{path}, {where}", record


def _field(where: str, record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise DataError(f"{where}: `{name}` is not a text", hint="write it in quotes")
    return value or ""


def _document(where: str, record: Mapping[str, Any]) -> BeirDocument:
    return BeirDocument(
        id=str(record["_id"]), title=_field(where, record, "title"), text=_field(where, record, "text")
    )


def _queries(path: Path, judgements: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    texts = {str(record["_id"]): _field(where, record, "text") for where, record in _records(path)}
    lost = [question for question in judgements if question not in texts]
    if lost:
        raise DataError(
            f"{path} lacks {len(lost)} judged questions, among them {lost[0]!r}",
            hint="judgements and questions are of different splits or sets",
        )
    return {question: texts[question] for question in judgements}


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    judgements: dict[str, dict[str, int]] = {}
    for index, (where, line) in enumerate(lines(path)):
        fields = line.split("\t")
        if index == 0 and fields[-1].strip() == "score":
            continue
        question, document, grade = _judgement(f"{path}, {where}", fields)
        judgements.setdefault(question, {})[document] = grade
    if not judgements:
        raise DataError(f"{path} holds no judgements", hint="lines are: question id, document id, grade")
    return judgements


def _judgement(where: str, fields: list[str]) -> tuple[str, str, int]:
    try:
        question, document, grade = fields
        return question.strip(), document.strip(), int(grade)
    except ValueError as error:
        raise DataError(
            f"{where}: {' '.join(fields)!r} is not a judgement",
            hint="question id, document id and a whole number, separated by tabs",
        ) from error
