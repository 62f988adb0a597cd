"""Passages and answers with their links into the document."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from index.records import Hit
from qa.records import Answer
from ui import views_search
from ui.address import carried
from ui.messages import Say
from ui.page_links import link


def show_passages(hits: Sequence[Hit], query: str, say: Say, *, back: str = "ask") -> None:
    """Passages with their words marked, each with a link to its place; `back` is the tab they stand on."""
    for hit in hits:
        with st.container(key=f"passage_{hit.passage.id}"):
            st.html(views_search.numbered_hit(hit, query, say))
            _to_document(hit.document.id, hit.passage.start, hit.passage.end, say, back)


def open_in_document(answer: Answer, say: Say) -> None:
    """The link from an answer to its place."""
    _to_document(answer.document.id, answer.start, answer.end, say, "ask")


def _to_document(document: str, start: int, end: int, say: Say, back: str) -> None:
    handed = carried({key: st.query_params.get_all(key) for key in st.query_params})
    place = [("id", document), ("start", str(start)), ("end", str(end)), ("back", back)]
    link("document", say("answer.see"), [*handed, *place], icon=":material/article:")
