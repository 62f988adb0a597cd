"""Training a reader: data, labels, losses, the loop's resume, and that something is learnt."""

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
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from index.datasets.sampling import draw
from index.datasets.setting_types import checked
from index.engines.torch_models import load_trainable
from index.errors import DataError, ModelError
from index.search.hard_negatives import holds_answer, nearest_texts
from index.training.loop import TrainingProgress
from index.training.run_state import load_state, save_state
from index.training.settings import LoopSettings
from ingest.records import Span
from qa.reading.reader import load_reader
from qa.squad.metrics import normalise_answer
from qa.training.distillation import Teacher
from qa.training.examples import load_sources, respell
from qa.training.labelled_windows import NO_ANSWER, label_windows
from qa.training.loss import passage_loss, shared_loss, teacher_loss
from qa.training.settings import Distillation, Negatives, ReaderTraining, Source
from qa.training.train_reader import TrainedReader, train_reader

LEARNING = LoopSettings(learning_rate=4e-3, evaluations=0, seed=3)
FAMILIES = ("roberta", "bert", "xlm-roberta")
SHIPS = ("Dover", "Calais", "Ostend", "Dieppe", "Cadiz", "Genoa", "Malta", "Corfu")


def squad_file(path: Path, *, wrong: bool = False, unanswerable: bool = True) -> Path:
    """One paragraph for each ship, in an article of its own, its harbour asked for."""
    data: list[dict[str, Any]] = []
    for number, harbour in enumerate(SHIPS):
        context = f"The ship {number} lies in {harbour} until spring. Its log records the wind."
        answer = {
            "text": harbour,
            "answer_start": context.index(harbour) + (1 if wrong and not number else 0),
        }
        qas: list[dict[str, Any]] = [
            {"id": f"a{number}", "question": f"Where does ship {number} lie?", "answers": [answer]}
        ]
        if unanswerable:
            question = f"Who is captain of ship {number}?"
            qas.append({"id": f"n{number}", "question": question, "answers": [], "is_impossible": True})
        data.append({"title": f"Ship {number}", "paragraphs": [{"context": context, "qas": qas}]})
    path.write_text(json.dumps({"data": data}), encoding="utf-8")
    return path


def plan(data: Path, start: Path, **changes: Any) -> ReaderTraining:
    loop = LoopSettings(learning_rate=2e-3, evaluations=1, checkpoint_minutes=0.0, seed=3)
    settings = ReaderTraining(
        sources=(Source(path=str(data)),),
        start=str(start),
        epochs=2.0,
        questions=4,
        questions_at_once=4,
        max_tokens=60,
        stride=8,
        hold_out=0.2,
        negatives=Negatives(share=0.5, candidates=4),
        loop=loop,
    )
    return replace(settings, **changes)


