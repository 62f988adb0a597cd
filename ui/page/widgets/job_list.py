"""Jobs on a tab: those that run with their progress, read every second, and how the others ended.

Only the part that shows progress is drawn again while a job runs, and the whole page once when it ends.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.page.fragments.jobs import job_card, job_end
from ui.render.messages import Say
from ui.services.jobs import Jobs, JobStanding, JobState

_POLL_SECONDS = 1.0


def show_running(jobs: Jobs, say: Say, *kinds: str, until: Callable[[], bool] = lambda: False) -> bool:
    """Draw the jobs of these kinds that run; whether there is one.

    The whole page is drawn again when all have ended, or as soon as `until` holds.
    """
    if all(item.state.over for item in jobs.all(*kinds)):
        return False
    st.fragment(_draw, run_every=_POLL_SECONDS)(jobs, say, kinds, until)
    return True


def _draw(jobs: Jobs, say: Say, kinds: tuple[str, ...], until: Callable[[], bool]) -> None:
    running = [item for item in jobs.all(*kinds) if not item.state.over]
    if not running or until():
        st.rerun(scope="app")
    for item in running:
        st.html(job_card(item, say))
        st.button(
            say("work.cancel"),
            key=f"cancel_{item.job.id}",
            on_click=jobs.cancel,
            args=(item.job.id,),
            disabled=item.state is JobState.CANCELLING,
        )
        show_files(item, say)


def show_files(standing: JobStanding, say: Say) -> None:
    """Draw the files that an ingest is done with, and why some were left out; nothing for other jobs."""
    files = standing.progress.files if standing.progress else ()
    if not files:
        return
    rows = [
        {
            say("collection.column_path"): file.path,
            say("collection.column_reason"): say(f"rejected.{file.reason}") if file.reason else "",
        }
        for file in files
    ]
    with st.expander(say("collection.files_done")):
        st.dataframe(rows, hide_index=True, key=f"files_{standing.job.id}")


def show_end(jobs: Jobs, standing: JobStanding, say: Say, *, again: bool = True) -> None:
    """Draw how a job ended, with what can be done about it: to start it `again`, or to remove it."""
    st.html(job_end(standing, say))
    with st.container(horizontal=True, gap="small"):
        if again and standing.state is not JobState.DONE:
            st.button(
                say("work.again"),
                key=f"again_{standing.job.id}",
                on_click=jobs.again,
                args=(standing.job.id,),
            )
        st.button(
            say("work.forget"),
            type="tertiary",
            key=f"forget_{standing.job.id}",
            on_click=jobs.forget,
            args=(standing.job.id,),
        )
    show_files(standing, say)
    if standing.state in (JobState.FAILED, JobState.DIED) and (log := standing.log().strip()):
        with st.expander(say("work.log")):
            st.code(log[-4000:], language=None, wrap_lines=True)
