"""Weights stored small: what each form gives back, and that checkpoints load from it as from plain files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from index.checkpoints.compact import (
    is_compact,
    pack_blocks,
    plain_weights,
    round_rows,
    unpack_blocks,
    weight_files,
    widen_rows,
    write_compact,
    write_plain,
)
from index.engines.load import load_model
from index.errors import ModelError

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

    def test_rows_are_near(self) -> None:
        values = np.random.default_rng(2).normal(0, 0.02, (9, 50)).astype(np.float32)
        values[4] = 0
        steps, scale = round_rows(values)
        assert steps.dtype == np.int8
        assert scale.shape == (9,)
        error = np.abs(widen_rows(steps, scale).astype(np.float32) - values)
        assert (error <= scale[:, None] * 0.51 + 1e-5).all()


@pytest.fixture
def small(tiny_xlmr_reader: Path, tmp_path: Path) -> Path:
    """The tiny reader stored small, its word table in a file beside its folder."""
    folder = tmp_path / "polyglot" / "reader"
    shutil.copytree(tiny_xlmr_reader, folder)
    weights = load_file(folder / "model.safetensors")
    weights[WORDS] = in_blocks(len(weights[WORDS]) // 2 + 1, 5).reshape(-1, 32)[: len(weights[WORDS])]
    write_compact({WORDS: weights[WORDS]}, tmp_path / "polyglot" / "words.safetensors")
    forms = write_compact(weights, folder / "model.safetensors", others={"../words.safetensors": [WORDS]})
    assert set(forms.values()) == {"rows", "plain"}
    return folder


class TestFolders:
    def test_vectors_and_small_tables_stay_as_they_are(self, small: Path, tiny_xlmr_reader: Path) -> None:
        before, after = load_file(tiny_xlmr_reader / "model.safetensors"), plain_weights(small)
        assert before.keys() == after.keys()
        for name in before:
            if before[name].ndim == 1 or "position" in name or "qa_outputs" in name:
                assert np.array_equal(before[name], after[name])

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

    def test_the_fingerprint_covers_the_shared_file(self, small: Path) -> None:
        shared = small.parent / "words.safetensors"
        assert weight_files(small) == (small / "model.safetensors", small / "../words.safetensors")
        first = load_model(str(small), "reader").fingerprint
        write_compact({WORDS: plain_weights(small)[WORDS][::-1].copy()}, shared)
        assert load_model(str(small), "reader").fingerprint != first

    def test_a_missing_shared_file_is_named(self, small: Path) -> None:
        (small.parent / "words.safetensors").unlink()
        with pytest.raises(ModelError, match=r"lacks \.\./words\.safetensors"):
            load_model(str(small), "reader")

    def test_what_cannot_be_written_is_said(self, small: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(ModelError, match="cannot be written"):
            write_plain(small, tmp_path / "file" / "out")
        with pytest.raises(ModelError, match="cannot be written"):
            write_compact({}, tmp_path / "file" / "model.safetensors")
