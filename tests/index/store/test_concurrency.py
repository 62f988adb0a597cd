"""Readers and writers at once, in threads and processes: whole views, bounded waits, no locked database."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.errors import StoreLocked
from index.lexical.tantivy_index import LexicalIndex
from index.protocols import Encoder
from index.records import Filters, Mode
from index.search.retriever import Retriever
from index.snapshots.publisher import Publisher
from index.store.store import Store
from ingest.records import Text

ROOT = Path(__file__).parents[3]
NOTES = 8

PROCESS = """
import importlib.util, json, logging, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("fixtures_of_tests", "tests/conftest.py")
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.records import Text
from ingest.text.tokenizer import TextTokenizer
encoder = fixtures.HashingEncoder(TextTokenizer.from_file(Path("data/models/pocket/encoder/tokenizer.json")))
store = Store.open(sys.argv[1], encoder=encoder)
retriever = Retriever(store)
until = time.monotonic() + float(sys.argv[2])
faults, rounds = [], 0
print("ready", flush=True)
"""
READS = """
while time.monotonic() < until:
    rounds += 1
    for mode in ("lexical", "dense", "hybrid"):
        found = sorted(hit.document.path for hit in retriever.search("note", k=%(notes)d, mode=mode)
                       if hit.document.path.startswith("text:n"))
        if found != sorted(f"text:n{n}" for n in range(%(notes)d)):
            faults.append([mode, found])
print(json.dumps({"faults": faults[:5], "rounds": rounds}), flush=True)
"""
WRITES = """
while time.monotonic() < until:
    rounds += 1
    store.add([Text(id=f"{sys.argv[3]}{rounds %% 3}", text=f"Elsewhere {rounds} by {sys.argv[3]}.")])
print(json.dumps({"faults": faults, "rounds": rounds}), flush=True)
"""


def process(script: str, store: Path, seconds: float, *more: str) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", PROCESS + script % {"notes": NOTES}, str(store), str(seconds), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n", started.communicate()[1]
    return started


def said(started: subprocess.Popen[str]) -> dict[str, object]:
    out, errors = started.communicate(timeout=120)
    assert started.returncode == 0, errors
    report: dict[str, object] = json.loads(out)
    return report


def note(number: int, version: int) -> Text:
    return Text(id=f"n{number}", text=f"The note of version{version} says a{version}b{number}.")


@contextmanager
def reading(work: Callable[[], None], count: int = 1) -> Iterator[list[BaseException]]:
    """Threads that do something again and again, and what went wrong in them."""
    failures: list[BaseException] = []
    stop = threading.Event()

    def run() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def whole(store: Store, filters: Filters | None = None) -> None:
    """Every note once, in one of its versions, in every mode."""
    for mode in Mode:
        hits = Retriever(store).search("note", NOTES, mode, filters)
        assert sorted(hit.document.path for hit in hits) == sorted(f"text:n{n}" for n in range(NOTES)), mode


@pytest.mark.parametrize(
    "reader_of", ["the same object", pytest.param("another object", marks=pytest.mark.slow)]
)
def test_no_question_sees_half_an_update(store: Store, hashing_encoder: Encoder, reader_of: str) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    with Store.open(store.path, encoder=hashing_encoder) as other:
        reader = store if reader_of == "the same object" else other
        with reading(lambda: whole(reader)) as failures:
            for version in range(1, 5):
                store.add([note(number, version) for number in range(NOTES)])
                if version == 3:
                    store.compact(grace_seconds=0)
    assert not failures, failures
    assert store.check().ok


@pytest.mark.slow
def test_filters_see_the_same_state_as_the_index(store: Store, hashing_encoder: Encoder) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    (info, *_) = store.documents()
    everything = Filters(types=(info.type,))
    with (
        Store.open(store.path, encoder=hashing_encoder) as other,
        reading(lambda: whole(other, everything)) as failures,
    ):
        for version in range(1, 6):
            store.add([note(number, version) for number in range(NOTES)])
    assert not failures, failures


def test_lexical_index_ahead_of_the_manifest_costs_no_result(
    store: Store, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that comes between the lexical commit and the manifest finds every old passage, and k."""
    store.add([note(number, 0) for number in range(NOTES)])
    seen: list[int] = []
    written_state = Publisher._written_state

    def looked_at(publisher: Publisher, *arguments: object) -> object:
        made = written_state(publisher, *arguments)  # type: ignore[arg-type]
        with Store.open(store.path, encoder=hashing_encoder) as other:
            whole(other)
        seen.append(1)
        return made

    monkeypatch.setattr(Publisher, "_written_state", looked_at)
    monkeypatch.setattr("index.ingestion.publish_pace._FIRST_SECONDS", 1e9)
    store.add([note(number, 1) for number in range(NOTES)])
    store.add([Text(id=f"more{n}", text=f"The note beside, {n}.") for n in range(120)])
    assert len(seen) == 2


