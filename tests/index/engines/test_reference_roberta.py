"""The formulas against transformers' own models, on the bundled weights and on small ones of each family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from index.checkpoints.files import Task, read_folder
from index.engines.reference_roberta import attention, gelu, layer_norm, position_ids, read_roberta, softmax
from index.engines.torch_models import load_trainable

TEXT = "Dynamic masking draws new masks in every epoch; RoBERTa was introduced in 2019."


def framed(name: str, task: Task, text: str) -> np.ndarray:
    tokenizer = read_folder(name, task).tokenizer
    frame = tokenizer.single
    return np.array([*frame.before, *tokenizer.encode(text).ids, *frame.after], dtype=np.int64)


@pytest.mark.parametrize("task", ["encoder", "reader"])
def test_the_formulas_give_what_the_bundled_model_gives(task: Task) -> None:
    _compare("pocket", task, TEXT, at_most=1e-5)


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "bert"])
def test_the_formulas_give_what_every_family_gives(
    tiny_folder: Callable[[str, str], Path], family: str
) -> None:
    _compare(str(tiny_folder(family, "encoder")), "encoder", TEXT[:40], at_most=1e-5)


def _compare(name: str, task: Task, text: str, at_most: float) -> None:
    files = read_folder(name, task)
    ids = framed(name, task, text)
    padded = np.append(ids, [files.tokenizer.pad_id] * 3)
    model = load_trainable(name, task, device="cpu").model
    model.train(False)
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        wanted = getattr(model, model.base_model_prefix, model)(
            input_ids=torch.from_numpy(padded[None]),
            attention_mask=torch.from_numpy((padded != files.tokenizer.pad_id).astype(np.int64)[None]),
            output_hidden_states=True,
            output_attentions=True,
        )
    found = read_roberta(files, task).forward(padded)
    states = torch.cat(wanted.hidden_states).numpy()
    assert found.states.shape == states.shape
    # What stands at padding is nobody's business.
    assert np.abs(found.states - states)[:, : len(ids)].max() <= at_most
    weights = torch.cat(wanted.attentions).numpy()
    assert np.abs(found.attention - weights)[:, :, : len(ids)].max() <= at_most
    assert not found.attention[..., len(ids) :].any()
    # And padding changes nothing for the rest.
    alone = read_roberta(files, task).forward(ids)
    assert np.abs(alone.states - found.states[:, : len(ids)]).max() <= at_most


def test_attention_by_hand() -> None:
    # One query against keys whose scaled scores are 2, 1 and 0: the handbook's example.
    query = np.array([[2.0]], np.float32)
    keys, values = np.array([[1.0], [0.5], [0.0]], np.float32), np.eye(3, dtype=np.float32)
    collected, weights = attention(query, keys, values, np.array([True, True, True]))
    assert weights[0] == pytest.approx([0.665, 0.245, 0.090], abs=5e-4)
    assert collected[0] == pytest.approx(weights[0])
    hidden, _ = attention(query, keys, values, np.array([True, True, False]))
    assert hidden[0, 2] == 0


def test_softmax_sums_to_one_and_does_not_overflow() -> None:
    assert softmax(np.array([[1000.0, 1000.0]], np.float32)).tolist() == [[0.5, 0.5]]


def test_gelu_and_layer_norm_by_hand() -> None:
    assert gelu(np.array([0.0, 1.0, -1.0], np.float32)) == pytest.approx([0.0, 0.841345, -0.158655], abs=1e-6)
    normed = layer_norm(
        np.array([[1.0, 3.0]], np.float32), np.ones(2, np.float32), np.zeros(2, np.float32), 0
    )
    assert normed.tolist() == [[-1.0, 1.0]]


def test_positions_start_after_the_padding_id_and_padding_does_not_advance_them() -> None:
    assert position_ids(np.array([0, 713, 16, 2, 1, 1]), 1).tolist() == [2, 3, 4, 5, 1, 1]


def test_the_single_token_type_carries_no_information() -> None:
    # Added to every row of the position table it leaves every output as it was: the handbook says so.
    files = read_folder("pocket", "encoder")
    whole = read_roberta(files, "encoder")
    ids = framed("pocket", "encoder", TEXT)
    before = whole.forward(ids).states
    weights = dict(whole._weights)
    kind = np.asarray(weights["embeddings.token_type_embeddings.weight"], np.float32)
    assert kind.shape[0] == 1
    positions = np.asarray(weights["embeddings.position_embeddings.weight"], np.float32)
    weights["embeddings.position_embeddings.weight"] = positions + kind[0]
    weights["embeddings.token_type_embeddings.weight"] = np.zeros_like(kind)
    whole._weights = weights
    assert np.abs(whole.forward(ids).states - before).max() < 1e-4