class TestLearning:
    @pytest.mark.slow
    @pytest.mark.parametrize("family", FAMILIES)
    def test_what_was_wrong_before_is_right_after(
        self, family: str, tiny_folder: Callable[[str, str], Path], tmp_path: Path
    ) -> None:
        data = squad_file(tmp_path / "ships.json", unanswerable=False)
        start = tiny_folder(family, "reader")
        trained = train_reader(
            plan(data, start, epochs=40.0, hold_out=0.0, respelled=0.0, dropout=0.0, loop=LEARNING),
            tmp_path / "out",
        )
        before, after = (self._right(str(folder)) for folder in (start, trained.folder))
        assert before <= 2
        assert after == len(SHIPS)

    @staticmethod
    def _right(name: str) -> int:
        reader = load_reader(name, engine="torch-fp32")
        right = 0
        for number, harbour in enumerate(SHIPS):
            context = f"The ship {number} lies in {harbour} until spring. Its log records the wind."
            found = reader.read(f"Where does ship {number} lie?", [context])
            right += found[0].text == harbour
        return right

    @pytest.mark.slow
    def test_an_encoder_gets_a_head(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        data = squad_file(tmp_path / "ships.json")
        trained = train_reader(plan(data, tiny_roberta_encoder), tmp_path / "out")
        assert load_reader(str(trained.folder)).read("Where?", ["In Dover."])
        assert "with a new head" in (trained.folder / "MODEL_CARD.md").read_text(encoding="utf-8")

    @pytest.mark.slow
    def test_what_is_written_is_what_was_trained(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        trained = train_reader(plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader), tmp_path / "out")
        written = load_file(trained.folder / "model.safetensors")
        saved = load_state(trained.folder / "checkpoints")
        assert saved is not None
        for name, weight in written.items():
            assert weight.dtype == torch.float16
            assert torch.equal(weight, saved.tensors[f"model/{name}"].half())

    def test_the_card_says_what_was_done(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        trained = train_reader(plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader), tmp_path / "out")
        card = (trained.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
        held_out = len(trained.data.held_out)
        assert f"{held_out} questions of the titles held out" in card
        assert "| `s.json` | 16 | 8 | 0 | 1 |" in card
        assert '"learning_rate": 0.002' in card
        record = json.loads((trained.folder / "training.json").read_text(encoding="utf-8"))
        assert [item["step"] for item in record["evaluations"]] == [0, 3, 6]
        assert all(0 <= item["figures"]["f1"] <= 100 for item in record["evaluations"])

    @pytest.mark.slow
    def test_the_result_can_be_blended_with_its_start(
        self, tiny_roberta_reader: Path, tmp_path: Path
    ) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader)
        plain = load_file(train_reader(settings, tmp_path / "a").folder / "model.safetensors")
        trained = train_reader(replace(settings, start_share=0.25), tmp_path / "b")
        start = load_file(tiny_roberta_reader / "model.safetensors")
        for name, weight in load_file(trained.folder / "model.safetensors").items():
            expected = 0.75 * plain[name].float() + 0.25 * start[name]
            assert torch.allclose(weight.float(), expected, atol=2e-3)
        assert trained.evaluations[-1].weights == "blended"

    def test_a_training_starts_from_the_mean_of_readers(
        self, tiny_roberta_reader: Path, tmp_path: Path
    ) -> None:
        data = squad_file(tmp_path / "s.json")
        other = train_reader(plan(data, tiny_roberta_reader, hold_out=0.0), tmp_path / "other").folder
        # With a rate this low what is written is what was started from.
        still = LoopSettings(learning_rate=1e-12, weight_decay=0.0, evaluations=0)
        begun = plan(data, tiny_roberta_reader, hold_out=0.0, epochs=0.5, loop=still)
        both = replace(begun, start=(str(tiny_roberta_reader), str(other), str(other)))
        mean = load_file(train_reader(both, tmp_path / "out").folder / "model.safetensors")
        first = load_file(tiny_roberta_reader / "model.safetensors")
        second = load_file(other / "model.safetensors")
        assert any(not torch.equal(first[name], second[name].float()) for name in first)
        for name, weight in mean.items():
            assert torch.allclose(weight.float(), first[name] / 3 + second[name].float() * 2 / 3, atol=2e-3)
        card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
        assert f"from `{tiny_roberta_reader}` and `{other}`" in card

    @pytest.mark.parametrize("other", ["tiny_bert_reader", "tiny_roberta_encoder"])
    def test_readers_unlike_each_other_have_no_mean(
        self, other: str, tiny_roberta_reader: Path, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        names = (str(tiny_roberta_reader), str(request.getfixturevalue(other)))
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader, hold_out=0.0)
        with pytest.raises(DataError, match="have no mean"):
            train_reader(replace(settings, start=names), tmp_path / "out")
        with pytest.raises(DataError, match=r"no trained head|have no mean"):
            train_reader(replace(settings, start=names[::-1]), tmp_path / "out")

    def test_a_new_head_is_nothing_to_blend_with(self, tiny_roberta_encoder: Path, tmp_path: Path) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_encoder, start_share=0.5)
        with pytest.raises(DataError, match="no trained head"):
            train_reader(settings, tmp_path / "out")

    @pytest.mark.parametrize("settings", [{"frozen_words": True}, {"frozen_layers": 1}])
    def test_what_is_frozen_stays_and_is_in_no_checkpoint(
        self, settings: dict[str, Any], tiny_xlmr_reader: Path, tmp_path: Path
    ) -> None:
        data = squad_file(tmp_path / "s.json")
        trained = train_reader(plan(data, tiny_xlmr_reader, **settings), tmp_path / "out")
        start = load_file(tiny_xlmr_reader / "model.safetensors")
        after = load_file(trained.folder / "model.safetensors")
        same = {name for name, weight in after.items() if torch.equal(weight, start[name].half())}
        words = "roberta.embeddings.word_embeddings.weight"
        if "frozen_words" in settings:
            assert same == {words}
        else:
            assert same == {name for name in after if ".embeddings." in name or ".layer.0." in name}
        saved = load_state(trained.folder / "checkpoints")
        assert saved is not None
        assert not any(f"/{name}" in key for name in same for key in saved.tensors)

    @pytest.mark.slow
    def test_the_better_of_last_and_averaged_weights_is_kept(
        self, tiny_roberta_reader: Path, tmp_path: Path
    ) -> None:
        data = squad_file(tmp_path / "s.json")
        loop = LoopSettings(learning_rate=2e-3, average_last=0.5, average_every=1, evaluations=0)
        trained = train_reader(plan(data, tiny_roberta_reader, loop=loop), tmp_path / "out")
        *_, other, kept = trained.evaluations
        assert {other.weights, kept.weights} == {"last", "averaged"}
        assert kept.figures["f1"] >= other.figures["f1"]


