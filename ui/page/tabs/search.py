"""The tab that searches: ranked passages with the words of the query marked, no reading."""

from __future__ import annotations

import streamlit as st

from index.records import Mode, SearchResult
from ui.page.fragments import base
from ui.page.fragments.search import search_note
from ui.page.widgets.filters import chosen, offer_everywhere, show_where
from ui.page.widgets.nothing_yet import show_nothing_yet
from ui.page.widgets.passages import show_passages
from ui.page.widgets.question_box import question_box
from ui.page.widgets.session_cache import remembered
from ui.render.messages import Say
from ui.services.library import Library
from ui.services.url_state import Choices

_MODES = {Mode.HYBRID: "search.both", Mode.DENSE: "search.meaning", Mode.LEXICAL: "search.words"}
_STEP = 10
_MOST = 100


def show_search(library: Library, say: Say) -> None:
    """Draw the box, the filters and the way of ranking, and the passages nearest to the query."""
    contents = library.contents()
    query = question_box(say, "search")
    choices = chosen()
    bar = st.container(horizontal=True, gap="small", vertical_alignment="center", key="bar")
    result = None
    if query and contents.stats.documents:
        result = _search(library, query, choices, say)
        _show_result(result, query, choices, say)
    else:
        if contents.stats.documents:
            st.html(base.note(say("search.hint")))
        else:
            show_nothing_yet(library, say)
    with bar:  # after the search, so that the filters count its hits
        show_where(library, contents, () if result is None else result.hits, say)
        _choose_mode(choices.mode, say)


def _show_result(result: SearchResult, query: str, choices: Choices, say: Say) -> None:
    st.html(search_note(result, say))
    if not result.hits:
        offer_everywhere(say)
    searched = (query, choices)
    if st.session_state.get("search_asked") != searched:
        st.session_state.search_asked, st.session_state.search_shown = searched, _STEP
    shown = st.session_state.search_shown
    show_passages(result.hits[:shown], query, say, back="search")
    if len(result.hits) > shown:
        st.button(say("search.more"), key="search_more", on_click=_show_more)


def _search(library: Library, query: str, choices: Choices, say: Say) -> SearchResult:
    def search() -> SearchResult:
        with st.spinner(say("search.searching")):
            return library.retriever.search(query, k=_MOST, mode=choices.mode, filters=choices.filters)

    return remembered("search_known", (query, choices, library.revision()), search)


def _choose_mode(mode: Mode, say: Say) -> None:
    st.session_state.choice_mode = mode.value
    st.segmented_control(
        say("search.mode"),
        [each.value for each in _MODES],
        required=True,
        format_func=lambda value: say(_MODES[Mode(value)]),
        key="choice_mode",
        label_visibility="collapsed",
        on_change=_write_mode,
    )


def _write_mode() -> None:
    mode = st.session_state.choice_mode
    if mode in (None, Mode.HYBRID.value):
        st.query_params.pop("mode", None)
    else:
        st.query_params["mode"] = mode


def _show_more() -> None:
    st.session_state.search_shown += _STEP
