"""Training an encoder: the loss, its cached gradient, what counts as negative, resume, and that it learns."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from index.datasets.question_passages import Pair, PairData, PairFile, PairSource
from index.datasets.setting_types import checked
from index.engines.torch_models import load_trainable
from index.errors import DataError, ModelError, ModelMismatch
from index.models.encoder import load_encoder
from index.models.layer_pooling import pooled
from index.search.hard_negatives import hard_negatives
from index.search.retriever import Retriever
from index.store.store import Store
from index.training.contrastive_loss import cached_parts, contrastive_loss
from index.training.loop import TrainingProgress
from index.training.settings import EncoderTraining, HardNegatives, LoopSettings
from index.training.train_encoder import TrainedEncoder, _EncoderTask, _figures, train_encoder
from ingest.records import Text

# Words that every tiny vocabulary can spell.
SHIPS = ("Liu", "others", "masking", "changes", "introduced", "north", "records", "every", "when", "2019")
KEYS = ("wind", "course", "speed", "town", "bus", "log", "words", "epoch", "dynamic", "harbour")


def pairs_file(path: Path, *, questions: int = 1) -> Path:
    """For each harbour a passage, and questions that share no word with it."""
    lines = [
        {"question": f"who is {way} {key}?", "passage": f"The ship lies in {harbour} until spring."}
        for key, harbour in zip(KEYS, SHIPS, strict=True)
        for way in ("at", "near", "off")[:questions]
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def plan(data: Path, start: Path, **changes: Any) -> EncoderTraining:
    settings = EncoderTraining(
        sources=(PairSource(path=str(data)),),
        start=str(start),
        epochs=3.0,
        questions=5,
        tokens_at_once=120,
        max_tokens=60,
        dimensions=(16, 8),
        hold_out=0.3,
        negatives=HardNegatives(passages=1, candidates=4),
        loop=LoopSettings(learning_rate=2e-3, evaluations=1, checkpoint_minutes=0.0, seed=3),
    )
    return replace(settings, **changes)


class TestLearning:
    @pytest.mark.slow
    @pytest.mark.parametrize("family", ["roberta", "bert"])
    def test_what_was_not_found_is_found_at_every_width(
        self, family: str, tiny_folder: Callable[[str, str], Path], tmp_path: Path
    ) -> None:
        data, start = pairs_file(tmp_path / "p.jsonl"), tiny_folder(family, "encoder")
        loop = LoopSettings(learning_rate=4e-3, evaluations=0, seed=3)
        settings = plan(
            data,
            start,
            epochs=30.0,
            hold_out=0.0,
            dropout=0.0,
            questions=10,
            tokens_at_once=1000,
            negatives=HardNegatives(passages=0),
            loop=loop,
        )
        trained = train_encoder(settings, tmp_path / "out")
        assert trained.widths == (32, 16, 8)
        assert self._found(str(start)) <= 4
        for name in ("", "@16", "@8"):
            assert self._found(f"{trained.folder}{name}") == len(SHIPS)

    @staticmethod
    def _found(name: str) -> int:
        encoder = load_encoder(name, engine="torch-fp32")
        questions = encoder.encode_queries([f"who is at {key}?" for key in KEYS])
        passages = encoder.encode_passages([f"The ship lies in {word} until spring." for word in SHIPS])
        return int((np.argmax(questions @ passages.T, axis=1) == np.arange(len(SHIPS))).sum())

    def test_figures_card_and_record(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        data = pairs_file(tmp_path / "p.jsonl", questions=3)
        trained = train_encoder(plan(data, tiny_roberta_encoder, hold_out=0.5), tmp_path / "out")
        record = json.loads((trained.folder / "training.json").read_text(encoding="utf-8"))
        steps = [item["step"] for item in record["evaluations"]]
        assert steps == sorted(steps)
        assert len(steps) == 3
        for item in record["evaluations"]:
            assert {"recall@1", "ndcg@10", "recall@10 at 8"} <= item["figures"].keys()
            assert item["figures"]["passages"] == len({pair.passage for pair in trained.data.held_out})
        card = (trained.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
        assert f"{len(trained.data.held_out)} pairs of the titles held out" in card
        assert "| `p.jsonl` | 30 | 0 | 0 | 1 |" in card
        assert "the first 16 and 8 serve alone" in card

    @pytest.mark.slow
    def test_the_result_can_be_blended_with_its_start(
        self, tiny_roberta_encoder: Path, tmp_path: Path
    ) -> None:
        settings = plan(pairs_file(tmp_path / "p.jsonl"), tiny_roberta_encoder)
        plain = load_file(train_encoder(settings, tmp_path / "a").folder / "model.safetensors")
        trained = train_encoder(replace(settings, start_share=0.25), tmp_path / "b")
        start = load_file(tiny_roberta_encoder / "model.safetensors")
        for name, weight in load_file(trained.folder / "model.safetensors").items():
            expected = 0.75 * plain[name].float() + 0.25 * start[name]
            assert torch.allclose(weight.float(), expected, atol=2e-3)
        assert trained.evaluations[-1].weights == "blended"

    def test_pooling_prefixes_and_window_stay_with_the_model(
        self, tiny_xlmr_encoder: Path, tmp_path: Path
    ) -> None:
        start = tmp_path / "start"
        start.mkdir()
        for path in tiny_xlmr_encoder.iterdir():
            (start / path.name).write_bytes(path.read_bytes())
        files = {
            "modules.json": [{"path": "pool", "type": "sentence_transformers.models.Pooling"}],
            "pool/config.json": {"pooling_mode_cls_token": True},
            "sentence_bert_config.json": {"max_seq_length": 40},
            "config_sentence_transformers.json": {"prompts": {"query": "ask: ", "document": "text: "}},
        }
        (start / "pool").mkdir()
        for name, content in files.items():
            (start / name).write_text(json.dumps(content), encoding="utf-8")
        trained = train_encoder(plan(pairs_file(tmp_path / "p.jsonl"), start), tmp_path / "out")
        before, after = load_trainable(str(start), "encoder"), load_trainable(str(trained.folder), "encoder")
        assert (after.pooling, after.prefixes, after.max_tokens) == ("cls", before.prefixes, 40)
        assert after.prefixes.query == "ask: "
        assert after.fingerprint != before.fingerprint


class _Killed(Exception):
    pass


class TestResume:
    @pytest.mark.slow
    def test_a_killed_run_ends_with_the_same_weights(
        self, tiny_roberta_encoder: Path, tmp_path: Path
    ) -> None:
        settings = plan(pairs_file(tmp_path / "p.jsonl"), tiny_roberta_encoder, dropout=0.1)

        def kill(progress: TrainingProgress) -> None:
            if progress.step == 3 and progress.evaluation is None:
                raise _Killed

        whole = train_encoder(settings, tmp_path / "whole")
        with pytest.raises(_Killed):
            train_encoder(settings, tmp_path / "killed", progress=kill)
        seen: list[int] = []
        resumed = train_encoder(settings, tmp_path / "killed", progress=lambda item: seen.append(item.step))
        assert min(seen) >= 2
        assert self._weights(whole) == self._weights(resumed)
        assert [e.figures for e in whole.evaluations] == [e.figures for e in resumed.evaluations]

    @pytest.mark.slow
    def test_the_seed_alone_decides(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        settings = plan(pairs_file(tmp_path / "p.jsonl"), tiny_roberta_encoder)
        first, second = (self._weights(train_encoder(settings, tmp_path / name)) for name in "ab")
        other = replace(settings, loop=replace(settings.loop, seed=4))
        assert first == second != self._weights(train_encoder(other, tmp_path / "c"))
        with pytest.raises(DataError, match="another training"):
            train_encoder(other, tmp_path / "a")

    @staticmethod
    def _weights(trained: TrainedEncoder) -> bytes:
        return (trained.folder / "model.safetensors").read_bytes()


def task(start: Path, pairs: list[Pair], **changes: Any) -> _EncoderTask:
    settings = plan(Path("unused"), start, questions=len(pairs), dropout=0.0, **changes)
    data = PairData(pairs=tuple(pairs), weights=(1.0,) * len(pairs), held_out=(), reports=())
    return _EncoderTask(settings, data, load_trainable(str(start), "encoder"), None)


def gradient(of: _EncoderTask) -> tuple[float, torch.Tensor]:
    model = of._start.model.train()
    total = 0.0
    for part in of.losses(0):
        part.backward()  # type: ignore[no-untyped-call]
        total += float(part.detach())
    grads = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    return total, torch.cat(grads)


class TestGradientCaching:
    def test_it_is_the_direct_gradient(self, tiny_roberta_encoder: Path) -> None:
        """Over one chunk the graph is direct; without dropout, which each chunk draws for itself."""
        pairs = [Pair(question=f"who is at {n}?", passage=f"In {word}.") for n, word in enumerate(SHIPS)]
        losses, gradients = [], []
        for tokens in (100_000, 60, 1):
            some = task(tiny_roberta_encoder, pairs, tokens_at_once=tokens)
            for module in some._start.model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
            loss, found = gradient(some)
            losses.append(loss)
            gradients.append(found)
        assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-5)
        assert float(gradients[0].norm()) > 0
        for found in gradients[1:]:
            assert torch.allclose(found, gradients[0], atol=1e-6, rtol=1e-4)

    def test_both_passes_of_a_chunk_see_the_same_dropout(self, tiny_roberta_encoder: Path) -> None:
        pairs = [Pair(question=f"who is at {n}?", passage=f"In {word}.") for n, word in enumerate(SHIPS)]
        some = task(tiny_roberta_encoder, pairs, tokens_at_once=60)
        seen: dict[int, list[torch.Tensor]] = {}
        chunks: list[Any] = []
        embed = some._embed

        def noted(sequences: Any) -> torch.Tensor:
            found = embed(sequences)
            chunks.append(sequences)
            seen.setdefault(id(sequences), []).append(found.detach())
            return found

        some._embed = noted  # type: ignore[method-assign]
        gradient(some)
        assert len(seen) > 1
        for first, second in seen.values():
            assert torch.equal(first, second)
        assert not torch.equal(next(iter(seen.values()))[0], embed(chunks[0]))

    @given(st.integers(1, 5), st.integers(0, 99))
    def test_parts_add_up_to_loss_and_gradient(self, chunks: int, seed: int) -> None:
        lot = torch.Generator().manual_seed(seed)
        weight = torch.randn(4, 3, generator=lot, dtype=torch.float64, requires_grad=True)
        inputs = [torch.randn(2, 4, generator=lot, dtype=torch.float64) for _ in range(chunks)]
        wanted = torch.logsumexp(torch.cat(inputs) @ weight, dim=0).pow(2).sum()
        (expected,) = torch.autograd.grad(wanted, weight)
        parts = list(
            cached_parts(
                chunks,
                lambda number: inputs[number] @ weight,
                lambda vectors: torch.logsumexp(vectors, dim=0).pow(2).sum(),
            )
        )
        assert len(parts) == chunks
        (found,) = torch.autograd.grad(torch.stack(parts).sum(), weight)
        assert torch.allclose(torch.stack(parts).sum(), wanted)
        assert torch.allclose(found, expected)


class TestNegatives:
    def test_a_passage_stands_once_and_is_nobodys_negative_who_asks_for_it(
        self, tiny_roberta_encoder: Path
    ) -> None:
        pairs = [
            Pair(question="who?", passage="In Dover."),
            Pair(question="when?", passage="In Dover."),
            Pair(question="who?", passage="In Calais."),
            Pair(question="where?", passage="In Malta."),
        ]
        none = HardNegatives(passages=0)
        shown = task(tiny_roberta_encoder, pairs, negatives=none)._step(0)
        questions = len(shown.positives)
        assert len(shown.sequences) - questions == 3  # distinct passages
        allowed = shown.allowed.sum(dim=1).tolist()
        for row, column in enumerate(shown.positives):
            assert shown.allowed[row, column]
            sequence = shown.sequences[row].tolist()
            same = [n for n in range(questions) if shown.sequences[n].tolist() == sequence]
            others = {shown.positives[n] for n in same} - {column}
            assert not any(shown.allowed[row, other] for other in others)
            assert allowed[row] == 3 - len(others)
        assert sorted(allowed) == [2, 2, 3, 3]

    def test_a_passage_with_the_labelled_answer_is_no_negative(self, tiny_roberta_encoder: Path) -> None:
        pairs = [
            Pair(question="where does the ship lie?", passage="The ship lies in Dover.", answers=("dover",)),
            Pair(question="what?", passage="Where does the ship lie? In Dover!", answers=("ship",)),
            Pair(question="why?", passage="Where does the ship lie? Not in Doverham.", answers=("x",)),
        ]
        some = task(tiny_roberta_encoder, pairs, negatives=HardNegatives(passages=5, dense=False))
        chosen = some._negatives(pairs[0], random.Random(0))
        assert [some._passages[place] for place in chosen] == [pairs[2].passage]

    def test_an_answer_within_chinese_text_is_found(self, tiny_roberta_encoder: Path) -> None:
        pairs = [
            Pair(question="船 在 哪里", passage="这艘船停在多佛尔港。", answers=("多佛尔",)),
            Pair(question="港 在 哪里", passage="船 在 哪里 多佛尔港在英格兰。", answers=("英格兰",)),
            Pair(question="什么", passage="船 在 哪里 上海是港口。", answers=("上海",)),
        ]
        some = task(tiny_roberta_encoder, pairs, negatives=HardNegatives(passages=5, dense=False))
        chosen = some._negatives(pairs[0], random.Random(0))
        assert [some._passages[place] for place in chosen] == [pairs[2].passage]

    def test_what_is_nearer_than_a_share_of_the_answer_is_left_out(self, hashing_encoder: Any) -> None:
        texts = ["the ship lies here", "the ship lies there", "the ship", "ships and harbours"]
        question = ["the ship lies here"]
        assert hard_negatives(texts, question, [{0}], 4)[0][0] == 1
        cosines = hashing_encoder.encode_queries(question) @ hashing_encoder.encode_passages(texts).T
        found = hard_negatives(texts, question, [{0}], 4, encoder=hashing_encoder, at_most=0.74)[0]
        assert found
        assert 0 not in found
        assert all(cosines[0, place] <= 0.74 for place in found)
        more = hard_negatives(texts, question, [{0}], 4, encoder=hashing_encoder, at_most=1.0)[0]
        assert set(found) < set(more)


class TestLoss:
    def test_every_width_counts_alike(self) -> None:
        lot = torch.Generator().manual_seed(1)
        asked, given_ = torch.randn(3, 8, generator=lot), torch.randn(4, 8, generator=lot)
        options: dict[str, Any] = {"temperature": 0.1}
        gold, allowed = torch.tensor([0, 1, 3]), torch.ones(3, 4, dtype=torch.bool)
        both = contrastive_loss(asked, given_, gold, allowed, widths=(8, 2), **options)
        alone = [
            contrastive_loss(asked[:, :width], given_[:, :width], gold, allowed, widths=(width,), **options)
            for width in (8, 2)
        ]
        assert both == pytest.approx(float(sum(alone)) / 2)

    def test_what_is_not_allowed_changes_nothing(self) -> None:
        asked, passages = torch.eye(2, 4), torch.eye(3, 4)
        allowed = torch.tensor([[True, True, False], [True, True, False]])
        options: dict[str, Any] = {"widths": (4,), "temperature": 0.05}
        gold = torch.tensor([0, 1])
        with_third = contrastive_loss(asked, passages, gold, allowed, **options)
        without = contrastive_loss(asked, passages[:2], gold, allowed[:, :2], **options)
        assert torch.equal(with_third, without)

    def test_padding_is_not_pooled(self) -> None:
        hidden = torch.tensor([[[1.0, 3.0], [3.0, 5.0], [99.0, 99.0]]])
        mask = torch.tensor([[1, 1, 0]])
        assert pooled(hidden, mask, "mean").tolist() == [[2.0, 4.0]]
        assert pooled(hidden, mask, "cls").tolist() == [[1.0, 3.0]]

    def test_equal_scores_count_against_the_right_passage(self) -> None:
        same = np.ones((3, 2), dtype=np.float32)
        assert _figures(same[:1], same, [{0}]) == pytest.approx(
            {"recall@1": 0.0, "recall@10": 1.0, "ndcg@10": 0.5}
        )
        assert _figures(same[:1], same, [{0, 1, 2}])["ndcg@10"] == pytest.approx(1.0)


class TestFewerDimensions:
    def test_they_are_the_first_brought_to_unit_length(self, tiny_roberta_encoder: Path) -> None:
        texts = ["A ship's log records the wind.", "Who?"]
        whole, short = (
            load_encoder(f"{tiny_roberta_encoder}{cut}", engine="torch-fp32") for cut in ("", "@8")
        )
        full, cut = whole.encode_passages(texts), short.encode_passages(texts)
        assert (short.dimension, cut.shape) == (8, (2, 8))
        expected = full[:, :8] / np.linalg.norm(full[:, :8], axis=1, keepdims=True)
        np.testing.assert_allclose(cut, expected, atol=1e-6)
        assert short.fingerprint != whole.fingerprint
        assert load_encoder(f"{tiny_roberta_encoder}@32").fingerprint == whole.fingerprint

    @pytest.mark.parametrize("dimension", ["0", "33"])
    def test_there_are_only_so_many(self, tiny_roberta_encoder: Path, dimension: str) -> None:
        with pytest.raises(ModelError, match=f"32 dimensions, {dimension} cannot"):
            load_encoder(f"{tiny_roberta_encoder}@{dimension}")

    def test_a_folder_may_be_called_so(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        folder = tmp_path / "mine@8"
        folder.symlink_to(tiny_roberta_encoder)
        assert load_encoder(str(folder)).dimension == 32
        assert load_encoder(f"{folder}@16").dimension == 16

    def test_a_store_keeps_them_and_refuses_others(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        name = f"{tiny_roberta_encoder}@8"
        with Store.open(tmp_path / "store", create=True, models=f"{name},") as store:
            store.add([Text(id="a", text="The harbour lies to the north of the town.")])
            store.add([Text(id="b", text="Dynamic masking changes words in every epoch.")])
        with Store.open(tmp_path / "store") as store:
            assert store.encoder.dimension == 8
            hits = Retriever(store).search("Dynamic masking changes words in every epoch.", mode="dense")
            assert hits[0].document.title == "b"
            assert hits[0].score == pytest.approx(1, abs=1e-2)
        for other in (str(tiny_roberta_encoder), f"{tiny_roberta_encoder}@16"):
            with (
                Store.open(tmp_path / "store", models=f"{other},") as store,
                pytest.raises(ModelMismatch, match="@8"),
            ):
                Retriever(store).search("harbour")


class TestSettings:
    def test_unknown_entries_are_named(self) -> None:
        with pytest.raises(DataError, match=r"my\.toml: negatives\.pasages"):
            checked(EncoderTraining, {"sources": [], "negatives": {"pasages": 1}}, where="my.toml")

    def test_the_learning_rate_is_an_encoders_where_the_loop_says_nothing(self) -> None:
        assert (
            checked(EncoderTraining, {"sources": [], "loop": {"seed": 1}}, where="x").loop.learning_rate
            == 2e-5
        )

    def test_another_reading_of_files_can_be_given(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        def read(path: str) -> PairFile:
            pairs = tuple(Pair(question=f"at {word}?", passage=f"In {word}.") for word in SHIPS)
            return PairFile(path=path, pairs=pairs)

        settings = plan(Path("nowhere"), tiny_roberta_encoder, hold_out=0.0, epochs=0.1)
        trained = train_encoder(settings, tmp_path / "out", read=read)
        assert len(trained.data.pairs) == len(SHIPS)
        assert [item.figures for item in trained.evaluations] == [{}, {}]