class _Killed(Exception):
    pass


class TestResume:
    @pytest.mark.slow
    def test_a_killed_run_ends_with_the_same_weights(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader, dropout=0.1)

        def kill(progress: TrainingProgress) -> None:
            if progress.step == 4 and progress.evaluation is None:
                raise _Killed

        whole = train_reader(settings, tmp_path / "whole")
        with pytest.raises(_Killed):
            train_reader(settings, tmp_path / "killed", progress=kill)
        seen: list[int] = []
        resumed = train_reader(
            settings, tmp_path / "killed", progress=lambda progress: seen.append(progress.step)
        )
        assert min(seen) >= 3
        assert self._weights(whole) == self._weights(resumed)
        assert [e.figures for e in whole.evaluations] == [e.figures for e in resumed.evaluations]

    def test_what_retrieval_found_is_not_looked_for_again(
        self, tiny_roberta_reader: Path, tmp_path: Path
    ) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader)
        calls: list[int] = []
        for _ in range(2):
            train_reader(settings, tmp_path / "out", mining_progress=lambda done, _: calls.append(done))
        assert len(calls) == 1

    @pytest.mark.slow
    def test_a_finished_run_is_not_repeated(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader)
        first = self._weights(train_reader(settings, tmp_path / "out"))
        steps: list[int] = []
        again = train_reader(settings, tmp_path / "out", progress=lambda p: steps.append(p.step))
        assert self._weights(again) == first
        assert set(steps) <= {again.evaluations[-1].step}

    @pytest.mark.slow
    def test_the_seed_alone_decides(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader)
        first, second = (self._weights(train_reader(settings, tmp_path / name)) for name in "ab")
        other = replace(settings, loop=replace(settings.loop, seed=4))
        assert first == second != self._weights(train_reader(other, tmp_path / "c"))

    def test_another_training_is_not_taken_up(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader)
        train_reader(settings, tmp_path / "out")
        with pytest.raises(DataError, match="another training"):
            train_reader(replace(settings, epochs=3.0), tmp_path / "out")

    def test_a_damaged_checkpoint_is_named(self, tiny_roberta_reader: Path, tmp_path: Path) -> None:
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader)
        train_reader(settings, tmp_path / "out")
        (state,) = (tmp_path / "out" / "checkpoints").glob("*/state.safetensors")
        state.write_bytes(b"rubbish")
        with pytest.raises(DataError, match=r"step-0+6"):
            train_reader(settings, tmp_path / "out")

    def test_a_draft_is_no_checkpoint(self, tmp_path: Path) -> None:
        save_state(tmp_path, 1, {"model/x": torch.ones(2)}, {"note": "first"})
        (tmp_path / "draft-step-00000002").mkdir()
        found = load_state(tmp_path)
        assert found is not None
        assert (found.step, found.notes) == (1, {"note": "first"})

    @staticmethod
    def _weights(trained: TrainedReader) -> bytes:
        return (trained.folder / "model.safetensors").read_bytes()


