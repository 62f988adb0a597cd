"""The tab that shows the collection as a map, and the words of it that are near a given one."""

from __future__ import annotations

import streamlit as st

from index.search.nearest import WordVectors, nearest_words, word_vectors
from index.search.projection import FlatMap, Projection, map_of, projections
from ui.page.fragments import base
from ui.page.fragments.map import map_drawing, map_rows
from ui.page.widgets.nothing_yet import show_nothing_yet
from ui.render.messages import Say
from ui.services.library import Library

_LEAST = 3
_MOST_WORDS = 5000
_NEAR = 12


def show_map(library: Library, say: Say) -> None:
    """Draw the map of the passages, and the words nearest to one that is typed."""
    if not library.contents().stats.documents:
        show_nothing_yet(library, say)
        return
    _draw(library, say)
    _words(library, say)


def _draw(library: Library, say: Say) -> None:
    projection: Projection = "pca"
    if len(projections()) > 1:
        projection = st.segmented_control(
            say("map.projection"), list(projections()), default="pca", required=True, format_func=str.upper
        )
    with st.spinner(say("map.drawing")):
        flat = _map(str(library.store.path), library.revision(), projection, library)
    if len(flat.passages) < _LEAST:
        st.html(base.note(say("map.too_few")))
        return
    titles = {info.id: info.title for info in library.contents().documents}
    st.html(base.head(say("map.head")))
    others = say("map.others")
    rows = map_rows(flat, titles, others)
    drawing = map_drawing(rows, say("map.document"), say("map.passage"), others)
    st.vega_lite_chart(rows, drawing, width="stretch")
    shown, of = f"{len(flat.passages):,}", f"{flat.of:,}"
    note = (
        say("map.shown", shown=shown, all=of)
        if flat.kept is None
        else say("map.kept", shown=shown, all=of, share=f"{flat.kept:.0%}")
    )
    st.html(base.note(note))


def _words(library: Library, say: Say) -> None:
    st.html(base.head(say("map.words")))
    word = st.text_input(say("map.word"), key="map_word", max_chars=200)
    if not word.strip():
        return
    with st.spinner(say("map.counting")):
        words = _vocabulary(str(library.store.path), library.revision(), library)
        near = nearest_words(word, words, library.store.encoder, k=_NEAR)
    st.dataframe(
        {
            say("map.near_word"): [item.text for item in near],
            say("map.near_cosine"): [round(item.cosine, 3) for item in near],
            say("map.near_count"): [item.count for item in near],
        },
        hide_index=True,
        width="stretch",
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _map(store: str, revision: int, projection: Projection, _library: Library) -> FlatMap:
    return map_of(_library.store, projection=projection)


@st.cache_resource(show_spinner=False, max_entries=2)
def _vocabulary(store: str, revision: int, _library: Library) -> WordVectors:
    return word_vectors(_library.store, _library.store.encoder, at_most=_MOST_WORDS)
