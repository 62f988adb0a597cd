"""`eval natural` on the command line: a folder of documents, questions about it, figures and failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ui.cli import main

QUESTIONS = (
    {
        **{"id": "1", "kind": "fact", "question": "When does the ferry leave the harbour?"},
        **{"answerable": True, "answers": ["noon"]},
        "evidence": "The ferry to the island leaves the harbour at noon every day.",
    },
    {"id": "2", "kind": "why", "question": "Why did the Titanic sink?", "answerable": False},
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "town").mkdir()
    text = "The ferry to the island leaves the harbour at noon every day. Bread needs flour and water.\n"
    (tmp_path / "town" / "ferry.txt").write_text(text, encoding="utf-8")
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(line) + "\n" for line in QUESTIONS), encoding="utf-8")
    return tmp_path / "town", questions


def test_natural_questions_of_a_folder(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, questions = files
    failures = tmp_path / "failures.jsonl"
    words = ["eval", "natural", str(questions), "--collection", str(folder), "--failures", str(failures)]
    assert main([*words, "--json"]) == 0
    form = json.loads(capsys.readouterr().out)
    assert (form["all"]["questions"], form["all"]["answerable"]) == (2, 1)
    assert form["all"]["passage@1"] == 1.0
    assert list(form["kinds"]) == ["fact", "why"]
    lost = [json.loads(line) for line in failures.read_text(encoding="utf-8").splitlines()]
    assert len(lost) == (form["all"]["right"] != 1.0) + (form["all"]["silent"] != 1.0)


def test_natural_questions_of_a_store_leave_it_as_it_is(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, questions = files
    store = str(tmp_path / "store")
    assert main(["ingest", str(folder), "--store", store, "--json"]) == 0
    capsys.readouterr()
    assert main(["stats", "--store", store, "--json"]) == 0
    before = capsys.readouterr().out
    assert main(["eval", "natural", str(questions), "--store", store]) == 0
    shown = capsys.readouterr().out
    assert "passage@5" in shown
    assert "kind fact" in shown
    assert main(["stats", "--store", store, "--json"]) == 0
    assert capsys.readouterr().out == before


def test_store_that_is_not_there_is_said(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "natural", str(files[1]), "--store", str(tmp_path / "none")]) == 2
    assert "ingest" in capsys.readouterr().err
