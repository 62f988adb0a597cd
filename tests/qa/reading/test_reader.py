"""The reader over real checkpoints: logits of the plain model, exact spans, batches that agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from index.checkpoints.presets import models_folder
from index.checkpoints.write_compact import write_plain
from index.engines.load import load_model
from index.errors import ModelError
from index.protocols import TokenIds
from qa.reading.reader import RobertaReader, load_reader

CONTEXTS = (
    "The log says that the ship left the harbour at eight. The wind came from the north, 3.14 knots.",
    "naïve café 😀😀 你好世界。 Привет, мир! e\u0301e\u0301 \u202bשלום\u202c " * 12,
    "",
    " \n\t ",
    ".",
    "Dynamic masking.",
)


@pytest.fixture(scope="module")
def pocket() -> RobertaReader:
    reader = load_reader("pocket", engine="torch-fp32")
    assert isinstance(reader, RobertaReader)
    return reader


def test_it_answers(pocket: RobertaReader) -> None:
    contexts = ["Bread needs flour.", "The first program was written by Ada Lovelace in 1843."]
    best = max(pocket.read("Who wrote the first program?", contexts), key=lambda candidate: candidate.margin)
    assert (best.text, best.context) == ("Ada Lovelace", 1)
    assert best.margin > 0


def test_scores_are_those_of_the_plain_model(pocket: RobertaReader, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, RobertaForQuestionAnswering

    folder = tmp_path / "plain"
    write_plain(models_folder() / "pocket" / "reader", folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = RobertaForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    question, context = "When did the ship leave the harbour?", CONTEXTS[0]
    inputs = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
    offsets, sides = inputs.pop("offset_mapping")[0].tolist(), inputs.sequence_ids(0)
    inputs.pop("token_type_ids", None)
    with torch.inference_mode():
        output = model(**inputs)
    start, end = output.start_logits[0].numpy(), output.end_logits[0].numpy()
    places = [place for place, side in enumerate(sides) if side == 1]
    score, first, last = max(
        (float(start[i] + end[j]), i, j) for i in places for j in places if i <= j < i + 30
    )
    best = pocket.read(question, [context])[0]
    assert context[offsets[first][0] : offsets[last][1]].rstrip(".") == best.text
    assert best.score == pytest.approx(score, abs=1e-3)
    assert best.null_score == pytest.approx(float(start[0] + end[0]), abs=1e-3)


@pytest.mark.parametrize("family", ["roberta", "bert", "xlm-roberta"])
def test_any_family_gives_exact_spans_of_any_text(
    tiny_folder: Callable[[str, str], Path], family: str
) -> None:
    reader = load_reader(str(tiny_folder(family, "reader")))
    for question in ("Who?", "谁 😀?", "\ud800", "when " * 300):
        found = reader.read(question, CONTEXTS)
        assert {candidate.context for candidate in found} == {0, 1, 5}
        for candidate in found:
            assert CONTEXTS[candidate.context][candidate.start : candidate.end] == candidate.text
            assert candidate.text == candidate.text.strip()


def test_nothing_asked_or_given_reads_nothing(pocket: RobertaReader) -> None:
    assert pocket.read("", ["Some text."]) == []
    assert pocket.read(" \n", ["Some text."]) == []
    assert pocket.read("Who?", []) == []
    assert pocket.read_many([]) == []


def test_many_questions_at_once_read_as_each_alone(pocket: RobertaReader) -> None:
    asked = [("Who left?", CONTEXTS[:1]), ("", CONTEXTS), ("What came from the north?", CONTEXTS[::-1])]
    together = pocket.read_many(asked)
    for (question, contexts), found in zip(asked, together, strict=True):
        alone = pocket.read(question, contexts)
        assert [(item.text, item.context) for item in found] == [(item.text, item.context) for item in alone]
        assert [item.score for item in found] == pytest.approx([item.score for item in alone], abs=1e-3)


def test_a_model_that_fails_to_count_gives_no_candidates(tiny_roberta_reader: Path) -> None:
    class Broken:
        name = "broken"

        def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, tuple[NDArray[np.float32], ...]]]:
            for index, sequence in enumerate(sequences):
                nothing = np.full(len(sequence), np.nan, dtype=np.float32)
                yield index, (nothing, nothing)

    from dataclasses import replace

    reader = RobertaReader(replace(load_model(str(tiny_roberta_reader), "reader"), engine=Broken()))
    assert reader.read("Who?", CONTEXTS) == []


def test_an_encoder_is_no_reader(tiny_roberta_encoder: Path) -> None:
    with pytest.raises(ModelError, match="question-answering head"):
        load_reader(str(tiny_roberta_encoder))


def test_what_it_is_called(pocket: RobertaReader) -> None:
    assert pocket.name == "pocket"
    assert len(pocket.fingerprint) == 64
    assert pocket.unknown_share("plain words") == 0.0
    assert pocket.unknown_share("谁能读懂这些字") > 0.1
