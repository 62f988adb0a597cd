"""The tab of the collection: what is in it, adding to it, removing from it, what was read of every file.

An ingest is a job, so that it goes on when the page is closed and is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import streamlit as st

from index.records import DocumentInfo, FileReport
from ingest.errors import SpanwiseError
from ingest.records import Rejected
from ui.page.fragments import base, collection
from ui.page.frame import link
from ui.page.login import is_local
from ui.page.widgets.job_list import show_end, show_files, show_running
from ui.page.widgets.nothing_yet import show_first_ingest
from ui.page.widgets.paging import paged, read_page, show_pages
from ui.page.widgets.session_cache import download, remembered
from ui.render import tables
from ui.render.messages import Say
from ui.services.ingest_jobs import (
    KIND,
    can_be_repeated,
    kept_beside,
    needs_ocr,
    needs_password,
    replace_upload,
    report_of,
    settle_uploads,
    start_ingest,
    start_ingest_of_uploads,
)
from ui.services.jobs import JobStanding, JobState
from ui.services.library import Contents, Library

_MOST_FILES = 20_000  # of the report; the command `stats --files` has no limit


def show_collection(library: Library, say: Say) -> None:
    """Draw what the collection holds, the ways to add to it, its documents, and the report on files."""
    contents = library.contents()
    stats = contents.stats
    if stats.documents:
        st.html(collection.store_facts(contents.stats, say))
        busy = _show_ingest(library, say)
    elif show_first_ingest(library, say):
        busy = True
    else:
        st.html(base.lead(say("collection.empty"), say("collection.empty_hint")))
        busy = _show_ingest(library, say)
    _add_files(library, say, busy=busy)
    if is_local():  # a page that others can reach must not read this computer's folders for them
        _add_folder(library, contents, say, busy=busy)
    if stats.documents:
        st.html(base.head(say("collection.documents")))
        _documents(library, say, busy=busy)
        with st.expander(say("collection.statistics"), key="statistics", on_change="rerun") as opened:
            if opened.open:
                st.html(collection.statistics(stats, library.store.document_sizes(), say))
    if stats.documents or stats.rejected:
        _coverage(library, contents.revision, say, busy=busy)


# -- ingesting ----------------------------------------------------------------------------------------------


def _show_ingest(library: Library, say: Say) -> bool:
    """Draw the ingest that runs, else how the last one ended; whether one runs."""
    jobs = library.jobs
    if show_running(jobs, say, KIND):
        return True
    for standing in jobs.all(KIND)[:1]:
        settle_uploads(library, standing)
        report = report_of(standing)
        if report is None:
            show_end(jobs, standing, say, again=can_be_repeated(standing))
            if standing.state is JobState.CANCELLED:
                st.caption(say("collection.ended"))
        else:
            st.html(collection.ingest_summary(report, say))
            _offer_to_replace(library, standing, say)
            _offer_retry(library, report.rejected, say, place="summary", busy=False)
            show_files(standing, say)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    say("collection.dismiss"),
                    key="dismiss_ingest",
                    on_click=jobs.forget,
                    args=(standing.job.id,),
                )
                if report.added or report.updated:
                    link("ask", say("collection.ask_now"), ())
    return False


def _offer_to_replace(library: Library, standing: JobStanding, say: Say) -> None:
    """For uploads that were kept beside an earlier one of the same name: to replace that instead."""
    for number, (earlier, later) in enumerate(kept_beside(standing)):
        names = {"name": base.plain_label(earlier.name), "kept": base.plain_label(later.name)}
        st.caption(say("collection.kept_beside", **names))
        if st.button(say("collection.replace", **names), key=f"replace_{number}"):
            title = say("collection.replacing", name=earlier.name)
            _begin(partial(replace_upload, library, title, earlier, later), say)


def _offer_retry(library: Library, rejected: Sequence[Rejected], say: Say, *, place: str, busy: bool) -> None:
    """For PDF files that were left out: to give a password, or to have their pictures recognised."""
    locked = [Path(item.path) for item in rejected if needs_password(item)]
    pictures = [Path(item.path) for item in rejected if needs_ocr(item)]
    if locked:
        with (
            st.form(f"unlock_{place}", border=False, clear_on_submit=True),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            password = st.text_input(
                say("collection.password", count=f"{len(locked):,}"),
                type="password",
                autocomplete="off",
                key=f"password_{place}",
            )
            submitted = st.form_submit_button(
                say("collection.unlock"), key=f"unlock_button_{place}", disabled=busy
            )
        if submitted and password:
            _read_again(library, locked, say, passwords=(password,))
    if pictures and st.button(
        say("collection.recognise", count=f"{len(pictures):,}"), key=f"ocr_{place}", disabled=busy
    ):
        _read_again(library, pictures, say, ocr=say("collection.recognised_languages"))


def _add_files(library: Library, say: Say, *, busy: bool) -> None:
    generation = st.session_state.setdefault("uploads", 0)
    files = st.file_uploader(
        say("collection.add_files"),
        accept_multiple_files=True,
        key=f"upload_{generation}",
        help=say("collection.add_files_help"),
        disabled=busy,
    )
    if not files:
        return
    st.session_state.uploads += 1  # a new widget: the files that were uploaded leave the list
    title = say("collection.ingesting_files", count=f"{len(files):,}")
    contents = [(file.name, file.getvalue()) for file in files]
    _begin(lambda: start_ingest_of_uploads(library, title, contents), say)


def _add_folder(library: Library, contents: Contents, say: Say, *, busy: bool) -> None:
    with (
        st.form("add_folder", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        folder = st.text_input(say("collection.add_folder"), placeholder="/home/me/papers", key="folder")
        submitted = st.form_submit_button(
            say("collection.add_folder_button"), key="add_folder_button", disabled=busy
        )
    if submitted and folder.strip():
        _ingest_folder(library, folder.strip(), say, prune=False)
    own = [folder for folder in contents.folders if not Path(folder).is_relative_to(library.store.uploads)]
    if not own:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        known = st.selectbox(
            say("collection.sync"), roots_of(own), key="sync_folder", help=say("collection.sync_help")
        )
        pressed = st.button(say("collection.sync_button"), key="sync_button", disabled=busy)
    if pressed and known:
        _ingest_folder(library, known, say, prune=True)


def _ingest_folder(library: Library, folder: str, say: Say, *, prune: bool) -> None:
    title = say("collection.ingesting_folder", folder=folder)
    _begin(lambda: start_ingest(library, title, [Path(folder)], prune=prune), say)


def _read_again(library: Library, paths: Sequence[Path], say: Say, **how: Any) -> None:
    title = say("collection.reading_again", count=f"{len(paths):,}")
    _begin(lambda: start_ingest(library, title, paths, retry_rejected=True, **how), say)


def _begin(start: Callable[[], None], say: Say) -> None:
    try:
        start()
    except SpanwiseError as error:
        st.html(base.failure(str(error), error.hint, say))
    else:
        st.rerun()


# -- what is in it ------------------------------------------------------------------------------------------


def _documents(library: Library, say: Say, *, busy: bool) -> None:
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
    _act_on(library, chosen, say, busy=busy)


def _act_on(library: Library, chosen: Sequence[DocumentInfo], say: Say, *, busy: bool) -> None:
    st.caption(say("collection.chosen", count=f"{len(chosen):,}"))
    sure = st.checkbox(say("collection.sure"), key="sure")
    with st.container(horizontal=True, gap="small"):
        paths = [Path(path) for item in chosen for path in item.paths if PurePosixPath(path).is_absolute()]
        if st.button(say("collection.read_again"), key="again_button", disabled=busy or not paths):
            _read_again(library, paths, say)
        if st.button(
            say("collection.remove"), key="remove_button", type="primary", disabled=busy or not sure
        ):
            with st.spinner(say("collection.remove")):
                removed = library.store.delete([item.id for item in chosen])
            st.session_state.removals += 1  # the rows that were ticked are gone
            st.session_state.removed = removed
            st.rerun()


# -- what was read of every file ----------------------------------------------------------------------------


def _coverage(library: Library, revision: int, say: Say, *, busy: bool) -> None:
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
            reasons = [file.rejected for file in rejected if file.rejected is not None]
            _offer_retry(library, reasons, say, place="report", busy=busy)
            _retry_or_forget(library, [file.path for file in rejected], say, busy=busy)
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


def _retry_or_forget(library: Library, rejected: Sequence[str], say: Say, *, busy: bool) -> None:
    """To try files again that were left out and are still there, or to forget them all."""
    present = [Path(path) for path in rejected if Path(path).exists()]
    with st.container(horizontal=True, gap="small"):
        if present and st.button(
            say("collection.try_again", count=f"{len(present):,}"), key="retry_button", disabled=busy
        ):
            _read_again(library, present, say)
        if st.button(
            say("collection.forget_rejected"),
            key="forget_rejected_button",
            help=say("collection.forget_rejected_help"),
            type="tertiary",
            disabled=busy,
        ):
            library.store.forget_rejected(rejected)
            st.session_state.pop("coverage_files", None)
            st.rerun()


def roots_of(folders: Sequence[str]) -> list[str]:
    """Those of the folders that lie in none of the others.

    >>> roots_of(["/a", "/a/b", "/ab", "/c/d"])
    ['/a', '/ab', '/c/d']
    """
    roots: list[str] = []
    for folder in sorted(folders, key=lambda name: PurePosixPath(name).parts):
        if not roots or not PurePosixPath(folder).is_relative_to(roots[-1]):
            roots.append(folder)
    return roots
