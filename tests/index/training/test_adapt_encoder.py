"""Masked-language training and the way back: the tied head, what is learnt, what a killed run leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from index.datasets.setting_types import checked
from index.errors import DataError
from index.models.encoder import load_encoder
from index.models.masked_lm import HEAD_FILE, LanguageModel, load_language_model, pseudo_perplexity
from index.training.adapt_encoder import Adapted, adapt_encoder, framed
from index.training.adaptation_tasks import MaskedTask
from index.training.settings import Adaptation, LoopSettings

TEXTS = [
    f"The {name} leaves the harbour at {hour} and the log records the {thing}."
    for name in ("ship", "bus", "town")
    for hour in ("eight", "nine", "ten")
    for thing in ("wind", "course", "speed")
]


def settings(start: Path, **more: object) -> Adaptation:
    loop = LoopSettings(learning_rate=1e-2, evaluations=0, checkpoint_minutes=0)
    given = Adaptation(
        start=str(start),
        texts=8,
        max_tokens=64,
        epochs=12.0,
        realign_epochs=2.0,
        hold_out=0.2,
        asked=40,
        loop=loop,
        realign=loop,
    )
    return replace(given, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def adapted(tiny_roberta_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    return adapt_encoder(settings(tiny_roberta_encoder), TEXTS, tmp_path_factory.mktemp("adapted"))


def test_the_collection_is_guessed_better_after_than_before(adapted: Adapted) -> None:
    assert adapted.before is not None
    assert adapted.after is not None
    assert adapted.after.pseudo_perplexity < 0.8 * adapted.before.pseudo_perplexity
    assert adapted.new_head
    assert adapted.texts + adapted.held_out == len(TEXTS)


def test_realignment_leads_the_vectors_back(adapted: Adapted, tiny_roberta_encoder: Path) -> None:
    assert adapted.cosine_masked is not None
    assert adapted.cosine is not None
    assert adapted.cosine > adapted.cosine_masked
    before = load_encoder(str(tiny_roberta_encoder)).encode_passages(TEXTS[:4])
    after = load_encoder(str(adapted.folder)).encode_passages(TEXTS[:4])
    assert not np.allclose(before, after, atol=1e-3)
    assert (before * after).sum(axis=1).mean() == pytest.approx(adapted.cosine, abs=0.1)


def test_the_result_is_a_checkpoint_with_its_head_and_card(adapted: Adapted) -> None:
    assert (adapted.folder / HEAD_FILE).is_file()
    assert "pseudo-perplexity" in (adapted.folder / "MODEL_CARD.md").read_text()
    model = load_language_model(str(adapted.folder), device="cpu")
    assert not model.new_head
    names = [name for name, _ in model.head.named_parameters()]
    assert sum("weight" in name for name in names) == 2  # no output matrix: it is the word table


def test_a_finished_run_called_again_trains_nothing(adapted: Adapted, tiny_roberta_encoder: Path) -> None:
    steps: list[int] = []
    again = adapt_encoder(
        settings(tiny_roberta_encoder), TEXTS, adapted.folder, progress=lambda now: steps.append(now.step)
    )
    assert again.after == adapted.after
    assert again.cosine == pytest.approx(adapted.cosine)
    with pytest.raises(DataError, match="another training"):
        adapt_encoder(settings(tiny_roberta_encoder, rate=0.3), TEXTS, adapted.folder)


def test_training_a_head_leaves_the_encoder_as_it_was(tiny_bert_encoder: Path, tmp_path: Path) -> None:
    found = adapt_encoder(settings(tiny_bert_encoder, head_only=True), TEXTS, tmp_path / "head")
    assert found.before is None
    assert found.after is not None
    before = load_encoder(str(tiny_bert_encoder)).encode_passages(TEXTS[:3])
    after = load_encoder(str(tmp_path / "head")).encode_passages(TEXTS[:3])
    assert np.abs(before - after).max() < 2e-3  # kept in half precision


@pytest.mark.parametrize("family", ["roberta", "bert"])
def test_a_checkpoints_own_head_gives_transformers_logits(family: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = Path(__file__).parents[3] / "data/models/pocket/encoder/tokenizer.json"
    name = {"roberta": "Roberta", "bert": "Bert"}[family]
    config = getattr(transformers, f"{name}Config")(
        vocab_size=30522,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=0,
    )
    torch.manual_seed(3)
    whole = getattr(transformers, f"{name}ForMaskedLM")(config)
    torch.nn.init.normal_(whole.get_output_embeddings().bias)
    whole.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    model = load_language_model(str(tmp_path), device="cpu")
    assert not model.new_head
    task = _task(model)
    (text,) = task.shown(0)
    model.train(False)
    whole.train(False)
    with torch.inference_mode():
        wanted = whole(input_ids=torch.from_numpy(text.ids[None])).logits[0, text.places]
        assert torch.allclose(model([text]), wanted, atol=1e-4)


def test_pseudo_perplexity_hides_one_token_at_a_time(tiny_roberta_encoder: Path) -> None:
    model = load_language_model(str(tiny_roberta_encoder), device="cpu")
    texts = framed(model.start, ["The ship leaves."], 64)
    found = pseudo_perplexity(model, texts.ids, texts.words)
    assert found is not None
    (ids,), (words,) = texts.ids, texts.words
    model.train(False)
    logs = []
    for place in np.flatnonzero(words >= 0).tolist():
        shown = torch.from_numpy(ids.copy()[None])
        shown[0, place] = model.start.tokenizer.mask_id
        with torch.inference_mode():
            hidden = model.backbone(input_ids=shown).last_hidden_state[0, place]
            logits = model.head(hidden, model.backbone.get_input_embeddings().weight)
        logs.append(float(torch.log_softmax(logits, -1)[int(ids[place])]))
    assert found.tokens == len(logs)
    assert found.pseudo_perplexity == pytest.approx(float(np.exp(-np.mean(logs))), rel=1e-3)
    assert pseudo_perplexity(model, [], []) is None


def test_steps_of_two_epochs_hide_other_tokens_of_one_text(tiny_roberta_encoder: Path) -> None:
    model = load_language_model(str(tiny_roberta_encoder), device="cpu")
    task = _task(model, texts=["The ship leaves the harbour at eight and the log records the wind."])
    places = {tuple(task.shown(step)[0].places.tolist()) for step in range(6)}
    assert len(places) >= 4


def test_too_few_texts_and_wrong_settings_are_said(tiny_roberta_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        adapt_encoder(settings(tiny_roberta_encoder), TEXTS[:3], tmp_path / "few")
    with pytest.raises(DataError, match="rate"):
        checked(Adaptation, {"rate": 1.5}, where="x.toml")
    kept = checked(Adaptation, {"loop": {"seed": 3}}, where="x.toml").loop
    assert (kept.seed, kept.learning_rate) == (3, 1e-4)


def _task(model: LanguageModel, texts: list[str] | None = None) -> MaskedTask:
    shown = framed(model.start, texts or TEXTS[:1], 64)
    return MaskedTask(model, shown, shown, per_step=1, epochs=6.0, rate=0.3, whole_words=False, seed=1)


def test_what_is_drawn_is_not_what_is_held_out(
    tiny_folder: Callable[[str, str], Path], tmp_path: Path
) -> None:
    found = adapt_encoder(
        settings(tiny_folder("roberta", "encoder"), head_only=True, at_most=20, epochs=1.0),
        TEXTS,
        tmp_path / "some",
    )
    assert found.texts + found.held_out == 20
    assert found.held_out < 10
