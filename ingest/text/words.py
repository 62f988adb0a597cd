"""Which tokens of a text form one word, for any vocabulary.

Borders are those of Unicode's annex 29 ("don't", "3.14", a joined emoji and each 字 are one word), and
quotation marks stand apart. A vocabulary may cut one character into several pieces; they stay together.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray

_WORDS = regex.compile(r"(?<!\w)['’]|.+?\b", regex.WORD | regex.DOTALL | regex.V1)


def word_numbers(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each piece the number of its word, counted from 0; -1 for pieces that show nothing.

    `offsets`, shape (n, 2), are the pieces' places in `text`, in their order. Example, "masking's" cut into
    mask, ing, ', s: 0, 0, 0, 0.
    """
    borders = {match.start() for match in _WORDS.finditer(text)}
    numbers = np.full(len(offsets), -1, dtype=np.int64)
    word, last = -1, 0
    for piece, (start, end) in enumerate(offsets.tolist()):
        if start == end:
            continue
        if word < 0 or not (start < last or (start == last and start not in borders)):
            word += 1
        numbers[piece] = word
        last = max(last, end)
    return numbers


def word_spans(numbers: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each word stands, shape (words, 2): from the start of its first to the end of its last piece."""
    seen = np.flatnonzero(numbers >= 0)
    if not len(seen):
        return np.zeros((0, 2), dtype=np.int64)
    firsts = np.flatnonzero(np.diff(numbers[seen], prepend=-1))
    parts = [seen[first:after] for first, after in pairwise([*firsts.tolist(), len(seen)])]
    return np.array([[offsets[part, 0].min(), offsets[part, 1].max()] for part in parts], dtype=np.int64)


def occurrences(text: str, quote: str) -> Iterator[int]:
    """Where `quote` begins in `text`, one after the other, those that overlap too; nowhere if it is empty."""
    place = text.find(quote) if quote else -1
    while place >= 0:
        yield place
        place = text.find(quote, place + 1)
