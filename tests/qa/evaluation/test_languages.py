"""Evaluation over parallel files: the same questions in several languages, over own and over other texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import DataError
from index.models.encoder import load_encoder
from qa.evaluation.languages import evaluate_languages
from qa.reading.reader import load_reader
from ui.cli import main

TEXTS = {
    "en": ("The ship lies in the harbour of Dover.", "Where does the ship lie?", "Dover"),
    "de": ("Das Schiff liegt im Hafen von Dover.", "Wo liegt das Schiff?", "Dover"),
    "zh": ("这艘船停在多佛港。", "船停在哪里?", "多佛港"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language, (context, question, answer) in TEXTS.items():
        qas = [
            {
                "id": f"q{number}",
                "question": question,
                "answers": [{"text": answer, "answer_start": context.index(answer)}],
            }
            for number in range(3)
        ]
        data = [{"title": "t", "paragraphs": [{"context": context, "qas": qas}]}]
        (tmp_path / f"x.{language}.json").write_text(json.dumps({"data": data}), encoding="utf-8")
    (tmp_path / "README.md").write_text("not a language")
    return tmp_path


def test_a_tiny_multilingual_checkpoint(
    folder: Path, tiny_xlmr_encoder: Path, tiny_xlmr_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = f"{tiny_xlmr_encoder},{tiny_xlmr_reader}"
    arguments = ["--models", models, "--engine", "torch-fp32", "--limit", "2", "--json"]
    assert main(["eval", "languages", str(folder), *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["questions"] == 2
    assert list(found["languages"]) == ["de", "en", "zh"]
    assert found["languages"]["en"]["across"] is None
    # There is one text only, so it is found, and its gold span is the English one; but the tiny vocabulary
    # does not know the Chinese words, and no word of that question stands in an English text.
    for language, recall in (("de", 1.0), ("zh", 0.0)):
        across = found["languages"][language]["across"]
        assert across["recall@k"] == recall, language
        assert 0 <= across["f1_forced"] <= 100


def test_what_is_wrong(folder: Path, tiny_xlmr_encoder: Path, tiny_xlmr_reader: Path) -> None:
    reader = load_reader(str(tiny_xlmr_reader), engine="torch-fp32")
    encoder = load_encoder(str(tiny_xlmr_encoder), engine="torch-fp32")
    with pytest.raises(DataError, match="no file of the language 'fr', only de, en, zh"):
        evaluate_languages(folder, reader, encoder, across="fr")
    with pytest.raises(DataError, match="there is no folder"):
        evaluate_languages(folder / "none", reader, encoder)
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="no file named by its language"):
        evaluate_languages(folder / "empty", reader, encoder)
