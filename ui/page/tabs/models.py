"""The tab of models: which there are, what they cost and how good they are on this machine, and which serves.

Measuring and changing the encoder are jobs (`jobs`); a change shows its consequences first.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from index.checkpoints.presets import resolve_models
from ingest.errors import SpanwiseError
from ui.page.fragments import base
from ui.page.fragments.models import model_card, serving_facts
from ui.page.widgets.job_list import show_end, show_running
from ui.render.messages import Say
from ui.services import model_choices
from ui.services.demo import demo_questions
from ui.services.library import Library
from ui.services.model_choices import Candidate, list_presets
from ui.settings import load_settings

MEASURE, CHANGE = "measure", "reembed"


def show_models(library: Library, say: Say) -> None:
    """Draw the models that serve, then a card for each choice with what it costs here."""
    stats = library.contents().stats
    serving = library.store.models
    st.html(serving_facts(serving, stats.passages, say))
    fixed = load_settings().models
    if fixed:
        st.html(base.note(say("models.fixed", models=fixed)))
    jobs = library.jobs
    running = show_running(jobs, say, MEASURE, CHANGE)
    for kind in (CHANGE, MEASURE):
        over = [item for item in jobs.all(kind) if item.state.over]
        if over and over[0].state.value != "done":
            show_end(jobs, over[0], say)
    candidates = model_choices.candidates(list_presets(), library.store.path, serving)
    measured = model_choices.measurements(jobs.all(MEASURE))
    for candidate in candidates:
        with st.container(border=True, key=f"model_{candidate.key}"):
            st.html(model_card(candidate, measured.get(candidate.models), serving, say))
            _actions(library, candidate, say, busy=running, fixed=bool(fixed))
    _own(library, say, busy=running, fixed=bool(fixed))


def _actions(library: Library, candidate: Candidate, say: Say, *, busy: bool, fixed: bool) -> None:
    if not candidate.here:
        st.html(base.note(say("models.fetch", command=f"spanwise bench engines --models {candidate.name}")))
        return
    with st.container(horizontal=True, gap="small"):
        measure = st.button(
            say("models.measure"),
            key=f"measure_{candidate.key}",
            disabled=busy,
            help=say("models.measure_help"),
        )
        if not model_choices.serves(candidate, library.store.models):
            _use(library, candidate.models, candidate.key, say, disabled=busy or fixed)
    if measure:
        _start(
            library,
            MEASURE,
            say("models.measuring", name=candidate.name),
            [
                *("eval", "answers", str(demo_questions()), "--models", candidate.models),
                *("--store", str(library.store.path)),
            ],
            {"models": candidate.models},
            say,
        )


def _use(library: Library, models: str, key: str, say: Say, *, disabled: bool) -> None:
    """The switch to other models, after a list of its consequences."""
    chosen = resolve_models(models, default=library.store.models)
    serving = library.store.models
    with st.popover(say("models.use"), disabled=disabled):
        passages = library.contents().stats.passages
        for line in model_choices.consequences(serving, chosen, passages, say):
            st.html(base.note(line))
        if not st.button(say("models.switch"), key=f"use_{key}", type="primary"):
            return
    try:
        if chosen.reader != serving.reader:
            library.store.read_with(chosen.reader)
    except SpanwiseError as error:
        st.html(base.failure(str(error), error.hint, say))
        return
    if chosen.encoder != serving.encoder:
        _start(
            library,
            CHANGE,
            say("models.embedding", name=chosen.encoder),
            ["reembed", "--encoder", chosen.encoder, "--store", str(library.store.path)],
            {"encoder": chosen.encoder},
            say,
        )
    st.rerun()


def _own(library: Library, say: Say, *, busy: bool, fixed: bool) -> None:
    with st.expander(say("models.own")):
        st.caption(say("models.own_help"))
        typed = st.text_input(say("models.own_name"), key="own_models", placeholder="ENCODER,READER").strip()
        if not typed:
            return
        try:
            resolve_models(typed)
            if lacking := model_choices.missing(typed, library.store.models, say):
                for line in lacking:
                    st.html(base.note(line))
                return
        except SpanwiseError as error:
            st.html(base.failure(str(error), error.hint, say))
            return
        _use(library, typed, "own", say, disabled=busy or fixed)


def _start(
    library: Library,
    kind: str,
    title: str,
    arguments: Sequence[str],
    facts: dict[str, str],
    say: Say,
) -> None:
    try:
        library.jobs.start(kind, title, arguments, facts=facts)
    except SpanwiseError as error:
        st.html(base.failure(str(error), error.hint, say))
        return
    st.rerun()
