"""Results that a session computes once, and files to download."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

_Made = TypeVar("_Made")


def remembered(name: str, key: object, make: Callable[[], _Made]) -> _Made:
    """What `make` made for this key: of each name the session keeps the last one."""
    known: tuple[object, Any] | None = st.session_state.get(name)
    if known is not None and known[0] == key:
        made: _Made = known[1]
        return made
    made = make()
    st.session_state[name] = (key, made)
    return made


def download(
    label: str,
    key: object,
    make: Callable[[], bytes],
    *,
    name: str,
    file_name: str,
    mime: str,
    **options: Any,
) -> None:
    """A button that saves what `make` makes, which is made again only where `key` is another.

    A file that is made on the click is lost when the page is drawn again at that moment; one that exists
    already keeps its address, which is derived from its content.
    """
    st.download_button(
        label,
        remembered(f"{name}_file", key, make),
        file_name=file_name,
        mime=mime,
        key=name,
        on_click="ignore",
        **options,
    )
