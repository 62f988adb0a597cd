"""The question box, the examples below it, and the address that shares a question."""

from __future__ import annotations

import streamlit as st

from ui import views
from ui.demo import example_questions
from ui.library import Contents
from ui.messages import Say


def question_box() -> str:
    """The question asked last: typed here, chosen from the examples, or carried by the address."""
    state = st.session_state
    question = st.query_params.get("q", "").strip()
    if state.get("question") != question or "question_box" not in state:
        # The address changed (a link, the back button, another tab): the box follows it.
        state.question = state.question_box = question
    with (
        st.form("ask", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input(
            "Question",
            key="question_box",
            placeholder="Ask your documents a question",
            label_visibility="collapsed",
        )
        st.form_submit_button("Ask", type="primary", key="ask_button", on_click=_ask_typed)
    return str(state.question)


def show_welcome(contents: Contents, say: Say) -> None:
    """What to do first, with questions to try where the collection is the one that comes with Spanwise."""
    stats = contents.stats
    st.html(views.welcome(stats.documents, stats.passages, say))
    examples = example_questions([document.path for document in contents.documents])
    with st.container(horizontal=True, gap="small"):
        for number, example in enumerate(examples):
            # Ours, from the bundled questions: plain words that Markdown leaves alone.
            st.button(example, key=f"example_{number}", on_click=_choose, args=(example,))


def _ask_typed() -> None:
    _remember(st.session_state.question_box)


def _choose(question: str) -> None:
    st.session_state.question_box = question
    _remember(question)


def _remember(question: str) -> None:
    st.session_state.question = question.strip()
    if st.session_state.question:
        st.query_params["q"] = st.session_state.question
    else:
        st.query_params.pop("q", None)
