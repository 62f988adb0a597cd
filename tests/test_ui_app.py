"""The page, run by Streamlit's own test harness over a real store with quick models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import streamlit
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from index.protocols import Encoder
from index.records import Filters, IngestProgress
from index.store import Store
from ingest.errors import IngestError
from qa.records import SpanCandidate
from ui import library, page_collection
from ui.library import Library, OneAtATimeEncoder, safe_name
from ui.page_sidebar import pattern

APP = str(Path(__file__).parents[1] / "ui" / "app.py")
FERRY = "The ferry leaves at noon. In winter the ferry leaves at noon on Sundays only."
SCRIPT = "<script>document.title = 'owned'</script>"
ATTACK = f"Notes {SCRIPT}\n\nThe gate opens at seven. {SCRIPT} It closes at ten.\n"


class LastWordReader:
    """Answers with the last occurrence of the question's last word, where a context holds it."""

    name = "last-word"
    fingerprint = "last-word-1"

    def unknown_share(self, text: str) -> float:
        return float(any(ord(char) > 0x2E80 for char in text))

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        word = question.rstrip("?").split()[-1]
        return [self._span(context, word, index) for index, context in enumerate(contexts)]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]

    def _span(self, context: str, word: str, index: int) -> SpanCandidate:
        start = context.rfind(word)
        found = start >= 0
        start, end = (start, start + len(word)) if found else (0, 3)
        return SpanCandidate(
            text=context[start:end],
            start=start,
            end=end,
            score=12.0 if found else -12.0,
            null_score=0.0,
            context=index,
        )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store that the tests copy is built, once."""
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def folder(
    tmp_path: Path, template: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder with a store of two documents; the page opens it with quick models."""
    if not (template / "store").exists():
        (template / "documents").mkdir()
        (template / "documents" / "ferry.md").write_text(FERRY)
        (template / "documents" / "attack.txt").write_text(ATTACK)
        with Store.open(template / "store", create=True, encoder=hashing_encoder) as store:
            store.ingest([template / "documents"])
    shutil.copytree(template / "store", tmp_path / "store")
    monkeypatch.setattr(library, "load_encoder", lambda name: hashing_encoder)
    monkeypatch.setattr(library, "load_reader", lambda name: LastWordReader())
    monkeypatch.setattr(page_collection, "is_local", lambda: True)
    monkeypatch.setenv("SPANWISE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SPANWISE_MODELS", raising=False)
    streamlit.cache_resource.clear()
    yield tmp_path
    streamlit.cache_resource.clear()


