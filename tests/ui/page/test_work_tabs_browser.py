"""The journeys of those who work with the page, in a real browser: teach to export, questionnaire to CSV.

They start `spanwise ui` as a user does; skipped where playwright or Chromium is missing.
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from index.store.store import Store
from ingest.records import Text
from qa.squad.dataset import read_squad

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="Chromium is not installed"),
]
ROOT = Path(__file__).parents[3]
# The emoji count as two in a browser and as one here; the name stands there twice.
TOWN = (
    "😀🎣 Ellery lies by the sea. Agnes Thorne was a fisher.\n\n"
    "In 1921 the first mayor of Ellery was elected: Agnes Thorne. <b>She</b> served 12 years."
)
QUESTION = "Who was the first mayor of Ellery?"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page over a store with one document."""
    store = tmp_path_factory.mktemp("desk") / "store"
    with Store.open(store, create=True) as opened:
        opened.add([Text(id="town", title="Ellery", text=TOWN)])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ui", "ui", "--headless", "--port", str(port), "--store", str(store)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(900):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1300, "height": 1000}, locale="en-GB")
        context.set_default_timeout(120_000)
        yield context.new_page()
        browser.close()


def picture(page: Page, name: str, tmp_path: Path) -> None:
    page.screenshot(path=Path(os.environ.get("SPANWISE_SCREENSHOTS", tmp_path)) / f"{name}.png")


def test_words_selected_with_the_mouse_are_exported_at_their_offsets(
    page: Page, address: str, tmp_path: Path, serious_faults: Callable[[Page], list[str]]
) -> None:
    page.goto(f"{address}/teach?q={QUESTION.replace(' ', '+')}")
    box = page.locator(".sw-selecting")
    box.wait_for()
    assert box.inner_text() == TOWN
    assert box.locator("b").count() == 0
    box.scroll_into_view_if_needed()
    # The second "Agnes Thorne", by the places of its first and last letter on the screen.
    ends = page.evaluate(
        """(words) => {
          const box = document.querySelector('.sw-selecting');
          const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
          const letters = [];
          for (let node = walker.nextNode(); node; node = walker.nextNode())
            for (let at = 0; at < node.data.length; at += 1) letters.push([node, at]);
          const whole = letters.map(([node, at]) => node.data[at]).join('');
          const rectangle = (index) => {
            const range = document.createRange();
            range.setStart(...letters[index]);
            range.setEnd(letters[index][0], letters[index][1] + 1);
            const found = range.getBoundingClientRect();
            return [found.left, found.right, (found.top + found.bottom) / 2];
          };
          const first = whole.lastIndexOf(words);
          return [rectangle(first), rectangle(first + words.length - 1)];
        }""",
        "Agnes Thorne",
    )
    (left, _, top), (_, right, bottom) = ends
    page.mouse.move(left + 0.5, top)
    page.mouse.down()
    page.mouse.move((left + right) / 2, top, steps=4)
    page.mouse.move(right - 0.5, bottom, steps=4)
    page.mouse.up()
    chosen = page.get_by_role("button", name="These are the right words")
    chosen.wait_for()
    picture(page, "teach", tmp_path)
    chosen.click()
    page.get_by_text("Saved.").first.wait_for()
    assert serious_faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as SQuAD 2.0").click()
    file = tmp_path / "verdicts.json"
    download.value.save_as(file)
    (example,) = read_squad(file).examples
    (answer,) = example.answers
    assert (example.question, answer.text) == (QUESTION, "Agnes Thorne")
    assert example.context[answer.start : answer.start + len(answer.text)] == "Agnes Thorne"
    content = json.loads(file.read_text(encoding="utf-8"))
    (said,) = content["data"][0]["paragraphs"][0]["qas"][0]["verdicts"]
    assert said["start"] == TOWN.rindex("Agnes Thorne")


def test_a_questionnaire_goes_on_through_a_refresh_and_ends_as_csv(
    page: Page, address: str, tmp_path: Path, serious_faults: Callable[[Page], list[str]]
) -> None:
    page.goto(f"{address}/questionnaire")
    page.get_by_label("One question per line").fill(f"{QUESTION}\nHow many years did the mayor serve?")
    page.get_by_role("button", name="Ask all").click()
    page.locator(".sw-work").first.wait_for()
    page.reload()
    page.get_by_role("button", name="Download CSV").wait_for()
    picture(page, "questionnaire", tmp_path)
    assert serious_faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    file = tmp_path / "answers.csv"
    download.value.save_as(file)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert rows[0]["question"] == QUESTION
    assert rows[0]["answer"] == "Agnes Thorne"
    assert rows[0]["title"] == "Ellery"
    assert TOWN[int(rows[0]["start"]) : int(rows[0]["end"])] == "Agnes Thorne"


def test_two_sessions_watch_one_job_and_both_see_it_end(page: Page, address: str) -> None:
    page.goto(f"{address}/questionnaire")
    page.get_by_label("One question per line").fill(f"{QUESTION}\nWho was a fisher?\nWhere does Ellery lie?")
    page.get_by_role("button", name="Ask all").click()
    page.locator(".sw-work").first.wait_for()
    assert page.context.browser is not None
    other = page.context.browser.new_context(locale="en-GB").new_page()
    other.set_default_timeout(120_000)
    other.goto(f"{address}/questionnaire")
    other.locator(".sw-work").first.wait_for()
    # Neither is touched from here on.
    for session in (page, other):
        session.get_by_text("3 of 3 answered").wait_for()
        session.get_by_role("button", name="Download CSV").wait_for()
        assert session.locator(".sw-track").count() == 0
