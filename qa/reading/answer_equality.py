"""Which spans are the same answer, and which passages are near-duplicates: the rules for counting agreement.

The same answer comes in several forms ("1858" and "February 1858", "the U.S. Senate" and "US Senate"); they
must not compete with each other. Near-duplicates of a passage count once. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from qa.squad.metrics import normalise_answer

_SHINGLE = 5
_NEAR_DUPLICATE = 0.8
_DIGITS_OF_A_YEAR = 4


def same_answer(one: str, other: str) -> bool:
    """Whether two spans give the same answer: the same words, or one within the other and half as long.

    A number within a longer answer is another number ("2" in "2 million"), unless it is the year that a
    date ends with.

    >>> same_answer("the U.S. Senate", "US Senate"), same_answer("February 1858", "1858")
    (True, True)
    >>> same_answer("2", "2 million"), same_answer("John", "John Adams")
    (False, True)
    """
    first, second = _words(one), _words(other)
    if not first or not second:
        return one.casefold() == other.casefold()
    short, long = (first, second) if len(first) <= len(second) else (second, first)
    if short == long:
        return True
    if 2 * len(short) < len(long) or short[0] not in long:
        return False
    if all(word.isdigit() for word in short):
        return len(short[-1]) == _DIGITS_OF_A_YEAR and long[-len(short) :] == short
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


def near_duplicates(one: str, other: str) -> bool:
    """Whether two texts differ by a few words at most.

    By the share of runs of five words that both hold (Broder 1997).
    """
    first, second = _shingles(one), _shingles(other)
    shared = len(first & second)
    return shared >= _NEAR_DUPLICATE * (len(first) + len(second) - shared)


# Every claim of a question is compared with every answer so far, and an answer's passages with each other.
@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(normalise_answer(text).split())


@lru_cache(maxsize=256)
def _shingles(text: str) -> frozenset[Sequence[str]]:
    words = text.casefold().split()
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))
