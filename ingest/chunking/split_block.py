"""Splits blocks that are too long for one passage, at the best place there is.

Prose is split between sentences; lists, tables and code between lines; what is still too long between words,
and an endless word between characters. Lengths are token weights, measured once for the whole block.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ingest.chunking.blocks import Block, Border, lines_matter, stripped
from ingest.chunking.grouping import Atom
from ingest.records import Document
from ingest.text.sentences import sentences
from ingest.text.tokenizer import Tokens

# A run of characters that the vocabulary does not know is one token whatever its length; weighed by its
# characters, it cannot become a passage of any length.
_CHARACTERS_PER_TOKEN = 16
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}
_ROUNDING = 1e-6
_STOP = re.compile(r"[.!?…][\"'”’)\]]*\s+|[。！？]")


def torn(document: Document, block: Block, tokens: Tokens, room: int) -> Iterator[Atom]:
    """The block as one atom, or in pieces that weigh at most `room` tokens.

    `tokens` are those of the block's own text.
    """
    ruler = _Ruler(tokens, block.start, block.end)
    pieces = iter([(block.start, block.end, block.border)])
    if ruler.weight(block.start, block.end) > room:
        pieces = _pieces(document, block, ruler, room)
    for start, end, border in pieces:
        yield Atom(
            start=start,
            end=end,
            weight=ruler.weight(start, end),
            room=room,
            border=border,
            heading=block.heading,
            path=block.path,
        )


def _pieces(document: Document, block: Block, ruler: _Ruler, room: int) -> Iterator[tuple[int, int, Border]]:
    border = block.border
    for start, end in _sentences_or_lines(document, block, ruler, room):
        for low, high in pairwise(_word_cuts(document.text, start, end, ruler, room)):
            span = stripped(document.text, low, high)
            if span is not None:
                yield *span, border
                border = Border.WORD
        border = Border.PIECE


def _sentences_or_lines(
    document: Document, block: Block, ruler: _Ruler, room: int
) -> Iterator[tuple[int, int]]:
    """Sentences of prose, lines of everything else; of a line that is too long its sentences."""
    lines = [(block.start, block.end)]
    if lines_matter(document.text[block.start : block.end]):
        lines = list(_lines(document.text, block.start, block.end))
    for start, end in lines:
        if len(lines) > 1 and ruler.weight(start, end) <= room:
            yield start, end
        else:
            part = document.text[start:end]
            starts = [*(span.start for span in sentences(part, document.language)), len(part)]
            yield from ((start + low, start + high) for low, high in pairwise(starts))


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        found = text.find("\n", start, end)
        after = end if found < 0 else found + 1
        if text[start:after].strip():
            yield start, after
        start = after


def _word_cuts(text: str, start: int, end: int, ruler: _Ruler, room: int) -> list[int]:
    """Borders from `start` to `end` with at most `room` tokens between two: at words, else at characters."""
    cuts = [start]
    while ruler.weight(cuts[-1], end) > room:
        reach = ruler.reach(cuts[-1], room)
        cuts.append(word_border(text, cuts[-1], reach))
    return [*cuts, end]


def word_border(text: str, start: int, reach: int) -> int:
    """The last good place to cut in the second half of `text[start:reach]`.

    After a full stop (quotations are one sentence to the sentence rules, however long), else before a word,
    else between whole characters.
    """
    half = start + (reach - start) // 2
    stops = [match.end() for match in _STOP.finditer(text, half, reach)]
    if stops:
        return stops[-1]
    for cut in range(reach, half, -1):
        if text[cut - 1].isspace():
            return cut
    cut = reach
    while cut > start + 1 and _splits_character(text[cut - 1 : cut + 1]):
        cut -= 1
    return cut


def _splits_character(pair: str) -> bool:
    """Whether what a reader sees as one character would be torn between the two code points."""
    return unicodedata.combining(pair[-1]) != 0 or not _JOINERS.isdisjoint(pair)


class _Ruler:
    """Weights of stretches of one block: every token's weight is spread evenly over its characters."""

    def __init__(self, tokens: Tokens, start: int, end: int) -> None:
        starts, ends = tokens.offsets[:, 0], np.maximum(tokens.offsets[:, 1], tokens.offsets[:, 0] + 1)
        lengths = ends - starts
        density = np.maximum(1, np.ceil(lengths / _CHARACTERS_PER_TOKEN)) / lengths
        change = np.zeros(end - start + 2)
        np.add.at(change, starts, density)
        np.subtract.at(change, ends, density)
        self._origin = start
        self._sums: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(np.cumsum(change))])

    def weight(self, start: int, end: int) -> int:
        """Tokens in `text[start:end]`, at least one."""
        span = self._sums[end - self._origin] - self._sums[start - self._origin]
        return max(1, math.ceil(float(span) - _ROUNDING))

    def reach(self, start: int, room: int) -> int:
        """The furthest end, at least one character on, up to which `room` suffices."""
        limit = self._sums[start - self._origin] + room + _ROUNDING
        end = int(np.searchsorted(self._sums, limit, side="right")) - 1 + self._origin
        return max(start + 1, end)
