"""Readers chosen by language: names, routes, and that one reader reads all passages of a question."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from index.errors import ModelError
from ingest.text.language import short_language
from qa.protocols import Reader
from qa.reading.language_router import LanguageRouter, chosen_reader, is_routed, parse_routes
from qa.reading.reader import load_reader
from qa.records import SpanCandidate

ENGLISH = "The harbour lies to the north of the old town, and ships come in with the tide."
GERMAN = "Der Hafen liegt im Norden der alten Stadt, und die Schiffe kommen mit der Flut herein."


class NamedReader:
    """Says that every text's first letter is the answer, and what it was given."""

    def __init__(self, name: str) -> None:
        self.name = self.fingerprint = name
        self.given: list[tuple[str, tuple[str, ...]]] = []

    def unknown_share(self, text: str) -> float:
        return 0.0 if self.name == "many" else 1.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        return self.read_many([(question, contexts)])[0]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        self.given += [(question, tuple(contexts)) for question, contexts in asked]
        return [
            [
                SpanCandidate(text=text[0], start=0, end=1, score=1.0, null_score=0.0, context=place)
                for place, text in enumerate(contexts)
            ]
            for _, contexts in asked
        ]


def test_each_question_by_its_own_reader_and_in_order() -> None:
    readers: dict[str, NamedReader] = {}

    def load(name: str) -> Reader:
        readers[name] = NamedReader(name)
        return readers[name]

    routed = LanguageRouter("en=small;many", load)
    assert not readers
    asked = [
        ("Where does the harbour lie?", [ENGLISH]),
        ("Wo liegt der Hafen der alten Stadt?", [GERMAN, ENGLISH]),
        ("Where does the harbour of the town lie?", [ENGLISH, GERMAN]),
        ("When do the ships come in?", [ENGLISH, ENGLISH]),
    ]
    found = routed.read_many(asked)
    assert [[span.text for span in spans] for spans in found] == [["T"], ["D", "T"], ["T", "D"], ["T", "T"]]
    assert [question for question, _ in readers["small"].given] == [asked[0][0], asked[3][0]]
    assert [question for question, _ in readers["many"].given] == [asked[1][0], asked[2][0]]
    assert chosen_reader(routed.name, *asked[0]) == "small"
    assert chosen_reader(routed.name, *asked[1]) == "many"
    assert chosen_reader("pocket", *asked[1]) == "pocket"
    assert routed.unknown_share("你好") == 0.0
    assert routed.fingerprint != LanguageRouter("de=small;many", load).fingerprint


def test_names() -> None:
    assert is_routed("en=pocket;multilingual")
    assert not is_routed("deepset/roberta-base-squad2")
    assert isinstance(load_reader("en=pocket;multilingual"), LanguageRouter)
    for wrong in ("en=a;de=b", "a;b", "en=;b"):
        with pytest.raises(ModelError, match="no choice of readers by language"):
            parse_routes(wrong)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Who wrote the letters?", "en"),
        ("Wer hat die Briefe geschrieben?", "de"),
        ("¿Quién escribió las cartas?", "es"),
        ("谁写了这些信?", "zh"),
        ("Кто написал эти письма?", "ru"),
        ("42?", "und"),
        ("", "und"),
    ],
)
def test_language_of_a_question(text: str, language: str) -> None:
    assert short_language(text) == language
