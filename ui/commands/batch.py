"""Reads the questions of `ask --batch`: one a line, or JSON lines with `id` and `question`.

The first line that is not blank says which of the two it is. Blank lines are skipped; what has no id of its
own is numbered from "1".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from index.errors import DataError

_FORM = 'give one question a line, or on every line an object like {"id": "q1", "question": "who wrote it?"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchQuestion:
    """One question and the name under which its result is printed."""

    id: str | int
    question: str


def read_questions(source: str) -> tuple[BatchQuestion, ...]:
    """The questions of the file `source`, "-" for standard input; DataError names file and line."""
    name = "standard input" if source == "-" else source
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text: {error.reason}", hint="save it as UTF-8") from error
    return tuple(_questions(name, lines))


def _questions(name: str, lines: list[str]) -> Iterator[BatchQuestion]:
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    as_objects = bool(filled) and filled[0][1].startswith("{")
    for position, (number, line) in enumerate(filled, start=1):
        if as_objects:
            yield _question(f"{name}, line {number}", line, str(position))
        else:
            yield BatchQuestion(id=str(position), question=line)


def _question(where: str, line: str, fallback_id: str) -> BatchQuestion:
    try:
        item = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}", hint=_FORM) from error
    question = item.get("question") if isinstance(item, dict) else None
    own_id = item.get("id", fallback_id) if isinstance(item, dict) else None
    if not isinstance(question, str) or not isinstance(own_id, str | int):
        raise DataError(f"{where} has no question, or an id that is no text or number", hint=_FORM)
    return BatchQuestion(id=own_id, question=question)
