"""`label`, `train classifier` and `eval classifier` from the command line, as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from index.checkpoints.engine_names import prefer
from ui.cli import main
from ui.commands.grammar import build_parser
from ui.commands.labels import read_classifier_training
from ui.settings import load_settings

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny_roberta_encoder: Path) -> Iterator[Run]:
    """`run(*arguments)`: the JSON that a command printed; the store is one of the tiny encoder."""

    def call(*arguments: str, status: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        store = ("--store", str(tmp_path / "store"), "--encoder", str(tiny_roberta_encoder))
        assert main([*arguments, *store, "--engine", "torch-fp32", "--json"]) == status
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    yield call
    prefer(None)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    lines = [f"the ship in harbour {n},ship\nwho introduced masking {n},mask" for n in range(30)]
    path.write_text("text,label\n" + "\n".join(lines))
    return path


def test_from_labelled_rows_to_a_filter(run: Run, rows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    trained = run("train", "classifier", str(rows), "--out", str(folder))
    assert (trained["method"], trained["labels"]) == ("linear", ["mask", "ship"])
    assert trained["report"]["confusion"]["labels"] == ["mask", "ship"]
    judged = run("eval", "classifier", str(rows), "--classifier", str(folder))
    assert judged["accuracy"] == 1.0
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("the ship in harbour 7")
    (tmp_path / "docs" / "b.txt").write_text("who introduced masking 9")
    run("ingest", str(tmp_path / "docs"))
    labelled = run("label", "--classifier", str(folder))
    assert (labelled["counts"], labelled["stored"]) == ({"mask": 1, "ship": 1}, True)
    assert sorted(labelled) == sorted(
        ("unit", "looked_at", "labelled", "counts", "unsure", "unreadable", "stored", "seconds")
    )
    hits = run("search", "the ship in harbour", "--label", "mask")["hits"]
    assert [Path(hit["document"]["path"]).name for hit in hits] == ["b.txt"]
    assert hits[0]["labels"] == ["mask"]
    assert run("label", "--add", "read", str(tmp_path / "docs" / "a.txt"))["added"] == 1
    counts = run("label")["labels"]
    assert counts["read"] == {"documents": 1, "files": 1, "places": 0}
    assert run("stats")["labels"] == 3
    assert run("label", "--remove", "mask")["removed"] == 1
    nearest = run(
        "label", "--labels", "ship: the ship in harbour, mask", "--least", "0", "--unit", "document"
    )
    assert (nearest["looked_at"], nearest["labelled"]) == (2, 2)
    judged = run("eval", "classifier", str(rows), "--zero-shot", "vectors")
    assert judged["texts"] == 60


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("label", "a.txt"), "label does not know what to do with a.txt"),
        (("label", "--add", "x"), "--add needs files"),
        (("label", "--labels", "one"), "one is no choice of labels"),
        (("eval", "classifier", "ROWS"), "eval classifier needs a classifier"),
        (("eval", "classifier", "ROWS", "--classifier", "./none"), "there is no model folder none"),
        (("train", "classifier", "--out", "x"), "train classifier needs data"),
    ],
)
def test_what_a_user_can_mend(run: Run, rows: Path, arguments: tuple[str, ...], says: str) -> None:
    run("init")
    found = run(*(str(rows) if word == "ROWS" else word for word in arguments), status=2)
    assert says in found["error"]["message"]


def test_settings_of_file_and_flags(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text('epochs = 3\n[[sources]]\npath = "a.csv"\nlabels = { 0 = "no" }\n')
    arguments = ["train", "classifier", "b.csv", "--out", "o", "--settings", str(path), "--adapter", "8"]
    flags = vars(build_parser().parse_args([*arguments, "--text-column", "body", "--hold-out", "0.2"]))
    training = read_classifier_training(flags, load_settings(flags, terminal=False))
    assert (training.method, training.adapter, training.epochs, training.hold_out) == ("fine-tune", 8, 3, 0.2)
    assert [source.text for source in training.sources] == [None, "body"]
    assert training.sources[0].labels == {"0": "no"}
