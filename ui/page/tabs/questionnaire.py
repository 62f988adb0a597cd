"""The tab of questionnaires: many questions at once, a table of answers with sources, and its download.

The asking is a job (`jobs`): it goes on when the page is closed, and its table fills while it runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ingest.errors import SpanwiseError
from ui.page.fragments import base
from ui.page.fragments.questionnaire import intro, job_name, row_card, summary, table_rows
from ui.page.frame import link
from ui.page.widgets.job_list import show_end, show_running
from ui.page.widgets.nothing_yet import show_nothing_yet
from ui.page.widgets.session_cache import download
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.jobs import Jobs, JobStanding
from ui.services.library import Contents, Library
from ui.services.questionnaire import Row, pasted_questions, read_questions, read_rows, to_csv, to_xlsx
from ui.services.url_state import pattern

KIND = "questionnaire"
_ROWS = "rows.jsonl"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LOOK_SECONDS = 2.0
_LISTED = 1000  # documents: a browser gets every title of a list, whether it is opened or not
_KINDS = ["txt", "csv", "tsv", "xlsx", "json", "jsonl"]


def show_questionnaire(library: Library, say: Say) -> None:
    """Draw the form for a new questionnaire, and the table of the chosen one."""
    st.html(intro(say))
    jobs = library.jobs
    contents = library.contents()
    if contents.stats.documents:
        _ask(library, jobs, contents, say)
    else:
        show_nothing_yet(library, say)
    running = show_running(jobs, say, KIND)
    standings = jobs.all(KIND)
    if not standings:
        return
    chosen = _chosen(standings, say)
    if chosen.state.over:
        show_end(jobs, chosen, say)
        _table(chosen, say)
    elif running:
        st.fragment(_table, run_every=_LOOK_SECONDS)(chosen, say)


def _ask(library: Library, jobs: Jobs, contents: Contents, say: Say) -> None:
    busy = any(not item.state.over for item in jobs.all(KIND))
    with st.form("questionnaire", border=False):
        pasted = st.text_area(
            say("questionnaire.paste"), key="pasted", height=140, placeholder=say("questionnaire.example")
        )
        file = st.file_uploader(say("questionnaire.upload"), type=_KINDS, key="questions_file")
        with st.expander(say("questionnaire.where")):
            documents = _documents(contents, say)
            folders = st.multiselect(
                say("questionnaire.folders"),
                contents.folders,
                placeholder=say("questionnaire.all"),
                key="questionnaire_folders",
            )
            languages = st.multiselect(
                say("questionnaire.languages"),
                sorted(contents.stats.languages, key=lambda code: phrasing.language_name(code, say)),
                format_func=lambda code: phrasing.language_name(code, say),
                placeholder=say("questionnaire.all"),
                key="questionnaire_languages",
            )
            guess = st.checkbox(say("questionnaire.guess"), key="questionnaire_guess")
        pressed = st.form_submit_button(
            say("questionnaire.start"), type="primary", key="questionnaire_start", disabled=busy
        )
    if not pressed:
        return
    try:
        questions = (
            read_questions(file.name, file.getvalue()) if file is not None else pasted_questions(pasted)
        )
        filters = [
            *documents,
            *(part for folder in folders for part in ("--path", pattern(folder))),
            *(part for language in languages for part in ("--language", language)),
        ]
        name = "" if file is None else file.name
        _start(library, jobs, questions, filters, name, say, guess=guess)
    except SpanwiseError as error:
        st.html(base.failure(str(error), error.hint, say))
        return
    st.session_state.pop("questionnaire_job", None)
    st.rerun()


def _documents(contents: Contents, say: Say) -> list[str]:
    """Flags for the chosen documents: from a list, or by path where a list would be too long."""
    if contents.stats.documents > _LISTED:
        path = st.text_input(
            say("questionnaire.path"),
            placeholder=say("questionnaire.all"),
            help=say("questionnaire.path_help"),
            key="questionnaire_path",
        )
        return [f"--path={path.strip()}"] if path.strip() else []  # it may begin with a hyphen
    by_id = {item.id: f"{item.title} ({item.path})" for item in contents.documents}
    chosen = st.multiselect(
        say("questionnaire.documents"),
        list(by_id),
        format_func=lambda key: by_id.get(key, key),
        placeholder=say("questionnaire.all"),
        key="questionnaire_documents",
    )
    return [part for name in chosen for part in ("--document", name)]


def _start(
    library: Library,
    jobs: Jobs,
    questions: Sequence[str],
    filters: Sequence[str],
    name: str,
    say: Say,
    *,
    guess: bool,
) -> None:
    folder = jobs.prepare()
    lines = "".join(json.dumps({"question": text}, ensure_ascii=False) + "\n" for text in questions)
    (folder / "questions.jsonl").write_text(lines, encoding="utf-8", errors="backslashreplace")
    jobs.start(
        KIND,
        " · ".join(part for part in (name, say.count("question", len(questions))) if part),
        [
            *("ask", "--batch", str(folder / "questions.jsonl"), "--table", str(folder / _ROWS)),
            *("--store", str(library.store.path), *filters),
            *(["--always-answer"] if guess else []),
        ],
        folder=folder,
        facts={"questions": str(len(questions))},
    )


def _chosen(standings: Sequence[JobStanding], say: Say) -> JobStanding:
    """The questionnaire to show: the newest, or an earlier one that is chosen."""
    if len(standings) == 1:
        return standings[0]
    by_id = {item.job.id: item for item in standings}
    chosen = st.selectbox(
        say("questionnaire.which"),
        list(by_id),
        format_func=lambda key: job_name(by_id[key]) if key in by_id else key,
        key="questionnaire_job",
    )
    return by_id.get(chosen, standings[0])


def _table(standing: JobStanding, say: Say) -> None:
    rows = read_rows(standing.folder / _ROWS)
    if not rows:
        return
    st.html(summary(rows, say))
    event = st.dataframe(
        table_rows(rows, say),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            say("questionnaire.column_confidence"): st.column_config.ProgressColumn(
                min_value=0, max_value=100, format="%d %%"
            )
        },
        key=f"rows_{standing.job.id}",
    )
    if event.selection.rows and event.selection.rows[0] < len(rows):
        row = rows[event.selection.rows[0]]
        st.html(row_card(row, say))
        link("ask", say("questionnaire.open"), [("q", row.question), ("lang", say.language)])
    else:
        st.caption(say("questionnaire.choose_row"))
    if standing.state.over:
        _downloads(rows, standing, say)


def _downloads(rows: Sequence[Row], standing: JobStanding, say: Say) -> None:
    name = Path(standing.job.id).name
    with st.container(horizontal=True, gap="small"):
        download(
            say("questionnaire.csv"),
            (standing.job.id, len(rows)),
            lambda: to_csv(rows),
            name="answers_csv",
            file_name=f"answers-{name}.csv",
            mime="text/csv",
        )
        download(
            say("questionnaire.xlsx"),
            (standing.job.id, len(rows)),
            lambda: to_xlsx(rows),
            name="answers_xlsx",
            file_name=f"answers-{name}.xlsx",
            mime=_XLSX,
        )
