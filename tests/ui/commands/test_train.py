"""`train reader` and `calibrate` from the command line: settings files, flags, outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.errors import DataError
from index.store.store import Store
from ui.cli import main
from ui.commands.grammar import build_parser
from ui.commands.train import read_encoder_training, read_stages
from ui.settings import UsageError

POCKET = Path(__file__).parents[3] / "data" / "models" / "pocket"
WORDS = ("Dover", "Calais", "Ostend", "Dieppe", "Cadiz")


def flags(*arguments: str) -> dict[str, Any]:
    return vars(build_parser().parse_args(["train", "reader", "--out", "out", *arguments]))


@pytest.fixture
def ships(tmp_path: Path) -> Path:
    """25 questions, every fifth about the same harbour, one answer at a wrong offset."""
    data = []
    for number in range(25):
        word = WORDS[number % 5]
        context = f"Ship {number} lies in {word}."
        start = context.index(word) + (number == 24)
        answers = [{"text": word, "answer_start": start}]
        qas = [{"id": str(number), "question": f"Where is ship {number}?", "answers": answers}]
        data.append({"title": f"t{number}", "paragraphs": [{"context": context, "qas": qas}]})
    path = tmp_path / "ships.json"
    path.write_text(json.dumps({"data": data}), encoding="utf-8")
    return path


class TestSettings:
    def test_files_and_flags(self) -> None:
        given = flags("a.json", "b.json", "--epochs", "0.5", "--learning-rate", "1e-4", "--seed", "7")
        (stage,) = read_stages(given, "mine")
        training = stage.training
        assert [source.path for source in training.sources] == ["a.json", "b.json"]
        assert (training.start, training.epochs) == ("mine", 0.5)
        assert (training.loop.learning_rate, training.loop.seed) == (1e-4, 7)

    def test_a_settings_file_is_read_from_its_own_folder_and_flags_win(self, tmp_path: Path) -> None:
        path = tmp_path / "t.toml"
        path.write_text(
            'start = "./encoder"\nepochs = 3\n[[sources]]\npath = "../q.json"\nweight = 2\n'
            "[loop]\nseed = 5\nlearning_rate = 0.1\n"
            '[distillation]\nteacher = "../teacher"\n'
        )
        (stage,) = read_stages(flags("--settings", str(path), "--seed", "6"), None)
        training = stage.training
        assert training.distillation is not None
        assert training.distillation.teacher == str(tmp_path.parent / "teacher")
        assert training.sources[0].path == str(tmp_path.parent / "q.json")
        assert training.sources[0].weight == 2
        assert training.start == str(tmp_path / "encoder")
        assert (training.epochs, training.loop.seed, training.loop.learning_rate) == (3, 6, 0.1)

    def test_the_bundled_readers_file_is_valid(self) -> None:
        stages = read_stages(flags("--settings", str(POCKET / "reader.toml")), None)
        assert len(stages) > 1
        assert all(stage.training.sources[0].path.endswith("train.json.gz") for stage in stages)

    def test_stages_are_read_from_the_files_folder_and_take_no_flags(self, tmp_path: Path) -> None:
        path = tmp_path / "t.toml"
        path.write_text(
            '[[stages]]\nname = "a"\nstart = "./encoder"\nsources = [{ path = "q.json" }]\n'
            '[[stages]]\nname = "b"\nstart = ["stage:a", "../c"]\nsources = [{ path = "q.json" }]\n'
        )
        first, second = read_stages(flags("--settings", str(path)), None)
        assert first.training.starts == (str(tmp_path / "encoder"),)
        assert second.training.starts == ("stage:a", str(tmp_path.parent / "c"))
        assert second.training.sources[0].path == str(tmp_path / "q.json")
        for given in (["--epochs", "1"], ["--learning-rate", "1e-4"], ["--seed", "1"], ["more.json"]):
            with pytest.raises(UsageError, match=r"trains in stages.*(--epochs|-rate|--seed|FILE) has"):
                read_stages(flags("--settings", str(path), *given), None)
        with pytest.raises(UsageError, match="--reader"):
            read_stages(flags("--settings", str(path)), "mine")

    def test_no_data_is_a_usage_error(self) -> None:
        with pytest.raises(UsageError, match="needs data"):
            read_stages(flags(), None)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("epochs = ", "is not TOML"),
            ("epoch = 1\n[[sources]]\npath='x'", "epoch: .*got 1"),
            ("sources = 3", "sources: .*got 3"),
            ("loop = 3\nsources = [{path = 'x'}]", "loop: .*got 3"),
        ],
    )
    def test_a_bad_file_is_named(self, tmp_path: Path, content: str, message: str) -> None:
        path = tmp_path / "t.toml"
        path.write_text(content)
        with pytest.raises(DataError, match=message) as caught:
            read_stages(flags("--settings", str(path), "--seed", "1"), None)
        assert "t.toml" in str(caught.value)

    @pytest.mark.parametrize(
        "line", ["questions = 0", "epochs = -1", "hold_out = 1.5", "[loop]\naverage_every = 0"]
    )
    def test_a_value_out_of_range_is_named(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "t.toml"
        path.write_text(f"sources = [{{ path = 'x' }}]\n{line}\n")
        with pytest.raises(DataError, match=line.split("\n")[-1].split(" = ")[0]):
            read_stages(flags("--settings", str(path)), None)

    def test_a_folder_that_cannot_be_made_is_said_first(self, ships: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert main(["train", "reader", str(ships), "--out", str(tmp_path / "file" / "x")]) == 2

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.toml"):
            read_stages(flags("--settings", str(tmp_path / "nowhere.toml")), None)

    @pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "many"])
    def test_epochs_are_above_zero(self, value: str) -> None:
        with pytest.raises(UsageError):
            flags("a.json", "--epochs", value)


@pytest.mark.slow
def test_train_reader_writes_a_reader_that_can_be_used(
    ships: Path, tiny_roberta_reader: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    command = ["train", "reader", str(ships), "--out", str(out), "--reader", str(tiny_roberta_reader)]
    assert main([*command, "--json", "--epochs", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["reader"] == str(out)
    assert report["sources"] == [{"path": str(ships), "questions": 24, "unanswerable": 0, "wrong_offsets": 1}]
    assert report["questions"] + report["held_out"] == 24
    assert main(["eval", "reader", str(ships), "--reader", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 25
    assert main([*command, "--epochs", "2"]) == 2
    assert "--restart" in capsys.readouterr().err
    assert main([*command, "--epochs", "2", "--restart"]) == 0
    text = capsys.readouterr().out
    assert "1 left out" in text
    assert f"--reader {out}" in text


def encoder_flags(*arguments: str) -> dict[str, Any]:
    return vars(build_parser().parse_args(["train", "encoder", "--out", "out", *arguments]))


class TestEncoder:
    def test_files_and_flags(self) -> None:
        given = encoder_flags("a.tsv", "--epochs", "0.5", "--learning-rate", "1e-4", "--seed", "7")
        training = read_encoder_training(given, "mine")
        assert [source.path for source in training.sources] == ["a.tsv"]
        assert (training.start, training.epochs) == ("mine", 0.5)
        assert (training.loop.learning_rate, training.loop.seed) == (1e-4, 7)
        assert read_encoder_training(encoder_flags("a.tsv"), None).loop.learning_rate == 2e-5

    def test_a_settings_file(self, tmp_path: Path) -> None:
        path = tmp_path / "t.toml"
        path.write_text(
            'start = "./mine"\ndimensions = [64]\n[negatives]\npassages = 2\n[[sources]]\npath = "q.tsv"\n'
        )
        training = read_encoder_training(encoder_flags("--settings", str(path)), None)
        assert training.start == str(tmp_path / "mine")
        assert training.sources[0].path == str(tmp_path / "q.tsv")
        assert (training.dimensions, training.negatives.passages) == ((64,), 2)

    @pytest.mark.parametrize("line", ["temperature = 0", "dimensions = [0]", "loop = 3"])
    def test_a_value_out_of_range_is_named(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "t.toml"
        path.write_text(f"sources = [{{ path = 'x' }}]\n{line}\n")
        with pytest.raises(DataError, match=rf"t\.toml: {line.split(' = ')[0]}"):
            read_encoder_training(encoder_flags("--settings", str(path)), None)

    def test_no_data_is_a_usage_error(self) -> None:
        with pytest.raises(UsageError, match="train encoder needs data"):
            read_encoder_training(encoder_flags(), None)

    @pytest.mark.slow
    def test_it_writes_an_encoder_that_can_be_used(
        self, ships: Path, tiny_roberta_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        more, out = tmp_path / "more.tsv", tmp_path / "mine"
        more.write_text("question\tpassage\nwho?\tShip 99 lies in Malta.\nwhen?\t\n", encoding="utf-8")
        (tmp_path / "t.toml").write_text("hold_out = 0.3\n")
        options = ["--encoder", str(tiny_roberta_encoder), "--settings", str(tmp_path / "t.toml")]
        command = ["train", "encoder", str(ships), str(more), "--out", str(out), *options]
        assert main([*command, "--json", "--epochs", "1"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["encoder"] == str(out)
        assert [(item["pairs"], item["empty"]) for item in report["sources"]] == [(25, 0), (1, 1)]
        assert report["pairs"] + report["held_out"] == 26
        assert report["dimensions"] == [32]
        assert report["evaluations"][-1]["figures"].keys() >= {"recall@1", "recall@10", "ndcg@10"}
        assert main(["eval", "retrieval", str(ships), "--encoder", f"{out}@16", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["queries"] == 25
        assert main([*command, "--epochs", "2"]) == 2
        assert "--restart" in capsys.readouterr().err
        assert main([*command, "--epochs", "2", "--restart"]) == 0
        text = capsys.readouterr().out
        assert "1 rows without question or passage left out" in text
        assert f"--encoder {out}" in text
        assert main([*command, "--strict", "--restart"]) == 2
        assert "more.tsv" in capsys.readouterr().err


def test_strict_stops(ships: Path, tiny_roberta_reader: Path, tmp_path: Path) -> None:
    command = ["train", "reader", str(ships), "--out", str(tmp_path / "o"), "--strict"]
    assert main([*command, "--reader", str(tiny_roberta_reader)]) == 2
    assert not (tmp_path / "o" / "model.safetensors").exists()


@pytest.mark.slow
def test_calibrate_keeps_what_it_fitted_in_the_store(
    ships: Path,
    tiny_roberta_reader: Path,
    tiny_roberta_encoder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, models = tmp_path / "store", f"{tiny_roberta_encoder},{tiny_roberta_reader}"
    Store.open(folder, create=True, models=models).close()
    command = ["calibrate", str(ships), "--store", str(folder), "-k", "3"]
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    kept = Path(report["calibration"])
    assert kept.parent == folder / "calibration"
    assert report["unanswerable"] == 5
    assert 0 < report["threshold"] < 1
    assert set(report["crossed"]) >= {"ece", "accuracy_top_half", "exact_forced", "f1_forced"}
    assert main(command) == 0
    assert str(kept) in capsys.readouterr().out


def test_calibrate_needs_a_store(ships: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(ships), "--store", str(tmp_path / "none")]) == 2
    assert "there is no store" in capsys.readouterr().err
