"""The tab of quality: evaluations on labelled questions, their curves, and every question that failed.

An evaluation is a job (`jobs`), so that it goes on when the page is closed and is found again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ingest.errors import SpanwiseError
from qa.feedback.squad_files import verdicts_json
from qa.squad.dataset import read_squad
from ui.page.fragments import base, quality
from ui.page.frame import link
from ui.page.widgets.job_list import show_end, show_running
from ui.page.widgets.paging import paged
from ui.render import charts
from ui.render.messages import Say
from ui.services.demo import demo_questions
from ui.services.jobs import Jobs, JobStanding
from ui.services.library import Library
from ui.services.uploads import safe_name

ANSWERS, READER = "eval answers", "eval reader"
_FAILURES = "failures.jsonl"


def show_quality(library: Library, say: Say) -> None:
    """Draw the form for a new evaluation, and the results of the chosen one."""
    st.html(quality.intro(say))
    jobs = library.jobs
    busy = show_running(jobs, say, ANSWERS, READER)
    with st.expander(say("quality.new"), expanded=not jobs.all(ANSWERS, READER), key="quality_new"):
        _start_form(library, jobs, say, busy=busy)
    over = [item for item in jobs.all(ANSWERS, READER) if item.state.over]
    if over:
        _results(jobs, _chosen(over, say), say)


def _start_form(library: Library, jobs: Jobs, say: Say, *, busy: bool) -> None:
    sources = ["bundled", "verdicts", "file"]
    source = st.radio(
        say("quality.source"),
        sources,
        format_func=lambda key: say(f"quality.source_{key}"),
        key="quality_source",
        horizontal=True,
    )
    file = None
    if source == "file":
        file = st.file_uploader(say("quality.file"), type=["json", "gz"], key="quality_file")
    kind = st.radio(
        say("quality.kind"),
        [ANSWERS, READER],
        format_func=lambda key: say(f"quality.kind_{key.replace(' ', '_')}"),
        key="quality_kind",
    )
    limit = (
        st.number_input(say("quality.limit"), min_value=0, value=200, step=50, key="quality_limit", width=220)
        if kind == ANSWERS
        else 0
    )
    ready = not busy and (source != "file" or file is not None)
    if not st.button(say("quality.start"), type="primary", key="quality_start", disabled=not ready):
        return
    folder, path, name = None, None, ""
    try:
        folder = jobs.prepare()
        path, name = _labelled(library, folder, str(source), file, say)
        questions = len(read_squad(path).examples)
        _start(library, jobs, folder, str(kind), path, name, questions, int(limit), say)
    except SpanwiseError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)  # no job came of it
        message = str(error) if path is None else str(error).replace(str(path), name)
        st.html(base.failure(message, error.hint, say))
        return
    st.session_state.pop("quality_job", None)
    st.rerun()


def _labelled(library: Library, folder: Path, source: str, file: Any, say: Say) -> tuple[Path, str]:
    """The file of labelled questions, and what to call it."""
    if source == "bundled":
        return demo_questions(), say("quality.source_bundled")
    if source == "verdicts":
        path = folder / "verdicts.json"
        path.write_text(json.dumps(verdicts_json(library.store), ensure_ascii=False), encoding="utf-8")
        return path, say("quality.source_verdicts")
    path = folder / f"labelled-{safe_name(file.name)}"
    path.write_bytes(file.getvalue())
    return path, str(file.name)


def _start(
    library: Library,
    jobs: Jobs,
    folder: Path,
    kind: str,
    path: Path,
    name: str,
    questions: int,
    limit: int,
    say: Say,
) -> None:
    models = library.store.models
    arguments = [*kind.split(), str(path), "--models", f"{models.encoder},{models.reader}"]
    arguments += ["--store", str(library.store.path)]  # judged as this store judges
    if kind == ANSWERS:
        arguments += ["--failures", str(folder / _FAILURES)]
        if 0 < limit < questions:
            arguments += ["--limit", str(limit)]
            questions = limit
    what = say(f"quality.kind_{kind.replace(' ', '_')}")
    title = f"{what} · {name} · {say.count('question', questions)}"
    jobs.start(kind, title, arguments, folder=folder)


def _chosen(over: Sequence[JobStanding], say: Say) -> JobStanding:
    if len(over) == 1:
        return over[0]
    by_id = {item.job.id: item for item in over}
    chosen = st.selectbox(
        say("quality.which"),
        list(by_id),
        format_func=lambda key: quality.job_name(by_id[key]) if key in by_id else key,
        key="quality_job",
    )
    return by_id.get(chosen, over[0])


def _results(jobs: Jobs, standing: JobStanding, say: Say) -> None:
    show_end(jobs, standing, say)
    output = standing.output()
    if "exact" in output:
        st.html(quality.figures(output, say))
        if judged := quality.judged(output, say):
            st.html(judged)
        _curves(output, say)
        if stages := quality.stages(output, say):
            st.html(stages)
    failures = quality.read_failures(standing.folder / _FAILURES)
    if failures:
        _failed(failures, say)


def _curves(output: dict[str, Any], say: Say) -> None:
    parts = []
    bins = (output.get("reliability") or {}).get("equal_width")
    if bins:
        parts.append(("reliability", charts.reliability(bins, say)))
    if points := output.get("risk_coverage"):
        parts.append(("risk", charts.risk_coverage(points, say)))
    if not parts:
        return
    for column, (name, spec) in zip(st.columns(len(parts)), parts, strict=True):
        with column:
            st.html(base.head(say(f"quality.{name}")))
            st.vega_lite_chart(spec, width="stretch", key=f"chart_{name}")
            st.caption(say(f"quality.{name}_text"))


def _failed(failures: list[dict[str, Any]], say: Say) -> None:
    st.html(base.head(say("quality.failed")))
    present = [stage for stage in quality.STAGES if any(f.get("stage") == stage for f in failures)]
    stages = st.multiselect(
        say("quality.only_stage"),
        present,
        format_func=lambda stage: say(f"quality.stage_{stage}"),
        placeholder=say("quality.all_stages"),
        key="quality_stages",
    )
    chosen = [item for item in failures if item.get("stage") in (stages or present)]
    shown = paged(chosen, "failures", say)
    event = st.dataframe(
        quality.failure_rows(shown, say),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            say("quality.column_confidence"): st.column_config.ProgressColumn(
                min_value=0, max_value=100, format="%d %%"
            )
        },
        key="failed_questions",
    )
    if event.selection.rows and event.selection.rows[0] < len(shown):
        failed = shown[event.selection.rows[0]]
        st.html(quality.failure_card(failed, say))
        link("ask", say("quality.ask_here"), [("q", str(failed.get("question", ""))), ("lang", say.language)])
    else:
        st.caption(say("quality.choose_row"))
