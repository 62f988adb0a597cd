"""Large segments in a store: built beside ingestion, measured, kept, mended, thrown away when overtaken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.dense import faiss_segment as vectors
from index.dense import segment_writer as writing
from index.dense.index_kinds import AIMED_RECALL, AUTO, EXACT, Effort, IndexRules, efforts
from index.dense.manifest import ApproximateFile, Manifest, SegmentFile
from index.errors import StoreError
from index.protocols import Encoder
from index.records import FileState
from index.snapshots.background_build import Work, due
from index.sql.catalog import NewDocument
from index.store import store_index as store_module
from index.store.store import Store
from ingest.conversion.parser_pool import document_from_text
from ingest.records import Document, Passage, Text

WIDTH = 64
LEAST = 320
KIND = "IVF8,SQ8"


def fill(store: Store, name: str, count: int) -> None:
    """One document of so many passages, whose vectors stand around a few centres."""
    random = np.random.default_rng(len(name) + count)
    words = [f"w{number}" for number in range(count)]
    document = document_from_text(Text(id=name, text=" ".join(words)))
    assert isinstance(document, Document)
    starts = np.cumsum([0, *(len(word) + 1 for word in words[:-1])]).tolist()
    passages = tuple(
        Passage(text=word, start=start, end=start + len(word), page=None, headings=())
        for word, start in zip(words, starts, strict=True)
    )
    rows = random.normal(size=(12, WIDTH))[random.integers(0, 12, count)] + random.normal(size=(count, WIDTH))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    vectors = {number: row for number, row in enumerate(rows)}
    with store._lock.writing():
        store._ready_encoder()
        new = NewDocument(document=document, passages=passages, vectors=vectors)
        store.catalog.write(new, document.path, FileState.now(1, 1), "hashing-1")
        store._index.publish()


@pytest.fixture
def store(tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store whose segments of some hundred vectors are inverted files."""
    monkeypatch.setattr(store_module, "_LEAST_CHOSEN", LEAST)
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as opened:
        opened._index.record_kind(KIND, lambda: WIDTH)
        yield opened


def settled(store: Store) -> Manifest:
    """The manifest when nothing is being built any more."""
    store._index.builder.finish()
    manifest = Manifest.read(store.path / "index")
    assert manifest is not None
    return manifest


def kinds_of(manifest: Manifest) -> list[str | None]:
    return [entry.approximate.kind if entry.approximate else None for entry in manifest.segments]


def found_ids(store: Store, k: int, seed: int = 1) -> list[int]:
    query = np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)
    found = store.snapshot().vectors.search(query / np.linalg.norm(query), k)
    return [int(passage_id) for passage_id in found.ids]


def test_large_segment_is_built_after_the_commit_and_measured(store: Store) -> None:
    fill(store, "a", 400)
    manifest = settled(store)
    assert kinds_of(manifest) == [KIND]
    (entry,) = manifest.segments
    assert entry.recall is not None
    assert entry.recall >= AIMED_RECALL
    assert entry.approximate is not None
    assert entry.approximate.trained == 400
    info = store.stats().index
    assert (info.setting, info.vectors, info.measured_recall) == (KIND, 400, entry.recall)
    assert (info.kind, info.advice) == (f"{KIND}, 1 segment", None)
    assert store.check().ok


def test_commits_can_be_searched_while_a_large_build_runs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    build = vectors.build_approximate

    def slow(*arguments: Any, **options: Any) -> None:
        begun.set()
        assert go_on.wait(30)
        build(*arguments, **options)

    monkeypatch.setattr(writing, "build_approximate", slow)
    try:
        fill(store, "a", 400)
        assert begun.wait(30)
        assert len(found_ids(store, 500)) == 400
        fill(store, "b", 20)
        fill(store, "c", 10)
        assert len(found_ids(store, 500)) == 430
        published = Manifest.read(store.path / "index")
        assert published is not None
        assert kinds_of(published) == [None, None]
    finally:
        go_on.set()
    manifest = settled(store)
    assert kinds_of(manifest) == [KIND, None]
    assert len(found_ids(store, 500)) == 430
    assert store.check().ok


def test_overtaken_build_is_thrown_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    adopt = store._index.publisher.adopt
    adopted: list[bool] = []
    rules = IndexRules(setting=KIND, least=LEAST)

    def overtaken(*arguments: Any) -> bool:
        if not adopted:
            # As if another process had replaced the segments in the meantime.
            store._index.publisher.publish("hashing-1", WIDTH, rules, from_scratch=True)
        adopted.append(adopt(*arguments))
        return adopted[-1]

    monkeypatch.setattr(store._index.publisher, "adopt", overtaken)
    fill(store, "a", 400)
    assert kinds_of(settled(store)) == [KIND]
    assert adopted == [False, True]
    assert store.check().ok


