"""Questions mined from sentences: what each rule asks, what it answers, and what it leaves alone."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from index.errors import DataError
from qa.squad.dataset import read_squad
from qa.training.mined import join_faq, main, mine, read_faq, squad
from qa.training.mined_chinese import chinese_questions
from qa.training.mined_english import Cases, english_questions

USAGE = "We met Osgood and found that photosynthesis, a solar cell, the harbour, grain and plants differ."


@pytest.mark.parametrize(
    ("sentence", "kind", "wording", "answer"),
    [
        (
            "Photosynthesis is a process by which plants store light, and it feeds them.",
            "definition",
            "what is photosynthesis",
            "a process by which plants store light",
        ),
        (
            "Ada Lovelace (10 May 1815 – 27 May 1852) was an English mathematician who wrote notes.",
            "definition",
            "Who was Ada Lovelace?",
            "an English mathematician who wrote notes",
        ),
        (
            "A solar cell is used to turn sunlight into electric power.",
            "purpose",
            "What is a solar cell used for?",
            "to turn sunlight into electric power",
        ),
        (
            "The harbour light was moved inland because the cliff below it fell.",
            "reason",
            "Why was the harbour light moved inland?",
            "the cliff below it fell",
        ),
        (
            "Grain can be kept dry by storing it in raised barns.",
            "howto",
            "How can grain be kept dry?",
            "by storing it in raised barns",
        ),
        (
            "When the water boils, the valve lets steam into the outer pipe.",
            "condition",
            "What happens when the water boils?",
            "the valve lets steam into the outer pipe",
        ),
        (
            "Plants of the dunes include marram grass, sea holly, and sand couch.",
            "list",
            "What are plants of the dunes?",
            "marram grass, sea holly, and sand couch",
        ),
        (
            "Grain can be stored for several years in dry air.",
            "yesno",
            "Can grain be stored for several years in dry air?",
            "Grain can be stored for several years in dry air",
        ),
    ],
)
def test_a_sentence_answers_its_question(sentence: str, kind: str, wording: str, answer: str) -> None:
    text = f"The wind turned. {sentence} Then it rained."
    found = [item for item in english_questions(text, Cases([USAGE])) if item.kind == kind]
    assert len(found) == 1
    assert wording in found[0].wordings
    assert text[found[0].answer.start : found[0].answer.end] == answer


@pytest.mark.parametrize(
    "sentence",
    [
        "It is a process by which plants store light.",
        "The city is a large port on the northern coast.",
        "Scholars are hesitant to make claims about that century.",
        "Osgood is a singer of the northern coast who lived there.",
        "What they built was a tower of nine floors.",
        "When he returned to the town, the people cheered loudly.",
    ],
)
def test_a_sentence_that_leans_on_others_gives_nothing(sentence: str) -> None:
    assert not list(english_questions(sentence, Cases([USAGE])))


@pytest.mark.parametrize(
    ("sentence", "kind", "wording", "answer"),
    [
        ("配子是一种特殊的细胞，可以结合。", "definition", "什么是配子？", "一种特殊的细胞"),
        (
            "光合作用（Photosynthesis）是指植物储存光能的过程。",
            "definition",
            "光合作用是什么？",
            "植物储存光能的过程",
        ),
        (
            "现金流量表用于显示一段时期的资金进出。",
            "purpose",
            "现金流量表用来做什么？",
            "显示一段时期的资金进出",
        ),
        (
            "由于缺乏统一的管理，所以动物的命名非常混乱。",
            "reason",
            "为什么动物的命名非常混乱？",
            "缺乏统一的管理",
        ),
        (
            "如果内容涉及隐私，管理员可以删除整个页面。",
            "condition",
            "如果内容涉及隐私，会怎样？",
            "管理员可以删除整个页面",
        ),
        (
            "铁路运输是最便捷的陆上交通方式。",
            "yesno",
            "铁路运输是最便捷的陆上交通方式吗？",
            "铁路运输是最便捷的陆上交通方式",
        ),
    ],
)
def test_a_chinese_sentence_answers_its_question(sentence: str, kind: str, wording: str, answer: str) -> None:
    text = f"天气很好。{sentence}"
    found = [item for item in chinese_questions(text) if item.kind == kind]
    assert len(found) == 1
    assert wording in found[0].wordings
    assert text[found[0].answer.start : found[0].answer.end] == answer


@pytest.mark.parametrize(
    "sentence",
    ["他是一名医生。", "但这是一种错误的看法。", "因为是冬天，所以很冷。", "台湾的实力坚强，是最强的之一。"],
)
def test_a_chinese_sentence_that_leans_on_others_gives_nothing(sentence: str) -> None:
    assert not list(chinese_questions(sentence))


def test_names_are_asked_for_in_other_languages() -> None:
    english = [("Canal", "Grand Canal is a waterway between the two harbours of the island.")]
    chinese = [("运河", "大运河（英语：Grand Canal）是一条连接两个港口的水道，很长。")]
    made = mine(english, chinese)
    asked = {item.question: item.text[item.answer.start : item.answer.end] for item in made}
    assert asked.keys() & {"What is Grand Canal?", "what is grand canal"}
    assert any("大运河" in question and answer.startswith("a waterway") for question, answer in asked.items())
    assert mine(english, chinese) == made


def faq_line(number: int) -> dict[str, Any]:
    context = f"Answer {number} stands here. More of it."
    return {
        "repo": "a/b",
        "path": "faq.md",
        "question": f"Question {number}?",
        "context": context,
        "answer": f"Answer {number} stands here.",
        "answer_start": 0,
        "kind": "fact",
    }


def test_a_faq_answer_seldom_stands_first() -> None:
    made = join_faq([faq_line(number) for number in range(40)])
    assert all(
        item.text[item.answer.start : item.answer.end] == f"Answer {n} stands here."
        for n, item in enumerate(made)
    )
    assert sum(item.answer.start == 0 for item in made) < 20
    assert not any(item.question in item.text for item in made)


def test_as_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Photosynthesis is a process by which plants store light."
    source = [
        {
            "title": "P",
            "paragraphs": [{"context": text, "qas": [{"id": "1", "question": "?", "answers": []}]}],
        }
    ]
    (tmp_path / "en.json").write_text(json.dumps({"data": source}), encoding="utf-8")
    with gzip.open(tmp_path / "faq.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write(json.dumps(faq_line(1)) + "\n")
    out = tmp_path / "made" / "mined.json.gz"
    flags = [
        "mined",
        str(out),
        "--english",
        str(tmp_path / "en.json"),
        "--faq",
        str(tmp_path / "faq.jsonl.gz"),
    ]
    monkeypatch.setattr(sys, "argv", flags)
    main()
    found = read_squad(out)
    assert found.wrong_offsets == 0
    assert {example.id.split("-")[0] for example in found.examples} >= {"definition", "faq fact"}
    assert "1 faq fact" in capsys.readouterr().err


def test_what_cannot_be_mined_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "faq.jsonl"
    path.write_text(
        json.dumps(faq_line(1)) + "\n" + json.dumps({"question": "Why?"}) + "\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"line 2: no pair of a FAQ but \{'question': 'Why\?'\}"):
        read_faq(path)
    monkeypatch.setattr(sys, "argv", ["mined", str(tmp_path / "out.json.gz")])
    with pytest.raises(SystemExit):
        main()
    assert "--english, --chinese or --faq" in capsys.readouterr().err


def test_each_text_stands_once() -> None:
    english = [
        (
            "P",
            "Photosynthesis is a process by which plants store light. Grain can be dried by moving air.",
        )
    ]
    (article,) = squad(mine(english, []))["data"]
    assert len(article["paragraphs"]) == 1
