"""The tab of the collection: adding, watching how it goes, removing, the report on files, statistics."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas
from streamlit.testing.v1 import AppTest

from index.models import encoder as encoder_module
from index.protocols import Encoder
from index.records import DocumentInfo, FileReport, IngestReport
from index.store.store import Store
from ingest.records import Rejected, RejectReason
from ui import job
from ui.page.fragments import collection
from ui.page.tabs.collection import roots_of
from ui.render import tables
from ui.render.messages import Say
from ui.services import jobs
from ui.services.ingest_jobs import (
    KIND,
    can_be_repeated,
    settle_uploads,
    start_ingest,
    start_ingest_of_uploads,
)
from ui.services.jobs import FileDone, JobBusy, JobProgress, Jobs, JobState, write_end, write_json
from ui.services.library import Library

SAY = Say("en")
MARKUP = "<script>alert('x')</script>"
FILES = (FileDone(path="/b.txt", reason="empty"), FileDone(path="/a.txt"))
FILES_SHOWN = {"Path": ["/b.txt", "/a.txt"], "Why": ["the file is empty", ""]}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, hashing_encoder: Encoder) -> None:
    """Jobs run in this process, with the quick encoder, and are over when they have been started."""

    def run(folder: Path, secrets: Mapping[str, str]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in secrets.items():
                patch.setenv(name, value)
            job._record(folder, job._run(folder), 1.0)

    monkeypatch.setattr(encoder_module, "load_encoder", lambda name: hashing_encoder)
    monkeypatch.setattr(jobs, "_spawn", run)


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def add_folder(page: AppTest, folder: Path) -> None:
    page.text_input(key="folder").set_value(str(folder))
    next(button for button in page.button if button.label == "Add folder").click().run()


def files_shown(page: AppTest) -> dict[str, list[str]]:
    """The table of the files that an ingest is done with."""
    (table,) = [table.value for table in page.dataframe if list(table.value) == ["Path", "Why"]]
    return {str(name): list(column) for name, column in table.items()}


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
    page_folder: Path, here: None, open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    more = page_folder / "more"
    more.mkdir()
    (more / "town.txt").write_text("The town hall has a clock.")
    (more / "nothing.txt").write_text("")
    page = open_tab("collection")
    add_folder(page, more)
    shown = html_of(page)
    assert "1 added" in shown
    assert "nothing.txt</strong> was left out: the file is empty" in shown
    assert "<dd>3</dd>" in shown
    files = files_shown(page)
    assert dict(zip(files["Path"], files["Why"], strict=True)) == {
        str(more / "town.txt"): "",
        str(more / "nothing.txt"): "the file is empty",
    }
    press(page, "dismiss_ingest")
    assert "1 added" not in html_of(page)


def test_a_folder_that_is_not_there_is_said_and_harms_nothing(
    page_folder: Path, here: None, open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    page = open_tab("collection")
    add_folder(page, page_folder / "nowhere")
    shown = html_of(page)
    assert "nowhere" in shown
    assert "<dd>2</dd>" in shown


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
    here: None,
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
    assert "1 added, 1 already there, 1 removed" in html_of(page)


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


def test_an_ingest_is_found_again_with_its_progress_and_cancelled(
    page_folder: Path,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "_spawn", lambda folder, secrets: None)
    add_folder(open_tab("collection"), page_folder)
    (standing,) = Jobs(page_folder / "store").all(KIND)
    assert standing.job.arguments == ("ingest", "--store", str(page_folder / "store"), str(page_folder))
    progress = JobProgress(done=1, total=4, unit="file", files=FILES, passages=5)
    write_json(standing.folder / "progress.json", asdict(progress))
    with FileLock(standing.folder / "alive"):
        page = open_tab("collection")  # another session
        assert "1 of 4 files · new passages: 5" in html_of(page)
        assert files_shown(page) == FILES_SHOWN
        assert page.button(key="sync_button").disabled
        press(page, f"cancel_{standing.job.id}")
        assert (standing.folder / "cancel").exists()
    write_end(standing.folder, JobState.CANCELLED, 2.0)
    page.run()
    assert not page.button(key="sync_button").disabled
    assert any("Stopped as you asked" in caption.value for caption in page.caption)
    assert files_shown(page) == FILES_SHOWN
    assert page.button(key=f"again_{standing.job.id}")


def test_one_ingest_at_a_time_and_earlier_ones_are_forgotten(
    page_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_spawn", lambda folder, secrets: None)
    library = Library.open(page_folder / "store", None)
    start_ingest(library, "one", [page_folder])
    with pytest.raises(JobBusy, match="one"):
        start_ingest_of_uploads(library, "two", [("a.txt", b"The bell rings.")])
    assert not list(library.store.uploads.glob("*"))
    (standing,) = library.jobs.all(KIND)
    write_end(standing.folder, JobState.DONE, 1.0)
    start_ingest(library, "three", [page_folder], prune=True, retry_rejected=True)
    (standing,) = library.jobs.all(KIND)
    assert standing.job.title == "three"
    assert standing.job.arguments[3:5] == ("--prune", "--retry-rejected")


def test_a_file_that_is_too_large_is_refused_before_a_job_starts(
    page_folder: Path,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ui.services.uploads.LARGEST_UPLOAD", 3)
    page = open_tab("collection")
    page.file_uploader(key="upload_0").set_value([("a.txt", b"1234", "text/plain")]).run()
    assert "limit for uploads is 3" in html_of(page)
    assert not Jobs(page_folder / "store").all()


def test_uploads_are_settled_once_when_their_job_is_over(
    page_folder: Path,
    here: None,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
) -> None:
    page = open_tab("collection")
    files = [("bell.txt", b"The bell rings.", "text/plain"), ("nothing.txt", b"", "text/plain")]
    page.file_uploader(key="upload_0").set_value(files).run()
    shown = html_of(page)
    assert "1 added" in shown
    assert "nothing.txt</strong> was left out: the file is empty" in shown
    uploads = page_folder / "store" / "uploads"
    assert [path.name for path in uploads.iterdir()] == ["bell.txt"]


def test_an_upload_of_a_known_name_is_kept_beside_the_first_and_replaces_it_on_request(
    page_folder: Path,
    here: None,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
    hashing_encoder: Encoder,
) -> None:
    page = open_tab("collection")
    for number, content in enumerate((b"Alice is paid 500.", b"Alice is paid 500.", b"Carlos is paid 900.")):
        page.file_uploader(key=f"upload_{number}").set_value([("fee.txt", content, "text/plain")]).run()
        assert ("1 already there" if number == 1 else "1 added") in html_of(page)
    uploads = page_folder / "store" / "uploads"
    assert {path.name for path in uploads.iterdir()} == {"fee.txt", "fee (2).txt"}
    (caption,) = [item.value for item in page.caption if "kept beside it" in item.value]
    assert "fee" in caption
    press(page, "replace_0")
    assert "1 updated" in html_of(page)
    assert not [item for item in page.caption if "kept beside it" in item.value]
    with Store.open(page_folder / "store", encoder=hashing_encoder) as store:
        kept = [info for info in store.documents() if Path(info.path).is_relative_to(uploads)]
        assert [store.document(info.id).text for info in kept] == ["Carlos is paid 900."]
        assert [Path(path).name for info in kept for path in info.paths] == ["fee.txt"]
        assert store.check().ok


def test_a_locked_upload_stays_and_is_opened_by_a_password(
    page_folder: Path, here: None, open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    page = open_tab("collection")
    page.file_uploader(key="upload_0").set_value([("locked.pdf", a_locked_pdf(), "application/pdf")]).run()
    assert "locked.pdf</strong> was left out: it is protected by a password" in html_of(page)
    assert "give its password below" in html_of(page)
    uploads = page_folder / "store" / "uploads"
    for password, said in (("wrong", "was left out"), ("open sesame", "1 added")):
        page.text_input(key="password_summary").set_value(password)
        next(button for button in page.button if button.label == "Try again with it").click().run()
        assert said in html_of(page)
        assert [path.name for path in uploads.iterdir()] == ["locked.pdf"]
    jobs_files = [path for path in (page_folder / "store" / "jobs").rglob("*") if path.is_file()]
    assert not [path for path in jobs_files if b"sesame" in path.read_bytes()]


def test_rejected_uploads_are_tried_again_or_forgotten(
    page_folder: Path, here: None, open_tab: Callable[[str], AppTest], hashing_encoder: Encoder
) -> None:
    page = open_tab("collection")
    files = [
        ("locked.pdf", a_locked_pdf(), "application/pdf"),
        ("scan.pdf", a_scan(), "application/pdf"),
        ("nothing.txt", b"", "text/plain"),
    ]
    page.file_uploader(key="upload_0").set_value(files).run()
    uploads = page_folder / "store" / "uploads"
    assert sorted(path.name for path in uploads.iterdir()) == ["locked.pdf", "scan.pdf"]
    page.session_state["coverage"] = True
    page.run()
    assert page.button(key="retry_button").label == "Try again (2)"
    assert {"ocr_summary", "ocr_report"} <= {button.key for button in page.button}
    press(page, "ocr_report")
    (standing,) = Jobs(page_folder / "store").all(KIND)
    place = standing.job.arguments.index("--ocr-language")
    assert standing.job.arguments[place + 1 :] == ("eng", str(uploads / "scan.pdf"))
    press(page, "forget_rejected_button")
    assert not list(uploads.iterdir())
    with Store.open(page_folder / "store", encoder=hashing_encoder) as store:
        assert not store.stats().rejected
        assert store.stats().documents == 2


def a_locked_pdf() -> bytes:
    lock = StandardEncryption("open sesame", ownerPassword="owner")
    return drawn(lambda page: page.drawString(72, 700, "The bell is struck by Ines Falk."), lock)


def a_scan() -> bytes:
    return drawn(lambda page: page.rect(72, 600, 100, 100, fill=1), None)


def drawn(draw: Callable[[Canvas], object], lock: StandardEncryption | None) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=lock)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def test_a_job_ended_early_leaves_no_stray_uploads(
    page_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_spawn", lambda folder, secrets: None)
    library = Library.open(page_folder / "store", None)
    start_ingest_of_uploads(library, "two", [("a.txt", b"The bell rings."), ("b.txt", b"No bell rings.")])
    (standing,) = library.jobs.all(KIND)
    settle_uploads(library, standing)
    assert len(list(library.store.uploads.iterdir())) == 2  # it runs
    library.store.ingest([library.store.uploads / "a.txt"])
    write_end(standing.folder, JobState.CANCELLED, 1.0)
    settle_uploads(library, library.jobs.all(KIND)[0])
    assert [path.name for path in library.store.uploads.iterdir()] == ["a.txt"]
    assert not can_be_repeated(standing)


def test_a_cancelled_job_leaves_earlier_uploads_alone(
    page_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_spawn", lambda folder, secrets: None)
    library = Library.open(page_folder / "store", None)
    uploads = library.store.uploads
    old = library.uploads.keep_all([("a.txt", b"Old bell."), ("b.txt", b"Old tower.")])
    library.store.ingest([kept.path for kept in old])
    start_ingest_of_uploads(
        library, "both", [("a.txt", b"New bell."), ("b.txt", b"New tower."), ("b.txt", b"Old tower.")]
    )
    library.store.ingest([uploads / "a (2).txt"])
    (standing,) = library.jobs.all(KIND)
    write_end(standing.folder, JobState.CANCELLED, 1.0)
    settle_uploads(library, library.jobs.all(KIND)[0])
    files = {path.name: path.read_text() for path in uploads.iterdir()}
    assert files == {"a.txt": "Old bell.", "a (2).txt": "New bell.", "b.txt": "Old tower."}
    assert library.store.ingest([uploads]).unchanged == 3  # files and store agree


def test_while_the_first_documents_are_added_no_tab_says_that_there_is_nothing(
    page_folder: Path,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
    hashing_encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "_spawn", lambda folder, secrets: None)
    monkeypatch.setenv("SPANWISE_STORE", str(page_folder / "new"))
    with Store.open(page_folder / "new", create=True, encoder=hashing_encoder) as store:
        assert "Your collection is empty" in html_of(open_tab("collection"))
        job = Jobs(store.path).start(KIND, "Adding 2 files", ["ingest"])
        with FileLock(store.path / "jobs" / job.id / "alive"):
            for tab in ("ask", "search", "collection", "map", "teach"):
                shown = html_of(page := open_tab(tab))
                assert "Your documents are being added" in shown
                assert "Adding 2 files" in shown
                assert "Nothing to ask yet" not in shown
                assert "is empty" not in shown
            (page_folder / "bell.txt").write_text("The bell rings.")
            store.ingest([page_folder / "bell.txt"])
            shown = html_of(page.run())
            assert "Your documents are being added" not in shown
            assert "<dt>documents</dt><dd>1</dd>" in html_of(open_tab("collection"))


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
