"""The viewer: a document opened at a span, as the page of a PDF with the span boxed, or as text.

The address names the document and the span (`id`, `start`, `end`), and the tab to go back to (`back`).
"""

from __future__ import annotations

import streamlit as st

from index.errors import StoreError
from ingest.conversion.page_image import NoPicture, PagePicture, page_picture
from ingest.records import Document, Span
from ui.page.fragments import base
from ui.page.fragments.document import document_head, document_text
from ui.page.fragments.static import script
from ui.page.frame import link
from ui.page.widgets.session_cache import remembered
from ui.render.messages import Say
from ui.services.document_view import occurrences, window
from ui.services.library import Library
from ui.services.url_state import carried

_LONGEST_WORDS = 200  # what is longer, such as a passage, has no other occurrence


def show_document(library: Library, say: Say) -> None:
    """Draw the document of the address, as a page or as text, opened at its span."""
    back = "search" if st.query_params.get("back") == "search" else "ask"
    handed = carried({key: st.query_params.get_all(key) for key in st.query_params})
    label = say("document.back_search") if back == "search" else say("document.back")
    link(back, label, handed, icon=":material/arrow_back:")
    document_id = st.query_params.get("id", "")
    if not document_id:
        st.html(base.note(say("document.none")))
        return
    try:
        document = library.store.document(document_id)
    except StoreError:
        st.html(base.note(say("document.gone")))
        return
    here = _span(document)
    words = " ".join(document.text[here.start : here.end].split())
    spans = occurrences(document.text, words) if len(words) <= _LONGEST_WORDS else []
    places = sorted({(span.start, span.end) for span in spans} | {(here.start, here.end)})
    st.html(document_head(document, document.headings_at(here.start), say))
    as_page = _show_bar(document, here, places, say)
    if not (as_page and _show_page(document, here, words, say)):
        _show_text(document, here, [Span(start=start, end=end) for start, end in places], say)


def _span(document: Document) -> Span:
    """The span of the address, cut to the text."""
    numbers = [st.query_params.get(name, "") for name in ("start", "end")]
    start, end = (int(number) if number.isdecimal() and len(number) < 12 else 0 for number in numbers)
    start = min(start, len(document.text))
    return Span(start=start, end=min(max(end, start), len(document.text)))


def _show_bar(document: Document, here: Span, places: list[tuple[int, int]], say: Say) -> bool:
    """Where we are among the occurrences, the way to the others, and the choice of page or text."""
    number = places.index((here.start, here.end))
    page = document.page_at(here.start)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="bar"):
        for name, step in (("previous", -1), ("next", 1)):
            target = number + step
            st.button(
                say(f"document.{name}"),
                icon=":material/keyboard_arrow_up:" if step < 0 else ":material/keyboard_arrow_down:",
                key=f"occurrence_{name}",
                disabled=not 0 <= target < len(places),
                on_click=_go,
                args=places[min(max(target, 0), len(places) - 1)],
            )
        message = say("document.occurrence", number=number + 1, count=len(places))
        if page is not None:
            message = f"{message} · {say('document.page_of', page=page, pages=document.pages[-1].number)}"
        st.html(base.note(message), width="content")
        if document.type != "pdf" or page is None:
            return False
        st.space("stretch")
        shown = st.segmented_control(
            say("document.view"),
            ("page", "text"),
            required=True,
            default="page",
            format_func=lambda kind: say(f"document.as_{kind}"),
            key="document_view",
            label_visibility="collapsed",
        )
    return shown == "page"


def _show_page(document: Document, here: Span, words: str, say: Say) -> bool:
    """The page as a picture; whether it could be drawn."""
    page = document.page_at(here.start) or 1
    try:
        with st.spinner(say("document.drawing")):
            picture = _picture(document, page, here)
    except NoPicture as error:
        if error.reason == "changed":
            message = say("document.changed")
        else:
            message = say("document.no_picture", why=say(f"document.why_{error.reason}"))
        st.html(base.note(message))
        return False
    with st.container(key="page_picture"):
        alt = say("document.picture", page=page, title=document.title, words=words[:200])
        st.image(picture.png, width="stretch", alt=alt)
    return True


def _picture(document: Document, page: int, here: Span) -> PagePicture:
    """The picture; the session keeps the last one."""
    key = (document.id, page, here.start, here.end)
    return remembered("page_picture_known", key, lambda: page_picture(document, page, here.start, here.end))


def _show_text(document: Document, here: Span, places: list[Span], say: Say) -> None:
    part = window(document, here.start, here.end)
    if part.start > 0:
        earlier = max(0, part.start - 1)
        st.button(say("document.earlier"), key="earlier", on_click=_go, args=(earlier, earlier))
    st.html(document_text(document, part, here, places, say))
    if part.end < len(document.text):
        later = min(len(document.text), part.end + 1)
        st.button(say("document.later"), key="later", on_click=_go, args=(later, later))
    st.html(script("scroll_to_words.js", version=here.start), unsafe_allow_javascript=True)


def _go(start: int, end: int) -> None:
    st.query_params["start"] = str(start)
    st.query_params["end"] = str(end)
