"""What is taken off an answer and what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.reading.trimming import has_content, trim


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (" Paris ", "Paris"),
        ("Paris,", "Paris"),
        ("Paris.", "Paris"),
        ("in Paris ;:", "in Paris"),
        (", Paris", "Paris"),
        ("U.S.", "U.S."),
        ("the U.S.A.", "the U.S.A."),
        ("9 a.m.", "9 a.m."),
        ("a Ph.D.", "a Ph.D."),
        ("Apple Inc.", "Apple Inc."),
        ("Martin Luther King Jr.", "Martin Luther King Jr."),
        ("3.5", "3.5"),
        ("3.5.", "3.5"),
        ("example.com.", "example.com"),
        ("wait...", "wait"),
        (".NET", ".NET"),
        (". NET", "NET"),
        ("Yahoo!", "Yahoo!"),
        ("5%", "5%"),
        ("C#", "C#"),
        ("#", "#"),
        ("(AFC", "AFC"),
        ("AFC)", "AFC"),
        ("AFC),", "AFC"),
        ("(AFC)", "(AFC)"),
        ("f(x)", "f(x)"),
        ("a (b) c)", "a (b) c"),
        ('"golden anniversary', "golden anniversary"),
        ('golden anniversary"', "golden anniversary"),
        ('"golden anniversary"', '"golden anniversary"'),
        ("“golden”", "“golden”"),
        ("golden.”", "golden"),
        ("'golden", "golden"),
        ("Levi's Stadium'", "Levi's Stadium"),
        ("the players'", "the players'"),
        ("„Berlin“", "„Berlin“"),
        ("Berlin“", "Berlin"),
        ("，北京。", "北京"),
        ("《红楼梦》", "《红楼梦》"),
        ("红楼梦》", "红楼梦"),
        ("العربية،", "العربية"),
        ("…", "…"),
    ],
)
def test_table(chosen: str, left: str) -> None:
    text = f"xx {chosen} yy"
    span = trim(text, 3, 3 + len(chosen))
    assert text[span.start : span.end] == left


@pytest.mark.parametrize(
    ("text", "start", "end", "whole"),
    [
        ("cafe\u0301 noir", 0, 4, "cafe\u0301"),
        ("a \U0001f469\u200d\U0001f52c b", 2, 3, "\U0001f469\u200d\U0001f52c"),
        ("a \U0001f469\u200d\U0001f52c b", 4, 5, "\U0001f469\u200d\U0001f52c"),
        ("a \U0001f44d\U0001f3fd b", 2, 3, "\U0001f44d\U0001f3fd"),
        ("नमस्ते", 0, 3, "नमस्ते"),
        ("x \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 3, 5, "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"),
        ("x \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 2, 4, "\U0001f1e9\U0001f1ea"),
        ("3\ufe0f\u20e3 x", 0, 1, "3\ufe0f\u20e3"),
        ("x \u0301a", 2, 4, "\u0301a"),
        ("x\n\u0301a", 2, 4, "\u0301a"),
        ("א\u200d\u3000 b", 0, 2, "א\u200d"),
        ("b \U0001f469\u200d;", 2, 4, "\U0001f469\u200d"),
    ],
)
def test_a_visible_character_stays_whole(text: str, start: int, end: int, whole: str) -> None:
    span = trim(text, start, end)
    assert text[span.start : span.end] == whole


ANY_TEXT = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from(" .,;:()[]\"'“”‘’„«»。，《》\u0301\u200d"))
)


@given(text=ANY_TEXT, data=st.data())
def test_content_is_never_lost_and_trimming_twice_changes_nothing(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    span = trim(text, start, end)
    kept = range(span.start, span.end)
    assert all(place in kept for place in range(start, end) if has_content(text[place]))
    if has_content(text[start:end]):
        assert len(span) > 0
        assert not text[span.start].isspace()
        assert not text[span.end - 1].isspace()
        assert trim(text, span.start, span.end) == span