class TestData:
    def test_wrong_offsets_are_counted_and_left_out(self, tmp_path: Path) -> None:
        data = load_sources([Source(path=str(squad_file(tmp_path / "s.json", wrong=True)))], hold_out=0.0)
        assert (data.reports[0].questions, data.reports[0].wrong_offsets) == (15, 1)
        assert "a0" not in {example.id for example in data.examples}

    def test_strict_stops_at_wrong_offsets(self, tmp_path: Path) -> None:
        path = squad_file(tmp_path / "s.json", wrong=True)
        with pytest.raises(DataError, match=r"1 questions.*'a0'"):
            load_sources([Source(path=str(path))], hold_out=0.0, strict=True)

    def test_a_held_out_paragraph_is_never_trained_on(self, tmp_path: Path) -> None:
        data = load_sources([Source(path=str(squad_file(tmp_path / "s.json")))], hold_out=0.4)
        inside = {example.context for example in data.examples}
        outside = {example.context for example in data.held_out}
        assert inside
        assert outside
        assert not inside & outside

    def test_nothing_left_is_said(self, tmp_path: Path) -> None:
        path = str(squad_file(tmp_path / "s.json"))
        with pytest.raises(DataError, match="no question is left"):
            load_sources([Source(path=path, weight=0.0)], hold_out=0.0)

    def test_nothing_left_for_wrong_offsets_is_said_so(self, tmp_path: Path) -> None:
        answer = {"text": "harbour", "answer_start": 3}
        asked = {"id": "1", "question": "Where?", "answers": [answer]}
        paragraph = {"context": "It stands at the harbour.", "qas": [asked]}
        path = tmp_path / "s.json"
        path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [paragraph]}]}), encoding="utf-8")
        with pytest.raises(DataError, match="1 have an answer that does not stand"):
            load_sources([Source(path=str(path))], hold_out=0.0)

    def test_weights_say_how_often(self) -> None:
        drawn = draw([1.0, 2.0, 0.0, 0.5], seed=1, epoch=0)
        assert drawn.count(0) == 1
        assert drawn.count(1) == 2
        assert drawn.count(2) == 0
        halves = [draw([0.5], seed=1, epoch=epoch) for epoch in range(200)]
        assert 70 < sum(map(len, halves)) < 130

    @given(st.text(max_size=60), st.integers(0, 99))
    def test_respelling_keeps_the_letters(self, question: str, seed: int) -> None:
        spelled = respell(question, random.Random(seed))
        letters = [c for c in question.lower().replace("?", "").replace("？", "") if not c.isspace()]
        kept = [c for c in spelled.lower().replace("?", "").replace("？", "") if not c.isspace()]
        assert kept == letters


class TestSettings:
    def test_unknown_entries_are_named(self) -> None:
        with pytest.raises(DataError, match=r"my\.toml: loop\.learning_rat"):
            checked(ReaderTraining, {"sources": [], "loop": {"learning_rat": 1}}, where="my.toml")

    def test_wrong_kinds_are_named(self) -> None:
        with pytest.raises(DataError, match=r"epochs.*'many'"):
            checked(ReaderTraining, {"sources": [], "epochs": "many"}, where="my.toml")

    def test_the_rate_rises_stays_and_falls(self) -> None:
        loop = LoopSettings(learning_rate=1.0, warmup=0.1, decay=0.5)
        rates = [loop.rate(step, 100) for step in range(100)]
        assert rates[:10] == sorted(rates[:10])
        assert set(rates[10:50]) == {1.0}
        assert rates[50:] == sorted(rates[50:], reverse=True)
        assert 0 < rates[-1] < 0.02


