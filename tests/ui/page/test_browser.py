"""The page in a real browser over a running `spanwise ui`: from an upload to the highlighted answer."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest

from ui.page.frame import TABS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[3]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
TOWN = (
    "The bridge of Ellery was opened by Agnes Thorne in 1902, and Agnes Thorne was the first to walk over "
    "it. The town council was founded in 1871. <script>document.title = 'owned'</script> "
    "<img src=x onerror=\"document.title = 'owned'\"> Its first mayor was Agnes Thorne, a schoolteacher."
)
OBSERVATORY = (
    "The observatory on the hill was designed by Ines Falk in 1926. Its great telescope was a gift of the "
    "glass makers, and its dome turns on rails that were laid for a coal mine.\n\nVisitors are let in on "
    "clear Fridays. The observatory closes when it rains."
)
ANNALS = (
    "In the year of the flood the town had no money for roads.\n\nStill the observatory on the hill was "
    "designed, and the designer of the observatory was Ines Falk."
)
QUESTION = "Who was the first mayor of the town council?"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(360),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    # Playwright leaves its event loop to the interpreter.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over a store of two documents, served by the command."""
    folder = tmp_path_factory.mktemp("browser")
    store = folder / "store"
    for name, text in (("observatory.txt", OBSERVATORY), ("annals.txt", ANNALS)):
        (folder / name).write_text(text)
    files = [str(folder / "observatory.txt"), str(folder / "annals.txt")]
    ingest = [sys.executable, "-m", "ui", "ingest", *files, "--store", str(store)]
    subprocess.run(ingest, cwd=ROOT, check=True, capture_output=True, timeout=240)
    with _served(store) as served:
        yield served


