"""A smaller vocabulary: which pieces stay, and that texts keep their meaning for the model."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from index.engines.load import load_model
from index.errors import DataError
from index.training.vocabulary import (
    count_pieces,
    coverage,
    cut_folder,
    cut_tokenizer,
    kept_ids,
    main,
    texts_of,
)
from ingest.text.tokenizer import TextTokenizer

TEXT = "The harbour lies to the north of the town. 机器翻译很难。"
WORDS = "embeddings.word_embeddings.weight"


def content(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return found


def test_specials_characters_and_counted_pieces_stay(tiny_xlmr_encoder: Path) -> None:
    tokenizer = TextTokenizer.from_file(tiny_xlmr_encoder / "tokenizer.json")
    found = content(tiny_xlmr_encoder)
    pieces = [piece for piece, _ in found["model"]["vocab"]]  # type: ignore[index]
    counts = count_pieces(tokenizer, [TEXT, TEXT])
    kept = [pieces[number] for number in kept_ids(found, counts, least=2)]
    assert kept[:5] == pieces[:5]
    used = {pieces[number] for number in counts}
    assert used <= set(kept)
    assert all(len(piece.removeprefix("▁")) <= 1 or piece in used for piece in kept[5:])
    assert {piece for piece in pieces if len(piece) == 1} <= set(kept)
    more = [pieces[number] for number in kept_ids(found, counts, least=2, first=40)]
    assert set(more) == set(kept) | set(pieces[:40])


def test_a_text_of_kept_pieces_has_the_same_states(tiny_xlmr_encoder: Path, tmp_path: Path) -> None:
    tokenizer = TextTokenizer.from_file(tiny_xlmr_encoder / "tokenizer.json")
    kept = kept_ids(content(tiny_xlmr_encoder), count_pieces(tokenizer, [TEXT]), least=1)
    cut_folder(tiny_xlmr_encoder, tmp_path / "cut", kept)
    before = load_file(tiny_xlmr_encoder / "model.safetensors")
    after = load_file(tmp_path / "cut" / "model.safetensors")
    assert len(kept) < len(before[WORDS])
    assert np.array_equal(after[WORDS], before[WORDS][kept])
    states = []
    for folder in (tiny_xlmr_encoder, tmp_path / "cut"):
        model = load_model(str(folder), "encoder", engine="torch-fp32")
        frame = model.tokenizer.single
        ids = np.array([*frame.before, *model.tokenizer.encode_ids([TEXT])[0], *frame.after])
        states.append(dict(model.engine.run([ids]))[0][0])
    assert np.allclose(states[0], states[1], atol=1e-6)


def test_what_is_gone_is_spelt_with_less(tiny_xlmr_encoder: Path, tmp_path: Path) -> None:
    cut_folder(tiny_xlmr_encoder, tmp_path / "cut", kept_ids(content(tiny_xlmr_encoder), Counter(), least=1))
    before = TextTokenizer.from_file(tiny_xlmr_encoder / "tokenizer.json")
    after = TextTokenizer.from_file(tmp_path / "cut" / "tokenizer.json")
    found = coverage("text", [TEXT], before, after)
    assert found.longer > 0
    assert found.unknown_after <= found.unknown_before


def test_special_ids_follow(tiny_xlmr_encoder: Path) -> None:
    found = content(tiny_xlmr_encoder)
    made = cut_tokenizer(found, [0, 1, 2, 3, 4, 9])
    assert len(made["model"]["vocab"]) == 6
    assert made["post_processor"]["special_tokens"]["</s>"]["ids"] == [2]
    found["added_tokens"] = [{"id": 9, "content": "<mask>"}]
    assert cut_tokenizer(found, [0, 1, 2, 3, 4, 9])["added_tokens"] == [{"id": 5, "content": "<mask>"}]


def test_another_kind_is_refused(tiny_bert_encoder: Path) -> None:
    with pytest.raises(DataError, match="WordPiece"):
        kept_ids(content(tiny_bert_encoder), Counter(), least=1)


def test_texts_of_files_and_archives(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("plain", encoding="utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"x": ["\\u4f60", 3]}\n'))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("d/one.txt", "zipped")
        archive.writestr("d/two.bin", b"\0\1")
    with tarfile.open(tmp_path / "e.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("f/three.json")
        entry.size = len(b'{"k": "packed"}')
        tar.addfile(entry, io.BytesIO(b'{"k": "packed"}'))
    found = {path.name: dict(texts_of(path)) for path in sorted(tmp_path.iterdir())}
    assert found == {
        "a.txt": {"a.txt": "plain"},
        "b.jsonl.gz": {"b.jsonl.gz": "你"},
        "c.zip": {"d/one.txt": "zipped"},
        "e.tar.gz": {"f/three.json": "packed"},
    }
    with pytest.raises(DataError, match="cannot be read"):
        list(texts_of(tmp_path / "none.txt"))


def test_as_a_command(
    tiny_xlmr_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "w.tsv").write_text("harbour\t3\nspeed\n", encoding="utf-8")
    flags = ["--texts", str(tmp_path / "t.txt"), "--words", str(tmp_path / "w.tsv"), "--least", "1"]
    flags += ["--report", str(tmp_path / "t.txt")]
    monkeypatch.setattr(sys, "argv", ["vocabulary", str(tiny_xlmr_encoder), str(tmp_path / "out"), *flags])
    main()
    said = capsys.readouterr().err
    assert "pieces kept" in said
    assert "+0.0% t.txt" in said
    assert load_model(str(tmp_path / "out"), "encoder").dimension == 32
