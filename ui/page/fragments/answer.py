"""Answers and refusals, as HTML (pure, no streamlit).

As in `base`, text from documents and questions gets in through `escape` only.
"""

from __future__ import annotations

from qa.records import Answer, AskResult, Reason
from ui.page.fragments.base import escape, marked, note, source
from ui.render import phrasing
from ui.render.messages import Say


def answer_card(
    answer: Answer,
    say: Say,
    *,
    sure: bool,
    calibrated: bool,
    agreeing: int = 1,
    differing: int = 0,
    probable: bool = False,
) -> str:
    """The answer large, how sure it is, how many documents agree, its sentence and its source.

    `agreeing` counts the documents that give it, `differing` those that give another; `probable` is an answer
    that is not sure and still more than a guess.
    """
    kicker = say("answer.answer" if sure else "answer.probable" if probable else "answer.guess")
    agreement = ""
    if agreeing > 1 or differing:
        agreement = f'<span class="sw-agree">{escape(phrasing.agreement(agreeing, differing, say))}</span>'
    estimate = "" if calibrated else f'<span class="sw-note">{escape(say("answer.not_fitted"))}</span>'
    return (
        f'<article class="sw-answered">'
        f'<p class="sw-kicker">{escape(kicker)}</p>'
        f'<p class="sw-answer" dir="auto">{escape(phrasing.headline(answer, say))}</p>'
        f'<div class="sw-confidence">{_confidence(answer.confidence, say)}{agreement}{estimate}</div>'
        f"{_sentence(answer)}{_cell(answer, say)}{_source(answer, say)}</article>"
    )


def closest_card(closest: Answer, say: Say) -> str:
    """The sentence that comes nearest to a question without a sure answer, and its source."""
    return (
        f'<article class="sw-answered">'
        f'<p class="sw-kicker">{escape(say("answer.closest"))}</p>'
        f'<p class="sw-answer" dir="auto">{escape(closest.text)}</p>'
        f'<div class="sw-confidence">{_bar(closest.confidence, phrasing.holds_answer(closest, say))}</div>'
        f"{_source(closest, say)}</article>"
    )


def other_answer(answer: Answer, number: int, say: Say) -> str:
    """An answer after the first, with its sentence and source."""
    return (
        f'<article class="sw-other"><p class="sw-other-head">'
        f'<span class="sw-number">{number}</span><strong dir="auto">{escape(answer.text)}</strong></p>'
        f'<div class="sw-confidence">{_confidence(answer.confidence, say)}</div>'
        f"{_sentence(answer)}{_source(answer, say)}</article>"
    )


def passage_panel(answer: Answer, say: Say) -> str:
    """The passage that was read, the answer marked at its own offsets."""
    return (
        f'<section class="sw-passage"><h2>{escape(say("answer.where"))}</h2>'
        f'<div class="sw-text" dir="auto">{marked(phrasing.passage_segments(answer))}</div></section>'
    )


def refusal_card(result: AskResult, say: Say) -> str:
    """That there is no answer, and why: a result like any other."""
    hint = note(say("ask.add_first")) if result.reason is Reason.EMPTY_STORE else ""
    return (
        f'<article class="sw-answered"><p class="sw-kicker">{escape(say("answer.result"))}</p>'
        f'<p class="sw-answer">{escape(phrasing.no_answer_head(result, say))}</p>'
        f'<p class="sw-reason">{escape(phrasing.no_answer_reason(result, say))}</p>{hint}</article>'
    )


def timing_note(result: AskResult, say: Say) -> str:
    """How much was read and how long it took."""
    passages = say.count("passage", len(result.passages))
    total = result.timings_ms.get("total")
    if total is None:
        return note(say("answer.considered", passages=passages))
    return note(say("answer.considered_in", passages=passages, seconds=f"{total / 1000:.1f}"))


def _confidence(confidence: float, say: Say) -> str:
    return _bar(confidence, phrasing.confidence_line(confidence, say))


def _bar(confidence: float, line: str) -> str:
    share = min(max(confidence, 0.0), 1.0)
    return (
        f'<span class="sw-bar" aria-hidden="true"><span style="width:{share:.0%}"></span></span>'
        f"<span>{escape(line)}</span>"
    )


def _sentence(answer: Answer) -> str:
    sentence = marked(phrasing.sentence_segments(answer))
    return f'<blockquote class="sw-sentence" dir="auto">{sentence}</blockquote>'


def _cell(answer: Answer, say: Say) -> str:
    return note(phrasing.cell(answer, say)) if answer.cell else ""


def _source(answer: Answer, say: Say) -> str:
    return source(answer.document.title, answer.headings, answer.page, answer.document.path, say)
