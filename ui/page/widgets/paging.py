"""Long lists page by page: the rows of one page, and buttons to the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import streamlit as st

from ui.render.messages import Say

_PAGE = 50
_Row = TypeVar("_Row", covariant=True)


class ReadRows(Protocol[_Row]):
    """Reads part of a list that is stored elsewhere: the number of all rows, and the rows of that part."""

    def __call__(self, *, offset: int, limit: int) -> tuple[int, Sequence[_Row]]:
        """At most `limit` rows from `offset` on."""
        ...


def paged(rows: Sequence[_Row], key: str, say: Say) -> Sequence[_Row]:
    """The rows of the present page, with buttons to the others."""
    total, shown = read_page(lambda *, offset, limit: (len(rows), rows[offset : offset + limit]), key)
    show_pages(total, key, say)
    return shown


def read_page(read: ReadRows[_Row], key: str) -> tuple[int, Sequence[_Row]]:
    """The number of all rows, and those of the present page; no others are read."""
    number = st.session_state.get(f"{key}_page", 0)
    total, shown = read(offset=number * _PAGE, limit=_PAGE)
    if number and not shown:  # the list has become shorter
        last = _pages(total) - 1
        total, shown = read(offset=last * _PAGE, limit=_PAGE)
    return total, shown


def show_pages(total: int, key: str, say: Say) -> None:
    """Draw buttons to the other pages of a list of `total` rows, where there are any."""
    pages = _pages(total)
    number = min(st.session_state.get(f"{key}_page", 0), pages - 1)

    def turn(by: int) -> None:
        st.session_state[f"{key}_page"] = number + by

    if pages == 1:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            say("collection.previous"), key=f"{key}_back", on_click=turn, args=(-1,), disabled=number == 0
        )
        st.button(
            say("collection.next"), key=f"{key}_on", on_click=turn, args=(1,), disabled=number == pages - 1
        )
        first, last = number * _PAGE + 1, min((number + 1) * _PAGE, total)
        st.caption(say("collection.page_of", first=f"{first:,}", last=f"{last:,}", total=f"{total:,}"))


def _pages(total: int) -> int:
    return max(-(-total // _PAGE), 1)
