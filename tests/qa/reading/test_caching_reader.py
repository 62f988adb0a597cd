"""Nothing is read twice, and what is not read comes out as if it had been."""

from __future__ import annotations

from collections.abc import Sequence

from index.search.lru_cache import Cache
from qa.reading.caching_reader import CachingReader
from qa.records import SpanCandidate

PUMP = "The pump stops at 1.2 bar. Close valve B and wait for thirty seconds before it is started once again."


class LastWord:
    """Proposes the last word of each context."""

    name = "last-word"
    fingerprint = "1"

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.calls = 0

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        return self.read_many([(question, contexts)])[0]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        self.calls += 1
        self.seen += [(question, text) for question, texts in asked for text in texts]
        return [[candidate(text, place) for place, text in enumerate(texts)] for _, texts in asked]


def candidate(text: str, place: int) -> SpanCandidate:
    word = text.rstrip(".").split()[-1]
    start = text.rindex(word)
    return SpanCandidate(
        text=word, start=start, end=start + len(word), score=1.0, null_score=0.0, context=place
    )


def test_a_reading_is_known_the_second_time() -> None:
    inner = LastWord()
    reader = CachingReader(inner)
    first = reader.read("who?", ["one two", "three four"])
    assert first == LastWord().read("who?", ["one two", "three four"])
    assert reader.read("who?", ["three four", "five six"]) == inner.read("who?", ["three four", "five six"])
    assert inner.seen[:3] == [("who?", "one two"), ("who?", "three four"), ("who?", "five six")]
    reader.read("when?", ["one two"])
    assert inner.seen[-1] == ("when?", "one two")


def test_the_questions_of_a_batch_are_read_together() -> None:
    inner = LastWord()
    asked = [("who?", ["one two", "three four"]), ("when?", ["one two"]), ("", [])]
    assert CachingReader(inner).read_many(asked) == LastWord().read_many(asked)
    assert inner.calls == 1


def test_a_copy_is_read_once_and_gives_the_same_at_its_own_place() -> None:
    inner = LastWord()
    nearly = f"Note: {PUMP}"
    found = CachingReader(inner).read("when?", [PUMP, nearly, PUMP])
    assert len(inner.seen) == 1
    assert [item.context for item in found] == [0, 1, 2]
    assert [nearly[found[1].start : found[1].end], found[1].text] == ["again", "again"]
    assert found[1].start == found[0].start + len("Note: ")


def test_a_copy_that_says_something_else_is_read() -> None:
    inner = LastWord()
    other = PUMP.replace("again", "tomorrow")
    found = CachingReader(inner).read("when?", [PUMP, other])
    assert [item.text for item in found] == ["again", "tomorrow"]
    assert len(inner.seen) == 2


def test_a_cache_forgets_what_was_not_asked_for_the_longest() -> None:
    cache = Cache[str, int](2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
