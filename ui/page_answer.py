"""The tab that answers: the answer with its source and passage, or the plain statement that there is none."""

from __future__ import annotations

import streamlit as st

from qa.records import AskResult
from ui import views
from ui.library import Library
from ui.page_sidebar import Choices

_SHOWN_AFTER_REFUSAL = 3


def show_answer(library: Library, question: str, choices: Choices) -> None:
    """Answer the question and show everything that was found for it."""
    result = _ask(library, question, choices)
    if not result.answered:
        st.html(views.refusal_card(result))
    if result.answers:
        first, *others = result.answers
        st.html(views.answer_card(first, sure=result.answered, calibrated=result.calibrated))
        st.html(views.passage_panel(first))
        if others:
            with st.expander(f"Other answers ({len(others)})"):
                st.html(views.other_answers(others))
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
        )
    st.session_state.answer = (key, result)
    return result
