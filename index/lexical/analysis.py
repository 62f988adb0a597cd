"""Text to index terms, the same way for passages and questions.

Words are runs of letters, digits and combining marks (a pattern without the marks would tear the vowel
signs off Hindi words); they are case-folded, accents kept, and stemmed by the document's language where
Snowball has a stemmer. Scripts that write no spaces (Han, kana, Thai, Lao, Khmer, Burmese) give overlapping
pairs of characters; so does Korean, whose particles are set to the word before them (Lee and Ahn 1996 find
pairs as good as a morphological analysis). Hebrew words that begin with a letter which may be a word of its
own ("and", "the", "in") give what follows it as well. Compounds with a digit or an underscore ("PROJ-1234",
"3.11.2", "max_len") give the whole beside its parts, so that an identifier typed in a question finds itself.

A question's language is not known: each of its words is stemmed once for every language of the collection and
the variants count as one word (see `tantivy_index`).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex
import Stemmer

from ingest.text.scripts import UNSPACED

VERSION = 2
"""Raised whenever the terms of some text change, here or in `literals`: lexical indexes are made again."""

PAIRED = rf"{UNSPACED}\p{{Hangul}}"
"""Scripts whose runs of letters give pairs, as inside of a character class."""

_LETTER = rf"[[\p{{L}}\p{{N}}\p{{M}}_]--[{PAIRED}]]"
_PIECE = regex.compile(
    rf"(?P<paired>[{PAIRED}][{PAIRED}\p{{M}}ー]*)|{_LETTER}+(?:[-./:]{_LETTER}+)*", regex.V1
)
# "And", "the", "in", "like", "to", "from", "that": one or two of them before at least two letters.
_HEBREW_PREFIXES = regex.compile(r"[והבכלמש]{1,2}(?=\p{Hebrew}{2})")
# Most text is ASCII, for which the standard library's engine finds the same pieces several times faster.
_ASCII_PIECE = re.compile(r"[a-z0-9_]+(?:[-./:][a-z0-9_]+)*")
_ASCII_PART = re.compile(r"[a-z0-9]+")
_PART = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_LONGEST_TERM = 80

# Lucene's English list has 33 words; a question has others that say nothing about its subject and are rare
# enough in reports and abstracts to weigh much: "what", "how", "does". Without them nDCG@10 of
# words alone rises from .369 to .399 on CISI and from .472 to .482 on CACM.
ENGLISH_FUNCTION_WORDS = frozenset(
    """i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself it its itself they them their theirs themselves what which who whom this that these
    those am is are was were be been being have has had having do does did doing would should could
    ought a an the and but if or because as until while of at by for with about against between into
    through during before after above below to from up down in out on off over under again further then
    once here there when where why how all any both each few more most other some such no nor not only
    own same so than too very""".split()
)
_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def stem_language(language: str) -> str:
    """The language whose stemmer serves `language`: its own, English for `und`, none ("") otherwise."""
    if language == "und":
        return "en"
    return language if language in _SNOWBALL else ""


def terms(text: str, language: str) -> list[str]:
    """All index terms of `text`, in order, stemmed for its `language` (ISO 639-1 or `und`).

    >>> terms("The chunks of PROJ-1234", "en")
    ['the', 'chunk', 'of', 'proj-1234', 'proj', '1234']
    """
    language = stem_language(language)
    return [_stem(word, language) for word in words(text)]


def variants(text: str, languages: Sequence[str]) -> list[tuple[str, ...]]:
    """The words of a question, each as its distinct terms in the given languages of a collection.

    >>> variants("running boats", ["en", "de"])
    [('run', 'running'), ('boat',)]
    """
    stemmed = dict.fromkeys(stem_language(language) for language in languages or ("en",))
    return [tuple(dict.fromkeys(_stem(word, language) for language in stemmed)) for word in words(text)]


def words(text: str) -> list[str]:
    """The case-folded words of `text` before stemming."""
    if text.isascii():
        found: list[str] = []
        for piece in _ASCII_PIECE.findall(text.lower()):
            found += [piece] if piece.isalpha() else _compound(piece, _ASCII_PART.findall(piece))
        return [word[:_LONGEST_TERM] for word in found]
    return [word[:_LONGEST_TERM] for word in _words_of_any_script(text)]


def _words_of_any_script(text: str) -> list[str]:
    found: list[str] = []
    for match in _PIECE.finditer(unicodedata.normalize("NFKC", text).casefold()):
        piece = match.group()
        if match.lastgroup == "paired":
            found += pairs(piece)
        else:
            for word in _compound(piece, _PART.findall(piece)):
                found += [word[start:] for start in range(_hebrew_prefixes(word) + 1)]
    return found


def _hebrew_prefixes(word: str) -> int:
    """How many letters at the beginning of a word may be words of their own."""
    prefixes = _HEBREW_PREFIXES.match(word)
    return prefixes.end() if prefixes else 0


def pairs(run: str) -> list[str]:
    """The overlapping pairs of characters of a run, itself where it is one character."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _compound(piece: str, parts: list[str]) -> list[str]:
    """The parts of a piece, and the whole before them where it looks like an identifier."""
    whole = len(parts) > 1 and any(character.isdigit() or character == "_" for character in piece)
    return [piece, *parts] if whole else parts


class _Stemmers(threading.local):
    """Snowball stemmers by language, one set for each thread: an instance keeps a buffer of its own."""

    def __init__(self) -> None:
        self._made: dict[str, Stemmer.Stemmer] = {}

    def get(self, language: str) -> Stemmer.Stemmer:
        if language not in self._made:
            self._made[language] = Stemmer.Stemmer(_SNOWBALL[language])
        return self._made[language]


_stemmers = _Stemmers()


@lru_cache(maxsize=200_000)
def _stem(word: str, language: str) -> str:
    if language not in _SNOWBALL or word[0].isdigit():
        return word
    return str(_stemmers.get(language).stemWord(word))