@contextmanager
def _served(store: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ui", "ui", "--headless", "--port", str(port), "--store", str(store)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            _wait_until_it_answers(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGTERM)
    # ending the command ended the page too
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_until_it_answers(url: str, server: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server does not answer")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(120_000)
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_selector(".sw-name")
    yield opened
    context.close()


def test_from_an_upload_to_the_highlighted_answer(page: Page, tmp_path: Path) -> None:
    document, unfit = tmp_path / "town <b>history.txt", tmp_path / "nothing.txt"
    document.write_text(TOWN)
    unfit.write_text("")
    page.get_by_role("link", name="Collection").click()
    page.locator('input[type="file"]').set_input_files([document, unfit])
    summary = page.locator(".sw-summary")
    summary.wait_for()
    assert "1 added" in summary.inner_text()
    assert "nothing.txt was left out: the file is empty" in summary.inner_text()

    # keyboard alone: the slash goes to the box, Enter asks
    page.get_by_role("link", name="Ask", exact=True).click()
    page.get_by_label("Question").wait_for()
    page.locator(".sw-name").click()
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".sw-passage mark").wait_for()
    assert page.locator(".sw-answer").inner_text() == "Agnes Thorne"
    assert page.locator(".sw-passage mark").all_inner_texts() == ["Agnes Thorne"]
    assert "town <b>history.txt" in page.locator(".st-key-answer .sw-path").first.inner_text()

    # the name stands there three times; the one that the question asks for is marked
    before = page.evaluate(
        """() => {
          const mark = document.querySelector('.sw-passage mark');
          const range = document.createRange();
          range.setStart(mark.parentNode, 0);
          range.setEndBefore(mark);
          return range.toString();
        }"""
    )
    assert before == TOWN[: TOWN.rindex("Agnes Thorne")]

    # what stands in a document is text: shown, never run
    assert "<script>document.title" in page.locator(".sw-passage").inner_text()
    assert page.locator(".sw-passage script, .sw-passage img").count() == 0
    assert page.title() == "Spanwise"


def test_the_first_files_can_be_asked_about_while_a_long_one_is_added_and_that_can_be_stopped(
    browser: Browser, tmp_path: Path
) -> None:
    files = [tmp_path / f"note{number}.txt" for number in range(4)]
    for number, file in enumerate(files):
        file.write_text(f"The lantern of pier {number} was lit by Ines Falk{number} in 190{number}.")
    sentence = "Chapter {0} of the long book tells how ship {0} met the storm off the northern cape. "
    book = tmp_path / "the-long-book.txt"
    book.write_text("\n\n".join(sentence.format(number) * 12 for number in range(2500)))
    with _served(tmp_path / "store") as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(120_000)
        page, asking = context.new_page(), context.new_page()
        page.goto(address)
        page.get_by_text("Nothing to ask yet").wait_for()
        page.get_by_role("link", name="Add documents").click()
        page.locator('input[type="file"]').set_input_files([*files, book])
        page.locator(".sw-work").wait_for()
        asking.goto(f"{address}?q=Who+lit+the+lantern+of+pier+3%3F")
        answer = asking.locator(".sw-answer")
        asking.get_by_text("Your documents are being added").or_(answer).first.wait_for()
        assert not asking.get_by_text("Nothing to ask yet").count()
        answer.wait_for()  # nobody has touched that page
        assert "Falk3" in answer.inner_text()
        page.get_by_text("the-long-book.txt: ").wait_for()
        # Streamlit has a button of that name too, in its own bar, while a script runs.
        page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped as you asked").wait_for()
        assert page.locator(".sw-facts dd").first.inner_text() == "4"
        context.close()


def test_a_shared_question_is_asked_on_opening_and_a_refusal_is_a_result(page: Page, address: str) -> None:
    page.goto(f"{address}?q=What+is+the+boiling+point+of+tungsten%3F")
    card = page.locator(".st-key-answer")
    card.wait_for()
    assert "No answer in here" in card.inner_text()
    # Streamlit fills the box by a message of its own, which may come after the card.
    box = page.get_by_label("Question").element_handle()
    page.wait_for_function("box => box.value === 'What is the boiling point of tungsten?'", arg=box)


def test_a_page_of_a_pdf_is_shown_with_the_answer_boxed_where_it_stands(page: Page, tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(tmp_path / "lighthouse.pdf"), pagesize=(400, 400))
    canvas.drawString(30, 360, "The lighthouse")
    canvas.showPage()
    canvas.setFont("Helvetica", 12)
    canvas.drawString(30, 200, "The lighthouse of Ellery was built by Ada Brand in 1849.")
    canvas.save()
    page.get_by_role("link", name="Collection").click()
    page.locator('input[type="file"]').set_input_files([tmp_path / "lighthouse.pdf"])
    # the summary of what was taken in before stays until this is done
    page.locator(".sw-summary").filter(has_text="1 added").filter(has_not_text="nothing.txt").wait_for()
    page.get_by_role("link", name="Ask", exact=True).click()
    _ask(page, "Who built the lighthouse of Ellery?")
    assert page.locator(".sw-answer").inner_text() == "Ada Brand"
    asked = page.url
    page.get_by_role("link", name="Open in document").first.click()
    picture = page.locator(".st-key-page_picture img")
    picture.wait_for()
    assert "Page 2 of" in (picture.get_attribute("alt") or "")
    page.wait_for_function("img => img.complete && img.naturalWidth > 0", arg=picture.element_handle())
    yellow = page.evaluate(
        """(img) => { const canvas = document.createElement('canvas');
          canvas.width = 400; canvas.height = 400;
          const paint = canvas.getContext('2d'); paint.drawImage(img, 0, 0, 400, 400);
          const data = paint.getImageData(0, 0, 400, 400).data; const found = [];
          for (let y = 0; y < 400; y++) for (let x = 0; x < 400; x++) { const at = 4 * (400 * y + x);
            if (data[at] - data[at + 2] > 40) found.push([x, y]); }
          const xs = found.map(p => p[0]), ys = found.map(p => p[1]);
          return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]; }""",
        picture.element_handle(),
    )
    # a point of the sheet is a pixel here: the line stands at 200, "Ada Brand" behind 37 letters
    from reportlab.pdfbase.pdfmetrics import stringWidth

    left = 30 + stringWidth("The lighthouse of Ellery was built by ", "Helvetica", 12)
    wanted = (left, 188, left + stringWidth("Ada Brand", "Helvetica", 12), 204)
    assert yellow == pytest.approx(wanted, abs=4)
    _photograph(page, tmp_path, "document")
    page.go_back()
    page.locator(".sw-answer").wait_for()
    assert page.url == asked
    page.reload()
    page.locator(".sw-answer").wait_for()
    assert page.locator(".sw-answer").inner_text() == "Ada Brand"


def test_back_leads_to_the_question_before_and_sessions_do_not_meet(browser: Browser, page: Page) -> None:
    first, second = "Who was the first mayor?", "What is the boiling point of tungsten?"
    _ask(page, first)
    _ask(page, second)
    other = browser.new_page()
    other.goto(page.url.partition("?")[0])
    other.get_by_label("Question").wait_for()
    assert other.get_by_label("Question").input_value() == ""
    page.go_back()
    box = page.get_by_label("Question").element_handle()
    page.wait_for_function("([box, text]) => box.value === text", arg=[box, first])
    assert other.locator(".sw-answer").count() == 0
    other.close()


def test_two_sessions_that_ask_at_once_get_each_its_own_answer(
    browser: Browser, page: Page, address: str
) -> None:
    context = browser.new_context()
    context.set_default_timeout(120_000)
    other = context.new_page()
    other.goto(address)
    asked = {
        page: (("Who designed the observatory?", "Ines Falk"), ("When does the observatory close?", "rains")),
        other: (
            ("What was a gift of the glass makers?", "telescope"),
            ("When are visitors let in?", "Fridays"),
        ),
    }
    for turn in (0, 1):
        for session, questions in asked.items():
            session.get_by_label("Question").fill(questions[turn][0])
        for session in asked:
            session.get_by_label("Question").press("Enter")
        for session, questions in asked.items():
            question, words = questions[turn]
            session.wait_for_url(re.compile(re.escape(quote_plus(question))))
            _wait_until_still(session)
            assert words in session.locator(".sw-answer").first.inner_text()
            assert session.get_by_label("Question").input_value() == question
    context.close()


def test_the_page_speaks_the_language_of_the_browser(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="zh-CN")
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="提问", exact=True).wait_for()
    page.wait_for_function("document.documentElement.lang === 'zh'")
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="Ask", exact=True).wait_for()
    assert "lang=en" in page.url
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_tab_fits_can_be_read_by_all_and_is_quiet(
    browser: Browser,
    address: str,
    scheme: str,
    width: int,
    tmp_path: Path,
    serious_faults: Callable[[Page], list[str]],
) -> None:
    page = _opened(browser, scheme, width)
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto(f"{address}?q=Who+designed+the+observatory%3F")
    page.locator(".sw-passage").wait_for()
    faults: dict[str, list[str]] = {}
    for tab in (TABS[0], "document", *TABS[1:]):
        if tab == "document":
            page.get_by_role("link", name="Open in document").first.click()
            page.locator("mark.sw-here").wait_for()
        elif tab != TABS[0]:
            page.locator(f'.st-key-frame a[href*="{tab}"]').click()
        _wait_until_still(page)
        _photograph(page, tmp_path, f"{tab}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        if serious := serious_faults(page):
            faults[tab] = serious
    page.context.close()
    assert faults == {}
    assert noise == []


def test_the_other_document_that_says_the_same_opens_at_its_own_place(page: Page, address: str) -> None:
    page.goto(f"{address}?q=Who+designed+the+observatory%3F")
    page.locator(".st-key-also_in a").click()
    mark = page.locator("mark.sw-here")
    mark.wait_for()
    assert mark.inner_text() in ("Falk", "Ines Falk")
    title = page.locator(".sw-document-head h1").inner_text()
    before = page.locator(".sw-document").inner_text().partition("Ines Falk")[0]
    assert before.endswith("designer of the observatory was " if title == "annals" else "was designed by ")
    page.get_by_role("link", name="Back to the answer").click()
    page.locator(".st-key-also_in a").wait_for()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_what_is_folded_away_fits_and_can_be_read_by_all(
    browser: Browser,
    address: str,
    scheme: str,
    width: int,
    tmp_path: Path,
    serious_faults: Callable[[Page], list[str]],
) -> None:
    page = _opened(browser, scheme, width)
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        _wait_until_still(page)
        _photograph(page, tmp_path, f"{name}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if serious := serious_faults(page):
            faults[name] = serious

    page.goto(f"{address}?q=Who+designed+the+observatory%3F")
    page.locator(".sw-passage").wait_for()
    for button, inside in (
        ("Filters", "File type"),
        ("Answer settings", "Passages to read"),
        ("History", "Who designed the observatory?"),
        ("Cite and export", "Link to this result"),
    ):
        page.get_by_role("button", name=button).click()
        page.get_by_text(inside).last.wait_for()
        look(button.lower().replace(" ", "-"))
        page.keyboard.press("Escape")
    page.get_by_text("Why this answer").click()
    page.locator(".sw-scores").first.wait_for()
    page.get_by_text("Passages read").click()
    page.locator(".sw-hits").wait_for()
    look("folds")
    page.locator('.st-key-frame a[href*="collection"]').click()
    page.get_by_text("Statistics").click()
    page.locator(".sw-bars").first.wait_for()
    page.get_by_text("File report").click()
    page.get_by_test_id("stDownloadButton").filter(has_text="Download as CSV").wait_for()
    look("collection-folds")
    page.context.close()
    assert faults == {}


def _opened(browser: Browser, scheme: str, width: int) -> Page:
    """A new session of that look."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(120_000)
    return context.new_page()


def _ask(page: Page, question: str) -> None:
    box = page.get_by_label("Question")
    box.fill(question)
    box.press("Enter")
    page.wait_for_url(lambda url: quote_plus(question) in url)
    _wait_until_still(page)
    page.locator(".sw-answer").first.wait_for()


def _wait_until_still(page: Page) -> None:
    page.wait_for_timeout(300)
    page.wait_for_function(
        "document.querySelector('.stApp').getAttribute('data-test-script-state') === 'notRunning'"
    )
    page.wait_for_timeout(300)


def _photograph(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=Path(os.environ.get("SPANWISE_SCREENSHOTS", folder)) / f"{name}.png")
