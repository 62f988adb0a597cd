"""Feedback, and what was learnt from it, as HTML and as rows (pure, no streamlit)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from index.records import Feedback
from qa.feedback.verdicts import Verdict
from qa.records import Answer, AskResult
from ui.page.fragments.base import escape, marked
from ui.page.fragments.jobs import comparison
from ui.render import phrasing
from ui.render.messages import Say


def intro(say: Say) -> str:
    """A sentence on how to teach."""
    return f'<p class="sw-reason">{say("teach.intro")}</p>'


def claim(answer: Answer, number: int, say: Say) -> str:
    """An answer to be judged, with its sentence and source."""
    place = phrasing.place(answer.document.title, answer.headings, answer.page, say)
    sentence = marked(phrasing.sentence_segments(answer))
    return (
        f'<article><p class="sw-work-head"><span class="sw-note">{number}</span>'
        f'<strong dir="auto">{escape(answer.text)}</strong>'
        f'<span class="sw-note">{phrasing.percent(answer.confidence)}</span></p>'
        f'<blockquote class="sw-sentence" dir="auto">{sentence}</blockquote>'
        f'<p class="sw-source" dir="auto">{escape(place)}</p></article>'
    )


def decision(result: AskResult, say: Say) -> str:
    """What was decided: an answer, or none."""
    key = "teach.was_answered" if result.answered else "teach.was_refused"
    return f'<p class="sw-reason">{say(key)}</p>'


def selected(text: str, say: Say) -> str:
    """The words that are selected."""
    return (
        f'<p class="sw-note">{say("teach.selected")}</p><p class="sw-sentence" dir="auto">{escape(text)}</p>'
    )


def verdict_name(feedback: Feedback, say: Say) -> str:
    """A verdict in a word.

    >>> verdict_name(Feedback(question="q", verdict="span", content_sha256="a", quote="x"), Say("en"))
    'the right words'
    """
    kind = "refusal" if feedback.quote is None else "words"
    right = feedback.verdict != Verdict.WRONG
    if feedback.verdict == Verdict.SPAN:
        return say("teach.said_span")
    return say(f"teach.said_{kind}_{'right' if right else 'wrong'}")


def verdict_rows(feedback: Iterable[Feedback], say: Say) -> list[dict[str, Any]]:
    """A row for each verdict."""
    return [
        {
            say("teach.column_question"): item.question,
            say("teach.column_words"): item.quote or "–",
            say("teach.column_verdict"): verdict_name(item, say),
            say("teach.column_who"): item.author or "–",
            say("teach.column_when"): datetime.fromtimestamp(item.created_ns / 1e9, UTC),
            say("teach.column_where"): item.details.get("title", ""),
            say("teach.column_note"): item.comment,
        }
        for item in feedback
    ]


def counts(feedback: Sequence[Feedback], say: Say) -> str:
    """How many verdicts of which kind there are."""
    right = sum(item.verdict != Verdict.WRONG for item in feedback)
    wrong = len(feedback) - right
    return say("teach.counts", total=say.count("verdict", len(feedback)), right=right, wrong=wrong)


def learned_reader(output: Mapping[str, Any], say: Say) -> str:
    """What a reader learnt: before and after on the verdicts held out, and on questions of another kind."""
    rows = []
    for part, name in (("", "teach.held_out"), ("general_", "teach.general")):
        before, after = output.get(f"{part}before") or {}, output.get(f"{part}after") or {}
        questions = say(name, count=f"{before.get('questions', 0):.0f}")
        rows += [
            (f"{questions}, {say(f'teach.{figure}')}", f"{before[figure]:.1f}", f"{after[figure]:.1f}")
            for figure in ("exact", "f1")
            if figure in before and figure in after
        ]
    verdict = say("teach.is_better" if output.get("better") else "teach.is_no_better")
    learnt = say("teach.learnt", count=f"{output.get('learnt', 0):,}")
    head = ("", say("teach.before"), say("teach.after"))
    return f'<p class="sw-note">{learnt}</p>{comparison(head, rows)}<p class="sw-note">{verdict}</p>'


def learned_confidence(output: Mapping[str, Any], say: Say) -> str:
    """What fitting the confidence brought."""
    before, after = output.get("before") or {}, output.get("after") or {}
    rows = [
        (say(f"teach.figure_{name}"), f"{before[name]:.3f}", f"{after[name]:.3f}")
        for name in ("ece", "f1_forced", "accuracy_answered", "answered", "refused")
        if name in before and name in after
    ]
    head = ("", say("teach.before"), say("teach.after"))
    note = say(
        "teach.fitted",
        count=f"{output.get('questions', 0):,}",
        threshold=phrasing.percent(float(output.get("threshold", 0.0))),
    )
    return f'<p class="sw-note">{escape(note)}</p>{comparison(head, rows)}'
