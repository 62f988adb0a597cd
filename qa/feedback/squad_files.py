"""Verdicts as a SQuAD 2.0 file and back, nothing lost.

    {"version": "v2.0", "data": [{"title", "paragraphs": [{"context", "qas": [
        {"id", "question", "answers", "is_impossible", "plausible_answers", "verdicts": [...]}]}]}],
     "unplaced_verdicts": [...]}

Every program that reads SQuAD 2.0 reads the questions; an import reads `verdicts`, which hold the feedback
unchanged. Wrong words are `plausible_answers`, as in SQuAD 2.0 itself. Verdicts without a label for a
paragraph ("there is an answer somewhere") stand beside `data`. A file from elsewhere, without verdicts, is
imported where its paragraphs stand in documents of the store.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from index.errors import DataError
from index.records import Feedback
from index.store.store import Store
from qa.feedback.verdicts import (
    LabelledParagraph,
    Paragraph,
    Verdict,
    labelled_paragraphs,
    verdict_on,
    verdict_on_refusal,
)
from qa.squad.dataset import Example, load_json, parse_squad

_HINT = "give a file written by `spanwise export --feedback`, or any SQuAD file of your documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsWritten:
    """How many verdicts a file holds, how many labelled questions, and how many verdicts label no text."""

    verdicts: int
    questions: int
    unplaced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsRead:
    """How many verdicts were new, how many were known, and questions whose paragraph is in no document."""

    added: int
    known: int
    unknown_paragraphs: int


def verdicts_json(store: Store) -> dict[str, Any]:
    """All verdicts of a store as the content of a SQuAD 2.0 file."""
    feedback = store.feedback()
    labelled = labelled_paragraphs(feedback, store)
    placed = {id(item) for label in labelled if label.usable for item in label.feedback}
    articles: dict[str, dict[str, list[LabelledParagraph]]] = {}
    for label in labelled:
        if label.usable:
            contexts = articles.setdefault(label.paragraph.title, {})
            contexts.setdefault(label.paragraph.text, []).append(label)
    return {
        "version": "v2.0",
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {"context": context, "qas": [_question(label) for label in group]}
                    for context, group in contexts.items()
                ],
            }
            for title, contexts in articles.items()
        ],
        "unplaced_verdicts": [asdict(item) for item in feedback if id(item) not in placed],
    }


def write_verdicts(store: Store, path: str | Path) -> VerdictsWritten:
    """Write all verdicts of a store into a file, compressed if it ends in .gz; raises DataError."""
    path = Path(path).expanduser()
    content = verdicts_json(store)
    raw = (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode(errors="backslashreplace")
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}", hint="give a file in a folder that exists"
        ) from error
    return summary(content)


def summary(content: Mapping[str, Any]) -> VerdictsWritten:
    """The counts of the content of `verdicts_json`."""
    questions = [
        item for article in content["data"] for part in article["paragraphs"] for item in part["qas"]
    ]
    unplaced = len(content["unplaced_verdicts"])
    placed = sum(len(item["verdicts"]) for item in questions)
    return VerdictsWritten(verdicts=placed + unplaced, questions=len(questions), unplaced=unplaced)


def read_verdicts(path: str | Path, store: Store, *, author: str = "") -> VerdictsRead:
    """Add the verdicts of a file; those that the store holds already count as known.

    `author` is noted for the labels of a file from elsewhere. Raises DataError for a file of another form.
    """
    content = load_json(Path(path).expanduser())
    feedback = list(_own(str(path), content))
    if not feedback:
        return _foreign(str(path), content, store, author)
    added = sum(store.add_feedback(item) for item in feedback)
    return VerdictsRead(added=added, known=len(feedback) - added, unknown_paragraphs=0)


def _question(label: LabelledParagraph) -> dict[str, Any]:
    digest = hashlib.sha256(
        json.dumps([label.question, label.paragraph.title, label.paragraph.text]).encode()
    )
    answers = [{"text": item.text, "answer_start": item.start} for item in label.answers]
    wrong = [{"text": item.text, "answer_start": item.start} for item in label.wrong]
    return {
        "id": digest.hexdigest()[:24],
        "question": label.question,
        "answers": answers,
        "is_impossible": not answers,
        "plausible_answers": wrong,
        "verdicts": [asdict(item) for item in label.feedback],
    }


def _own(where: str, content: Any) -> Iterator[Feedback]:
    """The verdicts in a file that this module wrote."""
    form = TypeAdapter(Feedback)
    try:
        for value in _verdicts(content):
            yield form.validate_python(value)
    except (ValidationError, TypeError, AttributeError) as error:
        raise DataError(f"{where} holds a verdict that cannot be read: {error}", hint=_HINT) from error


def _verdicts(content: Any) -> Iterator[Any]:
    if not isinstance(content, dict):
        return
    for article in content.get("data") or ():
        for paragraph in article.get("paragraphs") or ():
            for item in paragraph.get("qas") or ():
                yield from item.get("verdicts") or ()
    yield from content.get("unplaced_verdicts") or ()


def _foreign(where: str, content: Any, store: Store, author: str) -> VerdictsRead:
    examples = parse_squad(where, content).examples
    held = [(item.question, item.verdict, item.quote, item.start) for item in store.feedback()]
    places = _places({example.context for example in examples}, store)
    added = known = 0
    for example in examples:
        for feedback in _labels(example, places.get(example.context), store, author):
            new = (feedback.question, feedback.verdict, feedback.quote, feedback.start) not in held
            added += new and store.add_feedback(feedback)
            known += not new
    unknown = sum(example.context not in places for example in examples)
    return VerdictsRead(added=added, known=known, unknown_paragraphs=unknown)


def _labels(example: Example, place: tuple[str, int] | None, store: Store, author: str) -> Iterator[Feedback]:
    """The labels of a question as verdicts; none where its paragraph stands in no document."""
    if place is None:
        return
    document, (_, base) = store.document(place[0]), place
    paragraph = (base, base + len(example.context))
    for answer in example.answers:
        if example.context.startswith(answer.text, answer.start) and answer.text:
            first = base + answer.start
            yield verdict_on(
                example.question,
                Verdict.SPAN,
                document,
                first,
                first + len(answer.text),
                paragraph=paragraph,
                author=author,
            )
    if not example.answerable:
        near = Paragraph(title=document.title, text=example.context)
        yield verdict_on_refusal(example.question, Verdict.RIGHT, nearest=near, author=author)


def _places(contexts: Iterable[str], store: Store) -> dict[str, tuple[str, int]]:
    """The document and the character where each paragraph stands, for those that stand in one."""
    wanted = [context for context in dict.fromkeys(contexts) if context.strip()]
    places: dict[str, tuple[str, int]] = {}
    for info in store.documents():
        if len(places) == len(wanted):
            break
        text = store.document(info.id).text
        for context in wanted:
            if context not in places and (start := text.find(context)) >= 0:
                places[context] = (info.id, start)
    return places
