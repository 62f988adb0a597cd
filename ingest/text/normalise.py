"""The one normal form of text, on which every offset stands.

NFC, `\\n` line ends, plain spaces, no control or invisible characters, ligatures and presentation forms
spelled out, at most one blank line in a row. Normalising twice changes nothing. Lines and indentation
are kept; `squeeze` is the stricter form for running text, where white space has no meaning.

Every step is a substitution, so that the same steps can carry along, for each character, the place it came
from (`normalise_mapped`): that is how a PDF's answer finds its way back to the page. Case, quotes and
full-width forms are left alone: they are the author's text and tokenizers deal with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

NORMAL_FORM = 1
"""Raised whenever the normal form changes, because every stored offset changes with it."""

NO_SOURCE = -1

_ODD_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff\ufff9\ufffa\ufffb\ufffc\ufffe\uffff"
)
# Scripts and emoji in which a joiner or non-joiner changes what is read; elsewhere it is debris.
_JOINING = (
    "\u0600-\u109f\u1780-\u18af\u1a00-\u1cff\ua800-\uabff\U00010d00-\U00011fff"
    "\u20e3\u2190-\u2328\u232b-\u23ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"
)


def _spelled_out() -> dict[int, str]:
    """Latin ligatures, Arabic presentation forms and Kangxi radicals, which PDF fonts leave in the text."""
    table: dict[int, str] = {}
    for first, last in ((0xFB00, 0xFB06), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC), (0x2E80, 0x2FD5)):
        for code in range(first, last + 1):
            plain = unicodedata.normalize("NFKC", chr(code))
            if plain != chr(code) and " " not in plain:
                table[code] = plain
    return table


def _characters() -> dict[int, str]:
    table = _spelled_out()
    table.update({code: "" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)})
    table.update({ord(character): "" for character in _INVISIBLE})
    table.update({ord(character): " " for character in _ODD_SPACES})
    table.update({ord(character): "\n" for character in "\x0b\x0c\x85\u2028"})
    table.update({0x2029: "\n\n", 0x09: "    "})
    table.update({code: "\ufffd" for code in range(0xD800, 0xE000)})
    return table


_CHARACTERS = _characters()
_MARKS = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))

_Step = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def _spell_out(match: re.Match[str]) -> str:
    return _CHARACTERS[ord(match[0])]


_BEFORE: tuple[_Step, ...] = (
    (re.compile(r"\r\n?"), lambda match: "\n"),
    (re.compile("[" + re.escape("".join(map(chr, _CHARACTERS))) + "]"), _spell_out),
    (re.compile("[\u200c\u200d]{2,}"), lambda match: match[0][0]),
    # As in Unicode's stream-safe form: composing a run of marks takes the square of its length.
    (re.compile(f"[{_MARKS}]{{31,}}"), lambda match: match[0][:30]),
    (re.compile(f"(?<![{_JOINING}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINING}])"), lambda match: ""),
)
_AFTER: tuple[_Step, ...] = (
    # From the first of the spaces only: a line of a million spaces must not cost their square.
    (re.compile(r"(?<! ) +(?=\n|\Z)"), lambda match: ""),
    (re.compile(r"\n{3,}"), lambda match: "\n\n"),
    (re.compile(r"\A\n+|\n+\Z"), lambda match: ""),
)
_WHITE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """The text in normal form, its lines and indentation kept."""
    if text.isascii() and text.isprintable():  # most pieces are, and files have very many
        return text.rstrip(" ")
    for pattern, replacement in _BEFORE:
        text = pattern.sub(replacement, text)
    text = unicodedata.normalize("NFC", text)
    for pattern, replacement in _AFTER:
        text = pattern.sub(replacement, text)
    return text


def squeeze(text: str) -> str:
    """The text in normal form on one line, with single spaces."""
    return _WHITE.sub(" ", normalise(text)).strip()


def normalise_mapped(text: str, sources: Sequence[int]) -> tuple[str, list[int]]:
    """`normalise(text)`, and for each of its characters the source of the character it came from.

    `sources` holds one number per character of `text`, `NO_SOURCE` for those that were made up. What is
    spelled out or composed carries the number of the first character it was made of.
    """
    numbers = list(sources)
    if len(numbers) != len(text):
        raise ValueError(f"{len(numbers)} sources for {len(text)} characters")
    for pattern, replacement in _BEFORE:
        text, numbers = _substitute(pattern.finditer(text), replacement, text, numbers)
    if not unicodedata.is_normalized("NFC", text):
        text, numbers = _compose(text, numbers)
    for pattern, replacement in _AFTER:
        text, numbers = _substitute(pattern.finditer(text), replacement, text, numbers)
    return text, numbers


def _substitute(
    matches: Iterator[re.Match[str]],
    replacement: Callable[[re.Match[str]], str],
    text: str,
    numbers: list[int],
) -> tuple[str, list[int]]:
    pieces: list[str] = []
    sources: list[int] = []
    done = 0
    for match in matches:
        new = replacement(match)
        pieces += (text[done : match.start()], new)
        sources += numbers[done : match.start()] + [numbers[match.start()]] * len(new)
        done = match.end()
    return "".join(pieces) + text[done:], sources + numbers[done:]


def _compose(text: str, numbers: list[int]) -> tuple[str, list[int]]:
    """NFC piece by piece: a piece is a character with the marks or jamo that may melt into it."""
    starts = [i for i, character in enumerate(text) if not i or not _melts(character)]
    pieces: list[str] = []
    sources: list[int] = []
    for start, end in pairwise([*starts, len(text)]):
        new = unicodedata.normalize("NFC", text[start:end])
        if new == text[start:end]:
            sources += numbers[start:end]
        else:
            sources += [numbers[start]] * len(new)
        pieces.append(new)
    return "".join(pieces), sources


def _melts(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"
