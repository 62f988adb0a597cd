"""The tab of teaching: ask, judge the answers or select the right words, and let the models learn from it.

Feedback is stored in the database with its author and time; learning is a job (`jobs`).
"""

from __future__ import annotations

import getpass
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from index.records import Feedback, Hit
from ingest.errors import SpanwiseError
from ingest.records import Document
from ingest.text.words import occurrences
from qa.feedback.squad_files import read_verdicts, verdicts_json
from qa.feedback.verdicts import Paragraph, Verdict, verdict_on, verdict_on_refusal
from qa.records import Answer, AskResult
from ui.page.fragments import base, teach
from ui.page.login import is_local
from ui.page.widgets import text_selection
from ui.page.widgets.job_list import show_end, show_running
from ui.page.widgets.nothing_yet import show_nothing_yet
from ui.page.widgets.question_box import question_box
from ui.page.widgets.session_cache import download, remembered
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.library import Library

READER, CONFIDENCE = "learn reader", "learn confidence"
_ROOM = 3000  # characters of the document on either side of a passage
_FEWEST = 20
_SHOWN = 500


def show_teach(library: Library, say: Say) -> None:
    """Draw a question with its answers to judge, the feedback given so far, and learning from it."""
    st.html(teach.intro(say))
    if library.contents().stats.documents:
        question = question_box(say, "teach")
    else:
        question = ""
        show_nothing_yet(library, say)
    if question:
        try:
            _judge(library, question, say)
        except SpanwiseError as error:
            st.html(base.failure(str(error), error.hint, say))
    st.html(base.head(say("teach.verdicts")))
    feedback = library.store.feedback()
    _verdicts(library, feedback, say)
    _files(library, feedback, say)
    st.html(base.head(say("teach.learn")))
    _learning(library, feedback, say)


# -- judging ------------------------------------------------------------------------------------------------


def _judge(library: Library, question: str, say: Say) -> None:
    result = _asked(library, question, say)
    author = _author(say)
    st.html(teach.decision(result, say))
    if not result.answered:
        _judge_refusal(library, result, author, say)
    for number, answer in enumerate(result.answers, start=1):
        _judge_answer(library, question, answer, number, author, say)
    if result.passages:
        st.html(base.head(say("teach.select")))
        st.caption(say("teach.select_hint"))
        _select(library, question, result, author, say)


def _asked(library: Library, question: str, say: Say) -> AskResult:
    def ask() -> AskResult:
        with st.spinner(say("teach.reading")):
            return library.answerer.ask(question, always_answer=True)

    return remembered("teach_result", (question, library.revision()), ask)


def _author(say: Say) -> str:
    st.session_state.setdefault("teach_author", _own_name())
    return st.text_input(say("teach.author"), key="teach_author", max_chars=100, width=280)


def _own_name() -> str:
    # A user of another computer is not the one who started the page.
    if not is_local():
        return ""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the system's list
        return ""


def _judge_refusal(library: Library, result: AskResult, author: str, say: Say) -> None:
    nearest = result.passages[0] if result.passages else None
    paragraph = (
        None if nearest is None else Paragraph(title=nearest.document.title, text=nearest.passage.text)
    )
    with st.container(horizontal=True, gap="small"):
        pressed = [
            verdict
            for verdict in (Verdict.RIGHT, Verdict.WRONG)
            if st.button(say(f"teach.refusal_{verdict.value}"), key=f"refusal_{verdict.value}")
        ]
    for verdict in pressed:
        feedback = verdict_on_refusal(result.question, verdict, nearest=paragraph, author=author)
        _store_feedback(library, feedback, say)


def _judge_answer(
    library: Library, question: str, answer: Answer, number: int, author: str, say: Say
) -> None:
    with st.container(key=f"claim_{number}"):
        st.html(teach.claim(answer, number, say))
        with st.container(horizontal=True, gap="small"):
            pressed = [
                verdict
                for verdict in (Verdict.RIGHT, Verdict.WRONG)
                if st.button(
                    say(f"teach.{verdict.value}"),
                    key=f"{verdict.value}_{number}",
                    help=say(f"teach.{verdict.value}_help"),
                )
            ]
        for verdict in pressed:
            feedback = verdict_on(
                question,
                verdict,
                library.store.document(answer.document.id),
                answer.start,
                answer.end,
                paragraph=(answer.passage.start, answer.passage.end),
                author=author,
                details={"confidence": f"{answer.confidence:.4f}"},
            )
            _store_feedback(library, feedback, say)


def _store_feedback(library: Library, feedback: Feedback, say: Say) -> None:
    new = library.store.add_feedback(feedback)
    st.html(base.status(say("teach.kept" if new else "teach.kept_already")))
    st.session_state.teach_count = st.session_state.get("teach_count", 0) + 1


# -- selecting the right words ------------------------------------------------------------------------------


def _select(library: Library, question: str, result: AskResult, author: str, say: Say) -> None:
    hits = {hit.passage.id: hit for hit in result.passages}
    chosen = st.selectbox(
        say("teach.passage"),
        list(hits),
        format_func=lambda key: _name(hits[key], say) if key in hits else str(key),
        key="teach_passage",
    )
    hit = hits.get(chosen, result.passages[0])
    document = library.store.document(hit.document.id)
    marked = _marked(result, hit)
    shown = text_selection.stretch(document.text, hit.passage.start, hit.passage.end, room=_ROOM)
    span = text_selection.show_selectable(
        shown,
        (marked[0] - shown.offset, marked[1] - shown.offset),
        key=str(hit.passage.id),
        name=f"{document.id}:{shown.offset}",
        label=say("teach.text_label"),
    ) or _typed(document, hit, say)
    if span is None:
        return
    start, end = span
    st.html(teach.selected(document.text[start:end], say))
    comment = st.text_input(say("teach.comment"), key="teach_comment", max_chars=1000)
    if st.button(say("teach.these"), type="primary", key="teach_these"):
        feedback = verdict_on(
            question,
            Verdict.SPAN,
            document,
            start,
            end,
            paragraph=(hit.passage.start, hit.passage.end),
            author=author,
            comment=comment,
        )
        _store_feedback(library, feedback, say)


