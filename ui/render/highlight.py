"""Which words of a passage are those of a query (pure).

Words are compared as the lexical index compares them: by their stems in the document's language, scripts
without spaces by pairs of characters. Words that say nothing about a subject are not marked, unless the query
has no others.
"""

from __future__ import annotations

import regex

from index.lexical import analysis
from ingest.text.scripts import UNSPACED
from ui.render.phrasing import Segment

_WORD = regex.compile(rf"[{UNSPACED}]+|[\p{{L}}\p{{N}}\p{{M}}_]+", regex.V1)
_UNSPACED = regex.compile(rf"[{UNSPACED}]", regex.V1)


def highlighted(text: str, query: str, language: str) -> tuple[Segment, ...]:
    """`text` in pieces, those that the query asks for marked; the pieces joined give `text` again.

    >>> [piece.text for piece in highlighted("The ferries leave.", "ferry", "en") if piece.marked]
    ['ferries']
    """
    wanted = _wanted(query, language)
    pieces: list[Segment] = []
    place = 0
    for start, end in _spans(text, wanted, language):
        if place < start:
            pieces.append(Segment(text=text[place:start], marked=False))
        pieces.append(Segment(text=text[start:end], marked=True))
        place = end
    if place < len(text):
        pieces.append(Segment(text=text[place:], marked=False))
    return tuple(pieces)


def _wanted(query: str, language: str) -> frozenset[str]:
    telling = [word for word in analysis.words(query) if word not in analysis.ENGLISH_FUNCTION_WORDS]
    return frozenset(analysis.terms(" ".join(telling) or query, language)) | frozenset(telling)


def _spans(text: str, wanted: frozenset[str], language: str) -> list[tuple[int, int]]:
    """Places of the wanted words, in order, none within or touching another."""
    spans: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        if _UNSPACED.match(text, start):
            for at in range(start, end - 1):
                if text[at : at + 2] in wanted:
                    if spans and spans[-1][1] >= at:
                        spans[-1] = (spans[-1][0], at + 2)
                    else:
                        spans.append((at, at + 2))
        elif not wanted.isdisjoint(analysis.terms(match.group(), language)):
            spans.append((start, end))
    return spans
