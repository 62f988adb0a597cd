"""A text in which words are selected with the mouse: one component of our own.

Streamlit does not report what is selected in a text. The script `text_selection.js` draws the text with
`textContent`, so that nothing in it is ever markup, marks one span, scrolls to it, and reports which
characters are selected. Nothing is fetched from anywhere.

A browser counts UTF-16 units, Python counts code points: they differ after every emoji. The script counts
code points before it reports, and `selected_span` checks that the selected words stand at these offsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ui.page.fragments.static import static_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The part of a document that is shown: `text` begins at `offset` of it."""

    text: str
    offset: int


def stretch(text: str, start: int, end: int, *, room: int) -> Stretch:
    """The span [start, end) of a document with `room` characters on either side, cut at line ends if near."""
    first, last = max(start - room, 0), min(end + room, len(text))
    if first > 0 and (line_end := text.find("\n", first, min(first + 200, start))) >= 0:
        first = line_end + 1
    if last < len(text) and (line_end := text.rfind("\n", max(last - 200, end), last)) >= 0:
        last = line_end
    return Stretch(text=text[first:last], offset=first)


def show_selectable(
    shown: Stretch, marked: tuple[int, int], *, key: str, name: str, label: str
) -> tuple[int, int] | None:
    """The span of the document that is selected in the text, None for none.

    `marked` is the span of the shown text to mark and scroll to; `name` tells one shown text from another.
    """
    reported = _component()(
        key=f"selecting_{key}",
        data={"id": name, "text": shown.text, "start": marked[0], "end": marked[1], "label": label},
        on_selection_change=lambda: None,
    )
    span = selected_span(getattr(reported, "selection", None), name, shown.text)
    return None if span is None else (span[0] + shown.offset, span[1] + shown.offset)


def selected_span(selection: Mapping[str, object] | None, shown: str, text: str) -> tuple[int, int] | None:
    """The half-open span of `text` that a browser reports, spaces at its ends left out; None for none.

    `shown` is the id of the text on the screen: a selection in another one is old. What a browser reports is
    not trusted: the words must stand at the offsets.
    """
    if not selection or selection.get("id") != shown:
        return None
    start, end, words = selection.get("start"), selection.get("end"), selection.get("text")
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(words, str)):
        return None
    if not 0 <= start < end <= len(text) or text[start:end] != words:
        return None
    stripped = words.strip()
    if not stripped:
        return None
    first = start + words.index(stripped)
    return first, first + len(stripped)


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    """The one registration of the component in this process."""
    return st.components.v2.component(
        "spanwise_text_selection",
        html=static_file("text_selection.html"),
        css=static_file("text_selection.css"),
        js=static_file("text_selection.js"),
        isolate_styles=False,
    )
