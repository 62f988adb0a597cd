"""The page, run by Streamlit's own test harness over a real store with quick models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from index.protocols import Encoder
from index.records import Filters
from index.store.store import Store
from ingest.conversion.page_image import NoPicture
from ingest.errors import IngestError
from qa.reading.reader import load_reader
from ui.services.library import Library
from ui.services.thread_safe_models import OneAtATimeEncoder
from ui.services.uploads import safe_name
from ui.services.url_state import pattern

APP = str(Path(__file__).parents[3] / "ui" / "app.py")
SCRIPT = "<script>document.title = 'owned'</script>"


@pytest.fixture
def folder(page_folder: Path) -> Path:
    return page_folder


@pytest.fixture
def template(page_template: Path) -> Path:
    return page_template


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
    return html_of(checked(page.button(key="ask_button").click().run()))


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
    assert "渡轮</mark>" in shown


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


def test_a_filter_decides_who_may_answer_and_stands_in_the_address(page: AppTest) -> None:
    ask(page, "When does the ferry leave, noon?")
    page.session_state["where"] = True  # the popover, opened
    checked(page.run())
    kind = page.multiselect(key="choice_type")
    assert kind.options == ["md (1 · 1 found)", "txt (1 · 1 found)"]
    assert page.multiselect(key="choice_language").options[0] == "English (2 · 2 found)"
    shown = html_of(checked(kind.select("txt").run()))
    assert page.query_params["type"] == "txt"
    assert '<p class="sw-answer" dir="auto">noon</p>' not in shown
    assert "No answer in here" in shown
    page.session_state["where"] = True
    checked(page.run())
    checked(page.button(key="clear_filters").click().run())
    assert "type" not in page.query_params


def test_the_best_guess_is_shown_on_request_and_called_a_guess(page: AppTest) -> None:
    ask(page, "Who painted the ferry, Vermeer?")
    page.session_state["how"] = True
    checked(page.run())
    shown = html_of(checked(page.toggle(key="choice_guess").set_value(True).run()))
    assert page.query_params["guess"] == "1"
    assert "No answer in here" in shown
    assert "Best guess" in shown


def test_how_sure_an_answer_must_be_can_be_set(page: AppTest) -> None:
    assert "No answer in here" in ask(page, "Who painted the ferry, Vermeer?")
    page.session_state["how"] = True
    checked(page.run())
    checked(page.toggle(key="choice_own").set_value(True).run())
    shown = html_of(checked(page.slider(key="choice_sure").set_value(0).run()))
    assert page.query_params["sure"] == "0"
    assert "No answer in here" not in shown


def test_a_likely_answer_is_called_so_and_never_no_answer(page: AppTest) -> None:
    page.query_params["sure"] = "100"
    shown = ask(page, "When does the ferry leave, noon?")
    assert "Probably, but not for sure" in shown
    assert '<p class="sw-answer" dir="auto">noon</p>' in shown
    assert "No answer in here" not in shown


def test_the_page_speaks_the_language_of_its_address(page: AppTest) -> None:
    checked(page.button(key="language_zh").click().run())
    assert page.query_params["lang"] == "zh"
    assert "用日常语言提问" in html_of(page)
    page.text_input(key="question_box").set_value("Who painted the ferry, Vermeer?")
    shown = html_of(checked(page.button(key="ask_button").click().run()))
    assert "文档中没有答案" in shown


def test_questions_of_a_session_are_listed_with_their_answers(page: AppTest) -> None:
    ask(page, "When does the ferry leave, noon?")
    ask(page, "Who painted the ferry, Vermeer?")
    assert [entry[:2] for entry in page.session_state["history"]] == [
        ("Who painted the ferry, Vermeer?", None),
        ("When does the ferry leave, noon?", "noon"),
    ]
    assert "noon · " not in html_of(page)
    page.session_state["history_box"] = True  # the popover, opened
    assert "noon · " in html_of(checked(page.run()))
    asked = [parse_qs(link.proto.query_string).get("q") for link in page.get("page_link")]
    assert ["When does the ferry leave, noon?"] in asked


def test_passages_below_an_answer_are_drawn_when_they_are_looked_at(page: AppTest) -> None:
    assert '<ol class="sw-list' not in ask(page, "When does the ferry leave, noon?")
    page.session_state["rest"] = True
    assert '<ol class="sw-list' in html_of(checked(page.run()))


def test_a_result_can_be_cited_and_downloaded(page: AppTest) -> None:
    ask(page, "When does the ferry leave, noon?")
    page.session_state["share"] = True
    checked(page.run())
    assert "In winter the ferry leaves at noon on Sundays only.” — ferry (ferry.md)" in page.code[0].value
    assert [button.proto.label for button in page.get("download_button")] == [
        "Download as JSON",
        "Download as CSV",
        "Download as Markdown",
    ]


def test_an_answer_is_seen_in_its_document(page: AppTest) -> None:
    ask(page, "When does the ferry leave, noon?")
    answer = page.session_state["answer_known"][1].answers[0]
    page.query_params |= {"id": answer.document.id, "start": str(answer.start), "end": str(answer.end)}
    shown = html_of(visit(page, "document"))
    assert 'leaves at <mark class="sw-also-here">noon</mark>. In winter' in shown
    assert 'leaves at <mark class="sw-here">noon</mark> on Sundays' in shown
    assert "Occurrence 2 of 2" in shown
    assert page.button(key="occurrence_next").disabled
    shown = html_of(checked(page.button(key="occurrence_previous").click().run()))
    assert 'leaves at <mark class="sw-here">noon</mark>. In winter' in shown


def test_the_same_answer_elsewhere_is_a_link_to_its_place(
    page: AppTest, folder: Path, hashing_encoder: Encoder
) -> None:
    again = "Of the ferry: in summer the ferry leaves at noon as well."
    (folder / "summer *times*.txt").write_text(again)
    with Store.open(folder / "store", encoder=hashing_encoder) as store:
        store.ingest([folder / "summer *times*.txt"])
    shown = ask(page, "When does the ferry leave, noon?")
    assert "Also found in" in shown
    result = page.session_state["answer_known"][1]
    own, links = (
        result.answers[0].document.id,
        [parse_qs(link.proto.query_string) for link in page.get("page_link")],
    )
    # the one of the answer itself, and the one of the other document
    (other,) = (link for link in links if "id" in link and link["id"] != [own])
    assert other["q"] == ["When does the ferry leave, noon?"]
    page.query_params |= {name: other[name][0] for name in ("id", "start", "end")}
    assert '<mark class="sw-here">noon</mark>' in html_of(visit(page, "document"))


def test_a_page_that_cannot_be_drawn_says_why_in_the_pages_language(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui.page.tabs import document as page_document

    ask(page, "When does the ferry leave, noon?")
    answer = page.session_state["answer_known"][1].answers[0]
    page.query_params |= {"id": answer.document.id, "start": "0", "end": "3", "lang": "zh"}
    monkeypatch.setattr(page_document, "_show_bar", lambda *_: True)
    for reason, said in (("encrypted", "文件需要密码"), ("damaged", "文件已损坏"), ("slow", "绘制耗时过长")):

        def fail(*_: object, reason: str = reason) -> None:
            raise NoPicture(reason)

        monkeypatch.setattr(page_document, "_picture", fail)
        assert f"无法绘制页面（{said}）；这里显示其文字。" in html_of(visit(page, "document"))


def test_a_document_that_is_not_there_is_said(page: AppTest) -> None:
    page.query_params |= {"id": "f" * 64, "start": "-3", "end": "x"}
    assert "no longer in the collection" in html_of(visit(page, "document"))


def test_a_page_left_open_sees_new_documents(page: AppTest, folder: Path, hashing_encoder: Encoder) -> None:
    question = "When does the library open, eleven?"
    assert "No answer in here" in ask(page, question)
    (folder / "library.txt").write_text("The library opens at eleven.")
    with Store.open(folder / "store", encoder=hashing_encoder) as store:
        store.ingest([folder / "library.txt"])
    shown = html_of(checked(page.run()))
    assert '<p class="sw-answer" dir="auto">eleven</p>' in shown


def test_an_empty_store_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANWISE_STORE", str(folder / "new"))
    page = checked(AppTest.from_file(APP, default_timeout=60).run())
    assert "Nothing to ask yet" in html_of(page)
    shown = ask(page, "When?")
    assert "Nothing to ask yet" in shown
    assert "Add documents" in [item.proto.label for item in page.get("page_link")]
    assert not page.get("popover") or all(
        box.proto.popover.label != "Cite and export" for box in page.get("popover")
    )


def test_a_reader_that_has_gone_is_named_with_a_way_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.services.library.load_reader", load_reader)
    with Store.open(folder / "store") as store:
        store.read_with(str(folder / "gone"))
    shown = html_of(checked(AppTest.from_file(APP, default_timeout=60).run()))
    assert f"There is no model folder {folder / 'gone'}" in shown
    assert "--models pocket" in shown


@pytest.mark.parametrize("tab", ["search", "map", "questionnaire", "teach"])
def test_the_tabs_of_an_empty_store_say_what_to_do(
    tab: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANWISE_STORE", str(folder / "new"))
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params["q"] = "When?"
    shown = html_of(visit(page, tab))
    assert "Nothing to ask yet" in shown
    assert "Add documents" in [item.proto.label for item in page.get("page_link")]
    assert "No answer in here" not in shown


@pytest.mark.parametrize("tab", ["ask", "search"])
def test_filters_that_leave_nothing_can_be_taken_away(tab: str, page: AppTest) -> None:
    page.query_params |= {"q": "When does the gate open, seven?", "type": "zzz", "since": "tomorrow"}
    assert "No passage fits the question and the filters" in html_of(visit(page, tab))
    shown = html_of(checked(page.button(key="look_everywhere").click().run()))
    assert "type" not in page.query_params
    assert "attack.txt" in shown


def test_a_question_of_any_length_fits_into_an_address(page: AppTest) -> None:
    ask(page, "very " * 1000)
    assert page.query_params["q"] == ("very " * 400).strip()
    assert "cut after 2,000 characters" in html_of(page)
    assert "cut after 2,000 characters" not in html_of(checked(page.run()))


def test_what_the_user_can_mend_is_said(
    folder: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANWISE_STORE", str(template / "documents"))
    page = checked(AppTest.from_file(APP, default_timeout=60).run())
    assert "That did not work" in html_of(page)
    assert "holds no store" in html_of(page)


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
def test_a_folder_chosen_in_a_filter_means_itself(name: str, folder: Path) -> None:
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
