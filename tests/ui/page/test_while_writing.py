"""The page stays open while another process adds, updates, deletes, compacts and repairs, and is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import qa.explanation.explainer  # noqa: F401 - what the page imports is there before its time is counted
from index.protocols import Encoder
from index.store.store import Store

ROOT = Path(__file__).parents[3]
SECONDS = 8.0
WRITES = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("fixtures_of_tests", "tests/conftest.py")
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
from index.store.store import Store
from ingest.records import Text
from ingest.text.tokenizer import TextTokenizer
encoder = fixtures.HashingEncoder(TextTokenizer.from_file(Path("data/models/pocket/encoder/tokenizer.json")))
folder, rounds = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    rounds += 1
    with Store.open(folder / "store", encoder=encoder) as store:
        store.add([Text(id=f"n{n}", text=f"Shed {n} of the ferry, told {rounds} times.") for n in range(6)])
        store.delete([f"n{n}" for n in range(3)])
        store.compact(grace_seconds=0)
        if rounds % 3 == 0:
            store.repair()
    print(rounds, flush=True)
"""


@pytest.fixture
def writer(page_folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WRITES, str(page_folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        yield started
        started.kill()


@pytest.mark.slow
def test_an_open_page_answers_whatever_another_process_does(
    writer: subprocess.Popen[str],
    page_folder: Path,
    hashing_encoder: Encoder,
    open_tab: Callable[[str], AppTest],
    html_of: Callable[[AppTest], str],
) -> None:
    page, rounds, until = open_tab("ask"), 0, time.monotonic() + SECONDS
    while time.monotonic() < until or rounds < 4:
        question = ("When does the gate open, seven?", "When does the ferry leave, noon?")[rounds % 2]
        page.text_input(key="question_box").set_value(question)
        next(button for button in page.button if button.label == "Ask").click().run()
        answer = question.rstrip("?").split()[-1]
        assert f'<p class="sw-answer" dir="auto">{answer}</p>' in html_of(page)
        rounds += 1
    assert writer.poll() is None
    writer.kill()
    assert writer.stdout is not None
    assert len(writer.stdout.read().split()) >= 2
    html_of(page.run())
    with Store.open(page_folder / "store", encoder=hashing_encoder) as store:
        assert store.check().ok