class TestNegatives:
    @pytest.mark.parametrize(
        ("text", "gold", "holds"),
        [
            ("The port of Dover lies there.", "Dover", True),
            ("The portof Doverly lies there.", "Dover", False),
            ("多佛尔港在英格兰。", "多佛尔", True),
            ("수도는 서울이다.", "서울", True),
            ("上海是港口。", "多佛尔", False),
        ],
    )
    def test_a_passage_with_the_answer_is_no_negative(self, text: str, gold: str, holds: bool) -> None:
        assert holds_answer(normalise_answer(text), [normalise_answer(gold)]) is holds

    def test_the_nearest_text_by_words(self) -> None:
        texts = ["the cat sat on the mat", "dynamic masking changes words", "ships and harbours"]
        assert nearest_texts(texts, ["who changed the masking?"], 1) == [[1]]

    def test_with_vectors_as_a_hybrid_search(self, hashing_encoder: Any) -> None:
        texts = ["the cat sat on the mat", "dynamic masking changes words", "ships and harbours"]
        assert nearest_texts(texts, ["ships"], 2, encoder=hashing_encoder)[0][0] == 2


class TestLabels:
    def test_a_label_covers_the_answer(self, pocket_tokenizer: Any) -> None:
        context = "It was cold. " * 40 + "The ship lies in Dover until spring. " + "It was warm. " * 40
        start = context.index("Dover")
        windows = label_windows(
            pocket_tokenizer.encode("Where does it lie?"),
            pocket_tokenizer.encode(context),
            [Span(start=start, end=start + 5)],
            pocket_tokenizer.pair,
            passage=0,
            max_tokens=100,
            stride=20,
        )
        assert any(window.positive for window in windows)
        for item in windows:
            at = item.window.context_position
            if item.positive:
                span = item.window.characters(item.start - at, item.end - at)
                assert context[span.start : span.end] == "Dover"
            else:
                assert (item.start, item.end) == (NO_ANSWER, NO_ANSWER)
            assert item.allowed()[item.start]
            assert item.allowed().sum() == len(item.window.offsets) + 1


_LOGITS = st.lists(st.floats(-20, 20), min_size=6, max_size=6)


class TestLosses:
    @settings(deadline=None)
    @given(st.lists(_LOGITS, min_size=2, max_size=4), st.integers(1, 5))
    def test_shared_normalisation_by_hand(self, rows: list[list[float]], label: int) -> None:
        logits = torch.tensor(rows, dtype=torch.float64)
        labels = torch.zeros(len(rows), dtype=torch.long)
        labels[0] = label
        found = shared_loss(logits, labels, [list(range(len(rows)))])
        everything = [rows[0][0], *(value for row in rows for value in row[1:])]
        expected = np.logaddexp.reduce(everything) - rows[0][label]
        assert found.item() == pytest.approx(expected, abs=1e-9)

    def test_padding_takes_no_part(self) -> None:
        minus = float("-inf")
        short = torch.tensor([[0.5, 2.0, 1.0], [0.1, 0.2, minus]])
        long = torch.tensor([[0.5, 2.0, 1.0, minus], [0.1, 0.2, minus, minus]], requires_grad=True)
        labels = torch.tensor([1, 0])
        assert torch.allclose(shared_loss(short, labels, [[0, 1]]), shared_loss(long, labels, [[0, 1]]))
        (passage_loss(long, labels).sum() + shared_loss(long, labels, [[0, 1]]).sum()).backward()  # type: ignore[no-untyped-call]
        assert long.grad is not None
        assert torch.isfinite(long.grad).all()

    def test_a_rival_passage_raises_the_shared_loss_alone(self) -> None:
        calm = torch.tensor([[0.0, 3.0, 0.0], [5.0, 0.0, 0.0]])
        loud = torch.tensor([[0.0, 3.0, 0.0], [5.0, 4.0, 0.0]])
        labels = torch.tensor([1, 0])
        assert passage_loss(calm, labels)[0] == passage_loss(loud, labels)[0]
        assert shared_loss(loud, labels, [[0, 1]]) > shared_loss(calm, labels, [[0, 1]]) + 1

    def test_the_teacher_is_matched_where_nothing_differs(self) -> None:
        minus = float("-inf")
        logits = torch.tensor([[1.0, 2.0, minus]], requires_grad=True)
        same = teacher_loss(logits, logits.detach() + 5.0, 2.0)
        assert same.item() == pytest.approx(0.0, abs=1e-6)
        other = teacher_loss(logits, torch.tensor([[2.0, 1.0, minus]]), 2.0)
        other.sum().backward()  # type: ignore[no-untyped-call]
        assert other.item() > 0.1
        assert logits.grad is not None
        assert logits.grad[0, 0] < 0 < logits.grad[0, 1]
        assert logits.grad[0, 2] == 0


