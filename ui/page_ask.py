"""The tab that answers: the answer with its source and passage, or the plain statement that there is none."""

from __future__ import annotations

import streamlit as st

from ingest.errors import SpanwiseError
from qa.explainer import Explainer
from qa.records import Answer, AskResult
from ui import views
from ui.library import Library
from ui.messages import Say
from ui.page_question import question_box, show_welcome
from ui.page_sidebar import Choices, show_sidebar
from ui.views_why import why_panel

_SHOWN_AFTER_REFUSAL = 3


def show_ask(library: Library, say: Say) -> None:
    """Draw the tab: the question box, and under it the answer or what to do first."""
    contents = library.contents()
    question = question_box()
    choices = show_sidebar(contents)
    if question:
        _show_answer(library, question, choices)
    else:
        show_welcome(contents, say)


def _show_answer(library: Library, question: str, choices: Choices) -> None:
    """Answer the question and show everything that was found for it."""
    result = _ask(library, question, choices)
    if not result.answered:
        st.html(views.refusal_card(result))
    if result.answers:
        first, *others = result.answers
        st.html(views.answer_card(first, sure=result.answered, calibrated=result.calibrated))
        st.html(views.passage_panel(first))
        with st.expander("Why this answer", key=_why_key(1, first), on_change="rerun") as reasons:
            if reasons.open:
                _show_why(library, result, 1)
        if others:
            with st.expander(f"Other answers ({len(others)})"):
                for number, other in enumerate(others, start=2):
                    st.html(views.other_answers([other], first=number))
                    if st.toggle("Why this answer", key=_why_key(number, other)):
                        _show_why(library, result, number)
        rest = result.passages
    else:
        nearest, rest = result.passages[:_SHOWN_AFTER_REFUSAL], result.passages[_SHOWN_AFTER_REFUSAL:]
        if nearest:
            st.html(views.nearest(nearest))
    if rest:
        with st.expander(f"{'Passages' if result.answers else 'More passages'} ({len(rest)})"):
            st.html(views.hit_list(rest))
    st.html(views.timing_note(result))


def _ask(library: Library, question: str, choices: Choices) -> AskResult:
    """The result for this question; remembered with all it depends on, the store's revision included."""
    key = (question, choices, library.revision())
    remembered: tuple[object, AskResult] | None = st.session_state.get("answer")
    if remembered is not None and remembered[0] == key:
        return remembered[1]
    with st.spinner("Reading …"):
        result = library.answerer.ask(
            question,
            k=choices.passages,
            filters=choices.filters,
            always_answer=choices.always_answer,
            min_confidence=choices.min_confidence,
        )
    st.session_state.answer = (key, result)
    st.session_state.reasons = {}
    return result


def _why_key(number: int, answer: Answer) -> str:
    return f"why_{number}_{answer.passage.id}_{answer.start}_{answer.end}"


def _show_why(library: Library, result: AskResult, number: int) -> None:
    """What spoke for the answer of that number; computed when first looked at, remembered with the result."""
    remembered: dict[int, str] = st.session_state.reasons
    answer = result.answers[number - 1]
    try:
        if number not in remembered:
            with st.spinner("Looking for the reasons …"):
                why = _explainer(library.answerer.reader.name).explain(result, answer)
            offset = answer.passage.start
            remembered[number] = why_panel(
                why, result.question, answer.passage.text, answer.start - offset, answer.end - offset
            )
        st.html(remembered[number])
    except SpanwiseError as error:
        st.html(views.failure(str(error), error.hint))


@st.cache_resource(show_spinner=False)
def _explainer(reader: str) -> Explainer:
    """The one explainer of this process for a reader."""
    return Explainer(reader)
