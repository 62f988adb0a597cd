"""The question box, the history of the session, and questions to try.

The address holds the question (`q`): the box follows it, whether it was typed, chosen, shared or reached by
the back button.
"""

from __future__ import annotations

import streamlit as st

from qa.records import AskResult
from ui.page.fragments import base
from ui.page.fragments.base import plain_label
from ui.page.frame import link
from ui.page.widgets.nothing_yet import show_nothing_yet
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.example_questions import verified
from ui.services.library import Contents, Library
from ui.services.url_state import carried

_REMEMBERED = 30
_LONGEST = 2_000  # characters: a question is part of the address, which servers and browsers limit


def question_box(say: Say, tab: str) -> str:
    """The question of the address, after the box for it; `tab` names it and its button."""
    state = st.session_state
    question = st.query_params.get("q", "").strip()
    if state.get("asked") != question or "question_box" not in state:
        # The address changed (a link, the back button, another tab): the box follows it.
        state.asked = state.question_box = question
    with (
        st.form("ask", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input(
            say("ask.question"),
            key="question_box",
            placeholder=say(f"{tab}.placeholder"),
            label_visibility="collapsed",
        )
        st.form_submit_button(say(f"{tab}.button"), type="primary", key="ask_button", on_click=_ask_typed)
    if state.pop("question_cut", False):
        st.html(base.status(say("ask.cut", count=f"{_LONGEST:,}")))
    return question


def show_welcome(library: Library, contents: Contents, say: Say) -> None:
    """What to do first, with questions that this very collection answers."""
    stats = contents.stats
    if not stats.documents:
        show_nothing_yet(library, say)
        return
    holds = f"{say.count('document', stats.documents)} · {say.count('passage', stats.passages)}"
    st.html(base.lead(say("ask.welcome"), say("ask.promise"), holds))
    with st.spinner(say("ask.looking_for_examples")):
        # What is drawn in between lets a question that was typed meanwhile come first.
        examples = verified(library, contents, pause=st.empty().empty)
    if not examples:
        return
    st.html(base.head(say("ask.try")))
    with st.container(gap="small", key="examples"):
        for number, example in enumerate(examples):
            st.button(
                plain_label(example),
                key=f"example_{number}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=_remember,
                args=(example,),
            )


def record(result: AskResult) -> None:
    """Keep a question with its answer in the history of the session, the newest first."""
    answer = result.answers[0].text if result.answered else None
    entry = (result.question, answer, result.confidence)
    history = [item for item in st.session_state.get("history", ()) if item[0] != result.question]
    st.session_state.history = [entry, *history][:_REMEMBERED]


def show_history(say: Say) -> None:
    """The questions of this session with their answers, each a link to it."""
    history = st.session_state.get("history", ())
    with st.popover(
        say("history.title"), icon=":material/history:", key="history_box", on_change="rerun"
    ) as opened:
        if not opened.open:  # thirty links cost the browser more than the answer
            return
        if not history:
            st.caption(say("history.empty"))
            return
        parameters = [(key, value) for key, value in carried(_parameters()) if key != "q"]
        with st.container(key="history"):
            for question, answer, confidence in history:
                link("ask", plain_label(question), [("q", question), *parameters])
                summary = say("none.none") if answer is None else f"{answer} · {phrasing.percent(confidence)}"
                st.html(base.note(summary))
        st.button(say("history.clear"), key="clear_history", on_click=_forget)


def _parameters() -> dict[str, list[str]]:
    return {key: st.query_params.get_all(key) for key in st.query_params}


def _ask_typed() -> None:
    _remember(st.session_state.question_box)


def _remember(question: str) -> None:
    trimmed = question.strip()
    if len(trimmed) > _LONGEST:
        st.session_state.question_cut = True
        trimmed = trimmed[:_LONGEST].rstrip()
    if trimmed:
        st.query_params["q"] = trimmed
    else:
        st.query_params.pop("q", None)


def _forget() -> None:
    st.session_state.history = []
