"""Links from one tab to another: real addresses, so that they open in a new window and can be shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import Page

_KEY = "tab_pages"


def register(pages: Mapping[str, Page]) -> None:
    """Say which Streamlit page is which tab, once a run."""
    st.session_state[_KEY] = dict(pages)


def link(
    tab: str,
    label: str,
    parameters: Sequence[tuple[str, str]],
    *,
    icon: str | None = None,
) -> None:
    """A link to a tab with an address's parameters; `label` is Markdown, see `plain`."""
    pages: dict[str, Page] = st.session_state[_KEY]
    st.page_link(pages[tab], label=label, icon=icon, query_params=list(parameters))
