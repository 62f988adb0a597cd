"""Questions with the exact spans of documents that answer them: what a chunking is measured on.

    folder/corpora/*.md (or .txt)    folder/questions.csv: question, references, corpus_id

`references` is JSON, a list of objects with `start_index` and `end_index` in the corpus's own characters,
and `content`, which must stand there. This is the form of Chroma's chunking evaluation, so that its sets and
those made with its tools serve as they are. Texts stay as they are too: offsets would not survive a parser.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index.errors import DataError
from ingest.records import Span

_FORM = "a folder holds corpora/NAME.md and questions.csv with question, references, corpus_id"
_COLUMNS = ("question", "references", "corpus_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedQuestion:
    """A question, the name of the text that answers it, and the spans of that text that do."""

    question: str
    corpus: str
    references: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSet:
    """Texts by name, and the questions asked of them."""

    texts: Mapping[str, str]
    questions: tuple[ReferencedQuestion, ...]


def read_references(folder: Path) -> ReferenceSet:
    """Reads a folder of texts and questions.

    Raises DataError naming the file, and the line where one is wrong.
    """
    texts = {path.stem: _text(path) for path in sorted((folder / "corpora").glob("*")) if path.is_file()}
    if not texts:
        raise DataError(f"there are no texts in {folder / 'corpora'}", hint=_FORM)
    questions = tuple(_questions(folder / "questions.csv", texts))
    if not questions:
        raise DataError(f"{folder / 'questions.csv'} holds no questions", hint=_FORM)
    return ReferenceSet(texts=texts, questions=questions)


def _text(path: Path) -> str:
    try:
        # Without translation of line ends: the offsets count what stands in the file.
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="it must be UTF-8") from error


def _questions(path: Path, texts: Mapping[str, str]) -> Iterator[ReferencedQuestion]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise DataError(f"{path} has no column {missing[0]}", hint=_FORM)
            for row in rows:
                yield _question(f"{path}, line {rows.line_num}", row, texts)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}", hint=_FORM) from error


def _question(where: str, row: Mapping[str, str | None], texts: Mapping[str, str]) -> ReferencedQuestion:
    corpus = row["corpus_id"] or ""
    if corpus not in texts:
        raise DataError(f"{where}: there is no text {corpus!r}", hint=f"there are: {', '.join(texts)}")
    try:
        spans = tuple(_reference(item, texts[corpus]) for item in json.loads(row["references"] or ""))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{where}: the references are wrong ({error})",
            hint="a JSON list of objects with start_index, end_index and the content that stands there",
        ) from error
    if not spans:
        raise DataError(f"{where}: no references", hint="leave out questions that nothing answers")
    return ReferencedQuestion(question=row["question"] or "", corpus=corpus, references=spans)


def _reference(item: Mapping[str, object], text: str) -> Span:
    start, end = int(str(item["start_index"])), int(str(item["end_index"]))
    found = text[start:end] if 0 <= start < end <= len(text) else ""
    if not found or item.get("content", found) != found:
        raise ValueError(f"characters {start} to {end} are not what the reference says")
    return Span(start=start, end=end)
