"""Another encoder for a store in use: old vectors serve until the switch, a killed run goes on."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from index.errors import ModelMismatch
from index.protocols import Encoder, Vectors
from index.records import Mode
from index.search.retriever import Retriever
from index.store import reembed as reembedding
from index.store.store import Store
from ingest.records import Text
from ingest.text.tokenizer import TextTokenizer

TEXTS = [Text(id=f"n{n}", text=f"Note {n} on the harbour, boat {n} and tide {n}.") for n in range(10)]


class Mirrored:
    """Every vector of another encoder, backwards and half as wide."""

    name = "mirrored"
    fingerprint = "mirrored-1"
    dimension = 32
    max_tokens = 256
    passage_room = 254

    def __init__(self, encoder: Encoder, tokenizer: TextTokenizer) -> None:
        self._encoder = encoder
        self.tokenizer = tokenizer
        self.fails_after: int | None = None
        self.encoded = 0

    def unknown_share(self, text: str) -> float:
        """As the other."""
        return self._encoder.unknown_share(text)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """One row for each text; stops dead when told to."""
        if self.fails_after is not None and self.encoded + len(texts) > self.fails_after:
            raise KeyboardInterrupt
        self.encoded += len(texts)
        folded = self._encoder.encode_passages(texts).reshape(len(texts), 2, 32)
        rows: Vectors = (folded[:, 0] + 0.5 * folded[:, 1])[:, ::-1] + np.float32(0.01)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    encode_queries = encode_passages


@pytest.fixture
def mirrored(hashing_encoder: Encoder, pocket_tokenizer: TextTokenizer) -> Mirrored:
    return Mirrored(hashing_encoder, pocket_tokenizer)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembedding, "_BATCH_PASSAGES", 4)


def best(store: Store, query: str = TEXTS[7].text, mode: Mode = Mode.DENSE) -> list[tuple[str, float]]:
    return [(hit.document.path, hit.score) for hit in Retriever(store).search(query, k=3, mode=mode)]


def test_new_vectors_serve_and_compact_drops_the_old(
    tmp_path: Path, database: str | None, hashing_encoder: Encoder, mirrored: Mirrored
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder, database=database) as store:
        store.add([*TEXTS, Text(id="zh", text="你好世界机器翻译很难汽车在路上")])
        lexical = best(store, mode=Mode.LEXICAL)
        steps: list[tuple[int, int]] = []
        report = store.reembed(mirrored, progress=lambda done, total: steps.append((done, total)))
        assert (report.encoded, report.kept, report.unreadable) == (10, 0, 1)
        assert steps[-1] == (11, 11)
        stats = store.stats()
        assert (stats.encoder, stats.index.vectors) == ("mirrored", 10)
        assert best(store)[0][0] == "text:n7"
        assert best(store, mode=Mode.LEXICAL) == lexical
        assert store.catalog.vectors.count(hashing_encoder.fingerprint) == 10
        store.compact()
        assert store.catalog.vectors.count(hashing_encoder.fingerprint) == 0
        assert store.check().ok
        store.add([Text(id="later", text="A ferry leaves.")])
        assert store.catalog.vectors.count(mirrored.fingerprint) == 11
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store, pytest.raises(ModelMismatch) as caught:
        Retriever(store).search("boat")
    assert "spanwise reembed --encoder hashing" in caught.value.hint


def test_run_that_was_cut_short_goes_on_and_the_old_vectors_serve(
    tmp_path: Path, hashing_encoder: Encoder, mirrored: Mirrored
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.add(TEXTS)
        before = best(store)
        mirrored.fails_after = 9
        with pytest.raises(KeyboardInterrupt):
            store.reembed(mirrored)
        assert best(store) == before
        store.compact()  # keeps what the interrupted run has done
        assert best(store) == before
        assert store.check().ok
        store.add([Text(id="between", text="Added between both runs, boat 70.")])
        store.delete(["n3"])
    mirrored.fails_after = None
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store:
        report = store.reembed(mirrored)
        assert (report.kept, report.encoded) == (7, 3)
        assert best(store)[0][0] == "text:n7"
        assert store.check().ok


KILLED = """
    import os, sys
    sys.path.insert(0, "tests")
    from pathlib import Path
    import conftest
    from index.store import reembed as reembedding
    from index.sql.vectors import PassageVectors
    from index.store.store import Store
    from index.store.store_index import StoreIndex
    from ingest.text.tokenizer import TextTokenizer
    reembedding._BATCH_PASSAGES = 4
    encoder = conftest.HashingEncoder(TextTokenizer.from_file(conftest.ROOT / "{tokenizer}"))
    encoder.fingerprint = "hashing-2"
    point = sys.argv[2]
    owner, name = {{
        "batch": (PassageVectors, "add"),
        "switch": (PassageVectors, "switch_encoder"),
        "publish": (StoreIndex, "publish"),
    }}[point]
    work = getattr(owner, name)
    def kill(*given, **more):
        if point == "batch":
            work(*given, **more)
        os._exit(9)
    setattr(owner, name, kill)
    Store.open(sys.argv[1]).reembed(encoder)
"""


@pytest.mark.parametrize(
    ("point", "switched"),
    [
        pytest.param("batch", False, marks=pytest.mark.slow),
        pytest.param("switch", False, marks=pytest.mark.slow),
        ("publish", True),
    ],
)
def test_killed_run_leaves_one_encoder_in_force(
    point: str, switched: bool, tmp_path: Path, hashing_encoder: Encoder
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.add(TEXTS)
        before = best(store)
    program = textwrap.dedent(KILLED).format(tokenizer="data/models/pocket/encoder/tokenizer.json")
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "s"), point], cwd=root, check=False
    )
    assert killed.returncode == 9
    if switched:
        hashing_encoder.fingerprint = "hashing-2"  # type: ignore[misc]
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store:
        assert best(store) == before
        assert store.check().ok
        hashing_encoder.fingerprint = "hashing-2"  # type: ignore[misc]
        kept = {"batch": 4, "switch": 10, "publish": 10}[point]
        assert store.reembed(hashing_encoder).kept == kept
        assert best(store) == before
        assert store.check().ok


def test_reader_with_the_old_encoder_is_told(
    tmp_path: Path, hashing_encoder: Encoder, mirrored: Mirrored
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.add(TEXTS)
        with Store.open(tmp_path / "s", encoder=hashing_encoder) as other:
            retriever = Retriever(other, hashing_encoder)  # given, as the page does
            assert len(retriever.search("boat 7", k=3)) == 3
            store.reembed(mirrored)
            with pytest.raises(ModelMismatch, match="mirrored"):
                retriever.search("boat 7", k=3)
