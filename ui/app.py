"""The page: asks, shows what stands where, and manages the collection.

    question box
    tabs: Answer | Search | Collection      sidebar: filters and settings

This module opens the store and its models, once for all sessions, and lays the page out; its parts are the
`page_*` modules, HTML comes from `views`.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from index.engine_names import prefer
from ingest.errors import SpanwiseError
from ui import views
from ui.library import Library
from ui.look import FOCUS, ICON, STYLE
from ui.page_answer import show_answer
from ui.page_collection import show_collection
from ui.page_door import admitted
from ui.page_question import question_box, show_welcome
from ui.page_search import show_search
from ui.page_sidebar import show_sidebar
from ui.settings import load_settings, quiet_environment


@st.cache_resource(show_spinner="Loading the models …")
def open_library(store: str, models: str | None) -> Library:
    """The one library of this process for a store."""
    return Library.open(Path(store), models)


def show_page() -> None:
    """Draw everything once, from top to bottom."""
    st.set_page_config(page_title="Spanwise", page_icon=ICON, layout="wide")
    st.html(STYLE)
    try:
        settings = load_settings()
        if not admitted(settings.password):
            return
        prefer(settings.engine)
        library = open_library(str(settings.store), settings.models)
        contents = library.contents()
        st.html(views.header(contents.stats.documents, contents.stats.passages))
        question = question_box()
        choices = show_sidebar(contents)
        answer, search, collection = st.tabs(["Answer", "Search", "Collection"])
        with search:
            show_search(library, question, choices)
        with collection:
            show_collection(library)
        with answer:  # last, because reading takes longest and the other tabs need not wait for it
            if question:
                show_answer(library, question, choices)
            else:
                show_welcome(contents)
    except SpanwiseError as error:
        st.html(views.failure(str(error), error.hint))
    st.html(FOCUS, unsafe_allow_javascript=True)  # a constant of ours, no text gets into it


quiet_environment()
show_page()
