"""Trainings in a row: their settings, what they hand on, and going on after a kill."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from index.errors import DataError
from index.training.loop import TrainingProgress
from qa.reading.reader import load_reader
from qa.training.stages import forget_checkpoints, reader_stages, train_stages

SOURCE = {"path": "questions.json"}
BUNDLED = sorted((Path(__file__).parents[3] / "data" / "models").glob("*/reader.toml"))


def row(*stages: dict[str, Any], **common: Any) -> dict[str, Any]:
    return {"sources": [SOURCE], **common, "stages": list(stages)}


class TestSettings:
    def test_without_stages_there_is_one(self) -> None:
        (stage,) = reader_stages({"sources": [SOURCE], "epochs": 3}, where="t.toml")
        assert stage.training.epochs == 3

    @pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.parent.name)
    def test_the_bundled_readers_can_be_made_again(self, path: Path) -> None:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        assert len(reader_stages(content, where=str(path))) > 1

    def test_what_is_said_for_all_holds_where_a_stage_says_nothing_else(self) -> None:
        first, second = reader_stages(
            row({"name": "a", "epochs": 1}, {"name": "b", "start": ["stage:a", "pocket"]}, epochs=5),
            where="t.toml",
        )
        assert (first.name, first.training.epochs, second.training.epochs) == ("a", 1, 5)
        assert second.training.starts == ("stage:a", "pocket")
        assert second.training.sources[0].path == "questions.json"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (row(), "stages is .*no list of tables"),
            ({"stages": 3}, "stages is 3"),
            ({"stages": ["a"]}, r"stages is \['a'\]"),
            (row({"epochs": 1}), "stage 1 cannot be called None"),
            (row({"name": "../a"}), r"stage 1 cannot be called '\.\./a'"),
            (row({"name": "a"}, {"name": "a"}), "stage 2 cannot be called 'a'"),
            (row({"name": "a", "start": "stage:b"}, {"name": "b"}), "stage a: no stage 'b' before it"),
            (row({"name": "a", "distillation": {"teacher": "stage:a"}}), "no stage 'a' before it"),
            (row({"name": "a", "epoch": 1}), "stage a: epoch: .*got 1"),
            (row({"name": "a", "start": []}), "stage a: start"),
            ({"stages": [{"name": "a"}]}, "stage a: sources"),
            (row({"name": "a", "sources": []}), "stage a has no sources"),
        ],
    )
    def test_what_is_wrong_is_named(self, content: dict[str, Any], message: str) -> None:
        with pytest.raises(DataError, match=message):
            reader_stages(content, where="t.toml")


@pytest.fixture
def content(tmp_path: Path, tiny_bert_reader: Path) -> dict[str, Any]:
    """A teacher, a student of it, and a last training from the mean of both."""
    paragraphs = []
    for number, harbour in enumerate(("Dover", "Calais", "Ostend", "Dieppe")):
        context = f"Ship {number} lies in {harbour}."
        answer = {"text": harbour, "answer_start": context.index(harbour)}
        asked = {"id": str(number), "question": f"Where does ship {number} lie?", "answers": [answer]}
        paragraphs.append({"context": context, "qas": [asked]})
    path = tmp_path / "ships.json"
    path.write_text(json.dumps({"data": [{"title": "ships", "paragraphs": paragraphs}]}), encoding="utf-8")
    return {
        "sources": [{"path": str(path)}],
        "start": str(tiny_bert_reader),
        "epochs": 1,
        "questions": 4,
        "max_tokens": 60,
        "stride": 8,
        "hold_out": 0,
        "loop": {"learning_rate": 2e-3, "evaluations": 0, "checkpoint_minutes": 0},
        "stages": [
            {"name": "teacher", "loop": {"seed": 1, "learning_rate": 2e-3}},
            {"name": "student", "distillation": {"teacher": "stage:teacher"}},
            {"name": "last", "start": ["stage:teacher", "stage:student"], "start_share": 0.5},
        ],
    }


def test_each_stage_starts_from_those_before_it(content: dict[str, Any], tmp_path: Path) -> None:
    said: list[str] = []
    trained = train_stages(
        reader_stages(content, where="t.toml"), tmp_path / "out", announce=said.append, strict=True
    )
    assert said == ["stage 1 of 3: teacher", "stage 2 of 3: student", "stage 3 of 3: last"]
    assert trained.folder == tmp_path / "out"
    assert load_reader(str(trained.folder))
    record = json.loads((trained.folder / "training.json").read_text(encoding="utf-8"))
    folders = [str(tmp_path / "out" / "stages" / name) for name in ("teacher", "student")]
    assert record["settings"]["start"] == folders
    record = json.loads((tmp_path / "out" / "stages" / "student" / "training.json").read_text("utf-8"))
    assert record["settings"]["distillation"]["teacher"] == folders[0]


def test_a_row_that_was_killed_goes_on(content: dict[str, Any], tmp_path: Path) -> None:
    stages = reader_stages(content, where="t.toml")
    whole = load_file(train_stages(stages, tmp_path / "whole").folder / "model.safetensors")
    steps: list[int] = []

    def kill_in_the_last(progress: TrainingProgress) -> None:
        steps.append(progress.step)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_stages(stages, tmp_path / "killed", progress=kill_in_the_last)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    steps = []
    resumed = train_stages(stages, tmp_path / "killed", progress=lambda told: steps.append(told.step))
    assert len(steps) <= 1  # what was done is not done again
    again = load_file(resumed.folder / "model.safetensors")
    assert all(weight.equal(whole[name]) for name, weight in again.items())


def test_beginning_anew_takes_checkpoints_and_nothing_else(content: dict[str, Any], tmp_path: Path) -> None:
    stages = reader_stages(content, where="t.toml")
    own = tmp_path / "stages" / "mine.txt"
    for folder in (tmp_path, tmp_path / "stages" / "teacher", tmp_path / "stages" / "student"):
        (folder / "checkpoints").mkdir(parents=True)
    own.write_text("mine")
    forget_checkpoints(stages, tmp_path)
    assert not list(tmp_path.rglob("checkpoints"))
    assert own.read_text() == "mine"
