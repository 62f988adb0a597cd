"""A questionnaire's table and its rows, for the page (pure, no streamlit)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from ui.page.fragments.base import escape
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.jobs import JobStanding
from ui.services.questionnaire import Row


def intro(say: Say) -> str:
    """A sentence on what can be done here."""
    return f'<p class="sw-reason">{say("questionnaire.intro")}</p>'


def job_name(standing: JobStanding) -> str:
    """A questionnaire in a list of several."""
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(standing.job.created))
    return f"{moment} · {standing.job.title}"


def summary(rows: Sequence[Row], say: Say) -> str:
    """How many were answered."""
    answered = sum(row.answered for row in rows)
    line = say("questionnaire.answered", answered=f"{answered:,}", total=f"{len(rows):,}")
    return f'<p class="sw-note">{line}</p>'


def table_rows(rows: Iterable[Row], say: Say) -> list[dict[str, Any]]:
    """What the table on the page shows of each row; the download holds everything."""
    return [
        {
            say("questionnaire.column_question"): row.question,
            say("questionnaire.column_answer"): row.answer or _likely(row, say) or _refusal(row, say),
            say("questionnaire.column_confidence"): round(100 * row.confidence),
            say("questionnaire.column_source"): source(row, say),
        }
        for row in rows
    ]


def source(row: Row, say: Say) -> str:
    """Title, headings and page of an answer, in a line."""
    if not row.answer and not row.likely:
        return ""
    headings = tuple(part for part in row.headings.split(" › ") if part)
    return phrasing.place(row.title, headings, row.page, say)


def row_card(row: Row, say: Say) -> str:
    """One row with its answer, source and other answers."""
    answer = escape(row.answer or row.likely or _refusal(row, say))
    guess = ""
    if row.likely:
        guess = f'<p class="sw-note">{say(f"answer.{row.status}")}</p>'
    elif row.answer and not row.answered:
        guess = f'<p class="sw-note">{say("questionnaire.is_guess")}</p>'
    parts = [
        f'<article class="sw-card"><p class="sw-kicker" dir="auto">{escape(row.question)}</p>',
        f'<p class="sw-answer" dir="auto">{answer}</p>{guess}',
    ]
    if row.answer or row.likely:
        parts.append(f'<blockquote class="sw-sentence" dir="auto">{escape(row.sentence)}</blockquote>')
        parts.append(f'<p class="sw-source" dir="auto">{escape(source(row, say))}</p>')
        parts.append(f'<p class="sw-path">{escape(row.path)}</p>')
    elif row.nearest:
        nearest = say("questionnaire.nearest", place=row.nearest)
        parts.append(f'<p class="sw-note" dir="auto">{escape(nearest)}</p>')
    if row.other_answers:
        others = say("questionnaire.others", answers=row.other_answers)
        parts.append(f'<p class="sw-note" dir="auto">{escape(others)}</p>')
    return "".join([*parts, "</article>"])


def _likely(row: Row, say: Say) -> str:
    """A likely answer or the closest sentence, after the words that say so."""
    if not row.likely:
        return ""
    return say("questionnaire.likely", how=say(f"answer.{row.status}"), text=row.likely)


def _refusal(row: Row, say: Say) -> str:
    known = ("empty_store", "unsupported_language", "model_failure", "empty_question")
    return say(f"questionnaire.{row.reason}" if row.reason in known else "questionnaire.no_answer")
