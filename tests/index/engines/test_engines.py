"""Engines: the same numbers as transformers, whatever runs the model, and a choice that is measured once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from index.checkpoints import weights as derived_models
from index.checkpoints.architecture import unsupported
from index.checkpoints.engine_names import ENGINES, FP32, INT8, TORCH_BF16, prefer, preferred
from index.checkpoints.files import ModelFiles, Task, read_folder
from index.checkpoints.hardware import this_machine
from index.engines import selection as engines
from index.engines.load import load_model
from index.engines.onnx_engine import OnnxEngine
from index.engines.onnx_graph import quantised
from index.errors import ModelError
from index.models.encoder import load_encoder
from index.protocols import Engine

TinyFolder = Callable[[str, str], Path]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(derived_models, "cache_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("task", ["encoder", "reader"])
@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "bert"])
def test_the_graph_counts_as_transformers_does(
    tiny_folder: TinyFolder, family: str, task: Task, cache: Path
) -> None:
    folder = tiny_folder(family, task)
    loaded = load_model(str(folder), task, engine=FP32)
    plain = load_model(str(folder), task, engine="torch-fp32")
    assert (loaded.max_tokens, loaded.dimension, loaded.fingerprint) == (
        plain.max_tokens,
        plain.dimension,
        plain.fingerprint,
    )
    frame, lot = plain.tokenizer.pair, np.random.default_rng(3)
    longest = loaded.max_tokens
    asked = []
    for length in (frame.size + 2, 17, longest - 1, longest):
        body = lot.integers(10, 50, length - frame.size)
        cut = len(body) // 2
        asked.append(np.array([*frame.before, *body[:cut], *frame.between, *body[cut:], *frame.after]))
    ours, theirs = dict(loaded.engine.run(asked)), dict(plain.engine.run(asked))
    assert sorted(ours) == [0, 1, 2, 3]
    for place, sequence in enumerate(asked):
        assert len(ours[place]) == len(theirs[place]) == (1 if task == "encoder" else 2)
        for got, expected in zip(ours[place], theirs[place], strict=True):
            assert got.shape[0] == len(sequence)
            np.testing.assert_allclose(got, expected, atol=2e-5)


def test_a_text_longer_than_the_window_is_an_error_and_an_empty_one_too(tiny_roberta_encoder: Path) -> None:
    loaded = load_model(str(tiny_roberta_encoder), "encoder", engine=FP32)
    with pytest.raises(Exception, match="Add"):
        list(loaded.engine.run([np.full(loaded.max_tokens + 1, 7, dtype=np.int64)]))
    with pytest.raises(ValueError, match="without tokens"):
        list(loaded.engine.run([np.array([], dtype=np.int64)]))


@pytest.mark.parametrize("kind", [INT8, FP32])
def test_a_result_does_not_depend_on_what_else_is_asked(tiny_roberta_reader: Path, kind: str) -> None:
    engine = load_model(str(tiny_roberta_reader), "reader", engine=kind).engine
    lot = np.random.default_rng(5)
    asked = [lot.integers(10, 50, size) for size in (9, 30, 12, 60, 5)]
    together = dict(engine.run(asked))
    for place, sequence in enumerate(asked):
        ((_, alone),) = engine.run([sequence])
        assert all(np.array_equal(one, other) for one, other in zip(alone, together[place], strict=True))


@pytest.mark.parametrize(("cores", "shared"), [(1, 1), (2, 2), (64, 4)])
def test_cores_share_a_passage_that_is_read_in_float32(
    tiny_roberta_reader: Path, cores: int, shared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = replace(this_machine(), cores=cores)
    monkeypatch.setattr(engines, "this_machine", lambda: machine)
    opened: dict[str, int] = {}

    def note(path: Path, *, cores_each: int, name: str, **others: Any) -> OnnxEngine:
        opened[name] = cores_each
        return OnnxEngine(path, cores_each=cores_each, name=name, **others)

    monkeypatch.setattr(engines, "OnnxEngine", note)
    for kind in (FP32, INT8):
        load_model(str(tiny_roberta_reader), "reader", engine=kind)
    assert opened == {FP32: shared, INT8: 1}


def test_rounded_weights_are_within_half_a_step() -> None:
    weight = np.random.default_rng(1).normal(size=(7, 33)).astype(np.float32)
    weight[2] = 0
    for bits in (7, 8):
        whole, scale = quantised(weight, bits)
        assert np.abs(whole).max() == 2 ** (bits - 1) - 1
        assert (np.abs(whole * scale[:, None] - weight) <= scale[:, None] / 2 + 1e-7).all()


def test_int8_stays_near_float32_on_the_bundled_reader() -> None:
    files = read_folder("pocket", "reader")
    sequences = engines._sample(files, "reader")
    plain, rounded = (
        engines._summaries(load_model("pocket", "reader", engine=kind).engine, sequences, "reader")
        for kind in (FP32, INT8)
    )
    assert 0 < engines.distance(rounded, plain) <= engines._MOST_LOSS["reader"]


class TestChoice:
    def test_is_measured_once_and_kept(
        self, tiny_roberta_encoder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = read_folder(str(tiny_roberta_encoder), "encoder")
        first = engines.choose(files, "encoder")
        assert first.engine in first.milliseconds
        kept = json.loads((cache / "engines.json").read_text(encoding="utf-8"))
        assert len(kept) == 1
        monkeypatch.setattr(engines, "_measure", lambda *_: pytest.fail("measured again"))
        assert engines.choose(files, "encoder") == first

    def test_another_model_or_damage_is_measured(self, tiny_roberta_encoder: Path, cache: Path) -> None:
        files = read_folder(str(tiny_roberta_encoder), "encoder")
        first = engines.choose(files, "encoder")
        engines.choose(replace(files, fingerprint="other"), "encoder")
        assert len(json.loads((cache / "engines.json").read_text(encoding="utf-8"))) == 2
        (cache / "engines.json").write_text("{", encoding="utf-8")
        assert engines.choose(files, "encoder").milliseconds.keys() == first.milliseconds.keys()

    def test_an_engine_that_loses_too_much_is_left_out(
        self, tiny_roberta_encoder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines, "_MOST_LOSS", {"encoder": 0.0})
        measured = engines.choose(read_folder(str(tiny_roberta_encoder), "encoder"), "encoder")
        assert INT8 not in measured.milliseconds
        assert measured.loss

    def test_what_the_process_prefers_comes_first(self, tiny_roberta_encoder: Path) -> None:
        try:
            for engine in ENGINES:
                prefer(engine)
                assert load_model(str(tiny_roberta_encoder), "encoder").engine.name.startswith(engine)
            with pytest.raises(ModelError, match="no engine 'abacus'"):
                prefer("abacus")
        finally:
            prefer(None)
        assert preferred() is None

    def test_questions_do_not_wait_for_pytorch(
        self, tiny_roberta_encoder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chosen = engines.Measured(engine=TORCH_BF16, milliseconds={}, loss=None)
        monkeypatch.setattr(engines, "choose", lambda *_: chosen)
        opened: list[str | None] = []
        open_torch = engines._torch

        def noting(files: ModelFiles, task: Task, kind: str | None) -> tuple[Engine, int]:
            opened.append(kind)
            return open_torch(files, task, kind)

        monkeypatch.setattr(engines, "_torch", noting)
        encoder = load_encoder(str(tiny_roberta_encoder))
        question = encoder.encode_queries(["When does the ferry leave?"])
        assert not opened
        passages = encoder.encode_passages(["When does the ferry leave?"] * 2)
        assert opened == [TORCH_BF16]
        assert np.sum(question * passages, axis=1) == pytest.approx(1, abs=1e-2)

    def test_questions_are_encoded_in_float32_where_int8_was_chosen(
        self, tiny_roberta_encoder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name, texts = str(tiny_roberta_encoder), ["When does the ferry leave?"]
        chosen = engines.Measured(engine=INT8, milliseconds={}, loss=None)
        monkeypatch.setattr(engines, "choose", lambda *_: chosen)
        mixed, plain, whole = (
            load_encoder(name),
            load_encoder(name, engine=FP32),
            load_encoder(name, engine=INT8),
        )
        assert np.array_equal(mixed.encode_queries(texts), plain.encode_queries(texts))
        assert np.array_equal(mixed.encode_passages(texts), whole.encode_passages(texts))
        assert np.array_equal(whole.encode_queries(texts), whole.encode_passages(texts))


class TestKeptGraphs:
    def test_are_made_once_and_again_when_damaged(self, tiny_roberta_encoder: Path, cache: Path) -> None:
        def vector() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            engine = load_model(str(tiny_roberta_encoder), "encoder", engine=FP32).engine
            ((_, (hidden,)),) = engine.run([np.arange(5, 15)])
            return hidden

        expected = vector()
        (graph,) = (cache / "engines").glob("*/model.onnx")
        written = graph.stat().st_mtime_ns
        assert np.array_equal(vector(), expected)
        assert graph.stat().st_mtime_ns == written
        graph.write_bytes(b"nonsense")
        assert np.array_equal(vector(), expected)
        assert sorted(path.name for path in graph.parent.iterdir()) == ["model.bin", "model.onnx"]

    def test_a_cache_without_room_stops_nothing(self, tiny_roberta_encoder: Path, cache: Path) -> None:
        cache.write_text("a file where a folder should be", encoding="utf-8")
        loaded = load_model(str(tiny_roberta_encoder), "encoder")
        assert loaded.engine.name in ENGINES


def test_other_families_are_left_to_pytorch(tmp_path: Path, tiny_roberta_encoder: Path) -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    assert "family distilbert" in str(unsupported({"model_type": "distilbert"}, shapes.get, "encoder"))
    config = json.loads((tiny_roberta_encoder / "config.json").read_text(encoding="utf-8"))
    assert "relu" in str(unsupported(config | {"hidden_act": "relu"}, shapes.get, "encoder"))
    assert "instead of" in str(unsupported(config, shapes.get, "encoder"))

    folder = tmp_path / "relu"
    for file in tiny_roberta_encoder.iterdir():
        if file.is_file():
            (folder / file.name).parent.mkdir(exist_ok=True)
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}), encoding="utf-8")
    loaded = load_model(str(folder), "encoder")
    assert loaded.engine.name.startswith("torch")
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    ids = np.arange(5, 20)
    with torch.inference_mode():
        expected = model(input_ids=torch.from_numpy(ids[None])).last_hidden_state[0].numpy()
    ((_, (hidden,)),) = loaded.engine.run([ids])
    np.testing.assert_allclose(hidden, expected, atol=6e-2 if "bf16" in loaded.engine.name else 1e-5)
    with pytest.raises(ModelError, match=r"onnx-fp32 cannot run .*relu"):
        load_model(str(folder), "encoder", engine=FP32)


def test_an_answer_needs_neither_pytorch_nor_transformers() -> None:
    for task in ("encoder", "reader"):  # the graphs are there, as they are but for the first time
        load_model("pocket", task, engine=INT8)
    code = (
        "import sys; from index.models.encoder import load_encoder\n"
        "from qa.reading.reader import load_reader\n"
        "load_encoder(engine='onnx-int8').encode_queries(['Who?'])\n"
        "load_reader(engine='onnx-int8').read('Who came?', ['The cook came late.'])\n"
        "import qa.answering.answerer, index.store.store\n"
        "print([name for name in ('torch', 'transformers', 'onnx', 'streamlit') if name in sys.modules])"
    )
    load_reader_first = [sys.executable, "-c", code]
    done = subprocess.run(load_reader_first, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout.strip().splitlines()[-1:], done.stderr) == (["[]"], "")
