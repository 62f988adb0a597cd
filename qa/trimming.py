"""Where an answer begins and ends on the page: stray punctuation off, whole visible characters kept.

A model chooses tokens; people read words. Rules only, no model: outer whitespace and separators go, brackets
and quotes without their partner go, a full stop stays where it belongs to the word ("U.S.", "3.5", "Inc.").
A span never cuts through a visible character (a letter and its accents, a joined emoji). It is not a
normalisation: the result is always a range of the text as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set

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
_ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")


def has_content(text: str) -> bool:
    """Whether anything of `text` can be an answer: more than whitespace and stray punctuation."""
    return any(not (character.isspace() or character in _STRAY) for character in text)


def trim(text: str, start: int, end: int) -> Span:
    """The range of `text` that is left of `[start, end)` by the rules above; it keeps all content.

    Only an extension to whole visible characters can make it longer.
    """
    while True:
        if start < end and _is_stray_start(text, start, end):
            start += 1
        elif start < end and _is_stray_end(text, start, end):
            end -= 1
        else:
            return _whole_characters(text, start, end)


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


def _whole_characters(text: str, start: int, end: int) -> Span:
    while 0 < start < end and _joins_previous(text, start):
        start -= 1
    while start < end < len(text) and _joins_previous(text, end):
        end += 1
    return Span(start=start, end=end)


def _joins_previous(text: str, position: int) -> bool:
    """Whether the character at `position` and the one before it are seen as one."""
    character = text[position]
    return (
        unicodedata.category(character).startswith("M")
        or _ZERO_WIDTH_JOINER in (character, text[position - 1])
        or _SKIN_TONES[0] <= character <= _SKIN_TONES[1]
    )
