"""Encoding beside committing: the order stays, and a failure in between loses nothing that was done."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from index.ingestion import publish_pace
from index.ingestion.publish_pace import PublishPace
from index.protocols import Encoder, Vectors
from index.records import IngestProgress
from index.search.retriever import Retriever
from index.store.store import Store
from index.store.store_index import StoreIndex
from ingest.records import Text


def long_text(name: str, paragraphs: int) -> Text:
    words = "harbour ferries lantern windmill orchard granite meadow thunder village mountain " * 12
    return Text(id=name, text="\n\n".join(f"{name} {n}: {words}." for n in range(paragraphs)), title=name)


def test_a_failing_encoder_loses_only_its_own_batch(
    tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, calls, threads = hashing_encoder.encode_passages, [], set()

    def failing(texts: Sequence[str]) -> Vectors:
        calls.append(len(texts))
        threads.add(threading.current_thread().name)
        if len(calls) == 2:
            raise RuntimeError("out of breath")
        return encode(texts)

    monkeypatch.setattr(hashing_encoder, "encode_passages", failing)
    texts = [long_text("first", 40), long_text("second", 300), long_text("third", 300)]
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as store:
        with pytest.raises(RuntimeError, match="out of breath"):
            store.add(texts)
        assert [info.path for info in store.documents()] == ["text:first"]
        assert store.stats().passages == calls[0]
        assert threading.current_thread().name not in threads
        store.add(texts)
        assert [info.path for info in store.documents()] == ["text:first", "text:second", "text:third"]
        assert store.check().ok


def test_a_long_document_is_watched_and_given_up_within_a_batch(
    tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, calls = hashing_encoder.encode_passages, []

    def slow(texts: Sequence[str]) -> Vectors:
        calls.append(len(texts))
        time.sleep(0.01 * len(texts))
        return encode(texts)

    seen: list[IngestProgress] = []

    def watch(progress: IngestProgress) -> None:
        seen.append(progress)
        if progress.encoded:
            raise KeyboardInterrupt

    monkeypatch.setattr(hashing_encoder, "encode_passages", slow)
    monkeypatch.setattr("index.ingestion.run._LOOK_SECONDS", 0.1)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("The harbour has a lantern.")
    (folder / "b.txt").write_text(long_text("book", 250).text)
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as store:
        with pytest.raises(KeyboardInterrupt):
            store.ingest([folder], progress=watch)
        assert [Path(info.path).name for info in store.documents()] == ["a.txt"]
        assert [hit.document.title for hit in Retriever(store).search("lantern")] == ["a"]
    assert [(Path(item.path).name, item.done) for item in seen if item.path] == [("a.txt", 1)]
    last = seen[-1]
    assert (Path(last.current).name, last.path, last.passages) == ("b.txt", "", 0)
    assert 0 < last.encoded < last.to_encode
    assert sum(calls[1:]) <= last.encoded + 2 * 64


def test_the_first_publication_is_early_and_all_cost_a_few_per_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    now, published = [100.0], []

    class Clock:
        monotonic = staticmethod(lambda: now[0])

    def publish() -> None:
        published.append(now[0])
        now[0] += 0.25

    monkeypatch.setattr(publish_pace, "time", Clock)
    pace = PublishPace(publish)
    pace.publish_if_due()
    while now[0] < 160:
        now[0] += 0.5
        pace.committed()
    assert published[0] == 102.0
    assert {late - early for early, late in pairwise(published)} == {7.75}
    now[0] += 3600
    pace.publish_if_due()
    published.clear()
    pace.publish_if_due()
    assert not published


SLOWLY = """
import importlib.util, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("fixtures_of_tests", "tests/conftest.py")
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
from index.ingestion import publish_pace
from index.store.store import Store
from ingest.text.tokenizer import TextTokenizer
publish_pace._FIRST_SECONDS = publish_pace._LEAST_SECONDS = publish_pace._TIMES_ITS_COST = 0.0
encoder = fixtures.HashingEncoder(TextTokenizer.from_file(Path("data/models/pocket/encoder/tokenizer.json")))
encode = encoder.encode_passages
def slow(texts):
    time.sleep(0.02 * len(texts))
    return encode(texts)
encoder.encode_passages = slow
with Store.open(sys.argv[1], create=True, encoder=encoder) as store:
    print("open", flush=True)
    store.ingest([sys.argv[2]])
"""


def test_a_first_ingest_can_be_searched_while_it_runs_and_after_it_is_killed(
    tmp_path: Path, hashing_encoder: Encoder
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.txt").write_text(long_text(f"Note {number}", 8).text)
    command = [sys.executable, "-c", SLOWLY, str(tmp_path / "store"), str(folder)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with Store.open(tmp_path / "store", encoder=hashing_encoder) as store:
            retriever, until, revisions = Retriever(store), time.monotonic() + 60, set[int]()
            while len(revisions) < 2 and time.monotonic() < until:
                if retriever.search("harbour"):
                    revisions.add(store.snapshot().revision)
            assert len(revisions) == 2
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
    with Store.open(tmp_path / "store", encoder=hashing_encoder) as store:
        assert store.check().ok
        assert 0 < store.stats().documents < 120
        assert store.snapshot().revision == store.stats().revision


def test_sql_ahead_of_the_indexes_is_in_order(
    tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit(9)

    for name, dying in (("killed at once", ("publish", "publish_empty")), ("killed later", ("publish",))):
        with Store.open(tmp_path / name, create=True, encoder=hashing_encoder) as store:
            with monkeypatch.context() as patch:
                patch.setattr(StoreIndex, "publish", die)
                patch.setattr(StoreIndex, dying[-1], die if len(dying) == 1 else lambda *_: None)
                with pytest.raises(SystemExit):
                    store.add([long_text("first", 2)])
                patch.setattr(store._lock, "writable", False)
                assert store.check().ok  # a folder that cannot be written to stays as it is
            assert store.check().ok
            assert [hit.document.path for hit in Retriever(store).search("harbour", k=1)] == ["text:first"]
            assert store.check().ok
