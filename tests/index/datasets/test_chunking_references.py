"""Folders of texts and questions with exact spans: read as they are, every mistake named with its line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from index.datasets.chunking_references import read_references
from index.errors import DataError
from ingest.records import Span

TEXT = "Der Hafen öffnet um sechs.\r\nEr schließt um neun.\r\n"
OPENS = {"content": "öffnet um sechs", "start_index": 10, "end_index": 25}
CLOSES = {"content": "um neun", "start_index": 40, "end_index": 47}


def write(folder: Path, *rows: tuple[str, str, str], header: str = "question,references,corpus_id") -> Path:
    (folder / "corpora").mkdir(exist_ok=True)
    (folder / "corpora" / "harbour.md").write_bytes(TEXT.encode())
    with (folder / "questions.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(f"{header}\n")
        csv.writer(file).writerows(rows)
    return folder


def test_texts_keep_their_line_ends_so_that_offsets_hold(tmp_path: Path) -> None:
    found = read_references(write(tmp_path, ("When?", json.dumps([OPENS, CLOSES]), "harbour")))
    assert found.texts == {"harbour": TEXT}
    assert found.questions[0].references == (Span(start=10, end=25), Span(start=40, end=47))
    assert [TEXT[span.start : span.end] for span in found.questions[0].references] == [
        OPENS["content"],
        CLOSES["content"],
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("When?", json.dumps([OPENS]), "port"), r"questions\.csv, line 2: there is no text 'port'"),
        (("When?", "[{", "harbour"), "line 2: the references are wrong"),
        (("When?", '[{"start_index": 1}]', "harbour"), "line 2: the references are wrong"),
        (("When?", '[{"start_index": 1, "end_index": 900}]', "harbour"), "characters 1 to 900"),
        (("When?", json.dumps([{**OPENS, "start_index": 11}]), "harbour"), "characters 11 to 25"),
        (("When?", "[]", "harbour"), "line 2: no references"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, row: tuple[str, str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_references(write(tmp_path, row))


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no texts in .*corpora"):
        read_references(tmp_path)
    with pytest.raises(DataError, match="holds no questions"):
        read_references(write(tmp_path))
    with pytest.raises(DataError, match="no column references"):
        read_references(write(tmp_path, header="question,spans,corpus_id"))
    (tmp_path / "questions.csv").unlink()
    with pytest.raises(DataError, match=r"questions\.csv cannot be read"):
        read_references(tmp_path)
    (tmp_path / "corpora" / "other.md").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"other\.md cannot be read"):
        read_references(tmp_path)
