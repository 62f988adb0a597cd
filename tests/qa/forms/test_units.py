"""The unit of an answer: few words for a fact, a clause for a definition, all items of a list."""

from __future__ import annotations

import pytest

from qa.forms.question_kind import Kind
from qa.forms.units import answer_unit, sentence_of


def unit(text: str, chosen: str, kind: Kind) -> str:
    start = text.index(chosen)
    found = answer_unit(text, start, start + len(chosen), kind, "en")
    return text[found.start : found.end]


LIST = "Bring these:\n- a lamp\n- a rope\n- two cups\nThen go."


@pytest.mark.parametrize(
    ("text", "chosen", "kind", "expected"),
    [
        ("A cairn is a heap of stones.", "a heap", Kind.FACT, "a heap"),
        ("A cairn is a heap of stones.", "a heap", Kind.DEFINITION, "A cairn is a heap of stones"),
        ("It rained; the pass closed, so we left.", "pass", Kind.WHY, "the pass closed"),
        ("We left because the pass was closed.", "the pass", Kind.WHY, "because the pass was closed"),
        ("The first - a mere guess - was right.", "guess", Kind.DEFINITION, "a mere guess"),
        ("It stops. It never starts again.", "It stops. It never", Kind.CONDITION, "It stops"),
        (LIST, "a rope", Kind.LIST, "- a lamp\n- a rope\n- two cups"),
        (LIST, "a lamp\n- a rope", Kind.FACT, "a lamp"),
        (LIST, "Then go", Kind.LIST, "Then go"),
        ("Bring a lamp.", "lamp", Kind.LIST, "lamp"),
    ],
)
def test_units(text: str, chosen: str, kind: Kind, expected: str) -> None:
    assert unit(text, chosen, kind) == expected


def test_a_long_sentence_stays_short() -> None:
    rest = " ".join(["word"] * 40)
    assert unit(f"{rest} a heap {rest}.", "a heap", Kind.DEFINITION) == "a heap"
    assert unit(f"{rest} a heap of stones.", "a heap", Kind.DEFINITION) == "a heap of stones"


def test_a_long_list_stays_what_was_chosen() -> None:
    text = "\n".join(f"- item number {number} of many" for number in range(30))
    assert unit(text, "number 3", Kind.LIST) == "number 3"


def test_a_line_is_a_sentence_of_its_own() -> None:
    start = LIST.index("rope")
    place = sentence_of(LIST, start, start + 4, "en")
    assert LIST[place.start : place.end] == "- a rope"
