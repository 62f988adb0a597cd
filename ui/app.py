"""The page: its frame, and the tab that is open in it.

    name | tabs | language
    the open tab, a function of its own module in `tabs` (see `frame`)

This module opens the store and its models, once for all sessions, after the frame is on the screen; HTML
comes from the `fragments` modules, texts from `messages`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from index.checkpoints.engine_names import prefer
from ingest.errors import SpanwiseError
from ui.page.fragments import base
from ui.page.fragments.static import script, static_file, style
from ui.page.frame import chosen_voice, show_tabs, tab_pages
from ui.page.login import admitted
from ui.render.messages import Say
from ui.settings import Settings, load_settings, prepare_environment

if TYPE_CHECKING:
    from ui.services.library import Library


@st.cache_resource(show_spinner=False)
def _open_library(store: str, models: str | None) -> Library:
    """The one library of this process for a store."""
    from ui.services.library import (
        Library,  # most of what has to be imported: the frame is on the screen before
    )

    return Library.open(Path(store), models)


def _library(settings: Settings, say: Say) -> Library:
    prefer(settings.engine)
    with st.spinner(say("frame.loading")):
        library = _open_library(str(settings.store), settings.models)
        if library.outdated:
            # A job has changed the encoder or the reader: everybody goes on with the new one.
            _open_library.clear()
            library = _open_library(str(settings.store), settings.models)
        return library


def show_page() -> None:
    """Draw everything once, from top to bottom."""
    st.set_page_config(page_title="Spanwise", page_icon=static_file("icon.svg"), layout="wide")
    st.html(style())
    say = chosen_voice()
    try:
        settings = load_settings()
        if not admitted(settings.password, say):
            return
        pages = tab_pages(say, lambda: _library(settings, say))
        tab = st.navigation(list(pages.values()), position="hidden")
        show_tabs(pages, tab, say)
        tab.run()
    except SpanwiseError as error:
        st.html(base.failure(str(error), error.hint, say))
    st.html(script("focus.js"), unsafe_allow_javascript=True)


prepare_environment()
show_page()
