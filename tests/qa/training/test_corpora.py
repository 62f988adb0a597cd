"""Question files in the spelling that a cased reader learns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from index.errors import DataError
from ingest.errors import exit_with_message
from qa.training.corpora import main, recased, with_characters, with_recased_questions

CONTEXT = "The United States sent NASA's crew. It met Michael Kahn, the editor, in May. Editors met the crew."


def paragraph(context: str, question: str, answer: str = "") -> dict[str, Any]:
    answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
    return {"context": context, "qas": [{"id": "1", "question": question, "answers": answers}]}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who was michael kahn ' s editor ?", "Who was Michael Kahn's editor?"),
        ('what did nasa call " the crew " , in may ?', 'What did NASA call "the crew", in May?'),
        ("who left the united states?", "Who left the United States?"),
        ("do editors meet?", "Do editors meet?"),
        ("Who is the EDITOR ?", "Who is the EDITOR ?"),
    ],
)
def test_capitals_come_from_the_context(question: str, expected: str) -> None:
    assert recased(question, CONTEXT) == expected


def test_only_questions_without_an_answer_are_spelt_anew() -> None:
    content = {"data": [{"paragraphs": [paragraph(CONTEXT, "who ?"), paragraph(CONTEXT, "who ?", "NASA")]}]}
    made = with_recased_questions(content)["data"][0]["paragraphs"]
    assert [item["qas"][0]["question"] for item in made] == ["Who?", "who ?"]


def test_converted_characters_keep_offsets_and_titles() -> None:
    content = {
        "data": [
            {
                "title": "漢",
                "paragraphs": [paragraph("漢語是語言。", "什麼語?", "語言"), paragraph("長", "?")],
            }
        ]
    }
    table = str.maketrans({"漢": "汉", "語": "语", "麼": "么", "長": "chang"})
    made = with_characters(content, lambda text: text.translate(table))["data"][0]
    assert made["title"] == "漢"
    assert [item["context"] for item in made["paragraphs"]] == ["汉语是语言。"]
    asked = made["paragraphs"][0]["qas"][0]
    assert (asked["question"], asked["answers"]) == ("什么语?", [{"text": "语言", "answer_start": 3}])


def test_as_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "in.json", tmp_path / "made" / "out.json.gz"
    content = {"data": [{"paragraphs": [paragraph(CONTEXT, "who ?")]}]}
    source.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["corpora", str(source), str(out), "--recased"])
    main()
    assert out.read_bytes()[:2] == b"\x1f\x8b"


def test_simplified_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opencc", reason="needs the package opencc, of the extra corpora")
    source, out = tmp_path / "in.json", tmp_path / "out.json"
    content = {"data": [{"paragraphs": [paragraph("漢語是語言。", "什麼語?", "語言")]}]}
    source.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["corpora", str(source), str(out), "--simplified"])
    main()
    converted = json.loads(out.read_text(encoding="utf-8"))["data"][0]["paragraphs"][0]
    assert converted["context"] == "汉语是语言。"
    assert converted["qas"][0]["answers"] == [{"text": "语言", "answer_start": 3}]


def test_an_error_ends_a_command_with_its_message_and_hint() -> None:
    with pytest.raises(SystemExit) as ended, exit_with_message():
        raise DataError("x.json is not JSON", hint="give a SQuAD file")
    assert ended.value.code == "x.json is not JSON\n  give a SQuAD file"
    with pytest.raises(SystemExit, match=r"none\.json"), exit_with_message():
        Path("none.json").read_bytes()


def test_a_lacking_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in.json"
    source.write_text('{"data": []}', encoding="utf-8")
    monkeypatch.setitem(sys.modules, "opencc", None)
    monkeypatch.setattr(sys, "argv", ["corpora", str(source), str(tmp_path / "out.json"), "--simplified"])
    with pytest.raises(DataError, match="opencc") as caught:
        main()
    assert "spanwise[corpora]" in caught.value.hint
