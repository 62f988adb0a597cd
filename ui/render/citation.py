"""A result to take along: as a citation, as JSON, as a table, as Markdown (pure)."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import PurePosixPath

from qa.records import Answer, AskResult
from ui.render import phrasing
from ui.render.json_forms import ask_json
from ui.render.messages import Say
from ui.render.tables import to_csv

_COLUMNS = (
    "question",
    "answer",
    "confidence",
    "sentence",
    "title",
    "headings",
    "page",
    "path",
    "start",
    "end",
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$!])")


def citation(answer: Answer, say: Say, today: date) -> str:
    """The sentence in quotation marks, with everything that is needed to find it again."""
    place = phrasing.place(answer.document.title, answer.headings, answer.page, say)
    name = PurePosixPath(answer.document.path).name
    return f"“{' '.join(answer.sentence.split())}” — {place} ({name}), {today.isoformat()}"


def as_json(result: AskResult) -> str:
    """The result in the form of `spanwise ask --json`, indented."""
    return json.dumps(ask_json(result), ensure_ascii=False, indent=2)


def as_csv(result: AskResult) -> bytes:
    """One row for each answer, one without an answer where there is none."""
    rows = [
        (
            *(
                result.question,
                answer.text,
                f"{answer.confidence:.3f}",
                answer.sentence,
                answer.document.title,
            ),
            *(" › ".join(answer.headings), "" if answer.page is None else str(answer.page)),
            *(answer.document.path, str(answer.start), str(answer.end)),
        )
        for answer in result.shown
    ]
    return to_csv(_COLUMNS, rows or [(result.question, *[""] * (len(_COLUMNS) - 1))])


def as_markdown(result: AskResult, say: Say) -> str:
    """The question as a heading, and under it every answer with its sentence and source."""
    parts = [f"## {_plain(result.question)}"]
    if not result.answered:
        head = _plain(phrasing.no_answer_head(result, say))
        parts.append(f"{head}. {_plain(phrasing.no_answer_reason(result, say))}")
    if result.closest is not None and not result.shown:
        parts.append(f"> {_plain(result.closest.text)}")
    for answer in result.shown:
        place = phrasing.place(answer.document.title, answer.headings, answer.page, say)
        parts.append(
            f"**{_plain(answer.text)}** ({_plain(phrasing.confidence_line(answer.confidence, say))})\n\n"
            f"> {_plain(answer.sentence)}\n\n{_plain(place)}, `{answer.document.path.replace('`', '')}`"
        )
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
