"""SQuAD files in, predictions out, and what is said about files that are something else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from index.errors import DataError
from qa.squad.dataset import Example, GoldAnswer, read_squad, write_predictions

CONTEXT = "Ada wrote the first program."


def v2() -> dict[str, Any]:
    answerable = {
        "id": "1",
        "question": "Who?",
        "answers": [{"text": "Ada", "answer_start": 0}],
        "is_impossible": False,
    }
    impossible = {
        "id": "2",
        "question": "When?",
        "answers": [],
        "is_impossible": True,
        "plausible_answers": [],
    }
    return {
        "version": "v2.0",
        "data": [{"title": "Ada", "paragraphs": [{"context": CONTEXT, "qas": [answerable, impossible]}]}],
    }


def save(folder: Path, content: object, name: str = "file.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_examples_in_order_with_their_context_and_title(tmp_path: Path) -> None:
    squad = read_squad(save(tmp_path, v2()))
    assert squad.examples == (
        Example(
            id="1", question="Who?", context=CONTEXT, title="Ada", answers=(GoldAnswer(text="Ada", start=0),)
        ),
        Example(id="2", question="When?", context=CONTEXT, title="Ada", answers=()),
    )
    assert squad.has_unanswerable
    assert squad.wrong_offsets == 0


def test_v1_has_no_unanswerable_questions_and_needs_no_title(tmp_path: Path) -> None:
    content = v2()
    article = content["data"][0]
    del article["title"]
    del article["paragraphs"][0]["qas"][0]["is_impossible"]
    del article["paragraphs"][0]["qas"][1]
    squad = read_squad(save(tmp_path, content))
    assert not squad.has_unanswerable
    assert squad.examples[0].title == ""


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "no-suffix"
    path.write_bytes(gzip.compress(json.dumps(v2()).encode()))
    assert len(read_squad(path).examples) == 2


def test_wrong_offsets_are_counted(tmp_path: Path) -> None:
    content = v2()
    content["data"][0]["paragraphs"][0]["qas"][0]["answers"] += [
        {"text": "Ada", "answer_start": 1},
        {"text": "program", "answer_start": 20},
        {"text": "program", "answer_start": 999},
    ]
    assert read_squad(save(tmp_path, content)).wrong_offsets == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ([], "data"),
        (["data", 0], "paragraphs"),
        (["data", 0, "paragraphs", 0], "context"),
        (["data", 0, "paragraphs", 0], "qas"),
        (["data", 0, "paragraphs", 0, "qas", 0], "id"),
        (["data", 0, "paragraphs", 0, "qas", 0], "question"),
        (["data", 0, "paragraphs", 0, "qas", 0], "answers"),
        (["data", 0, "paragraphs", 0, "qas", 0, "answers", 0], "text"),
        (["data", 0, "paragraphs", 0, "qas", 0, "answers", 0], "answer_start"),
    ],
)
def test_a_missing_field_is_named_with_its_place(tmp_path: Path, path: list[str | int], name: str) -> None:
    content = v2()
    item: Any = content
    for step in path:
        item = item[step]
    del item[name]
    file = save(tmp_path, content)
    with pytest.raises(DataError) as error:
        read_squad(file)
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    assert str(file) in str(error.value)
    assert place in str(error.value)
    assert f"'{name}'" in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (gzip.compress(b'{"data": []}', mtime=0)[:-6], "cannot be read"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[1, 2]", "'data'"),
        (b'{"data": [3]}', "'paragraphs'"),
        (b'{"data": []}', "no questions"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_squad(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.json"):
        read_squad(tmp_path / "nowhere.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_squad(tmp_path)


def test_predictions_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_predictions(path, {"1": "Zürich", "2": ""})
    assert json.loads(path.read_text(encoding="utf-8")) == {"1": "Zürich", "2": ""}
    with pytest.raises(DataError, match="cannot be written"):
        write_predictions(tmp_path / "no" / "out.json", {})
