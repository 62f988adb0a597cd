"""Text layers that are no text: fonts that do not say which letters they hold give letters at random.

Judged by what words look like: a language that is written with letters does not put signs inside every other
word, and one that is written with Latin letters does not do without vowels.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence

_LEAST_WORDS = 25
_LEAST_SIGNS = 0.4
_LEAST_STRANGE = 0.3
_LEAST_VOWELLESS = 0.6
_LATIN = re.compile(r"[A-Za-z]{4,}")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_INSIDE = re.compile(r"^[\W_]?(.*?)[\W_]*$", re.DOTALL)
_USUAL = frozenset("'’-‐‑–—./:@&_,+%*=()[]{}<>|#°\"“”„»«·")


def is_garbled(characters: Sequence[str]) -> bool:
    """Whether the characters of a page, in their order, cannot be read."""
    visible = [character for character in characters if not character.isspace()]
    if len(visible) < 4 * _LEAST_WORDS:
        return False
    strange = sum(_is_strange(character) for character in visible)
    if strange > _LEAST_STRANGE * len(visible):
        return True
    words = "".join(characters).split()
    letters = [word for word in words if sum(map(str.isalpha, word)) >= 2 and word.isascii() is False]
    if len(words) >= _LEAST_WORDS and 2 * len(letters) > len(words):
        odd = sum(_has_sign(word) for word in words)
        if odd > _LEAST_SIGNS * len(words):
            return True
    latin = _LATIN.findall(" ".join(words))
    vowelless = sum(_VOWEL.search(word) is None for word in latin)
    return len(latin) >= _LEAST_WORDS and vowelless > _LEAST_VOWELLESS * len(latin)


def _is_strange(character: str) -> bool:
    kind = unicodedata.category(character[0])
    return (
        kind in ("Co", "Cn", "Cs")
        or (kind == "Cc" and character not in "\r\n\t\x02")
        or character == "\ufffd"
    )


def _has_sign(word: str) -> bool:
    """Whether a sign that belongs in no word stands in this one, beside a letter."""
    for before, after in itertools.pairwise(word):
        for sign, other in ((before, after), (after, before)):
            if other.isalpha() and sign not in _USUAL and unicodedata.category(sign)[0] == "S":
                return True
    inner = _INSIDE.match(word)
    capitals = sum(map(str.isupper, word[1:]))
    return (
        bool(inner)
        and not word.isupper()
        and capitals >= 1
        and any(map(str.islower, word))
        and not word.isascii()
    )
