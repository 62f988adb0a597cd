"""The page in a real browser over a running `spanwise ui`: from an upload to the highlighted answer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
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
    """A page with an empty store, served by the command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = tmp_path_factory.mktemp("browser") / "store"
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
    page.get_by_role("link", name="Ask").click()
    page.get_by_label("Question").wait_for()
    page.locator(".sw-name").click()
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".sw-passage mark").wait_for()
    assert page.locator(".sw-answer").inner_text() == "Agnes Thorne"
    assert page.locator(".sw-passage mark").all_inner_texts() == ["Agnes Thorne"]
    assert "town <b>history.txt" in page.locator(".sw-card .sw-path").first.inner_text()

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


def test_a_shared_question_is_asked_on_opening_and_a_refusal_is_a_result(page: Page, address: str) -> None:
    page.goto(f"{address}?q=What+is+the+boiling+point+of+tungsten%3F")
    card = page.locator(".sw-card")
    card.wait_for()
    assert "No answer in here" in card.inner_text()
    # Streamlit fills the box by a message of its own, which may come after the card.
    box = page.get_by_label("Question").element_handle()
    page.wait_for_function("box => box.value === 'What is the boiling point of tungsten?'", arg=box)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_fits_and_is_readable(
    browser: Browser, address: str, scheme: str, width: int, tmp_path: Path
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(f"{address}?q=Who+was+the+first+mayor%3F")
    page.locator(".sw-card").first.wait_for()
    folder = Path(os.environ.get("SPANWISE_SCREENSHOTS", tmp_path))
    page.screenshot(path=folder / f"page-{scheme}-{width}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in (".sw-answer", ".sw-note", ".sw-kicker", ".sw-name"):
        assert _contrast(page, selector) >= 4.5, selector
    context.close()


def _contrast(page: Page, selector: str) -> float:
    """The WCAG contrast of an element's text with the page's ground."""
    ratio = page.evaluate(
        """(selector) => {
          const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
          canvas.canvas.width = canvas.canvas.height = 1;
          const paint = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
          const light = (rgb) => { const [r, g, b] = rgb.map((part) => { const c = part / 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const ground = getComputedStyle(document.querySelector('.stApp')).backgroundColor;
          const under = light(paint(ground));
          const over = light(paint(getComputedStyle(document.querySelector(selector)).color));
          return (Math.max(under, over) + 0.05) / (Math.min(under, over) + 0.05);
        }""",
        selector,
    )
    return float(ratio)
