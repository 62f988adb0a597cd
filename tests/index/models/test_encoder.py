"""Vectors: parity with plain transformers, independence of order and batch, and nothing cut in silence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer

from index.checkpoints.engine_names import ENGINES
from index.checkpoints.presets import models_folder
from index.checkpoints.write_compact import write_plain
from index.engines.load import load_model
from index.models.encoder import RobertaEncoder, load_encoder, unit_length
from index.protocols import Encoder, Vectors

TEXTS = (
    "RoBERTa removed next sentence prediction and trained with larger batches.",
    "The bus to the harbour leaves at eight.",
    "Boil the potatoes for twenty minutes. " * 12,
    "短い。",
    "",
    "A cat sits on the mat.",
)


def reference(folder: Path, texts: tuple[str, ...], pooling: str = "mean", window: int = 256) -> Vectors:
    """One text at a time through plain transformers: no batches, no padding, no code of ours."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(window)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    for text in texts:
        with torch.inference_mode():
            hidden = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
        vector = hidden.mean(0) if pooling == "mean" else hidden[0]
        rows.append(torch.nn.functional.normalize(vector, dim=0).numpy())
    return np.stack(rows)


def test_the_pocket_encoder_equals_plain_transformers(pocket_encoder: Encoder, tmp_path: Path) -> None:
    write_plain(models_folder() / "pocket" / "encoder", tmp_path / "plain")
    expected = reference(tmp_path / "plain", TEXTS)
    found = pocket_encoder.encode_passages(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("family", ["roberta", "bert", "xlm-roberta"])
def test_every_family_equals_plain_transformers(tiny_folder: Callable[[str, str], Path], family: str) -> None:
    folder = tiny_folder(family, "encoder")
    encoder = load_encoder(str(folder), engine="torch-fp32")
    expected = reference(folder, TEXTS, window=encoder.max_tokens)
    np.testing.assert_allclose(encoder.encode_passages(TEXTS), expected, atol=1e-5)


def test_order_and_company_do_not_matter(pocket_encoder: Encoder) -> None:
    together = pocket_encoder.encode_passages(TEXTS)
    backwards = pocket_encoder.encode_passages(TEXTS[::-1])[::-1]
    alone = np.concatenate([pocket_encoder.encode_passages([text]) for text in TEXTS])
    np.testing.assert_allclose(together, backwards, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_no_texts_no_rows(pocket_encoder: Encoder) -> None:
    assert pocket_encoder.encode_passages([]).shape == (0, 384)


def test_paraphrases_are_nearer_than_strangers(pocket_encoder: Encoder) -> None:
    one, other, stranger = pocket_encoder.encode_queries(
        [
            "How do I delete my account?",
            "What must I do to remove my profile?",
            "The wind turned to the north.",
        ]
    )
    assert one @ other > one @ stranger + 0.3


@pytest.mark.parametrize(
    ("engine", "least"), [("torch-bf16", 0.998), ("onnx-fp32", 0.99999), ("onnx-int8", 0.98)]
)
def test_every_engine_points_the_same_way(pocket_encoder: Encoder, engine: str, least: float) -> None:
    vectors = load_encoder("pocket", engine=engine).encode_passages(TEXTS)
    assert vectors.dtype == np.float32
    assert (np.sum(vectors * pocket_encoder.encode_passages(TEXTS), axis=1) > least).all()


def test_the_engine_is_no_part_of_the_fingerprint(tiny_bert_encoder: Path) -> None:
    prints = {load_model(str(tiny_bert_encoder), "encoder", engine=engine).fingerprint for engine in ENGINES}
    assert len(prints) == 1


def test_other_weights_have_another_fingerprint(tiny_bert_encoder: Path, tiny_xlmr_encoder: Path) -> None:
    assert (
        load_encoder(str(tiny_bert_encoder)).fingerprint != load_encoder(str(tiny_xlmr_encoder)).fingerprint
    )


def test_a_text_over_the_window_is_counted_and_logged(
    tiny_roberta_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = RobertaEncoder(load_model(str(tiny_roberta_encoder), "encoder", engine="torch-fp32"))
    fits = "x" * encoder.passage_room
    assert encoder.tokenizer.count(fits) == encoder.passage_room
    encoder.encode_passages([fits])
    assert encoder.truncated == 0
    with caplog.at_level(logging.WARNING):
        encoder.encode_passages([fits, fits + "x", "short"])
    assert encoder.truncated == 1
    assert "1 of 3 texts were cut at 64 tokens" in caplog.text


def test_prefixes_and_cls_pooling_are_used(tiny_xlmr_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "e5"
    folder.mkdir()
    for path in tiny_xlmr_encoder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}', encoding="utf-8")
    (folder / "modules.json").write_text('[{"path": "1_Pooling", "type": "x.Pooling"}]', encoding="utf-8")
    prompts = '{"prompts": {"query": "Who: ", "passage": "It: "}}'
    (folder / "config_sentence_transformers.json").write_text(prompts, encoding="utf-8")
    encoder = load_encoder(str(folder), engine="torch-fp32")
    expected = reference(folder, ("Who: sails?", "It: sails?"), pooling="cls")
    np.testing.assert_allclose(encoder.encode_queries(["sails?"])[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(encoder.encode_passages(["sails?"])[0], expected[1], atol=1e-5)
    assert isinstance(encoder, RobertaEncoder)
    assert encoder.passage_room == 64 - 2 - encoder.tokenizer.count("It: ")


def test_a_row_of_zeros_stays_one() -> None:
    assert unit_length(np.zeros((1, 4), dtype=np.float32)).tolist() == [[0, 0, 0, 0]]
