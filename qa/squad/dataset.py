"""SQuAD files, v1.1 and v2.0, plain or gzip, as typed examples; predictions for the official script.

What is missing is named with its place in the file. Gold offsets that do not point at their text are counted
and kept: scoring needs the texts alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.datasets.row_files import bytes_of
from index.errors import DataError

_FORM = (
    "expected SQuAD JSON: data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldAnswer:
    """An answer as labelled, and where it begins in the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled question; no answers means that the context holds none."""

    id: str
    question: str
    context: str
    title: str
    answers: tuple[GoldAnswer, ...]

    @property
    def answerable(self) -> bool:
        """Whether there is a gold answer."""
        return bool(self.answers)

    @property
    def answer_texts(self) -> tuple[str, ...]:
        """The gold answers as labelled."""
        return tuple(answer.text for answer in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class SquadFile:
    """All examples of a file in its order; `wrong_offsets` counts gold answers that stand elsewhere.

    `version` is "1.1" or "2.0": the file's own word, else 2.0 where some question has no answer.
    """

    path: str
    examples: tuple[Example, ...]
    wrong_offsets: int
    version: str

    @property
    def has_unanswerable(self) -> bool:
        """Whether some question has no answer (v2.0)."""
        return any(not example.answerable for example in self.examples)

    @property
    def repeated_ids(self) -> int:
        """How many questions bear the id of an earlier one."""
        return len(self.examples) - len({example.id for example in self.examples})


def read_squad(path: str | Path) -> SquadFile:
    """The examples of one file; gzip is recognised by its first bytes, not by the name.

    Raises DataError where the file cannot be read, is no JSON or lacks a field.
    """
    return parse_squad(str(path), load_json(Path(path)))


def parse_squad(path: str, content: Any) -> SquadFile:
    """The examples in the content of a file that is called `path`; raises DataError as `read_squad`."""
    examples = tuple(_examples(path, content))
    if not examples:
        raise DataError(f"{path} holds no questions", hint=_FORM)
    wrong = sum(
        not example.context.startswith(answer.text, answer.start)
        for example in examples
        for answer in example.answers
    )
    return SquadFile(path=path, examples=examples, wrong_offsets=wrong, version=_version(content, examples))


def _version(content: Any, examples: Sequence[Example]) -> str:
    if not all(example.answerable for example in examples):
        return "2.0"
    return "2.0" if str(content.get("version", "1.1")).removeprefix("v").startswith("2") else "1.1"


def write_predictions(path: str | Path, predictions: Mapping[str, str]) -> None:
    """Writes {question id: answer text}, '' for no answer; raises DataError where that is not possible."""
    text = json.dumps(dict(predictions), ensure_ascii=False, indent=0)
    try:
        # Half a surrogate pair, which UTF-8 has no bytes for, becomes the escape that JSON has for it.
        Path(path).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error}", hint="give a file in a folder that exists"
        ) from error


def load_json(path: Path) -> Any:
    """The JSON value in a file, plain or gzip; raises DataError."""
    try:
        return json.loads(bytes_of(path, kind="a SQuAD JSON file"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}", hint=_FORM) from error


def _examples(where: str, content: Any) -> Iterator[Example]:
    for a, article in enumerate(_field(where, content, "data", list)):
        article_at = f"{where}: data[{a}]"
        title = article.get("title", "") if isinstance(article, dict) else ""
        for p, paragraph in enumerate(_field(article_at, article, "paragraphs", list)):
            paragraph_at = f"{article_at}.paragraphs[{p}]"
            context = _field(paragraph_at, paragraph, "context", str)
            for q, item in enumerate(_field(paragraph_at, paragraph, "qas", list)):
                yield _example(f"{paragraph_at}.qas[{q}]", item, context, str(title))


def _example(where: str, item: Any, context: str, title: str) -> Example:
    impossible = isinstance(item, dict) and bool(item.get("is_impossible"))
    answers = [] if impossible else _field(where, item, "answers", list)
    return Example(
        id=str(_field(where, item, "id", str, int)),
        question=_field(where, item, "question", str),
        context=context,
        title=title,
        answers=tuple(_answer(f"{where}.answers[{n}]", answer) for n, answer in enumerate(answers)),
    )


def _answer(where: str, item: Any) -> GoldAnswer:
    start = _field(where, item, "answer_start", int)
    return GoldAnswer(text=_field(where, item, "text", str), start=start)


def _field(where: str, item: Any, name: str, *kinds: type) -> Any:
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, kinds):
        wanted = " or ".join(
            {"str": "text", "int": "a number", "list": "a list"}[kind.__name__] for kind in kinds
        )
        raise DataError(f"{where} has no '{name}' ({wanted})", hint=_FORM)
    return value
