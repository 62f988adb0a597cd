"""A reader that caches its results and reuses them for near-duplicate passages.

    (question, texts) -> cached, the same text, or a near-duplicate that holds the answer -> the rest is read

Results are cached by the reader's fingerprint, the question and the text, so that they serve any store. A
near-duplicate of a passage (`qa.reading.answer_equality`) is not read where the passage's best span occurs in
it too: the spans are moved to their places there. Elsewhere it is read, because it may hold another answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from index.search.lru_cache import Cache
from qa.protocols import Question, Reader, ReaderWrapper
from qa.reading.answer_equality import near_duplicates
from qa.records import SpanCandidate

_CACHED_TEXTS = 8192

Spans = tuple[SpanCandidate, ...]


class CachingReader(ReaderWrapper):
    """Safe to share between threads if the reader behind it is."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._cache: Cache[bytes, Spans] = Cache(_CACHED_TEXTS)

    def read_many(self, asked: Sequence[Question]) -> list[list[SpanCandidate]]:
        originals = [_originals(texts) for _, texts in asked]
        self._fill(
            (question, set(of_texts)) for (question, _), of_texts in zip(asked, originals, strict=True)
        )
        copied = [
            [self._copied(question, text, original) for text, original in zip(texts, of_texts, strict=True)]
            for (question, texts), of_texts in zip(asked, originals, strict=True)
        ]
        self._fill(
            (question, {text for text, spans in zip(texts, of_texts, strict=True) if spans is None})
            for (question, texts), of_texts in zip(asked, copied, strict=True)
        )
        return [
            [
                replace(candidate, context=position)
                for position, (text, spans) in enumerate(zip(texts, of_texts, strict=True))
                for candidate in (self._spans(question, text) if spans is None else spans)
            ]
            for (question, texts), of_texts in zip(asked, copied, strict=True)
        ]

    def _fill(self, wanted: Iterable[tuple[str, set[str]]]) -> None:
        """Read what is not cached yet, for all questions together."""
        missing = [
            (question, [text for text in sorted(texts) if self._cache.get(self._key(question, text)) is None])
            for question, texts in wanted
        ]
        missing = [(question, texts) for question, texts in missing if texts]
        if not missing:
            return
        for (question, texts), candidates in zip(missing, self._reader.read_many(missing), strict=True):
            by_text: list[list[SpanCandidate]] = [[] for _ in texts]
            for candidate in candidates:
                by_text[candidate.context].append(candidate)
            for text, spans in zip(texts, by_text, strict=True):
                self._cache.put(self._key(question, text), tuple(spans))

    def _copied(self, question: str, text: str, original: str) -> Spans | None:
        """The spans of `original` at their places in its near-duplicate `text`; None if that must be read."""
        spans = self._spans(question, original)
        if text == original:
            return spans
        moved = [candidate for item in spans if (candidate := _moved(item, text, len(original))) is not None]
        if not spans or not moved or moved[0].text != spans[0].text:
            return None
        return tuple(moved)

    def _spans(self, question: str, text: str) -> Spans:
        spans = self._cache.get(self._key(question, text))
        # It has just been read, but may have been pushed out of the cache by others since.
        return tuple(self._reader.read(question, [text])) if spans is None else spans

    def _key(self, question: str, text: str) -> bytes:
        key = "\0".join((self.fingerprint, question, text)).encode("utf-8", "surrogatepass")
        return hashlib.sha256(key).digest()


def _originals(texts: Sequence[str]) -> list[str]:
    """For each text the first that it is a near-duplicate of, itself for most."""
    first: list[str] = []
    originals: list[str] = []
    for text in texts:
        original = next((other for other in first if other == text or near_duplicates(other, text)), None)
        if original is None:
            first.append(text)
        originals.append(text if original is None else original)
    return originals


def _moved(candidate: SpanCandidate, text: str, length: int) -> SpanCandidate | None:
    """The same words in another text, where they are nearest to their place in the original of `length`."""
    expected = candidate.start * len(text) // max(1, length)
    before, after = text.rfind(candidate.text, 0, expected), text.find(candidate.text, expected)
    starts = [start for start in (before, after) if start >= 0]
    if not starts:
        return None
    start = min(starts, key=lambda start: abs(start - expected))
    return replace(candidate, start=start, end=start + len(candidate.text))