def test_training_is_kept_until_the_size_has_doubled(store: Store) -> None:
    def trained() -> list[int]:
        return [entry.approximate.trained for entry in settled(store).segments if entry.approximate]

    fill(store, "a", 400)
    assert trained() == [400]
    fill(store, "b", 300)
    assert trained() == [400]
    fill(store, "c", 310)
    assert trained() == [1010]
    assert store.check().ok


def test_deleted_share_is_dropped_when_it_is_large(store: Store) -> None:
    for name, count in (("a", 330), ("b", 90), ("cc", 150)):
        fill(store, name, count)
        before = settled(store)
    store.delete(["b"])
    assert settled(store).segments == before.segments
    assert len(found_ids(store, 999)) == 480
    store.delete(["cc"])
    (entry,) = settled(store).segments
    assert entry.vectors == 330
    assert entry.approximate is not None
    store.delete(["a"])
    assert settled(store).segments == ()
    assert found_ids(store, 5) == []
    assert store.check().ok


def test_old_reader_keeps_its_snapshot(store: Store) -> None:
    fill(store, "a", 400)
    fill(store, "b", 50)
    settled(store)
    snapshot = store.snapshot()
    query = np.eye(WIDTH, dtype=np.float32)[3]
    before = snapshot.vectors.search(query, 50).ids.tolist()
    store.delete(["a"])
    store.compact(index="HNSW8,SQ8")
    assert snapshot.vectors.search(query, 50).ids.tolist() == before
    assert len(found_ids(store, 999)) == 50


@pytest.mark.parametrize("how", ["removed", "truncated", "flipped"])
def test_damaged_approximate_index_is_scanned_and_built_again(
    store: Store, hashing_encoder: Encoder, how: str
) -> None:
    fill(store, "a", 400)
    settled(store)
    damage(store, "*.approximate", how)
    with Store.open(store.path, encoder=hashing_encoder) as other:
        assert len(found_ids(other, 500)) == 400
        assert any(".approximate does not match" in problem for problem in other.check().problems)
        fill(other, "b", 10)
        assert kinds_of(settled(other)) == [KIND, None]
        assert other.check().ok


@pytest.mark.parametrize("how", ["removed", "truncated", "flipped"])
def test_damaged_exact_file_is_made_again(store: Store, hashing_encoder: Encoder, how: str) -> None:
    fill(store, "a", 400)
    settled(store)
    expected = found_ids(store, 20)
    damage(store, "vectors-*.faiss", how)
    with Store.open(store.path, encoder=hashing_encoder) as other:
        assert any("does not match its checksum" in problem for problem in other.check().problems)
        assert other.repair().ok
        assert kinds_of(settled(other)) == [KIND]
        assert len(np.intersect1d(found_ids(other, 20), expected)) >= 19


