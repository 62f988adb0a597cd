"""Ligatures of Arabic and Hebrew, whose letters pdfium gives the wrong way round.

pdfium turns every run of such letters round, because pages are painted from left to right. Where one glyph
stands for several letters, as for lam with alef, they come in their own order and are turned as well. Letters
that a presentation form of Unicode holds are not.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby

from ingest.parsers.pdf.paragraphs import Character

_MOST_LETTERS = 3
_FORMS = frozenset(
    letters
    for block in (range(0xFB1D, 0xFE00), range(0xFE70, 0xFF00))
    for letters in (unicodedata.normalize("NFKC", chr(code)) for code in block)
    if len(letters) > 1
)


def with_ligatures_in_order(characters: list[Character]) -> list[Character]:
    """The characters, those of one glyph that is read from right to left in the order of reading."""
    if not any(_is_right_to_left(character.text) for character in characters):
        return characters
    ordered: list[Character] = []
    for _, group in groupby(characters, _glyph):
        letters = list(group)
        turned = (
            1 < len(letters) <= _MOST_LETTERS and "".join(letter.text for letter in letters) not in _FORMS
        )
        ordered += reversed(letters) if turned else letters
    return ordered


def _glyph(character: Character) -> tuple[float, ...]:
    """What letters of one glyph share: its box; of others their number, which is their own."""
    if _is_right_to_left(character.text):
        return (character.left, character.bottom, character.right, character.top)
    return (character.number,)


def _is_right_to_left(text: str) -> bool:
    return text > "\u0590" and unicodedata.bidirectional(text[0]) in ("R", "AL", "NSM")
