"""Why a passage is near, where attention goes: shares that add up, rollout by hand, faithful as measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch

from index.engines.torch_models import Trainable, load_trainable
from index.errors import DataError
from index.models.encoder import load_encoder
from qa.explanation.integrated_gradients import embedded
from qa.explanation.pair_report import explain_pair, rollout
from qa.explanation.records import Method
from qa.explanation.similarity_attribution import (
    FramedText,
    Similarity,
    explain_similarity,
    frame_text,
    unit_vectors,
)
from qa.squad.dataset import read_squad

QUESTION = "Who introduced dynamic masking?"
PASSAGE = "RoBERTa was introduced by Liu and others in 2019. Dynamic masking changes words in every epoch."
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pocket() -> Trainable:
    return load_trainable("pocket", "encoder", device="cpu")


@pytest.mark.parametrize("family", ["roberta", "bert", "xlm-roberta"])
def test_the_shares_of_each_side_add_up(tiny_folder: Callable[[str, str], Path], family: str) -> None:
    model = load_trainable(str(tiny_folder(family, "encoder")), "encoder", device="cpu")
    found = explain_similarity(model, QUESTION[:20], PASSAGE[:60], steps=64)
    for side, text in ((found.question, QUESTION[:20]), (found.passage, PASSAGE[:60])):
        assert abs(found.gap(side)) < 0.01
        assert all(text[word.start : word.end] == word.text for word in side.words)
    assert not any(parameter.grad is not None for parameter in model.model.parameters())


def test_the_cosine_is_the_one_that_a_search_ranks_by(pocket: Trainable) -> None:
    found = explain_similarity(pocket, QUESTION, PASSAGE, steps=1)
    encoder = load_encoder("pocket", engine="torch-fp32")
    wanted = float(encoder.encode_queries([QUESTION])[0] @ encoder.encode_passages([PASSAGE])[0])
    assert found.cosine == pytest.approx(wanted, abs=1e-4)


def test_a_text_without_words_is_refused_and_a_long_one_cut(tiny_roberta_encoder: Path) -> None:
    model = load_trainable(str(tiny_roberta_encoder), "encoder", device="cpu")
    with pytest.raises(DataError, match="no word"):
        explain_similarity(model, "", PASSAGE)
    assert frame_text(model, PASSAGE * 3).cut
    assert len(frame_text(model, PASSAGE * 3).ids) == model.max_tokens


def test_rollout_by_hand() -> None:
    layer = np.array([[[1.0, 0.0], [1.0, 0.0]]], np.float32)  # one head: all look at the first token
    found = rollout(np.stack([layer, layer]))
    # (A + I) / 2 is [[1, 0], [.5, .5]]; its square is [[1, 0], [.75, .25]].
    assert found.tolist() == [[1.0, 0.0], [0.75, 0.25]]


def test_reasons_name_tokens_of_both_texts(tiny_folder: Callable[[str, str], Path]) -> None:
    encoder, reader = (str(tiny_folder("bert", task)) for task in ("encoder", "reader"))
    found = explain_pair("who is liu?", "introduced by Liu in 2019", encoder=encoder, reader=reader)
    attention = found.attention
    n = len(attention.pieces)
    assert attention.weights.shape == (2, 2, n, n)
    assert np.allclose(attention.weights.sum(axis=-1), 1, atol=1e-5)
    assert np.allclose(attention.rollout.sum(axis=-1), 1, atol=1e-5)
    for piece in attention.pieces:
        text = {"question": found.question, "passage": found.passage, "frame": ""}[piece.side]
        assert text[piece.start : piece.end] == piece.text
    assert "".join(p.text for p in attention.pieces if p.side == "passage") == "introducedbyLiuin2019"


def cosine_without(model: Trainable, kept: FramedText, gone: np.ndarray, other: torch.Tensor) -> float:
    """The passage's cosine to a vector with the pieces at some places taken out of it."""
    ids = np.delete(kept.ids, gone)
    with torch.inference_mode():
        return float(unit_vectors(model, ids, embedded(model, ids)[None])[0] @ other)


def drops(model: Trainable, question: str, passage: str, found: Similarity) -> tuple[float, float]:
    """What taking out the tenth of the passage's words that weighs most costs, and a random tenth (mean)."""
    kept, asked = frame_text(model, passage), frame_text(model, question)
    with torch.inference_mode():
        other = unit_vectors(model, asked.ids, embedded(model, asked.ids)[None])[0]
    words = found.passage.words
    places = [
        kept.positions[
            [n for n, (start, end) in enumerate(kept.offsets.tolist()) if start < w.end and end > w.start]
        ]
        for w in words
    ]
    count = max(1, len(words) // 10)
    best = sorted(range(len(words)), key=lambda number: -words[number].weight)[:count]
    lot = np.random.default_rng(0)
    chance = [lot.choice(len(words), count, replace=False) for _ in range(8)]
    lowered = [
        found.cosine - cosine_without(model, kept, np.concatenate([places[n] for n in chosen]), other)
        for chosen in [best, *(list(map(int, item)) for item in chance)]
    ]
    return lowered[0], fmean(lowered[1:])


def test_the_words_that_weigh_most_hold_the_cosine(pocket: Trainable) -> None:
    top, chance = drops(pocket, QUESTION, PASSAGE, explain_similarity(pocket, QUESTION, PASSAGE, steps=8))
    assert top > 0.03 > chance


@pytest.mark.slow
def test_attributions_are_faithful_over_the_demo(pocket: Trainable) -> None:
    """Taking out what weighs most costs far more than chance, and more than by the gradient alone."""
    examples = read_squad(ROOT / "data/questions.json").examples[::12][:8]
    found: dict[str, list[float]] = {"integrated": [], "gradient": [], "chance": []}
    for example in examples:
        for name, method, steps in (
            ("integrated", Method.INTEGRATED, 16),
            ("gradient", Method.GRADIENT, 1),
        ):
            reasons = explain_similarity(
                pocket, example.question, example.context[:700], method=method, steps=steps
            )
            top, chance = drops(pocket, example.question, example.context[:700], reasons)
            found[name].append(top)
        found["chance"].append(chance)
    means = {name: fmean(values) for name, values in found.items()}
    assert means["integrated"] > 3 * max(means["chance"], 0.01), means
    print(means)  # noqa: T201
