"""Where an answer begins and ends on the page: stray punctuation off, whole visible characters kept.

A model chooses tokens; people read words. Rules only, no model: outer whitespace and separators go, brackets
and quotes without their partner go, a full stop stays where it belongs to the word ("U.S.", "3.5", "Inc.").
A span never cuts through a visible character (a letter and its accents, a joined emoji, a flag; Unicode's
annex 29), but an accent on a space or a quote holds neither. It is not a normalisation: the result is always
a range of the text as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set

import regex

from ingest.records import Span

_SEPARATORS = frozenset(",;:.،؛。，；：、।")
_PAIRS = (
    '""', "“”", "„“", "‘’", "''", "«»", "‹›", "()", "[]", "{}", "（）", "［］",
    "「」", "『』", "【】", "《》", "〈〉",
)  # fmt: skip
_OPENING = {pair[0]: {other[1] for other in _PAIRS if other[0] == pair[0]} for pair in _PAIRS}
_CLOSING = {pair[1]: {other[0] for other in _PAIRS if other[1] == pair[1]} for pair in _PAIRS}
_APOSTROPHES = "'’"
_STRAY = _SEPARATORS | _OPENING.keys() | _CLOSING.keys()
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,3}\.")
_ABBREVIATIONS = re.compile(
    r"(?:inc|ltd|co|corp|bros|jr|sr|st|mt|ft|dr|mr|mrs|ms|prof|rev|hon|gen|col|capt|lt|sgt|gov|sen|rep|no|vol|vs|"
    r"etc|al|ca|approx|dept|est|ave|blvd|univ|cie|nr|bzw|usw|jan|feb|aug|sept|oct|nov|dec)\.",
    re.IGNORECASE,
)
_VISIBLE = regex.compile(r"\X")
_ZERO_WIDTH_JOINER = "\u200d"


def has_content(text: str) -> bool:
    """Whether anything of `text` can be an answer: more than whitespace and stray punctuation."""
    return any(not (character.isspace() or character in _STRAY) for character in text)


def trim(text: str, start: int, end: int) -> Span:
    """The range of `text` that is left of `[start, end)` by the rules above; it keeps all content.

    Only an extension to whole visible characters can make it longer.
    """
    whole = whole_characters(text, start, end)
    start, end = whole.start, whole.end
    while True:
        if start < end and _is_stray_start(text, start, end):
            start += 1
        elif start < end and _is_stray_end(text, start, end):
            end -= 1
        else:
            return Span(start=start, end=end)


def whole_characters(text: str, start: int, end: int) -> Span:
    """`[start, end)` with the visible characters that it cuts through; an empty range stays empty."""
    if start < end:
        start, end = _visible_around(text, start).start, _visible_around(text, end).end
    return Span(start=start, end=end)


def _is_stray_start(text: str, start: int, end: int) -> bool:
    character = text[start]
    if character.isspace():
        return True
    if character in _SEPARATORS:
        # ".NET" and ":8080" begin with theirs
        return not character.isascii() or start + 1 == end or text[start + 1].isspace()
    if character in _OPENING:
        return _lacks_partner(text[start:end], character, _OPENING[character])
    return character in _CLOSING


def _is_stray_end(text: str, start: int, end: int) -> bool:
    character = text[end - 1]
    if character.isspace():
        return True
    if character == ".":
        return not _is_abbreviation(text[start:end])
    if character in _SEPARATORS:
        return True
    if character in _CLOSING:
        possessive = character in _APOSTROPHES and text[start : end - 1].endswith("s")
        return not possessive and _lacks_partner(text[start:end], character, _CLOSING[character])
    return character in _OPENING


def _lacks_partner(words: str, mark: str, partners: Set[str]) -> bool:
    """Whether there are more of `mark` than of its partners; of a mark that closes itself, an odd number."""
    if mark in partners:
        return _count(words, mark) % 2 == 1
    return _count(words, mark) > sum(_count(words, partner) for partner in partners)


def _count(words: str, mark: str) -> int:
    if mark in _APOSTROPHES:
        return len(re.findall(rf"(?<!\w){mark}|{mark}(?!\w)", words))
    return words.count(mark)


def _is_abbreviation(words: str) -> bool:
    last = words.split()[-1].lstrip("".join(_STRAY - {"."}))
    return bool(_INITIALS.fullmatch(last) or _ABBREVIATIONS.fullmatch(last))


def _visible_around(text: str, position: int) -> Span:
    """The visible character that a cut at `position` would tear, the empty range there if none."""
    nothing = Span(start=position, end=position)
    if not 0 < position < len(text) or not _may_join(text[position - 1], text[position]):
        return nothing
    begin = position - 1  # no visible character reaches across white space
    while begin and not text[begin - 1].isspace():
        begin -= 1
    for match in _VISIBLE.finditer(text, begin):
        if match.end() > position:
            return Span(start=match.start(), end=match.end()) if match.start() < position else nothing
    return nothing


def _may_join(left: str, right: str) -> bool:
    """Whether two neighbours can be seen as one, the rest of the text unseen."""
    if any(character.isspace() or character in _STRAY for character in (left, right)):
        return False
    return (
        left == _ZERO_WIDTH_JOINER
        or unicodedata.category(left).startswith("M")
        or _VISIBLE.fullmatch(left + right) is not None
    )
