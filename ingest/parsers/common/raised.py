"""Raised and lowered characters as plain text: powers, units, ordinals, fractions, footnote marks.

"10" with a raised "6" is 10⁶ and never 106. What is raised behind a word is the mark of a note and stands
apart from it.
"""

from __future__ import annotations

import re

_UP = str.maketrans("0123456789+-\N{MINUS SIGN}\N{EN DASH}=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾")
_DOWN = str.maketrans("0123456789+-\N{MINUS SIGN}\N{EN DASH}=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎")
_POWER = re.compile(r"[+\-\N{MINUS SIGN}\N{EN DASH}]?\d{1,6}")
_CHARGE = re.compile(r"\d?[+\-\N{MINUS SIGN}\N{EN DASH}]")
_MARKS = re.compile(r"\[?\(?(?:\d{1,3}(?:\s*[,;\N{EN DASH}-]\s*\d{1,3})*|[*†‡§¶#]{1,3})\)?\]?")
_ORDINALS = re.compile(
    r"(?:st|nd|rd|th|er|re|e|ère|ere|ème|eme|ième|nde?|o|a|os|as|os\.|º|ª|°|me|mes|lle|r|rs|te|ter|de|ste)\.?",
    re.IGNORECASE,
)
_SIGNS = {"tm": "™", "sm": "℠", "(r)": "®", "o": "°"}
_LAST = re.compile(r"([^\W\d_]+)$")
_YEAR = re.compile(r"(?<![\d.,^])(?:1[5-9]|20|21)\d\d$")
_UNITS = frozenset(
    """
    m dm cm mm km nm µm μm pm ft in yd mi s ms min sec h hr kg g mg t l dl ml mol kmol mmol n j w v a k pa hz
    rad sr cd lm lx bq gy sv foot feet inch inches yard yards mile miles metre metres meter meters
    sin cos tan sinh cosh tanh log ln exp ha ac px ev kev mev gev au ly pc
    """.split()
)


def raised(before: str, text: str) -> str:
    """What stands for `text` raised behind `before`: a power, an ordinal or a footnote mark set apart."""
    text = text.strip()
    if not text:
        return ""
    if text[0] in ":,;.":
        return text
    last = _LAST.search(before.rstrip() if text.isdigit() else before)
    if before[-1:].isspace() and last and last[1].lower() in _UNITS and _POWER.fullmatch(text):
        return text.translate(_UP)
    last = last if not before[-1:].isspace() else None
    if text.lower() in ("tm", "sm", "(r)"):
        return _SIGNS[text.lower()]
    if _POWER.fullmatch(text) and _takes_power(before, last[1] if last else "", text):
        return text.translate(_UP)
    if _CHARGE.fullmatch(text) and (last or before[-1:].isdigit() or before[-1:] in ")]"):
        return text.translate(_UP)
    if _MARKS.fullmatch(text):
        mark = text.strip("[]()")
        return f" [{mark}]" if before and not before[-1].isspace() else f"[{mark}]"
    return _letters(before, last[1] if last else "", text)


def _letters(before: str, word: str, text: str) -> str:
    """Raised letters: an ordinal, an exponent, or a word of its own."""
    variable = text.isalpha() and len(word) == 1 and word.islower()
    if (_ORDINALS.fullmatch(text) and not variable) or before[-1:].isspace() or not before:
        return text
    if len(word) > 2 and " " in text:
        return f" ({text})"
    return f"^{text}" if len(text) == 1 or text.isalnum() else f"^({text})"


def lowered(before: str, text: str) -> str:
    """What stands for `text` lowered behind `before`: CO2 as people write it, x_max, 1010₂."""
    text = text.strip()
    if not text:
        return ""
    if (
        not before
        or before[-1].isspace()
        or before[-1] in "/\N{FRACTION SLASH}"
        or (text.isdigit() and before[-1].isalpha())
    ):
        return text
    if all(ord(character) in _DOWN for character in text):
        return text.translate(_DOWN)
    if before[-1].isalpha() and text.replace(",", "").isalnum():
        return f"_{text}"
    return f"_{text}" if len(text) == 1 else f"_({text})"


def numerator(before: str, text: str) -> str:
    """The upper half of a fraction, apart from a whole number before it: 4 1/2."""
    return f" {text.strip()}" if before[-1:].isdigit() else text.strip()


def _takes_power(before: str, word: str, text: str) -> bool:
    """Whether a number raised behind this is a power and not the mark of a note."""
    if not text[0].isdigit():
        return bool(before.strip())
    if word:
        return len(word) == 1 or word.lower() in _UNITS
    if before[-1:].isdigit():
        return _YEAR.search(before) is None
    return (
        before[-1:] in (")", "]", "}", "²", "³")
        and len(before.rsplit("(", 1)[-1]) < 20
        and (re.search(r"[^\W\d_]{3}", before.rsplit("(", 1)[-1]) is None)
    )
