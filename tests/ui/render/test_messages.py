"""The texts of the page: complete in every language, with the same values, and used."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from ui.render.messages import ENGLISH, LANGUAGES, Say, language_for, lines

UI = Path(__file__).parents[3] / "ui"
SOURCES = {path.relative_to(UI).as_posix(): path.read_text(encoding="utf-8") for path in UI.rglob("*.py")}
KEYS = lines("en")
SAID = re.compile(r"""\bsay\(\s*f?["']([a-z_.{}]+)["']""")
COUNTED = re.compile(r"""\bsay\.count\(\s*["']([a-z_]+)["']""")


def placeholders(line: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(line) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_lines_with_the_same_values(language: str) -> None:
    assert list(lines(language)) == list(KEYS)
    for key, line in lines(language).items():
        assert line.strip(), key
        assert placeholders(line) == placeholders(KEYS[key]), key
        assert all(name.isidentifier() for name in placeholders(line)), key


def test_the_language_of_a_line_can_be_switched_to_every_other() -> None:
    assert {say.language for say in ENGLISH.others} == set(LANGUAGES) - {"en"}
    assert [say("frame.switch") for say in Say("zh").others] == ["English"]


def test_counted_nouns_have_both_numbers() -> None:
    counted = {key.rpartition(".")[0] for key in KEYS if key.startswith("count.")}
    assert all(f"{noun}.{number}" in KEYS for noun in counted for number in ("one", "other"))


def test_what_the_page_says_is_in_the_table() -> None:
    said = {key for text in SOURCES.values() for key in SAID.findall(text) if "{" not in key}
    nouns = {noun for text in SOURCES.values() for noun in COUNTED.findall(text)}
    assert said | {f"count.{noun}.other" for noun in nouns} <= set(KEYS)


def test_no_line_is_left_over() -> None:
    code = "".join(text for name, text in SOURCES.items() if name != "render/messages.py")
    built = [re.escape(key) for key in SAID.findall(code) if "{" in key]
    patterns = [re.compile(re.sub(r"\\\{.*?\\\}", "[a-z0-9_]+", key) + "$") for key in built]
    nouns = set(COUNTED.findall(code))
    unused = [
        key
        for key in KEYS
        if f'"{key}"' not in code
        and f"'{key}'" not in code
        and not any(pattern.match(key) for pattern in patterns)
        and not (key.startswith("count.") and key.split(".")[1] in nouns)
    ]
    assert unused == []


def test_numbers_stand_with_their_nouns() -> None:
    assert [Say(language).count("document", 1200) for language in LANGUAGES] == [
        "1,200 documents",
        "1,200 篇文档",
    ]


@pytest.mark.parametrize(
    ("asked", "browser", "language"),
    [
        (None, None, "en"),
        (None, "zh-Hans-CN", "zh"),
        ("zh", "en-GB", "zh"),
        ("en", "zh", "en"),
        ("klingon", "zh_TW", "zh"),
        (None, "fr-FR", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_then_the_browsers(
    asked: str | None, browser: str | None, language: str
) -> None:
    assert language_for(asked, browser) == language
