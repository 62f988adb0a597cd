"""The frame of every tab: the name, the links to the tabs, the switch of the language.

Tabs are Streamlit pages with addresses of their own (`/search?q=...`), so that only the visible one runs and
the browser's back button leads from one to the other. A tab NAME is the function `show_NAME(library, say)` of
the module `ui.page.tabs.NAME`, imported when it is first opened, with the title `nav.NAME`.

The address carries what a link should share: the question (`q`), filters, and the language (`lang`) where it
is not the browser's (see `url_state`). The links between tabs hand these on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.navigation.page import Page

from ui.page.fragments import base
from ui.render.messages import Say, language_for
from ui.services.url_state import carried

if TYPE_CHECKING:  # it imports the models, which the frame must not wait for
    from ui.services.library import Library

TABS = ("ask", "search", "collection", "map", "questionnaire", "teach", "models", "quality")
UNLISTED = ("document",)  # reached from an answer or a passage
_PAGES = "tab_pages"


def chosen_voice() -> Say:
    """The voice of the language that the address asks for, else the browser's."""
    return Say(language_for(st.query_params.get("lang"), st.context.locale))


def tab_pages(say: Say, open_library: Callable[[], Library]) -> dict[str, Page]:
    """One Streamlit page for each tab; the first is the one of the bare address."""
    pages = {name: _page(name, say, open_library) for name in (*TABS, *UNLISTED)}
    st.session_state[_PAGES] = pages
    return pages


def show_tabs(pages: Mapping[str, Page], here: Page, say: Say) -> None:
    """The name, the links to the tabs, and the switch of the language, in one row."""
    parameters = carried({key: st.query_params.get_all(key) for key in st.query_params})
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", key="frame"):
        st.html(base.wordmark(say), width="content")
        for name in TABS:
            with st.container(key="tab_here" if pages[name] is here else f"tab_{name}", width="content"):
                st.page_link(pages[name], query_params=parameters)
        st.space("stretch")
        for other in say.others:
            st.button(
                other("frame.switch"),
                help=other("frame.switch_help"),
                type="tertiary",
                key=f"language_{other.language}",
                on_click=_switch_language,
                args=(other.language,),
            )


def link(tab: str, label: str, parameters: Sequence[tuple[str, str]], *, icon: str | None = None) -> None:
    """A link to a tab with the parameters of its address; `label` is Markdown, see `plain_label`.

    It is a real address, which can be opened in a new window and shared.
    """
    pages: dict[str, Page] = st.session_state[_PAGES]
    st.page_link(pages[tab], label=label, icon=icon, query_params=list(parameters))


def _page(name: str, say: Say, open_library: Callable[[], Library]) -> Page:
    def show() -> None:
        library = open_library()  # shows that it loads, so before the tab's own imports
        getattr(import_module(f"ui.page.tabs.{name}"), f"show_{name}")(library, say)

    return st.Page(show, title=say(f"nav.{name}"), url_path=name, default=name == TABS[0])


def _switch_language(language: str) -> None:
    st.query_params["lang"] = language
