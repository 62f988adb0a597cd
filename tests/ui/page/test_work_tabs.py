"""The tabs where work is done - questionnaire, teaching, models, quality - over a store with quick models.

Their jobs are recorded and not started here; what a process makes of them is tested in the browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from index.checkpoints.presets import ModelChoice
from index.store.store import Store
from qa.feedback.verdicts import Verdict
from ui.page.fragments import quality
from ui.page.fragments.models import model_card
from ui.page.fragments.questionnaire import row_card, table_rows
from ui.page.tabs import questionnaire as page_questionnaire
from ui.page.widgets.text_selection import selected_span, stretch
from ui.render.messages import Say
from ui.services import jobs, model_choices
from ui.services.jobs import Jobs, JobState, write_end, write_json
from ui.services.model_choices import Candidate, list_presets
from ui.services.questionnaire import Row

SAY = Say("en")
MARKUP = "<script>alert('x')</script>"
OpenTab = Callable[..., AppTest]
Shown = Callable[[AppTest], str]


@pytest.fixture
def not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_spawn", lambda folder, secrets: None)


def only_job(folder: Path) -> Any:
    (standing,) = Jobs(folder / "store").all()
    return standing


def finish(standing: Any, output: dict[str, Any]) -> None:
    write_json(standing.folder / "output.json", output)
    write_end(standing.folder, JobState.DONE, 61.0)


# -- questionnaire ----


def ready(page: AppTest) -> list[str]:
    """The files of the page whose making cannot fall between two drawings of it."""
    protos = [button.proto for button in page.get("download_button")]
    return [
        proto.id.rpartition("-")[2]
        for proto in protos
        if proto.ignore_rerun and not proto.HasField("deferred_file_id")
    ]


def test_pasted_questions_become_a_job_and_its_rows_a_table(
    page_folder: Path, open_tab: OpenTab, html_of: Shown, not_started: None
) -> None:
    page = open_tab("questionnaire")
    page.text_area(key="pasted").set_value("1. When does the ferry leave?\n\n- Who painted it?")
    page.multiselect(key="questionnaire_languages").select("en")
    page.button(key="questionnaire_start").click().run()
    standing = only_job(page_folder)
    assert standing.job.title == "2 questions"
    asked = (standing.folder / "questions.jsonl").read_text().splitlines()
    assert [json.loads(line)["question"] for line in asked] == [
        "When does the ferry leave?",
        "Who painted it?",
    ]
    arguments = standing.job.arguments
    assert arguments[arguments.index("--language") + 1] == "en"
    assert page.button(key="questionnaire_start").disabled
    assert "preparing …" in html_of(page)
    rows = [
        Row(
            id="1",
            question=MARKUP,
            answered=True,
            answer=MARKUP,
            confidence=0.9,
            calibrated=True,
            title="Ferry",
            path="/ferry.md",
            page=2,
        ),
        Row(id="2", question="q", answered=False, answer="", confidence=0.1, calibrated=True, reason="x"),
    ]
    lines = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
    (standing.folder / "rows.jsonl").write_text(lines)
    finish(standing, {"questions": 2})
    shown = html_of(page.run())
    assert "1 of 2 answered" in shown
    table = page.dataframe[0].value
    assert table["Answer"].tolist() == [MARKUP, "no answer in here"]
    assert table["Source"].tolist()[0].startswith("Ferry")
    assert ready(page) == ["answers_csv", "answers_xlsx"]
    assert MARKUP in page.session_state["answers_csv_file"][1].decode("utf-8-sig")
    assert MARKUP not in row_card(rows[0], SAY)


def test_a_row_without_a_sure_answer_shows_the_closest_sentence_as_such() -> None:
    row = Row(
        id="2", question="q", answered=False, answer="", confidence=0.1, calibrated=True,
        reason="below_threshold", status="closest", likely=f"It leaves at noon. {MARKUP}", title="Ferry",
    )  # fmt: skip
    card = row_card(row, SAY)
    assert "Not sure: the closest sentence" in card
    assert "It leaves at noon." in card
    assert "no answer in here" not in card
    assert MARKUP not in card
    shown = table_rows([row, replace(row, status="none", likely="")], SAY)
    assert [line["Answer"] for line in shown] == [
        f"Not sure: the closest sentence: It leaves at noon. {MARKUP}",
        "no answer in here",
    ]
    assert [line["Source"] for line in shown] == ["Ferry", ""]


def test_no_question_is_said(open_tab: OpenTab, html_of: Shown, not_started: None) -> None:
    page = open_tab("questionnaire")
    assert "There is no question" in html_of(page.button(key="questionnaire_start").click().run())


def test_in_a_large_collection_documents_are_named_by_path(
    page_folder: Path, open_tab: OpenTab, not_started: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_questionnaire, "_LISTED", 0)
    page = open_tab("questionnaire")
    assert "questionnaire_documents" not in [item.key for item in page.multiselect]
    page.text_area(key="pasted").set_value("When does the ferry leave?")
    page.text_input(key="questionnaire_path").set_value(" -ferry*.md ")
    page.button(key="questionnaire_start").click().run()
    arguments = only_job(page_folder).job.arguments
    assert "--path=-ferry*.md" in arguments
    assert "--document" not in arguments


# -- teaching ----


def taught(folder: Path) -> Any:
    with Store.open(folder / "store") as store:
        return store.feedback()


def ask(page: AppTest, question: str) -> AppTest:
    page.text_input(key="question_box").set_value(question)
    return page.button(key="ask_button").click().run()


def test_an_answer_is_called_right_and_taken_back(
    page_folder: Path, open_tab: OpenTab, html_of: Shown
) -> None:
    page = ask(open_tab("teach"), "When does the ferry leave, noon?")
    page.text_input(key="teach_author").set_value(" Ada ").run()
    assert '<p class="sw-note" role="status">Saved.' in html_of(page.button(key="right_1").click().run())
    (kept,) = taught(page_folder)
    assert (kept.verdict, kept.quote, kept.author) == (Verdict.RIGHT, "noon", "Ada")
    assert kept.details["paragraph"][kept.start - int(kept.details["paragraph_start"]) :].startswith(
        "noon on"
    )
    assert page.dataframe[0].value["Who"].tolist() == ["Ada"]
    assert ready(page) == ["export_verdicts"]
    (asked,) = json.loads(page.session_state["export_verdicts_file"][1])["data"][0]["paragraphs"][0]["qas"]
    assert [answer["text"] for answer in asked["answers"]] == ["noon"]
    page.session_state["verdicts_1"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run().button(key="take_back").click().run()
    assert taught(page_folder) == ()
    html_of(page)


def test_a_refusal_is_judged_and_the_right_words_can_be_typed(
    page_folder: Path, open_tab: OpenTab, html_of: Shown
) -> None:
    page = ask(open_tab("teach"), "Who painted the ferry, Vermeer?")
    assert "“No answer in here” was decided" in html_of(page)
    page.button(key="refusal_right").click().run()
    typed = next(item for item in page.text_input if item.label.startswith("Or type"))
    typed.set_value("nowhere at all").run()
    assert any("do not stand" in item.value for item in page.caption)
    next(item for item in page.text_input if item.label.startswith("Or type")).set_value(
        "the ferry leaves"
    ).run()
    page.button(key="teach_these").click().run()
    refusal, span = taught(page_folder)
    assert (refusal.quote, refusal.verdict) == (None, Verdict.RIGHT)
    assert (span.quote, span.verdict) == ("the ferry leaves", Verdict.SPAN)
    html_of(page)


def test_learning_needs_twenty_verdicts(open_tab: OpenTab) -> None:
    page = open_tab("teach")
    assert page.button(key="learn_reader").disabled
    assert page.button(key="learn_confidence").disabled


@pytest.mark.parametrize(
    ("told", "span"),
    [
        ({"start": 2, "end": 8, "text": " noon "}, (3, 7)),
        ({"start": 0, "end": 1, "text": "😀"}, (0, 1)),
        ({"start": 3, "end": 7, "text": "nope"}, None),
        ({"start": -1, "end": 7, "text": "😀"}, None),
        ({"start": 3, "end": 99, "text": "noon"}, None),
        ({"start": "3", "end": 7, "text": "noon"}, None),
        ({"start": 1, "end": 2, "text": " "}, None),
        (None, None),
    ],
)
def test_what_a_browser_tells_is_believed_where_the_words_stand_there(
    told: dict[str, object] | None, span: tuple[int, int] | None
) -> None:
    text = "😀  noon  é"
    assert selected_span(None if told is None else {"id": "d", **told}, "d", text) == span
    assert told is None or selected_span({"id": "other", **told}, "d", text) is None


def test_the_stretch_of_a_document_holds_the_span_and_is_cut_at_line_ends() -> None:
    text = "\n".join(f"line {number:03}" for number in range(1000))
    start = text.index("line 500")
    shown = stretch(text, start, start + 8, room=100)
    assert text[shown.offset :].startswith(shown.text)
    assert shown.offset <= start < start + 8 <= shown.offset + len(shown.text)
    assert shown.text.startswith("line")
    assert shown.text[-8:].startswith("line")
    assert stretch("short", 0, 5, room=100).text == "short"


# -- models ----


def test_models_are_listed_with_what_a_change_would_mean(
    page_folder: Path, open_tab: OpenTab, html_of: Shown, not_started: None
) -> None:
    page = open_tab("models")
    shown = html_of(page)
    assert "comes with Spanwise · " in shown
    assert "half as fast" in shown
    assert "not on this computer" in shown
    pocket = next(
        item
        for item in model_choices.candidates(
            list_presets(), page_folder, ModelChoice(encoder="x", reader="y")
        )
    )
    page.button(key=f"measure_{pocket.key}").click().run()
    standing = only_job(page_folder)
    assert standing.job.arguments[-4:-1] == ("--models", "pocket", "--store")
    figures = {"exact": 70.1, "f1": 80.2, "ece": 0.05, "p50_ms": 120.0, "p95_ms": 200.0, "questions": 158}
    finish(standing, figures)
    shown = html_of(page.run())
    assert "<dd>70.1 %</dd>" in shown
    assert "158 questions" in shown


def test_consequences_are_said_for_each_side() -> None:
    now = ModelChoice(encoder="pocket", reader="pocket")
    both = model_choices.consequences(now, ModelChoice(encoder="base", reader="base"), 1200, SAY)
    assert "All 1,200 passages are embedded again" in both[0]
    reader = model_choices.consequences(now, ModelChoice(encoder="pocket", reader="base"), 1200, SAY)
    assert not any("embedded again. That" in line for line in reader)
    assert model_choices.consequences(now, now, 1200, SAY) == ["These serve already."]


def test_readers_that_were_fine_tuned_here_are_candidates(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "reader-1"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"12345")
    now = ModelChoice(encoder="pocket", reader="pocket")
    (own,) = model_choices.candidates([], tmp_path, now)
    assert own == Candidate(name="reader-1", models=f"pocket,{folder}", bytes=5)
    assert not model_choices.serves(own, now)
    assert model_choices.serves(own, ModelChoice(encoder="pocket/encoder", reader=str(folder)))
    assert "fine-tuned on your verdicts" in model_card(own, None, now, SAY)
    assert model_choices.missing(f",{tmp_path / 'none'}", now, SAY)[0].startswith(
        f"{tmp_path / 'none'} is not"
    )


# -- quality ----

FAILED: dict[str, Any] = {
    "id": "1",
    "question": f"When {MARKUP}?",
    "title": "Ferry",
    "golds": ["noon", "noon"],
    "predicted": "ten",
    "answered": True,
    "confidence": 0.8,
    "stage": "out_scored",
    "f1": 0.0,
    "gold_rank": 2,
    "sentence": f"At ten. {MARKUP}",
}
OUTPUT: dict[str, Any] = {
    "exact": 60.0,
    "f1": 70.0,
    "exact_forced": 61.0,
    "f1_forced": 71.0,
    "coverage": 0.5,
    "accuracy_answered": None,
    "recall@k": 0.9,
    "ece": 0.04,
    "questions": 10,
    "p50_ms": 100.0,
    "p95_ms": 200.0,
    "intervals": {"exact": [50.0, 70.0]},
    "failures": {"out_scored": 4},
    "reliability": {
        "equal_width": [
            {"low": 0.8, "high": 0.9, "count": 10, "confidence": 0.85, "accuracy": 0.7},
            {"low": 0.9, "high": 1.0, "count": 0, "confidence": None, "accuracy": None},
        ]
    },
    "risk_coverage": [{"coverage": 0.5, "accuracy": 0.9, "threshold": 0.3}],
}


def test_an_evaluation_is_started_drawn_and_its_failures_can_be_opened(
    page_folder: Path, open_tab: OpenTab, html_of: Shown, not_started: None
) -> None:
    page = open_tab("quality")
    page.number_input(key="quality_limit").set_value(50).run()
    page.button(key="quality_start").click().run()
    standing = only_job(page_folder)
    arguments = standing.job.arguments
    assert arguments[:2] == ("eval", "answers")
    assert arguments[arguments.index("--limit") + 1] == "50"
    assert "--models" in arguments
    assert arguments[arguments.index("--store") + 1] == str(page_folder / "store")
    (standing.folder / "failures.jsonl").write_text(json.dumps(FAILED) + "\n" + '{"half')
    finish(standing, {**OUTPUT, "store_fit": {"source": MARKUP, "questions": 30}})
    shown = html_of(page.run())
    assert "fitted in this store, on 30 questions of" in shown
    assert MARKUP not in shown
    assert "Where 4 of 10 questions were lost" in shown
    assert "60.0 <span" in shown
    assert len(page.get("vega_lite_chart")) == 2
    assert page.dataframe[0].value["Lost at"].tolist() == ["read, but another span won"]
    page.session_state["failed_questions"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    shown = html_of(page.run())
    assert "another span, or other borders, came out first" in shown
    assert MARKUP not in shown


@pytest.mark.parametrize("lacking", ["store_fit", "failures", "reliability", "risk_coverage", "intervals"])
def test_an_evaluation_without_one_of_its_parts_is_shown(
    lacking: str, page_folder: Path, open_tab: OpenTab, html_of: Shown, not_started: None
) -> None:
    page = open_tab("quality")
    page.button(key="quality_start").click().run()
    output = {key: value for key, value in OUTPUT.items() if key != lacking}
    finish(only_job(page_folder), output)
    assert "60.0" in html_of(page.run())


def test_verdicts_without_a_question_cannot_be_evaluated(
    open_tab: OpenTab, html_of: Shown, not_started: None
) -> None:
    page = open_tab("quality")
    page.radio(key="quality_source").set_value("verdicts").run()
    shown = html_of(page.button(key="quality_start").click().run())
    assert "holds no questions" in shown


def test_a_file_that_cannot_be_evaluated_is_called_by_its_own_name_and_leaves_nothing(
    page_folder: Path, open_tab: OpenTab, html_of: Shown, not_started: None
) -> None:
    page = open_tab("quality")
    page.radio(key="quality_source").set_value("file").run()
    page.file_uploader(key="quality_file").set_value([("mine.json", b"nothing", "application/json")]).run()
    shown = html_of(page.button(key="quality_start").click().run())
    assert '<p class="sw-reason">mine.json is not JSON' in shown
    assert str(page_folder) not in shown
    assert Jobs(page_folder / "store").all() == []
    assert not list((page_folder / "store" / "jobs").glob("2*"))


def test_a_reader_evaluated_alone_has_its_own_figures() -> None:
    shown = quality.figures({"exact": 60.0, "f1": 70.0, "HasAns_f1": 80.0, "p50_ms": 30.0}, SAY)
    assert "F1 where there is an answer" in shown
    assert "answered" not in shown
    assert quality.stages({"exact": 1.0}, SAY) == ""
