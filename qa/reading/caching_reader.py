"""A reader that reads nothing twice: what it read lately, and what stands twice among the passages.

    (question, texts) -> known readings, the same text, near copies that hold the answer -> the rest is read

Readings are kept by the reader's fingerprint, the question and the text itself, so that they hold whatever
store a passage lies in. A near copy of a passage (`qa.reading.answer_equality`) is not read where the words
that were found stand in it too: they are taken over at their place there. Where they do not, it may say
something else and is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from index.search.lru_cache import Cache
from qa.protocols import Reader
from qa.reading.answer_equality import near_duplicates
from qa.records import SpanCandidate

_READINGS = 8192

Found = tuple[SpanCandidate, ...]
Asked = tuple[str, Sequence[str]]


class SparingReader:
    """A reader behind the same seam; safe to share between threads if the one behind it is."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: Cache[bytes, Found] = Cache(_READINGS)

    @property
    def name(self) -> str:
        """The reader's own."""
        return self._reader.name

    @property
    def fingerprint(self) -> str:
        """The reader's own."""
        return self._reader.fingerprint

    def unknown_share(self, text: str) -> float:
        """The reader's own."""
        return self._reader.unknown_share(text)

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        """As the reader's own."""
        return self.read_many([(question, contexts)])[0]

    def read_many(self, asked: Sequence[Asked]) -> list[list[SpanCandidate]]:
        """As the reader's own: candidates in the order of the contexts."""
        originals = [_originals(texts) for _, texts in asked]
        self._learn((question, set(copy_of)) for (question, _), copy_of in zip(asked, originals, strict=True))
        taken = [
            [self._copied(question, text, original) for text, original in zip(texts, copy_of, strict=True)]
            for (question, texts), copy_of in zip(asked, originals, strict=True)
        ]
        self._learn(
            (question, {text for text, found in zip(texts, of_texts, strict=True) if found is None})
            for (question, texts), of_texts in zip(asked, taken, strict=True)
        )
        return [
            [
                replace(candidate, context=place)
                for place, (text, found) in enumerate(zip(texts, of_texts, strict=True))
                for candidate in (self._kept(question, text) if found is None else found)
            ]
            for (question, texts), of_texts in zip(asked, taken, strict=True)
        ]

    def _learn(self, wanted: Iterable[tuple[str, set[str]]]) -> None:
        """Read what is not known yet, for all questions together."""
        missing = [
            (question, [text for text in sorted(texts) if self._known.get(self._key(question, text)) is None])
            for question, texts in wanted
        ]
        missing = [(question, texts) for question, texts in missing if texts]
        if not missing:
            return
        for (question, texts), found in zip(missing, self._reader.read_many(missing), strict=True):
            by_text: dict[int, list[SpanCandidate]] = {place: [] for place in range(len(texts))}
            for candidate in found:
                by_text[candidate.context].append(candidate)
            for place, text in enumerate(texts):
                self._known.put(self._key(question, text), tuple(by_text[place]))

    def _copied(self, question: str, text: str, original: str) -> Found | None:
        """What a near copy holds of what was found in its original; None where it must be read itself."""
        found = self._kept(question, original)
        if text == original:
            return found
        moved = [candidate for item in found if (candidate := _moved(item, text, len(original))) is not None]
        if not found or not moved or moved[0].text != found[0].text:
            return None
        return tuple(moved)

    def _kept(self, question: str, text: str) -> Found:
        found = self._known.get(self._key(question, text))
        return self._read_now(question, text) if found is None else found

    def _read_now(self, question: str, text: str) -> Found:
        # It has just been read, and so many others since that it is no longer kept.
        return tuple(self._reader.read(question, [text]))

    def _key(self, question: str, text: str) -> bytes:
        said = "\0".join((self.fingerprint, question, text)).encode("utf-8", "surrogatepass")
        return hashlib.sha256(said).digest()


def _originals(texts: Sequence[str]) -> list[str]:
    """For each text the first that it is a near copy of, itself for most."""
    first: list[str] = []
    copy_of: list[str] = []
    for text in texts:
        original = next((other for other in first if other == text or near_duplicates(other, text)), None)
        if original is None:
            first.append(text)
        copy_of.append(text if original is None else original)
    return copy_of


def _moved(candidate: SpanCandidate, text: str, length: int) -> SpanCandidate | None:
    """The same words in another text, where they are nearest to their place in the original."""
    expected = candidate.start * len(text) // max(1, length)
    before, after = text.rfind(candidate.text, 0, expected), text.find(candidate.text, expected)
    places = [place for place in (before, after) if place >= 0]
    if not places:
        return None
    start = min(places, key=lambda place: abs(place - expected))
    return replace(candidate, start=start, end=start + len(candidate.text))
