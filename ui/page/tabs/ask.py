"""The tab that answers: the answer with its source and passage, or the plain statement that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from index.records import Hit
from ingest.errors import SpanwiseError
from qa.answering.support import agreement, others_worth_showing
from qa.records import Answer, AskResult, Status
from ui.page.fragments import base
from ui.page.fragments.answer import (
    answer_card,
    closest_card,
    other_answer,
    passage_panel,
    refusal_card,
    timing_note,
)
from ui.page.fragments.search import hit_list
from ui.page.fragments.why import why_panel
from ui.page.widgets.filters import chosen, offer_everywhere, show_how, show_where
from ui.page.widgets.passages import open_in_document, show_also_in, show_passages
from ui.page.widgets.question_box import question_box, record, show_history, show_welcome
from ui.page.widgets.session_cache import remembered
from ui.page.widgets.share import show_share
from ui.render.messages import Say
from ui.services.library import Library
from ui.services.url_state import Choices

if TYPE_CHECKING:  # it loads PyTorch, which the first answer must not wait for
    from qa.explanation.explainer import Explainer

_SHOWN_AFTER_REFUSAL = 3
_ANSWERS = 5


def show_ask(library: Library, say: Say) -> None:
    """Draw the question box, and under it the answer, or questions to try."""
    contents = library.contents()
    question = question_box(say, "ask")
    bar = st.container(horizontal=True, gap="small", key="bar")
    hits: tuple[Hit, ...] = ()
    if question and contents.stats.documents:
        result = _ask(library, question, chosen(), say)
        hits = result.passages
        _show_result(library, result, say)
    else:
        show_welcome(library, contents, say)
    with bar:  # after the answer, so that filters and history know it
        show_where(library, contents, hits, say)
        show_how(say)
        show_history(say)


def _show_result(library: Library, result: AskResult, say: Say) -> None:
    """Draw the answers, or the reason why there is none, and the passages."""
    if result.shown:
        _show_first(library, result, say)
        _show_others(library, result, say)
        rest = result.passages
    elif result.closest is not None:
        with st.container(key="answer"):
            st.html(closest_card(result.closest, say))
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                open_in_document(result.closest, say)
                show_share(result, say)
        st.html(passage_panel(result.closest, say))
        rest = result.passages
    else:
        with st.container(key="answer"):
            st.html(refusal_card(result, say))
            if result.passages:
                show_share(result, say)
            else:
                offer_everywhere(say)
        nearest, rest = result.passages[:_SHOWN_AFTER_REFUSAL], result.passages[_SHOWN_AFTER_REFUSAL:]
        if nearest:
            st.html(base.head(say("answer.nearest")))
            show_passages(nearest, result.question, say)
    if rest:
        title = say("answer.passages") if result.status is not Status.NONE else say("answer.more_passages")
        with st.expander(f"{title} ({len(rest)})", key="rest", on_change="rerun") as folded:
            if folded.open:
                st.html(hit_list(rest, result.question, say))
    if result.passages:
        st.html(timing_note(result, say))


def _show_first(library: Library, result: AskResult, say: Say) -> None:
    first, support = result.shown[0], agreement(result)
    with st.container(key="answer"):
        if result.status is Status.NONE:
            st.html(refusal_card(result, say))
        card = answer_card(
            first,
            say,
            sure=result.answered,
            calibrated=result.calibrated,
            agreeing=support.agreeing,
            differing=support.differing,
            probable=bool(result.candidates),
        )
        st.html(card)
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="answer_actions"):
            open_in_document(first, say)
            show_share(result, say)
        show_also_in(first, result.passages, say)
    st.html(passage_panel(first, say))
    with st.expander(say("why.title"), key=_why_key(1, first), on_change="rerun") as reasons:
        if reasons.open:
            _show_why(library, result, 1, say)


def _show_others(library: Library, result: AskResult, say: Say) -> None:
    others = others_worth_showing(result)
    if not others:
        return
    st.html(base.head(say("answer.others" if result.answers else "answer.rivals")))
    for number, other in enumerate(others, start=2):
        with st.container(key=f"other_{number}"):
            st.html(other_answer(other, number, say))
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                open_in_document(other, say)
                explain = st.toggle(say("why.title"), key=_why_key(number, other))
            if explain:
                _show_why(library, result, number, say)


def _ask(library: Library, question: str, choices: Choices, say: Say) -> AskResult:
    """The result for this question; remembered with all it depends on, the store's revision included."""
    key = (question, choices, library.revision(), library.answerer.decision)

    def ask() -> AskResult:
        with st.spinner(say("ask.reading")):
            result = library.answerer.ask(
                question,
                answers=_ANSWERS,
                k=choices.passages,
                filters=choices.filters,
                always_answer=choices.always_answer,
                min_confidence=choices.min_confidence,
            )
        st.session_state.reasons = {}
        record(result)
        return result

    return remembered("answer_known", key, ask)


def _why_key(number: int, answer: Answer) -> str:
    return f"why_{number}_{answer.passage.id}_{answer.start}_{answer.end}"


def _show_why(library: Library, result: AskResult, number: int, say: Say) -> None:
    """Draw why the answer of that number was given; computed once for each result."""
    reasons: dict[tuple[int, str], str] = st.session_state.reasons
    answer, key = result.shown[number - 1], (number, say.language)
    try:
        if key not in reasons:
            with st.spinner(say("why.looking")):
                why = _explainer(library.answerer.reader.name).explain(result, answer)
            offset = answer.passage.start
            reasons[key] = why_panel(
                why, result.question, answer.passage.text, answer.start - offset, answer.end - offset, say
            )
        st.html(reasons[key])
    except SpanwiseError as error:
        st.html(base.failure(str(error), error.hint, say))


@st.cache_resource(show_spinner=False)
def _explainer(reader: str) -> Explainer:
    """The one explainer of this process for a reader."""
    from qa.explanation.explainer import Explainer

    return Explainer(reader)
