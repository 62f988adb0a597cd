"""What stands on a tab as long as nothing is in the collection."""

from __future__ import annotations

import streamlit as st

from ui.page.fragments import base
from ui.page.frame import link
from ui.page.widgets.job_list import show_running
from ui.render.messages import Say
from ui.services.ingest_jobs import KIND
from ui.services.library import Library


def show_nothing_yet(library: Library, say: Say) -> None:
    """Say that nothing is there yet and where to add it; while files are being added, how far that is."""
    if not show_first_ingest(library, say):
        st.html(base.lead(say("ask.nothing_yet"), say("ask.add_first")))
        link("collection", say("ask.open_collection"), (), icon=":material/add:")


def show_first_ingest(library: Library, say: Say) -> bool:
    """Draw the ingest that runs, until the first document can be asked about; whether one runs."""
    lead = st.empty()
    if not show_running(library.jobs, say, KIND, until=lambda: bool(library.contents().stats.documents)):
        return False
    lead.html(base.lead(say("ask.adding"), say("ask.adding_hint")))
    return True
