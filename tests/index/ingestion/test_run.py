"""Encoding beside committing: the order stays, and a failure in between loses nothing that was done."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.protocols import Encoder, Vectors
from index.store.store import Store
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
    texts = [long_text("first", 80), long_text("second", 300), long_text("third", 300)]
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as store:
        with pytest.raises(RuntimeError, match="out of breath"):
            store.add(texts)
        assert [info.path for info in store.documents()] == ["text:first"]
        assert store.stats().passages == calls[0]
        assert threading.current_thread().name not in threads
        store.add(texts)
        assert [info.path for info in store.documents()] == ["text:first", "text:second", "text:third"]
        assert store.check().ok
