"""Where sentences begin and end, as exact offsets.

The rules for each language (abbreviations, quotation marks, full stops of other scripts) are those of the
sentencex library; here they become spans that cover the text without a gap, so that a span can be widened to
whole sentences and a long paragraph be cut between them. This module knows nothing of tokens or passages.
"""

from __future__ import annotations

from collections.abc import Iterator

import sentencex

from ingest.records import UNDETERMINED, Span

_FALLBACK_LANGUAGE = "en"


def sentences(text: str, language: str = UNDETERMINED) -> tuple[Span, ...]:
    """The sentences of `text`, in order and without a gap: white space after a sentence belongs to it.

    `language` is ISO 639-1 or `und`; a language without rules of its own is cut by the general ones.
    """
    rules = _FALLBACK_LANGUAGE if language in ("", UNDETERMINED) else language
    ends = [boundary["end_index"] for boundary in sentencex.get_sentence_boundaries(rules, text)]
    spans: list[Span] = []
    start = 0
    for end in (*ends, len(text)):
        if start < end <= len(text):
            spans.append(Span(start=start, end=end))
            start = end
    return tuple(spans)


def stripped_sentences(text: str, language: str = UNDETERMINED) -> Iterator[Span]:
    """The sentences of `text` without the white space at their ends; those of nothing else are left out."""
    for span in sentences(text, language):
        part = text[span.start : span.end]
        if inner := part.strip():
            start = span.start + part.index(inner)
            yield Span(start=start, end=start + len(inner))


def sentence_around(text: str, start: int, end: int, language: str = UNDETERMINED) -> Span:
    """The sentence or run of sentences that holds `text[start:end]`, without white space at its ends."""
    covered = [
        span for span in sentences(text, language) if span.start < max(end, start + 1) and span.end > start
    ]
    if not covered:
        return Span(start=start, end=end)
    left, right = covered[0].start, covered[-1].end
    while left < start and text[left].isspace():
        left += 1
    while right > end and text[right - 1].isspace():
        right -= 1
    return Span(start=left, end=right)