def _typed(document: Document, hit: Hit, say: Say) -> tuple[int, int] | None:
    """Words that were typed, where they stand in the passage, else nearest to it."""
    typed = st.text_input(say("teach.typed"), key=f"typed_{hit.passage.id}", help=say("teach.typed_help"))
    if not typed.strip():
        return None
    places = list(occurrences(document.text, typed.strip()))
    if not places:
        st.caption(say("teach.not_found"))
        return None
    start = min(places, key=lambda place: abs(place - hit.passage.start))
    return start, start + len(typed.strip())


def _marked(result: AskResult, hit: Hit) -> tuple[int, int]:
    """The answer in this passage if there is one, else the passage's beginning."""
    for answer in result.answers:
        if answer.passage.id == hit.passage.id:
            return answer.start, answer.end
    return hit.passage.start, hit.passage.start


def _name(hit: Hit, say: Say) -> str:
    return f"{hit.rank}. {phrasing.place(hit.document.title, hit.passage.headings, hit.passage.page, say)}"


# -- the feedback given so far ------------------------------------------------------------------------------


def _verdicts(library: Library, feedback: Sequence[Feedback], say: Say) -> None:
    if not feedback:
        st.caption(say("teach.none_yet"))
        return
    st.caption(teach.counts(feedback, say))
    latest = list(reversed(feedback))[:_SHOWN]
    event = st.dataframe(
        teach.verdict_rows(latest, say),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"verdicts_{len(feedback)}",
    )
    chosen = [latest[row] for row in event.selection.rows if row < len(latest)]
    if chosen and st.button(say("teach.take_back", count=len(chosen)), key="take_back"):
        for item in chosen:
            library.store.remove_feedback(item)
        st.rerun()


def _files(library: Library, feedback: Sequence[Feedback], say: Say) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        download(
            say("teach.export"),
            (library.revision(), feedback),
            lambda: _exported(library),
            name="export_verdicts",
            file_name="verdicts.json",
            mime="application/json",
            disabled=not feedback,
            help=say("teach.export_help"),
        )
    with st.expander(say("teach.import")):
        generation = st.session_state.setdefault("imports", 0)
        file = st.file_uploader(
            say("teach.import_file"),
            type=["json", "gz"],
            key=f"import_{generation}",
            help=say("teach.import_help"),
        )
        if file is not None:
            st.session_state.imports += 1
            _import(library, file.getvalue(), say)
        if message := st.session_state.pop("imported", None):
            st.html(message)


def _exported(library: Library) -> bytes:
    content = json.dumps(verdicts_json(library.store), ensure_ascii=False, indent=1)
    return f"{content}\n".encode(errors="backslashreplace")


def _import(library: Library, content: bytes, say: Say) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.json"
        path.write_bytes(content)
        try:
            with st.spinner(say("teach.import")):
                read = read_verdicts(path, library.store)
        except SpanwiseError as error:
            message = str(error).replace(str(path), say("teach.the_file"))
            st.session_state.imported = base.failure(message, error.hint, say)
        else:
            st.session_state.imported = base.note(
                say("teach.imported", added=read.added, known=read.known, unknown=read.unknown_paragraphs)
            )
    st.rerun()


# -- learning from it ---------------------------------------------------------------------------------------


def _learning(library: Library, feedback: Sequence[Feedback], say: Say) -> None:
    jobs = library.jobs
    st.caption(say("teach.learn_hint", fewest=_FEWEST))
    running = show_running(jobs, say, READER, CONFIDENCE)
    store = str(library.store.path)
    with st.container(horizontal=True, gap="small"):
        for kind, key in ((READER, "reader"), (CONFIDENCE, "confidence")):
            pressed = st.button(
                say(f"teach.learn_{key}"),
                key=f"learn_{key}",
                disabled=running or len(feedback) < _FEWEST,
                help=say(f"teach.learn_{key}_help"),
            )
            if pressed:
                folder = jobs.prepare()
                out = ["--out", str(library.store.path / "models" / f"reader-{folder.name}")]
                arguments = [*kind.split(), "--store", store, *(out if kind == READER else [])]
                try:
                    jobs.start(kind, say(f"teach.learn_{key}"), arguments, folder=folder)
                except SpanwiseError as error:
                    st.html(base.failure(str(error), error.hint, say))
                else:
                    st.rerun()
    for kind in (READER, CONFIDENCE):
        over = [item for item in jobs.all(kind) if item.state.over]
        if over:
            show_end(jobs, over[0], say)
            output = over[0].output()
            if kind == READER and "after" in output:
                st.html(teach.learned_reader(output, say))
                _use(library, str(output["reader"]), say)
            elif "after" in output:
                st.html(teach.learned_confidence(output, say))


def _use(library: Library, reader: str, say: Say) -> None:
    if library.store.models.reader == reader:
        st.caption(say("teach.in_use"))
        return
    if st.button(say("teach.use"), key="use_reader", help=say("teach.use_help")):
        library.store.read_with(reader)
        st.rerun()