def test_reader_of_an_old_state_survives_a_purge(store: Store, hashing_encoder: Encoder) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    with Store.open(store.path, encoder=hashing_encoder) as other:
        whole(other)
        old = other.snapshot()
        newest, other_newest = other._index._newest, [old]

        def asleep(current: object) -> object:
            return other_newest.pop() if other_newest else newest(None)

        other._index._newest = asleep  # type: ignore[method-assign, assignment]
        store.add([note(number, 1) for number in range(NOTES)])
        store.compact(grace_seconds=0)
        whole(other)
        assert not other_newest


def test_grace_keeps_what_was_just_deleted(store: Store) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    old = store.snapshot()
    store.delete(["n1"])
    store.compact()
    assert len(store.catalog.passages.get(old.vectors.ids().tolist(), old.revision)) == NOTES
    store.compact(grace_seconds=0)
    assert len(store.catalog.passages.get(old.vectors.ids().tolist(), old.revision)) == NOTES - 1
    assert store.check().ok


@pytest.mark.slow
def test_a_clock_that_is_set_back_purges_nothing_too_early(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    store.delete(["n1"])
    now = time.time()
    monkeypatch.setattr("index.store.store.time.time", lambda: now - 10_000)
    store.delete(["n2"])
    store.compact()
    assert store.catalog.purge.purged_revision() == 0
    monkeypatch.setattr("index.store.store.time.time", lambda: now + 10_000)
    store.compact()
    assert store.catalog.purge.purged_revision() > 0
    assert store.check().ok
    whole_but = {hit.document.path for hit in Retriever(store).search("note", NOTES)}
    assert whole_but == {f"text:n{n}" for n in range(NOTES)} - {"text:n1", "text:n2"}


def test_who_holds_the_lock_is_said(
    store: Store, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.write_lock.LOCK_SECONDS", 1.2)
    with Store.open(store.path, encoder=hashing_encoder) as other, store._lock.writing("ingest"):
        started = time.monotonic()
        with pytest.raises(StoreLocked) as caught:
            other.add([note(1, 1)])
        assert 1 < time.monotonic() - started < 5
    assert re.search(r": ingest, process \d+, since \d\d:\d\d:\d\d \(waited 1 s\)", str(caught.value))
    assert "try again when it has finished, or end process" in caught.value.hint
    assert store.add([note(1, 1)]).added == 1


def test_damage_met_by_a_search_is_mended_on_the_way(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    store.snapshot()
    (fast,) = (store.path / "index").glob("lexical-*/*.term")
    store._index._snapshot = None
    # In place: a file that is cut while it is mapped into memory ends the process that looks at it.
    with fast.open("r+b") as file:
        file.write(bytes(fast.stat().st_size))
    whole(store)
    assert "rebuilt from the database" in caplog.text
    assert store.check().ok


@pytest.mark.slow
def test_processes_read_and_write_at_once(store: Store) -> None:
    store.add([note(number, 0) for number in range(NOTES)])
    seconds = 8.0
    workers = [process(READS, store.path, seconds) for _ in range(2)]
    workers += [process(WRITES, store.path, seconds, name) for name in ("w", "v")]
    until = time.monotonic() + seconds
    version = 0
    while time.monotonic() < until:
        version += 1
        store.add([note(number, version) for number in range(NOTES)])
        if version % 5 == 0:
            store.compact(grace_seconds=0)
        time.sleep(0.1)
    for worker in workers:
        report = said(worker)
        assert report["faults"] == []
        assert isinstance(report["rounds"], int)
        assert report["rounds"] >= 1
    assert store.check().ok


@pytest.mark.slow
def test_two_processes_make_one_store(tmp_path: Path) -> None:
    script = PROCESS.replace("Store.open(sys.argv[1], ", "Store.open(sys.argv[1], create=True, ")
    script += "store.add([Text(id=sys.argv[3], text='A note.')])\nprint(store.check().ok)"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "s"), "1", name],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in "abc"
    ]  # fmt: skip
    for worker in started:
        out, errors = worker.communicate(timeout=120)
        assert out == "ready\nTrue\n", errors


@pytest.mark.slow
def test_rest_of_a_dead_writer_is_published_by_the_next_reader(
    store: Store, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([note(number, 0) for number in range(NOTES)])

    def dies(*_: object, **__: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(LexicalIndex, "update", dies)
        with pytest.raises(SystemExit):
            store.add([note(number, 1) for number in range(NOTES)])
    with Store.open(store.path, encoder=hashing_encoder) as other:
        whole(other)
        (hit, *_) = Retriever(other).search("a1b3", k=1, mode="lexical")
        assert hit.document.path == "text:n3"
        assert other.check().ok
