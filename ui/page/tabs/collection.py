"""The tab of the collection: what is in it, adding to it, taking out of it, what was read of every file.

Taking in runs in a thread that every session sees (`taking`), so that a refreshed page finds it again; only
its card is drawn anew meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

import streamlit as st

from index.records import DocumentInfo, FileReport, IngestProgress, IngestReport
from ui.page.fragments import base, collection
from ui.page.widgets.paging import paged, read_page, show_pages
from ui.page.widgets.session_cache import download, remembered
from ui.render import tables
from ui.render.messages import Say
from ui.services.library import Contents, Library

_LOCAL = {"127.0.0.1", "localhost", "::1"}
_LOOK_SECONDS = 1.0
_MOST_FILES = 20_000  # of the report; the command `stats --files` has no limit

Told = Callable[[IngestProgress], None]


def show_collection(library: Library, say: Say) -> None:
    """Draw the tab."""
    contents = library.contents()
    stats = contents.stats
    if stats.documents:
        st.html(collection.store_facts(contents.stats, say))
    else:
        st.html(base.lead(say("collection.empty"), say("collection.empty_hint")))
    _show_taking(library, say)
    _add_files(library, say)
    if is_local():
        _add_folder(library, contents, say)
    if stats.documents:
        st.html(base.head(say("collection.documents")))
        _documents(library, say)
        with st.expander(say("collection.statistics"), key="statistics", on_change="rerun") as opened:
            if opened.open:
                st.html(collection.statistics(stats, library.store.document_sizes(), say))
    if stats.documents or stats.rejected:
        _coverage(library, contents.revision, say)


# -- taking in ----------------------------------------------------------------------------------------------


def _show_taking(library: Library, say: Say) -> None:
    standing = library.taking.standing
    if standing is None:
        return
    if standing.running:
        st.fragment(_draw_taking, run_every=_LOOK_SECONDS)(library, say)
        return
    st.html(collection.taking_end(standing, say))
    st.button(say("collection.dismiss"), key="dismiss_taking", on_click=library.taking.dismiss)


def _draw_taking(library: Library, say: Say) -> None:
    standing = library.taking.standing
    if standing is None or not standing.running:
        st.rerun(scope="app")
    st.html(collection.taking_card(standing, time.time(), say))
    st.button(
        say("collection.end"), key="end_taking", on_click=library.taking.cancel, disabled=standing.ending
    )
    if len(standing.recent) > 1:
        with st.expander(say("collection.files_done")):
            st.dataframe(
                [{say("collection.column_path"): item.path} for item in standing.recent],
                hide_index=True,
                key="files_done",
            )


def _add_files(library: Library, say: Say) -> None:
    generation = st.session_state.setdefault("uploads", 0)
    files = st.file_uploader(
        say("collection.add_files"),
        accept_multiple_files=True,
        key=f"upload_{generation}",
        help=say("collection.add_files_help"),
        disabled=library.taking.running,
    )
    if not files:
        return
    given = [(file.name, file.getvalue()) for file in files]

    def take(told: Told) -> IngestReport:
        paths = library.keep_uploads(given)
        rejected: list[str] = [path.as_posix() for path in paths]
        try:
            report = library.store.ingest(paths, progress=told)
            rejected = [item.path for item in report.rejected]
            return report
        finally:
            # Of a run that was ended, what is in the store stays and what never came to its turn goes.
            taken = set(library.store.paths(rejected))
            library.settle_uploads(paths, [path for path in rejected if path not in taken])

    st.session_state.uploads += 1  # a new widget: the files that were taken in leave the list
    _begin(library, say("collection.taking_files", count=f"{len(given):,}"), take)


def _add_folder(library: Library, contents: Contents, say: Say) -> None:
    with (
        st.form("add_folder", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        folder = st.text_input(say("collection.add_folder"), placeholder="/home/me/papers", key="folder")
        given = st.form_submit_button(
            say("collection.add_folder_button"), key="add_folder_button", disabled=library.taking.running
        )
    if given and folder.strip():
        _take_folder(library, folder.strip(), say, prune=False)
    own = [folder for folder in contents.folders if not Path(folder).is_relative_to(library.store.uploads)]
    if not own:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        known = st.selectbox(
            say("collection.sync"), roots_of(own), key="sync_folder", help=say("collection.sync_help")
        )
        if (
            st.button(say("collection.sync_button"), key="sync_button", disabled=library.taking.running)
            and known
        ):
            _take_folder(library, known, say, prune=True)


def _take_folder(library: Library, folder: str, say: Say, *, prune: bool) -> None:
    _begin(
        library,
        say("collection.taking_folder", folder=folder),
        lambda told: library.store.ingest([Path(folder)], prune=prune, progress=told),
    )


def _begin(library: Library, title: str, work: Callable[[Told], IngestReport]) -> None:
    library.taking.start(title, work)
    st.rerun()


# -- what is in it ------------------------------------------------------------------------------------------


def _documents(library: Library, say: Say) -> None:
    if removed := st.session_state.pop("removed", None):
        st.html(base.status(say("collection.removed_files", count=f"{removed:,}")))
    wanted = st.text_input(say("collection.find"), key="find_document").strip()
    total, shown = read_page(partial(library.store.find_documents, wanted), "documents")
    if not total:
        st.caption(say("collection.none_found"))
        return
    show_pages(total, "documents", say)
    event = st.dataframe(
        tables.document_rows(shown, say),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={say("collection.column_modified"): st.column_config.DateColumn(format="YYYY-MM-DD")},
        key=f"documents_{st.session_state.setdefault('removals', 0)}",
    )
    rows: Sequence[int] = event.selection.rows
    chosen = [shown[row] for row in rows if row < len(shown)]
    if not chosen:
        st.caption(say("collection.choose_rows"))
        return
    _act_on(library, chosen, say)


def _act_on(library: Library, chosen: Sequence[DocumentInfo], say: Say) -> None:
    st.caption(say("collection.chosen", count=f"{len(chosen):,}"))
    sure = st.checkbox(say("collection.sure"), key="sure")
    with st.container(horizontal=True, gap="small"):
        paths = [Path(path) for item in chosen for path in item.paths if PurePosixPath(path).is_absolute()]
        busy = library.taking.running
        if st.button(say("collection.read_again"), key="again_button", disabled=busy or not paths):
            _begin(
                library,
                say("collection.reading_again", count=f"{len(paths):,}"),
                lambda told: library.store.ingest(paths, retry_rejected=True, progress=told),
            )
        if st.button(
            say("collection.remove"), key="remove_button", type="primary", disabled=busy or not sure
        ):
            with st.spinner(say("collection.remove")):
                removed = library.store.delete([item.id for item in chosen])
            st.session_state.removals += 1  # the rows that were ticked are gone
            st.session_state.removed = removed
            st.rerun()


# -- what was read of every file ----------------------------------------------------------------------------


def _coverage(library: Library, revision: int, say: Say) -> None:
    with st.expander(say("collection.coverage"), key="coverage", on_change="rerun") as report:
        if not report.open:
            return

        def read() -> list[FileReport]:
            with st.spinner(say("collection.coverage")):
                return list(islice(library.store.files(), _MOST_FILES))

        files = remembered("coverage_files", revision, read)
        st.caption(collection.coverage_note(files, say))
        taken = [file for file in files if file.rejected is None]
        rejected = [file for file in files if file.rejected is not None]
        if rejected:
            st.html(base.head(say("collection.rejected")))
            st.dataframe(tables.rejected_rows(paged(rejected, "rejected", say), say), hide_index=True)
            if st.button(say("collection.try_again"), key="retry_button", disabled=library.taking.running):
                paths = [Path(file.path) for file in rejected if Path(file.path).exists()]
                _begin(
                    library,
                    say("collection.reading_again", count=f"{len(paths):,}"),
                    lambda told: library.store.ingest(paths, retry_rejected=True, progress=told),
                )
        if taken:
            st.dataframe(tables.coverage_rows(paged(taken, "taken", say), say), hide_index=True)
        download(
            say("collection.download_coverage"),
            (revision, say.language),
            lambda: tables.coverage_csv(files, say),
            name="coverage_csv",
            file_name="files.csv",
            mime="text/csv",
        )


def roots_of(folders: Sequence[str]) -> list[str]:
    """Those of the folders that lie in none of the others.

    >>> roots_of(["/a", "/a/b", "/ab", "/c/d"])
    ['/a', '/ab', '/c/d']
    """
    kept: list[str] = []
    for folder in sorted(folders, key=lambda name: PurePosixPath(name).parts):
        if not kept or not PurePosixPath(folder).is_relative_to(kept[-1]):
            kept.append(folder)
    return kept


def is_local() -> bool:
    """Whether only this computer reaches the page."""
    # A page that others can reach must not read this computer's folders for them.
    return st.get_option("server.address") in _LOCAL