@pytest.fixture
def page(folder: Path) -> AppTest:
    """The page as it opens."""
    return checked(AppTest.from_file(APP, default_timeout=60).run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception, page.exception
    return page


def html_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def visit(page: AppTest, tab: str) -> AppTest:
    """Go to a tab, as its link does; AppTest has a way for pages that are files only."""
    page._page_hash = calc_hash(tab)
    return checked(page.run())


def ask(page: AppTest, question: str) -> str:
    page.text_input(key="question_box").set_value(question)
    button = next(button for button in page.button if button.label == "Ask")
    return html_of(checked(button.click().run()))


def test_the_page_opens_with_what_the_collection_holds(page: AppTest) -> None:
    assert "Ask in plain language" in html_of(page)
    assert [link.proto.label for link in page.get("page_link")][:3] == ["Ask", "Search", "Collection"]
    visit(page, "collection")
    assert "<dt>documents</dt><dd>2</dd>" in html_of(page)
    assert len(page.dataframe[0].value) == 2


def test_an_answer_is_marked_at_its_own_place(page: AppTest) -> None:
    shown = ask(page, "When does the ferry leave, noon?")
    # the reader chose the second "noon", and that one is marked, in the sentence and in the passage
    assert "leaves at noon. In winter the ferry leaves at <mark>noon</mark> on Sundays only." in shown
    assert '<p class="sw-answer" dir="auto">noon</p>' in shown
    assert "ferry.md" in shown
    assert page.query_params["q"] == "When does the ferry leave, noon?"


def test_a_shared_address_asks_its_question(folder: Path) -> None:
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params["q"] = "When does the gate open, seven?"
    shown = html_of(checked(page.run()))
    assert '<p class="sw-answer" dir="auto">seven</p>' in shown
    assert page.text_input(key="question_box").value == "When does the gate open, seven?"


def test_what_it_cannot_answer_it_says_and_shows_what_is_near(page: AppTest) -> None:
    shown = ask(page, "Who painted the ferry, Vermeer?")
    assert "No answer in here" in shown
    assert "The nearest passages" in shown
    assert "leaves at noon" in shown


def test_a_language_it_cannot_read_is_named(page: AppTest, folder: Path, hashing_encoder: Encoder) -> None:
    (folder / "zh.txt").write_text("渡轮中午开。冬天渡轮只在星期日开。", encoding="utf-8")
    with Store.open(folder / "store", encoder=hashing_encoder) as store:
        store.ingest([folder / "zh.txt"])
    shown = ask(page, "渡轮什么时候开？ 中午")
    assert "Cannot read this language" in shown
    assert "渡轮中午开" in shown


def test_text_of_documents_and_questions_is_never_markup(page: AppTest) -> None:
    shown = ask(page, f"When does the gate close, ten? {SCRIPT}")
    shown += ask(page, "When does the gate close, ten?")
    assert "&lt;script&gt;" in shown
    assert SCRIPT not in shown


def test_search_shows_scores(page: AppTest) -> None:
    ask(visit(page, "search"), "ferry in winter")
    shown = html_of(page)
    assert "score " in shown
    assert "meaning " in shown
    assert "words " in shown


def test_a_filter_decides_who_may_answer(page: AppTest) -> None:
    ask(page, "When does the ferry leave, noon?")
    kind = next(box for box in page.multiselect if box.label == "File type")
    shown = html_of(checked(kind.select("txt").run()))
    assert '<p class="sw-answer" dir="auto">noon</p>' not in shown
    assert "No answer in here" in shown


def test_the_best_guess_is_shown_on_request_and_called_a_guess(page: AppTest) -> None:
    ask(page, "Who painted the ferry, Vermeer?")
    (always,) = (toggle for toggle in page.toggle if toggle.label == "Always show the best guess")
    shown = html_of(checked(always.set_value(True).run()))
    assert "No answer in here" in shown
    assert "Best guess" in shown


def test_how_sure_an_answer_must_be_can_be_set(page: AppTest) -> None:
    assert "No answer in here" in ask(page, "Who painted the ferry, Vermeer?")
    (own,) = (toggle for toggle in page.toggle if toggle.label == "Set how sure an answer must be")
    checked(own.set_value(True).run())
    (least,) = (slider for slider in page.slider if slider.label == "Least confidence")
    assert "No answer in here" not in html_of(checked(least.set_value(0).run()))


def test_a_page_left_open_sees_new_documents(page: AppTest, folder: Path, hashing_encoder: Encoder) -> None:
    question = "When does the library open, eleven?"
    assert "No answer in here" in ask(page, question)
    (folder / "library.txt").write_text("The library opens at eleven.")
    with Store.open(folder / "store", encoder=hashing_encoder) as store:
        store.ingest([folder / "library.txt"])
    shown = html_of(checked(page.run()))
    assert '<p class="sw-answer" dir="auto">eleven</p>' in shown


def test_a_folder_is_added_and_its_bad_files_are_named(page: AppTest, folder: Path) -> None:
    more = folder / "more"
    more.mkdir()
    (more / "town.txt").write_text("The town hall has a clock.")
    (more / "nothing.txt").write_text("")
    visit(page, "collection").text_input(key="folder").set_value(str(more))
    button = next(button for button in page.button if button.label == "Add folder")
    shown = html_of(checked(button.click().run()))
    assert "1 added" in shown
    assert "nothing.txt</strong> was left out: the file is empty" in shown
    assert "<dt>documents</dt><dd>3</dd>" in shown


def test_a_folder_that_is_not_there_is_said_and_harms_nothing(page: AppTest, folder: Path) -> None:
    visit(page, "collection").text_input(key="folder").set_value(str(folder / "nowhere"))
    button = next(button for button in page.button if button.label == "Add folder")
    shown = html_of(checked(button.click().run()))
    assert "That did not work" in shown
    assert "<dt>documents</dt><dd>2</dd>" in shown


def test_a_document_is_removed_only_when_confirmed(page: AppTest, template: Path) -> None:
    box = visit(page, "collection").multiselect(key="removal")
    chosen = next(option for option in box.options if "ferry.md" in option)
    checked(box.select(chosen).run())
    assert page.button(key="remove_button").disabled
    checked(page.checkbox[0].check().run())
    shown = html_of(checked(page.button(key="remove_button").click().run()))
    assert "1 file removed" in shown
    assert "<dt>documents</dt><dd>1</dd>" in shown
    assert (template / "documents" / "ferry.md").exists()


def test_an_empty_store_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANWISE_STORE", str(folder / "new"))
    page = checked(AppTest.from_file(APP, default_timeout=60).run())
    assert "Nothing to ask yet" in html_of(page)
    assert "There are no documents" in ask(page, "When?")


def test_what_the_user_can_mend_is_said(
    folder: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANWISE_STORE", str(template / "documents"))
    page = checked(AppTest.from_file(APP, default_timeout=60).run())
    assert "That did not work" in html_of(page)
    assert "holds no store" in html_of(page)


def test_uploads_are_kept_under_safe_names_and_rejects_are_dropped(folder: Path, template: Path) -> None:
    opened = Library.open(folder / "store", None)
    good = opened.keep_upload("../../town <b>.txt", b"The town hall has a clock.")
    bad = opened.keep_upload("C:\\temp\\nothing.txt", b"")
    seen: list[IngestProgress] = []
    report = opened.store.ingest([good, bad], progress=seen.append)
    opened.settle_uploads([good, bad], [item.path for item in report.rejected])
    assert good == opened.store.uploads / "town <b>.txt"
    assert bad == opened.store.uploads / "nothing.txt"
    assert (good.exists(), bad.exists()) == (True, False)
    assert [item.done for item in seen] == [1, 2]
    again = opened.keep_upload("town <b>.txt", b"")
    report = opened.store.ingest([again])
    opened.settle_uploads([again], [item.path for item in report.rejected])
    assert good.read_bytes() == b"The town hall has a clock."
    better = opened.keep_upload("town <b>.txt", b"The town hall has two clocks.")
    report = opened.store.ingest([better])
    opened.settle_uploads([better], [item.path for item in report.rejected])
    assert good.read_bytes() == b"The town hall has two clocks."
    assert [path.name for path in opened.store.uploads.iterdir()] == [good.name]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("notes.md", "notes.md"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\x.txt", "x.txt"),
        (".hidden.txt", "hidden.txt"),
        ("a\x00b\n.txt", "ab.txt"),
        ("论文.pdf", "论文.pdf"),
    ],
)
def test_an_uploaded_name_is_only_a_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_suffix_and_a_name_of_nothing_is_refused() -> None:
    long = safe_name("文" * 300 + ".pdf")
    assert len(long.encode()) <= 200
    assert long.endswith("文.pdf")
    assert len(safe_name("x" * 300).encode()) <= 200
    for name in ("", "..", "a/..", "\x00"):
        with pytest.raises(IngestError):
            safe_name(name)


def test_sessions_ask_while_another_adds(folder: Path) -> None:
    opened = Library.open(folder / "store", None)
    more = folder / "more"
    more.mkdir()
    for number in range(30):
        (more / f"{number}.txt").write_text(f"Shed {number} belongs to the harbour of Ellery.")
    with ThreadPoolExecutor(5) as pool:
        adding = pool.submit(opened.store.ingest, [more])
        asked = [pool.submit(opened.answerer.ask, "When does the gate open, seven?") for _ in range(12)]
        texts = [future.result(timeout=60).answers[0].text for future in asked]
        assert adding.result(timeout=60).added == 30
    assert texts == ["seven"] * 12
    assert opened.contents().stats.documents == 32


def test_threads_take_turns_and_vectors_stay_the_same(hashing_encoder: Any) -> None:
    texts = [f"text number {number}" for number in range(70)]
    shared = OneAtATimeEncoder(hashing_encoder)
    assert (shared.encode_passages(texts) == hashing_encoder.encode_passages(texts)).all()
    assert shared.encode_passages([]).shape == (0, hashing_encoder.dimension)


@pytest.mark.parametrize(
    "name", ["plain", "with [brackets]", "a*b?c", "back\\slash", "#first", "!not", "trailing "]
)
def test_a_folder_chosen_in_the_sidebar_means_itself(name: str, folder: Path) -> None:
    opened = Library.open(folder / "store", None)
    inside = folder / name
    inside.mkdir()
    (inside / "town.txt").write_text("The town hall has a clock.")
    opened.store.ingest([inside])
    found = opened.store.documents(Filters(paths=(pattern(inside.as_posix()),)))
    assert [Path(document.path).parent.name for document in found] == [name]


def test_a_page_with_a_password_shows_nothing_without_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANWISE_UI_PASSWORD", "open sesame")
    page = checked(AppTest.from_file(APP, default_timeout=60).run())
    assert "Ask in plain language" not in html_of(page)
    assert not page.get("page_link")
    for typed, shown in (("sesame", "This is not the password"), ("open sesame", "Ask in plain language")):
        page.text_input(key="password").set_value(typed)
        button = next(button for button in page.button if button.label == "Open")
        assert shown in html_of(checked(button.click().run()))
    assert "Ask in plain language" in html_of(checked(page.run()))