def damage(store: Store, pattern: str, how: str) -> None:
    (file,) = (store.path / "index").glob(pattern)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.unlink()  # not in place: the open store has mapped it
    if how != "removed":
        file.write_bytes(data if how == "flipped" else data[: len(data) // 2])


def test_failed_build_leaves_an_exact_store(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(writing, "build_approximate", fail)
    fill(store, "a", 400)
    assert kinds_of(settled(store)) == [None]
    assert "no room" in caplog.text
    assert len(found_ids(store, 30)) == 30


def test_interrupted_writer_leaves_the_build_to_the_next(store: Store, hashing_encoder: Encoder) -> None:
    def interrupted() -> None:
        with Store.open(store.path, encoder=hashing_encoder) as other:
            other._index.builder._stopped.set()
            fill(other, "a", 400)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert kinds_of(settled(store)) == [None]
    (store.path / "index" / "building" / "left.over").write_bytes(b"x")
    fill(store, "b", 10)
    assert kinds_of(settled(store)) == [KIND, None]
    assert not (store.path / "index" / "building" / "left.over").exists()


def test_setting_is_recorded_and_auto_returns_to_size(store: Store, hashing_encoder: Encoder) -> None:
    fill(store, "a", 400)
    settled(store)
    assert json.loads((store.path / "store.json").read_text())["index"] == KIND
    with Store.open(store.path, encoder=hashing_encoder) as other:
        assert other.stats().index.setting == KIND
        assert other.compact(index="HNSW8,SQ8").kind == "HNSW8,SQ8, 1 segment"
        assert other.compact().setting == "HNSW8,SQ8"
        info = other.compact(index=AUTO)
    assert (info.kind, info.setting) == (f"exact ({EXACT}), 1 segment", AUTO)


def test_bad_setting_changes_nothing(store: Store) -> None:
    fill(store, "a", 400)
    before = settled(store)
    with pytest.raises(StoreError, match="'IVF9,nonsense'"):
        store.compact(index="IVF9,nonsense")
    assert store.stats().index.setting == KIND
    assert settled(store) == before


def test_kind_that_cannot_serve_yet_says_so(store: Store) -> None:
    fill(store, "a", 400)
    info = store.compact(index="IVF4096,SQ8")
    assert info.kind.startswith("exact")
    assert info.advice is not None
    assert "159,744" in info.advice


def test_low_recall_says_what_to_raise(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.dense.recall.measured_recall", lambda *_: 0.5)
    fill(store, "a", 400)
    settled(store)
    advice = store.stats().index.advice
    assert advice is not None
    assert "0.500" in advice
    assert "spanwise compact --index" in advice


def test_manifest_of_the_first_format_is_read(store: Store, hashing_encoder: Encoder) -> None:
    store._index.record_kind(AUTO, lambda: WIDTH)
    fill(store, "a", 50)
    path = store.path / "index" / "manifest.json"
    data = json.loads(path.read_text())
    data["format"], data["measured_recall"] = 1, 1.0
    for segment in data["segments"]:
        del segment["recall"], segment["approximate"]
    path.write_text(json.dumps(data))
    files = sorted(file.name for file in path.parent.glob("vectors-*"))
    with Store.open(store.path, encoder=hashing_encoder) as other:
        assert len(found_ids(other, 30)) == 30
        assert other.stats().index.measured_recall == 1.0
        assert other.check().ok
    assert sorted(file.name for file in path.parent.glob("vectors-*")) == files


# -- rules ---------------------------------------------------------------------------------------------------


def entry(name: str, vectors: int, kind: str | None = None, trained: int = 0) -> SegmentFile:
    near = ApproximateFile(
        file=f"{name}.near",
        bytes=1,
        sha256="",
        kind=kind or "",
        trained=trained,
        effort=Effort(probes=1, candidates=1),
    )
    return SegmentFile(file=name, vectors=vectors, bytes=1, sha256="", approximate=near if kind else None)


RULES = IndexRules(setting="IVF8,SQ8", least=1000)
GOOD = entry("a", 9000, "IVF8,SQ8", 9000)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry("a", 900)], None),
        ([entry("a", 1000)], (["a"], False)),
        ([GOOD, entry("b", 900)], None),
        ([GOOD, entry("b", 900), entry("c", 300)], (["b", "c"], True)),
        ([GOOD, entry("b", 2250, "IVF8,SQ8", 2250)], (["a", "b"], True)),
        ([entry("a", 9000, "IVF8,SQ8", 4000)], (["a"], False)),
        ([entry("a", 9000, "HNSW8,SQ8", 9000), entry("b", 10)], (["a"], False)),
        ([], None),
    ],
)
def test_what_is_due(entries: list[SegmentFile], expected: tuple[list[str], bool] | None) -> None:
    work = due(entries, RULES, WIDTH, damaged=set(), dead=lambda _: 0.0)
    assert (work and ([source.file for source in work.sources], work.rewrite)) == expected


def test_what_is_due_of_the_deleted_and_the_damaged() -> None:
    def work(**options: object) -> Work | None:
        return due([GOOD], RULES, WIDTH, **{"damaged": set(), "dead": lambda _: 0.0, **options})  # type: ignore[arg-type]

    assert work() is None
    assert work(dead=lambda _: 0.26) == Work(sources=(GOOD,), rewrite=True)
    assert work(damaged={"a.near"}) == Work(sources=(GOOD,), rewrite=False)


def test_efforts_rise_to_everything() -> None:
    tried = list(efforts(lists=64, vectors=5000))
    assert tried[-1].probes == 64
    assert all(a.probes <= b.probes and a.candidates <= b.candidates for a, b in pairwise(tried))


def test_empty_store_is_compacted_and_repaired(store: Store) -> None:
    assert store.compact().vectors == 0
    assert store.repair().ok
