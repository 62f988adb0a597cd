"""The tab that searches: ranked passages with their scores, no reading."""

from __future__ import annotations

import streamlit as st

from index.records import Mode
from ui import views
from ui.library import Library
from ui.messages import Say
from ui.page_question import question_box
from ui.page_sidebar import show_sidebar

_MODES = {"Both": Mode.HYBRID, "Meaning": Mode.DENSE, "Words": Mode.LEXICAL}


def show_search(library: Library, say: Say) -> None:
    """Show the passages nearest to the question."""
    question = question_box()
    choices = show_sidebar(library.contents())
    mode = st.segmented_control(
        "Rank by", list(_MODES), default="Both", key="search_mode", label_visibility="collapsed"
    )
    if not question:
        st.html(views.note("Type a question above: this tab shows the passages nearest to it."))
        return
    found = library.retriever.search(
        question, k=choices.passages, mode=_MODES[mode or "Both"], filters=choices.filters
    )
    st.html(views.search_note(found))
    if found.hits:
        st.html(views.hit_list(found.hits))
