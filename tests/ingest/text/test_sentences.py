"""Sentences: a gapless cover with exact offsets, and spans widened to whole sentences."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.sentences import sentence_around, sentences

TEXTS = st.lists(
    st.sampled_from(
        ["Dr. Smith ", "left. ", "3.14 ", "你好。", "“Yes!” ", "\n\n", "\n", "😀 ", "Why? ", "e.g. ", "\x85"]
    )
).map("".join) | st.text(max_size=60)
LANGUAGES = st.sampled_from(["en", "de", "zh", "ja", "ru", "ar", "und", "", "xx", "zh-cn"])


def cut(text: str, language: str = "en") -> list[str]:
    return [text[span.start : span.end].strip() for span in sentences(text, language)]


@given(text=TEXTS, language=LANGUAGES)
def test_sentences_cover_the_text_without_a_gap(text: str, language: str) -> None:
    spans = sentences(text, language)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert all(len(span) for span in spans)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Dr. Smith left. He paid 3.14 euros.", "en", ["Dr. Smith left.", "He paid 3.14 euros."]),
        ("It rains. It rains. It rains.", "en", ["It rains."] * 3),
        ("你好。世界很大！真的吗？", "zh", ["你好。", "世界很大！", "真的吗？"]),
        ("😀 Fine. 😀 Fine.", "en", ["😀 Fine.", "😀 Fine."]),
        ("Das ist z. B. gut. Ja.", "de", ["Das ist z. B. gut.", "Ja."]),
        ("One line\nand the rest. Two.", "en", ["One line\nand the rest.", "Two."]),
    ],
)
def test_known_cuts(text: str, language: str, expected: list[str]) -> None:
    assert cut(text, language) == expected


@given(text=TEXTS, data=st.data(), language=LANGUAGES)
def test_the_sentence_around_holds_the_span(text: str, data: st.DataObject, language: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    around = sentence_around(text, start, end, language)
    assert 0 <= around.start <= start <= end <= around.end <= len(text)


def test_the_sentence_around_a_repeated_phrase_is_the_one_at_the_offset() -> None:
    text = "The bus leaves at eight. In winter the bus leaves at nine."
    start = text.rindex("the bus")
    around = sentence_around(text, start, start + 7, "en")
    assert text[around.start : around.end] == "In winter the bus leaves at nine."


def test_a_span_over_a_border_takes_both_sentences() -> None:
    text = "One. Two here. Three."
    around = sentence_around(text, text.index("here"), text.index("Three") + 5, "en")
    assert text[around.start : around.end] == "Two here. Three."
