"""The tab of the collection: what is in it, adding to it, taking out of it.

What an action did is kept in the session and shown after the page has been drawn anew, so that the table, the
filters and the summary all tell of the same revision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from index.records import DocumentInfo, IngestProgress, IngestReport
from ingest.errors import SpanwiseError
from ui import views
from ui.library import Library
from ui.messages import Say

_LOCAL = {"127.0.0.1", "localhost", "::1"}


def show_collection(library: Library, say: Say) -> None:
    """Draw the tab."""
    contents = library.contents()
    st.html(views.store_facts(contents.stats))
    _add_files(library)
    if is_local():
        _add_folder(library)
    if (summary := st.session_state.get("summary")) is not None:
        st.html(summary)
    if contents.documents:
        _table(contents.documents)
        _remove(library, contents.documents)


def _add_files(library: Library) -> None:
    generation = st.session_state.setdefault("uploads", 0)
    files = st.file_uploader(
        "Add files",
        accept_multiple_files=True,
        key=f"upload_{generation}",
        help="Text, Markdown, HTML, PDF, Word, PowerPoint, Excel, e-books, mail, notebooks, tables and more.",
    )
    if files:

        def take(progress: Callable[[IngestProgress], None]) -> IngestReport:
            paths = library.keep_uploads([(file.name, file.getvalue()) for file in files])
            report = library.store.ingest(paths, progress=progress)
            library.settle_uploads(paths, [item.path for item in report.rejected])
            return report

        st.session_state.uploads += 1  # a new widget: the files that were taken in leave the list
        _act(take)


def _add_folder(library: Library) -> None:
    with (
        st.form("add_folder", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        folder = st.text_input("Add a folder of this computer", placeholder="/home/me/papers", key="folder")
        given = st.form_submit_button("Add folder", key="add_folder_button")
    if given and folder.strip():
        _act(lambda progress: library.store.ingest([Path(folder.strip())], progress=progress))


def _act(action: Callable[[Callable[[IngestProgress], None]], IngestReport]) -> None:
    bar = st.progress(0.0, text="Reading …")

    def show(progress: IngestProgress) -> None:
        share = progress.done / max(progress.total, 1)
        bar.progress(share, text=f"{progress.done:,} of {progress.total:,} files")

    try:
        st.session_state.summary = views.ingest_summary(action(show))
    except SpanwiseError as error:
        st.session_state.summary = views.failure(str(error), error.hint)
    st.rerun()


def _table(documents: Sequence[DocumentInfo]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "Title": document.title,
            "Language": document.language,
            "Type": document.type,
            "Passages": document.passages,
            "Modified": document.modified,
            "Path": document.path,
        }
        for document in documents
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={"Modified": st.column_config.DateColumn(format="YYYY-MM-DD")},
        key="documents",
    )


def _remove(library: Library, documents: Sequence[DocumentInfo]) -> None:
    by_id = {document.id: document for document in documents}
    with st.expander("Remove documents"):
        chosen = st.multiselect(
            "Documents to remove",
            list(by_id),
            format_func=lambda key: f"{by_id[key].title} ({by_id[key].path})" if key in by_id else key,
            key="removal",
            placeholder="choose documents",
            label_visibility="collapsed",
        )
        if not chosen:
            return
        sure = st.checkbox("They leave the collection; files in your own folders stay where they are.")
        if st.button("Remove", key="remove_button", type="primary", disabled=not sure):
            removed = library.store.delete(chosen)
            st.session_state.summary = views.removal_summary(removed)
            st.rerun()


def is_local() -> bool:
    """Whether only this computer reaches the page."""
    # A page that others can reach must not read this computer's folders for them.
    return st.get_option("server.address") in _LOCAL
