"""Weights stored small: what each form gives back, and that checkpoints load from it as from plain files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from index.checkpoints.compact import (
    is_compact,
    join_planes,
    pack_blocks,
    plain_weights,
    round_rows,
    split_planes,
    unpack_blocks,
    weight_files,
)
from index.checkpoints.write_compact import write_compact, write_pair, write_plain
from index.engines.load import load_model
from index.errors import ModelError
from ui.cli import main

WORDS = "roberta.embeddings.word_embeddings.weight"
TEXT = "The harbour lies to the north of the town."


def in_blocks(rows: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """A matrix (rows, 64) whose blocks all have a scale of their own."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-8, 8, (rows * 2, 32)).astype(np.float32)
    steps[:, 3] = -8
    scale = rng.normal(0, 0.02, (rows * 2, 1)).astype(np.float16).astype(np.float32)
    return (steps * scale).astype(np.float16).reshape(rows, 64)


class TestForms:
    @settings(deadline=None)
    @given(st.integers(0, 40), st.integers(0, 1000))
    def test_blocks_give_back_every_bit(self, rows: int, seed: int) -> None:
        values = in_blocks(rows, seed)
        packed = pack_blocks(values)
        assert packed is not None
        assert packed.shape == (rows * 2, 18)
        assert np.array_equal(unpack_blocks(packed, rows, 64), values)

    def test_zeros_are_blocks(self) -> None:
        packed = pack_blocks(np.zeros((2, 32), np.float16))
        assert packed is not None
        assert not unpack_blocks(packed, 2, 32).any()

    @pytest.mark.parametrize("shape", [(4, 64), (4, 33), (64,)])
    def test_other_numbers_are_no_blocks(self, shape: tuple[int, ...]) -> None:
        values = np.random.default_rng(1).normal(0, 0.02, shape).astype(np.float16)
        assert pack_blocks(values) is None

    @pytest.mark.parametrize("most", [15, 511])
    def test_rows_are_near(self, most: int) -> None:
        values = np.random.default_rng(2).normal(0, 0.02, (9, 50)).astype(np.float32)
        values[4] = 0
        steps, scale = round_rows(values, most)
        assert steps.dtype == np.int16
        assert np.abs(steps).max() == most
        assert scale.shape == (9,)
        assert (np.abs(steps * scale[:, None] - values) <= scale[:, None] * 0.51).all()

    def test_planes_give_back_every_step(self) -> None:
        steps = np.arange(-600, 600, dtype=np.int16).reshape(30, 40)
        planes = split_planes(steps)
        assert planes.dtype == np.uint8
        assert planes.shape == (2, 30, 40)
        assert np.array_equal(join_planes(planes), steps)


@pytest.fixture
def pair(tiny_xlmr_reader: Path, tmp_path: Path) -> Path:
    """The tiny reader as an encoder with a word table in blocks, and a reader made from it, stored small."""
    encoder, reader = tmp_path / "plain-encoder", tmp_path / "plain-reader"
    weights = load_file(tiny_xlmr_reader / "model.safetensors")
    weights[WORDS] = in_blocks(len(weights[WORDS]) // 2 + 1, 5).reshape(-1, 32)[: len(weights[WORDS])]
    rng = np.random.default_rng(6)
    trained = {
        name: value if name == WORDS else value + rng.normal(0, 0.002, value.shape).astype(value.dtype)
        for name, value in weights.items()
    }
    bare = {name.removeprefix("roberta."): value for name, value in weights.items() if "qa_" not in name}
    for folder, values in ((encoder, bare), (reader, trained)):
        shutil.copytree(tiny_xlmr_reader, folder)
        save_file(values, folder / "model.safetensors", metadata={"format": "pt"})
    forms = write_pair(encoder, reader, tmp_path / "polyglot")
    assert set(forms["encoder"].values()) == {"blocks", "rows", "plain"}
    assert set(forms["reader"].values()) == {"same", "change", "plain"}
    return tmp_path / "polyglot"


@pytest.fixture
def small(pair: Path) -> Path:
    """The reader of the pair."""
    return pair / "reader"


class TestFolders:
    def test_what_comes_back_is_near_and_small_tables_are_as_they_were(
        self, small: Path, tmp_path: Path
    ) -> None:
        before, after = load_file(tmp_path / "plain-reader" / "model.safetensors"), plain_weights(small)
        assert before.keys() == after.keys()
        for name, value in before.items():
            if value.ndim == 1 or "position" in name or "qa_outputs" in name:
                assert np.array_equal(value, after[name])
            else:
                assert np.abs(value - after[name].astype(np.float32)).max() < 0.002
        assert np.array_equal(before[WORDS].astype(np.float16), after[WORDS])

    @pytest.mark.parametrize("engine", ["torch-fp32", "onnx-fp32"])
    @pytest.mark.parametrize("task", ["encoder", "reader"])
    def test_a_small_folder_runs_as_its_plain_copy(
        self, small: Path, tmp_path: Path, engine: str, task: str
    ) -> None:
        write_plain(small, tmp_path / "plain")
        assert is_compact(small)
        assert not is_compact(tmp_path / "plain")
        outputs = []
        for folder in (small, tmp_path / "plain"):
            model = load_model(str(folder), task, engine=engine)  # type: ignore[arg-type]
            frame = model.tokenizer.single
            ids = np.array([*frame.before, *model.tokenizer.encode_ids([TEXT])[0], *frame.after])
            outputs.append(dict(model.engine.run([ids]))[0])
        for one, other in zip(*outputs, strict=True):
            assert np.array_equal(one, other)

    def test_a_small_copy_has_the_fingerprint_of_what_it_was_made_from(
        self, pair: Path, tmp_path: Path
    ) -> None:
        for task in ("encoder", "reader"):
            plain = load_model(str(tmp_path / f"plain-{task}"), task)
            assert load_model(str(pair / task), task).fingerprint == plain.fingerprint

    def test_without_an_origin_the_fingerprint_covers_the_shared_file(self, small: Path) -> None:
        shared, own = small / "../encoder/model.safetensors", small / "model.safetensors"
        assert weight_files(small) == (own, shared)
        write_compact(plain_weights(small), own, base="../encoder/model.safetensors")
        first = load_model(str(small), "reader").fingerprint
        encoder = plain_weights(small / "../encoder")
        write_compact({name: -value for name, value in encoder.items()}, shared)
        assert load_model(str(small), "reader").fingerprint != first

    def test_a_missing_shared_file_is_named(self, small: Path) -> None:
        (small / "../encoder/model.safetensors").unlink()
        with pytest.raises(ModelError, match=r"lacks \.\./encoder/model\.safetensors"):
            load_model(str(small), "reader")

    def test_only_plain_weights_are_written_small(self, pair: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"one plain model\.safetensors"):
            write_pair(pair / "encoder", pair / "reader", tmp_path / "again")

    def test_the_command_writes_plain_weights(
        self, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        plain = tmp_path / "plain"
        assert main(["models", "plain", str(small), str(plain), "--json"]) == 0
        form = json.loads(capsys.readouterr().out)
        assert form["folder"] == str(plain)
        assert not is_compact(plain)
        expected = plain_weights(small)
        assert all(np.array_equal(value, expected[name]) for name, value in plain_weights(plain).items())
        assert main(["models", "plain", str(small), str(plain)]) == 2
        assert "is not empty" in capsys.readouterr().err

    def test_what_cannot_be_written_is_said(self, small: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(ModelError, match="cannot be written"):
            write_plain(small, tmp_path / "file" / "out")
        with pytest.raises(ModelError, match="cannot be written"):
            write_compact({}, tmp_path / "file" / "model.safetensors")