class TestDistillation:
    def test_a_reader_is_its_own_teacher(self, tiny_bert_reader: Path) -> None:
        from index.engines.load import load_model
        from qa.reading.windows import make_windows

        model = load_model(str(tiny_bert_reader), "reader", engine="torch-fp32")
        question, context = (
            "Where does the ship lie?",
            "The ship lies in the harbour to the north of the town.",
        )
        tokens = model.tokenizer.encode(context)
        windows = make_windows(
            model.tokenizer.encode(question), tokens, model.tokenizer.pair, max_tokens=40, stride=4
        )
        starts, ends = Teacher(model).logits([(question, context, window) for window in windows])
        for window, start, end in zip(windows, starts, ends, strict=True):
            ((_, expected),) = model.engine.run([window.input_ids])
            for ours, theirs in zip((start, end), expected, strict=True):
                finite = torch.isfinite(ours)
                assert int(finite.sum()) == len(window.offsets) + 1
                assert np.allclose(ours[finite], theirs[finite.numpy()], atol=1e-5)

    @pytest.mark.slow
    def test_the_student_moves_to_its_teacher(self, tiny_bert_reader: Path, tmp_path: Path) -> None:
        data = squad_file(tmp_path / "s.json", unanswerable=False)
        teacher = train_reader(
            plan(
                data, tiny_bert_reader, epochs=40.0, hold_out=0.0, respelled=0.0, dropout=0.0, loop=LEARNING
            ),
            tmp_path / "teacher",
        )
        distillation = Distillation(teacher=str(teacher.folder), weight=1.0)
        losses: list[float] = []
        train_reader(
            plan(data, tiny_bert_reader, epochs=20.0, hold_out=0.0, distillation=distillation, loop=LEARNING),
            tmp_path / "student",
            progress=lambda p: losses.append(p.loss) if p.evaluation is None else None,
        )
        assert losses[-1] < 0.75 * losses[0]  # smoothed over some fifty steps

    def test_another_vocabulary_is_refused(
        self, tiny_bert_reader: Path, tiny_roberta_reader: Path, tmp_path: Path
    ) -> None:
        distillation = Distillation(teacher=str(tiny_bert_reader))
        settings = plan(squad_file(tmp_path / "s.json"), tiny_roberta_reader, distillation=distillation)
        with pytest.raises(ModelError, match="other tokens"):
            train_reader(settings, tmp_path / "out")


def test_a_loss_that_stays_infinite_ends_the_training(tiny_roberta_reader: Path, tmp_path: Path) -> None:
    model = load_trainable(str(tiny_roberta_reader), "reader").model
    with torch.no_grad():
        model.get_parameter("qa_outputs.weight").fill_(float("nan"))
    model.save_pretrained(tmp_path / "broken")
    (tmp_path / "broken" / "tokenizer.json").write_bytes(
        (tiny_roberta_reader / "tokenizer.json").read_bytes()
    )
    settings = plan(squad_file(tmp_path / "s.json"), tmp_path / "broken", epochs=20.0, hold_out=0.0)
    with pytest.raises(DataError, match="no finite loss"):
        train_reader(settings, tmp_path / "out")


def test_an_answer_longer_than_every_window_is_skipped(tiny_roberta_reader: Path, tmp_path: Path) -> None:
    context = "the ship and the log " * 60
    whole = {"id": "1", "question": "What?", "answers": [{"text": context, "answer_start": 0}]}
    content = {"data": [{"title": "", "paragraphs": [{"context": context, "qas": [whole]}]}]}
    path = tmp_path / "long.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    settings = plan(path, tiny_roberta_reader, hold_out=0.0, questions=1)
    assert train_reader(settings, tmp_path / "out").evaluations[-1].step == 2
