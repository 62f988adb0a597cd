"""Every tokenizer family: offsets, frames, unknowns, and texts that try to break them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from index.checkpoints.presets import models_folder
from ingest.text.tokenizer import Frame, TextTokenizer

FAMILIES = ("roberta", "bert", "xlm-roberta")


@pytest.fixture(scope="module")
def tokenizers(tiny_folder: Callable[[str, str], Path]) -> dict[str, TextTokenizer]:
    return {
        family: TextTokenizer.from_file(tiny_folder(family, "encoder") / "tokenizer.json")
        for family in FAMILIES
    }


def test_frames_come_from_the_post_processor(tokenizers: dict[str, TextTokenizer]) -> None:
    bert = tokenizers["bert"]
    assert bert.single == Frame(before=(2,), between=(), after=(3,))
    assert bert.pair == Frame(before=(2,), between=(3,), after=(3,))
    assert bert.pair.size == 3
    for family in ("roberta", "xlm-roberta"):
        assert tokenizers[family].pair == Frame(before=(0,), between=(2, 2), after=(2,))
        assert (tokenizers[family].cls_id, tokenizers[family].sep_id, tokenizers[family].pad_id) == (0, 2, 1)


def test_a_tokenizer_without_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="post-processor"):
        TextTokenizer(Tokenizer(models.WordPiece({"a": 0, "b": 1, "[UNK]": 2}, unk_token="[UNK]")))


def test_padding_and_truncation_of_the_file_are_switched_off(tiny_bert_encoder: Path, tmp_path: Path) -> None:
    saved = Tokenizer.from_file(str(tiny_bert_encoder / "tokenizer.json"))
    saved.enable_truncation(8)
    saved.enable_padding(pad_id=0, length=128)
    saved.save(str(tmp_path / "tokenizer.json"))
    tokenizer = TextTokenizer.from_file(tmp_path / "tokenizer.json")
    assert tokenizer.count("the bus " * 40) == 80
    assert tokenizer.count("the bus") == 2
    assert tokenizer.pad_id == 0


def test_byte_level_offsets_leave_the_space_out(tokenizers: dict[str, TextTokenizer]) -> None:
    text = "the  ship's\n\nlog"
    tokens = tokenizers["roberta"].encode(text)
    pieces = [text[start:end] for start, end in tokens.offsets]
    assert "".join(pieces) == "theship'slog"
    assert all(piece == piece.strip() for piece in pieces)


@pytest.mark.parametrize("family", FAMILIES)
@given(text=st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_offsets_are_ordered_and_inside(tokenizers: dict[str, TextTokenizer], family: str, text: str) -> None:
    tokenizer = tokenizers[family]
    tokens = tokenizer.encode(text)
    starts, ends = tokens.offsets[:, 0], tokens.offsets[:, 1]
    assert len(tokens) == len(tokens.offsets) == tokenizer.count(text)
    assert (starts <= ends).all()
    assert (ends <= len(text)).all()
    assert (np.diff(starts) >= 0).all()
    for start, end in tokens.offsets:
        assert text[start:end] == text[start:end].strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_offsets_count_code_points(tokenizers: dict[str, TextTokenizer], family: str) -> None:
    text = "😀😀 the harbour 😀 bus"
    tokens = tokenizers[family].encode(text)
    covered = {index for start, end in tokens.offsets for index in range(start, end)}
    assert covered == {index for index, character in enumerate(text) if character != " "}
    assert int(tokens.offsets[-1, 1]) == len(text)


@pytest.mark.parametrize("family", FAMILIES)
def test_special_words_in_a_text_are_plain_text(tokenizers: dict[str, TextTokenizer], family: str) -> None:
    tokenizer = tokenizers[family]
    specials = {tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id}
    ids = tokenizer.encode("a [SEP] b </s> c <s> d [CLS] [PAD] <pad>").ids
    assert not specials & set(ids.tolist())


@pytest.mark.parametrize("family", FAMILIES)
def test_lone_surrogates_keep_their_place(tokenizers: dict[str, TextTokenizer], family: str) -> None:
    text = "\ud800 the \udfff bus"
    tokens = tokenizers[family].encode(text)
    start, end = tokens.offsets[-1]
    assert text[start:end] == "bus"[-(end - start) :]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_is_the_single_texts(tokenizers: dict[str, TextTokenizer], family: str) -> None:
    texts = ["the harbour", "", "  ", "Où est la gare ?"]
    tokenizer = tokenizers[family]
    batch, ids = tokenizer.encode_batch(texts), tokenizer.encode_ids(texts)
    for text, tokens, plain in zip(texts, batch, ids, strict=True):
        assert tokens.ids.tolist() == tokenizer.encode(text).ids.tolist() == plain.tolist()
        assert tokens.offsets.tolist() == tokenizer.encode(text).offsets.tolist()
    assert len(batch[1]) == 0
    assert batch[1].offsets.shape == (0, 2)


@pytest.mark.parametrize("text", ["多头注意力的宽度是多少", "RoBERTa 的训练数据有多大？", "Élu à Paris"])
def test_a_space_in_the_place_of_the_first_character_is_known(text: str) -> None:
    tokenizer = TextTokenizer.from_file(models_folder() / "polyglot" / "encoder" / "tokenizer.json")
    assert tokenizer.unknown_share(text) == 0.0


def test_unknown_share(pocket_tokenizer: TextTokenizer, tokenizers: dict[str, TextTokenizer]) -> None:
    assert pocket_tokenizer.unknown_share("") == 0.0
    assert pocket_tokenizer.unknown_share("The ship left the harbour.") == 0.0
    assert pocket_tokenizer.unknown_share("谁提出了动态掩码？") > 0.1
    assert pocket_tokenizer.unknown_share("x" * 200) == 1.0
    assert tokenizers["xlm-roberta"].unknown_share("ж☃ж☃") > 0.1
    assert tokenizers["roberta"].unknown_share("the harbour") == 0.0
    assert tokenizers["roberta"].unknown_share("鑫鑫鑫") == 1.0


def test_serialised_form_is_stable(tiny_xlmr_encoder: Path) -> None:
    path = tiny_xlmr_encoder / "tokenizer.json"
    assert TextTokenizer.from_file(path).serialise() == TextTokenizer.from_file(path).serialise()
