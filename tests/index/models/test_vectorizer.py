"""Vectors of any layer: the places they stand for, the layers they come from, and files that hold them."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from index.engines.torch_models import load_trainable
from index.errors import DataError
from index.models.export_vectors import documents_below, embed_to_file, lines_as_documents
from index.models.layer_pooling import chosen_layers, pool_states, pool_words
from index.models.vector_files import vector_file
from index.models.vectorizer import Vectorizer, _windows, load_vectorizer

TEXT = "RoBERTa was introduced by Liu. Dynamic masking changes words in every epoch."


@pytest.fixture(scope="module")
def tiny(tiny_folder: Callable[[str, str], Path]) -> Callable[..., Vectorizer]:
    def load(family: str = "roberta", **settings: str) -> Vectorizer:
        name = str(tiny_folder(family, "encoder"))
        return load_vectorizer(name, device="cpu", **settings)  # type: ignore[arg-type]

    return load


def states(vectorizer: Vectorizer, text: str) -> torch.Tensor:
    """All hidden states of the plain model, (layers + 1, n, width), special tokens included."""
    model: torch.nn.Module = vectorizer._model.model
    frame = vectorizer.tokenizer.single
    ids = [*frame.before, *vectorizer.tokenizer.encode(text).ids.tolist(), *frame.after]
    with torch.inference_mode():
        found = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    return torch.cat(found)


@pytest.mark.parametrize("family", ["roberta", "bert", "xlm-roberta"])
def test_tokens_and_words_stand_where_they_say(tiny: Callable[..., Vectorizer], family: str) -> None:
    vectorizer = tiny(family, layers="1,2")
    tokens, words = vectorizer.tokens(TEXT), vectorizer.words(TEXT)
    wanted = states(vectorizer, TEXT)[1:].mean(dim=0)[1:-1]
    assert np.allclose(tokens.vectors, wanted.numpy(), atol=1e-5)
    assert words.texts()[:3] == ["RoBERTa", "was", "introduced"]
    inside = [n for n, (start, end) in enumerate(tokens.spans.tolist()) if start >= 0 and 0 < end <= 7]
    assert np.allclose(words.vectors[0], wanted.numpy()[inside].mean(axis=0), atol=1e-5)


def test_the_layer_and_the_pooling_are_those_asked_for(tiny: Callable[..., Vectorizer]) -> None:
    whole = states(tiny(), TEXT).numpy()
    for layers, number in (("0", 0), ("1", 1), ("last", 2)):
        for pooling, wanted in (
            ("mean", whole[number, 1:-1].mean(axis=0)),
            ("model", whole[number].mean(axis=0)),
            ("cls", whole[number, 0]),
            ("first", whole[number, 1]),
            ("max", whole[number, 1:-1].max(axis=0)),
        ):
            (found,) = tiny(layers=layers, pooling=pooling).whole([TEXT])
            assert np.allclose(found, wanted / np.linalg.norm(wanted), atol=1e-5), (layers, pooling)


def test_a_text_longer_than_the_window_has_a_vector_for_every_token(tiny: Callable[..., Vectorizer]) -> None:
    long = " ".join(f"word{number}" for number in range(60))
    vectorizer = tiny()
    found = vectorizer.tokens(long)
    assert len(found) > vectorizer.max_tokens
    assert (np.abs(found.vectors).sum(axis=1) > 0).all()
    # Its first tokens are those of the first window read by itself.
    head = long[: found.spans[vectorizer.max_tokens - 3, 1]]
    alone = vectorizer.tokens(head).vectors
    assert np.allclose(found.vectors[:20], alone[:20], atol=1e-4)


def test_windows_take_every_token_once_with_room_around_it() -> None:
    for tokens in range(1, 400, 7):
        taken = [place for _, _, first, after in _windows(tokens, 62) for place in range(first, after)]
        assert taken == list(range(tokens))
        for start, end, first, after in _windows(tokens, 62):
            assert start <= first < after <= end <= tokens
            assert end - start <= 62
            assert first - start >= 15 or start == 0
            assert end - after >= 15 or end == tokens


def test_layers_by_name() -> None:
    assert chosen_layers("all", 2) == (0, 1, 2)
    assert chosen_layers("2,0-1", 2) == (0, 1, 2)
    for wrong in ("7", "first", "", "2-1,", "-1"):
        with pytest.raises(DataError, match="layers"):
            chosen_layers(wrong, 6)


def test_pooling_by_hand() -> None:
    given = np.arange(8, dtype=np.float32).reshape(1, 4, 2)
    assert pool_states(given, "mean", "cls", 1, 1).tolist() == [[3.0, 4.0]]
    assert pool_states(given, "model", "cls", 1, 1).tolist() == [[0.0, 1.0]]
    words = pool_words(given[0], np.array([0, 0, -1, 1]), "mean")
    assert words.tolist() == [[1.0, 2.0], [6.0, 7.0]]
    assert pool_words(given[0], np.array([-1, -1, -1, -1]), "max").shape == (0, 2)


def test_a_readers_backbone_has_vectors_too(tiny_roberta_reader: Path) -> None:
    found = Vectorizer(load_trainable(str(tiny_roberta_reader), "encoder", device="cpu"))
    assert found.whole([TEXT]).shape == (1, 32)


# -- files ----


@pytest.mark.parametrize("unit", ["token", "word", "sentence", "passage"])
@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
def test_a_file_holds_every_part_with_its_place(
    tiny: Callable[..., Vectorizer], tmp_path: Path, unit: str, suffix: str
) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    out = tmp_path / f"vectors{suffix}"
    vectorizer = tiny()
    report = embed_to_file(documents_below([tmp_path]), out, vectorizer, unit=unit)  # type: ignore[arg-type]
    assert report.documents == 1
    assert [Path(item.path).name for item in report.rejected] == ["b.bin"]
    if suffix == ".npy":
        vectors = np.load(out)
        rows = [json.loads(line) for line in (tmp_path / "vectors.jsonl").read_text().splitlines()]
        assert [row["row"] for row in rows] == list(range(report.rows))
    else:
        parquet: Any = importlib.import_module("pyarrow.parquet")
        table = parquet.read_table(out)
        vectors = np.array(table["vector"].to_pylist(), np.float32)
        rows = table.to_pylist()
    assert vectors.shape == (report.rows, 32)
    assert all(TEXT[row["start"] : row["end"]] == row["text"] for row in rows)
    makers: dict[str, Callable[[], np.ndarray]] = {
        "token": lambda: vectorizer.tokens(TEXT).vectors,
        "word": lambda: vectorizer.words(TEXT).vectors,
        "sentence": lambda: vectorizer.sentences(TEXT).vectors,
        "passage": lambda: vectorizer.whole([f"a\n{TEXT}"]),
    }
    wanted = makers[unit]()
    assert np.allclose(vectors, wanted, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_lines_are_texts_by_themselves(tiny: Callable[..., Vectorizer], tmp_path: Path) -> None:
    lines = io.StringIO("one ship\n\n  \nanother ship\n")
    report = embed_to_file(lines_as_documents(lines, "-"), tmp_path / "x.npy", tiny(), unit="passage")
    assert (report.documents, report.rows) == (2, 2)
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == ["text:-:1", "text:-:4"]


def test_a_failed_run_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "x.npy"
    out.write_bytes(b"before")

    def fail() -> None:
        with vector_file(out, 2) as sink:
            sink.add([("a", 0, 1, "x")], np.zeros((1, 2), np.float32))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert out.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]
    with pytest.raises(DataError, match=r"known kind"), vector_file(tmp_path / "x.txt", 2):
        pass
