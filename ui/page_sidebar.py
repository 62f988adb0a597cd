"""The sidebar: which documents may answer, how much is read, and how sure an answer must be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import streamlit as st

from index.records import DocumentInfo, Filters
from ui.library import Contents


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the sidebar says: filters, passages to read, and whether a guess is wanted in any case.

    `min_confidence` is None for the fitted threshold.
    """

    filters: Filters
    passages: int
    always_answer: bool
    min_confidence: float | None


def show_sidebar(contents: Contents) -> Choices:
    """Draw the sidebar and return what is chosen in it."""
    with st.sidebar:
        st.subheader("Where to look", anchor=False)
        languages = st.multiselect("Language", sorted(contents.stats.languages), placeholder="all")
        types = st.multiselect("File type", sorted(contents.stats.types), placeholder="all")
        folders = st.multiselect("Folder", folders_of(contents.documents), placeholder="all")
        st.subheader("How to read", anchor=False)
        passages = st.slider("Passages to read", 5, 50, 20, step=5)
        own = st.toggle("Set how sure an answer must be", help="Instead of what was fitted.")
        percent = st.slider("Least confidence", 0, 100, 30, step=5, format="%d %%") if own else None
        always = st.toggle("Always show the best guess", help="Also where it is not sure enough to count.")
    return Choices(
        filters=Filters(
            languages=tuple(languages), types=tuple(types), paths=tuple(pattern(folder) for folder in folders)
        ),
        passages=passages,
        always_answer=always,
        min_confidence=None if percent is None else percent / 100,
    )


def folders_of(documents: Iterable[DocumentInfo]) -> list[str]:
    """Every folder that holds a document, in order; texts that are no files have none."""
    paths = (PurePosixPath(path) for document in documents for path in document.paths)
    return sorted({path.parent.as_posix() for path in paths if path.is_absolute()})


def pattern(folder: str) -> str:
    """A folder as a pattern that means itself, whatever signs its name has."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", folder) + "/"
