"""Passages and answers with their links into the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from index.records import Hit
from qa.records import Answer
from ui.page.fragments import base, search
from ui.page.fragments.base import plain_label
from ui.page.frame import link
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.url_state import carried

_ALSO_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The same answer at [start, end) of the document of `hit`, in its passage."""

    hit: Hit
    start: int
    end: int


def elsewhere(answer: Answer, hits: Sequence[Hit]) -> tuple[Elsewhere, ...]:
    """The first place in each other document, in the order of the answer's own list."""
    places: dict[str, Elsewhere] = {}
    for source in answer.also_in:
        if source.path == answer.document.path or source.path in places:
            continue
        for hit in hits:
            passage = hit.passage
            if (
                hit.document.path == source.path
                and passage.start <= source.start
                and source.end <= passage.end
            ):
                places[source.path] = Elsewhere(hit=hit, start=source.start, end=source.end)
                break
    return tuple(places.values())


def show_passages(hits: Sequence[Hit], query: str, say: Say, *, back: str = "ask") -> None:
    """Passages with their words marked, each with a link to its place; `back` is the tab they stand on."""
    for hit in hits:
        with st.container(key=f"passage_{hit.passage.id}"):
            st.html(search.numbered_hit(hit, query, say))
            _to_document(hit.document.id, hit.passage.start, hit.passage.end, say, back)


def open_in_document(answer: Answer, say: Say) -> None:
    """The link from an answer to its place."""
    _to_document(answer.document.id, answer.start, answer.end, say, "ask")


def show_also_in(answer: Answer, hits: Sequence[Hit], say: Say) -> None:
    """The other documents that hold the same answer, each a link to its place there."""
    places = elsewhere(answer, hits)
    if not places:
        return
    with st.container(gap="xxsmall", key="also_in"):
        st.html(base.note(say("answer.also")))
        for place in places[:_ALSO_SHOWN]:
            _to_place(place, say)
        if len(places) > _ALSO_SHOWN:
            with st.expander(say("answer.also_more", count=len(places) - _ALSO_SHOWN)):
                for place in places[_ALSO_SHOWN:]:
                    _to_place(place, say)


def _to_place(place: Elsewhere, say: Say) -> None:
    passage, document = place.hit.passage, place.hit.document
    named = phrasing.place(document.title, passage.headings, passage.page, say)
    link("document", plain_label(named), _place(document.id, place.start, place.end, "ask"))


def _to_document(document: str, start: int, end: int, say: Say, back: str) -> None:
    link("document", say("answer.see"), _place(document, start, end, back), icon=":material/article:")


def _place(document: str, start: int, end: int, back: str) -> list[tuple[str, str]]:
    handed = carried({key: st.query_params.get_all(key) for key in st.query_params})
    return [*handed, ("id", document), ("start", str(start)), ("end", str(end)), ("back", back)]
