"""The tab of the collection: adding, watching how it goes, removing, the report on files, statistics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from index.protocols import Encoder
from index.records import DocumentInfo, FileReport, IngestProgress, IngestReport
from index.store.store import Store
from ingest.errors import IngestError
from ingest.records import Rejected, RejectReason
from ui.page.fragments import collection
from ui.page.tabs.collection import roots_of
from ui.render import tables
from ui.render.messages import Say
from ui.services.background_ingest import Standing, Taking
from ui.services.library import Library

SAY = Say("en")
MARKUP = "<script>alert('x')</script>"


def settled(page: AppTest, html_of: Callable[[AppTest], str], words: str) -> str:
    """The page when what is taken in is there, as a page left open comes to it."""
    for _ in range(200):
        shown = html_of(page.run())
        if words in shown:
            return shown
        time.sleep(0.05)
    pytest.fail(f"{words!r} never came: {shown}")


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def add_folder(page: AppTest, folder: Path) -> None:
    page.text_input(key="folder").set_value(str(folder))
    next(button for button in page.button if button.label == "Add folder").click().run()


def test_what_a_locked_file_needs_is_said_in_the_words_of_the_page() -> None:
    locked = Rejected(path="/a/locked.pdf", reason=RejectReason.ENCRYPTED, detail="give it with --option")
    report = IngestReport(
        added=0, updated=0, unchanged=0, removed=0, passages=0, rejected=(locked,), warnings=(), seconds=1.0
    )
    shown = collection.ingest_summary(report, SAY)
    assert "locked.pdf</strong> was left out: it is protected by a password" in shown
    assert "(save a copy without the password" in shown
    assert "--option" not in shown
    assert "请另存一份无密码的副本" in collection.ingest_summary(report, Say("zh"))


def test_languages_are_called_by_their_names(
    page_folder: Path, open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    page = open_tab("collection")
    assert "<dd>English</dd>" in html_of(page)
    assert page.dataframe[0].value["Language"].tolist() == ["English", "English"]


def test_a_folder_is_added_and_its_bad_files_are_named(
    page_folder: Path, open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    more = page_folder / "more"
    more.mkdir()
    (more / "town.txt").write_text("The town hall has a clock.")
    (more / "nothing.txt").write_text("")
    page = open_tab("collection")
    add_folder(page, more)
    shown = settled(page, html_of, "1 added")
    assert "nothing.txt</strong> was left out: the file is empty" in shown
    assert "<dd>3</dd>" in shown
    press(page, "dismiss_taking")
    assert "1 added" not in html_of(page)


def test_a_folder_that_is_not_there_is_said_and_harms_nothing(
    page_folder: Path, open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    page = open_tab("collection")
    add_folder(page, page_folder / "nowhere")
    assert "<dd>2</dd>" in settled(page, html_of, "nowhere")


def test_documents_are_removed_only_when_confirmed_and_files_stay(
    page_folder: Path,
    page_template: Path,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
) -> None:
    page = open_tab("collection")
    table = page.dataframe[0]
    place = table.value["Path"].tolist().index(next(p for p in table.value["Path"] if "ferry.md" in p))
    page.session_state["documents_0"] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    page.run()
    assert page.button(key="remove_button").disabled
    page.checkbox(key="sure").check().run()
    press(page, "remove_button")
    shown = html_of(page)
    assert "<dt>documents</dt><dd>1</dd>" in shown
    assert 'role="status">1 ' in shown
    assert (page_template / "documents" / "ferry.md").exists()


def test_a_folder_is_brought_in_step(
    page_folder: Path,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
    hashing_encoder: Encoder,
) -> None:
    papers = page_folder / "papers"
    papers.mkdir()
    for name in ("a", "b"):
        (papers / f"{name}.txt").write_text(f"Paper {name} is about harbours.")
    with Store.open(page_folder / "store", encoder=hashing_encoder) as store:
        store.ingest([papers])
    (papers / "a.txt").unlink()
    (papers / "c.txt").write_text("Paper c is about lighthouses.")
    page = open_tab("collection")
    page.selectbox(key="sync_folder").set_value(str(papers)).run()
    press(page, "sync_button")
    assert "1 added, 1 already there, 1 removed" in settled(page, html_of, "1 removed")


def test_a_long_collection_is_paged_and_searched(
    page_folder: Path, open_tab: Callable[[str], AppTest], hashing_encoder: Encoder
) -> None:
    many = page_folder / "many"
    many.mkdir()
    for number in range(60):
        (many / f"note {number:02}.txt").write_text(f"Note {number} tells of the sea.")
    with Store.open(page_folder / "store", encoder=hashing_encoder) as store:
        store.ingest([many])
    page = open_tab("collection")
    assert len(page.dataframe[0].value) == 50
    press(page, "documents_on")
    assert len(page.dataframe[0].value) == 12
    assert page.button(key="documents_on").disabled
    with Store.open(page_folder / "store", encoder=hashing_encoder) as store:
        store.delete([str(path) for path in sorted(many.glob("note [1-5]*"))])
    assert len(page.run().dataframe[0].value) == 12  # the page looked at is gone: the last one is shown
    page.text_input(key="find_document").set_value("NOTE 07").run()
    assert [Path(path).name for path in page.dataframe[0].value["Path"]] == ["note 07.txt"]


def test_a_run_is_one_at_a_time_tells_how_it_stands_and_ends_on_request() -> None:
    taking, go = Taking(), threading.Event()

    def work(told: Callable[[IngestProgress], None]) -> IngestReport:
        for number in range(1, 100):
            told(IngestProgress(done=number, total=100, path=f"/{number}.txt", passages=number))
            go.wait(10)
        return IngestReport()

    assert taking.start("one", work)
    assert not taking.start("two", work)
    while taking.standing is None or not taking.standing.done:
        time.sleep(0.01)
    taking.cancel()
    assert taking.standing.ending
    go.set()
    ended = taking.wait()
    assert ended is not None
    assert (ended.title, ended.cancelled, ended.running, ended.done) == ("one", True, False, 1)
    assert "Ended on request" in collection.taking_end(ended, SAY)
    taking.dismiss()
    assert taking.standing is None


def test_what_fails_in_the_thread_is_said() -> None:
    def fails(told: Callable[[IngestProgress], None]) -> IngestReport:
        raise IngestError("there is no folder /x", hint="check the path")

    taking = Taking()
    taking.start("one", fails)
    ended = taking.wait()
    assert ended is not None
    assert (ended.message, ended.hint) == ("there is no folder /x", "check the path")


def test_a_run_ended_early_leaves_no_stray_uploads(page_folder: Path) -> None:
    opened = Library.open(page_folder / "store", None)
    paths = opened.keep_uploads([("a.txt", b"The bell rings."), ("b.txt", b"The bell is silent.")])
    opened.store.ingest(paths[:1])
    opened.settle_uploads(paths, [paths[1].as_posix()])
    assert [path.name for path in opened.store.uploads.iterdir()] == ["a.txt"]


def test_progress_has_a_rate_and_a_time_that_remains() -> None:
    standing = Standing(title=MARKUP, began=100.0, done=30, total=120, passages=5)
    shown = collection.taking_card(standing, 160.0, SAY)
    assert "30 of 120 files" in shown
    assert "30.0 a minute" in shown
    assert "3 min left" in shown
    assert MARKUP not in shown
    assert "a minute" not in collection.taking_card(replace(standing, done=0), 160.0, SAY)


def test_lengths_are_counted_by_order_of_magnitude() -> None:
    found = collection.lengths([10, 999, 1_000, 50_000, 99_999], SAY)
    assert found == [("below 1,000", 2), ("1,000 to 10,000", 1), ("10,000 to 100,000", 2)]
    assert collection.lengths([], SAY) == []


def test_the_report_on_files_names_reasons_in_words_and_tames_formulas() -> None:
    taken = FileReport(path="/a.pdf", size_bytes=9, type="pdf", language="en", pages=3, pages_with_text=2)
    refused = FileReport(
        path="/=1+1.doc",
        size_bytes=9,
        rejected=Rejected(path="/=1+1.doc", reason=RejectReason.ENCRYPTED, detail="=locked"),
    )
    assert tables.coverage_rows([taken], SAY)[0]["Pages with text"] == "2/3"
    assert tables.rejected_rows([taken, refused], SAY)[0]["Why"] == "it is protected by a password"
    lines = tables.coverage_csv([taken, refused], SAY).decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "'=locked" in lines[2]
    assert tables.rejected_rows([refused], Say("zh"))[0]["原因"] == "文件有密码保护"


def test_documents_have_a_row_each() -> None:
    document = DocumentInfo(
        id="d",
        path="/a.txt",
        title="A",
        language="en",
        type="txt",
        characters=5,
        passages=1,
        modified=datetime(2024, 5, 31, tzinfo=UTC),
        paths=("/a.txt",),
    )
    assert tables.document_rows([document], SAY)[0]["Title"] == "A"


def test_folders_within_others_are_no_roots() -> None:
    assert roots_of(["/a/b", "/a", "/a/b/c", "/ab"]) == ["/a", "/ab"]
