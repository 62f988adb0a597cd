"""Long lists page by page: the rows that are looked at, and the way to the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from ui.messages import Say

_PAGE = 50
_Row = TypeVar("_Row")


def paged(found: Sequence[_Row], key: str, say: Say) -> Sequence[_Row]:
    """The rows of the page that is looked at, with the way to the others."""
    pages = max(-(-len(found) // _PAGE), 1)
    number = min(st.session_state.get(f"{key}_page", 0), pages - 1)

    def turn(by: int) -> None:
        st.session_state[f"{key}_page"] = number + by

    shown = found[number * _PAGE : (number + 1) * _PAGE]
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                say("collection.previous"), key=f"{key}_back", on_click=turn, args=(-1,), disabled=number == 0
            )
            st.button(
                say("collection.next"),
                key=f"{key}_on",
                on_click=turn,
                args=(1,),
                disabled=number == pages - 1,
            )
            first = number * _PAGE + 1
            st.caption(
                say(
                    "collection.page_of",
                    first=f"{first:,}",
                    last=f"{first + len(shown) - 1:,}",
                    total=f"{len(found):,}",
                )
            )
    return shown
