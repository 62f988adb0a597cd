"""What a question names literally: quoted phrases, identifiers, rare words (pure).

Stems and vectors blur what somebody means who types `max_len`, `C++`, `3.11.2` or quotation marks. So beside
its stems a passage is indexed by its words as they are, in order, and by its links: neighbouring words with
the signs that join them (`max_len`, `--no`, `c++`; `3.11` and `11.2` for 3.11.2). A phrase is a sequence of
words, an identifier a sequence of links. Case never counts, nor does punctuation followed by a space.

This module reads texts and questions; `tantivy_index` looks up what it finds, `fusion` weighs it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from index.lexical import analysis
from index.lexical.analysis import PAIRED

_LEADING = r"\-_./\\$@#~%"
_JOINT = r"[\-_./\\:@&+#~>]{1,3}"
_LETTERS = rf"[[\p{{L}}\p{{N}}\p{{M}}]--[{PAIRED}]]+"
_RUN = rf"((?<![LETTERS{_LEADING}])[{_LEADING}]{{1,3}}(?=[LETTERS]))?(WORD(?:{_JOINT}WORD)*)(\+\+|#|_+)?"
# Most text is ASCII, for which the standard library's engine finds the same pieces several times faster.
_ASCII_RUN = re.compile(_RUN.replace("LETTERS", "a-z0-9").replace("WORD", "[a-z0-9]+"))
_ANY_RUN = regex.compile(
    _RUN.replace("LETTERS", r"\p{L}\p{N}\p{M}").replace("WORD", _LETTERS)
    + rf"|([{PAIRED}][{PAIRED}\p{{M}}ー]*)",
    regex.V1,
)
_JOINTS = re.compile(f"({_JOINT})")
_LONGEST = 80
_MOST_WORDS = 30
# NFKC leaves these as they are; converters write them where the page shows a plain hyphen.
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2212": "-"})

_MARKS = '"＂“”„‟'
# A word behind another of the same sentence.
_INSIDE = regex.compile(r"(?<=[\p{L}\p{N}\p{M},;:)'’\"”-]\s+[('‘\"“]?)\p{L}[\p{L}\p{N}\p{M}]*")
_SPACED = rf"[[\p{{L}}\p{{N}}]--[{PAIRED}]]"
# A straight mark after a letter or digit opens nothing: 5" is a length.
_QUOTED = regex.compile(
    rf"(?:(?<!{_SPACED})[\"＂]|[“”„‟])([^{_MARKS}]+)(?:[\"＂](?!{_SPACED})|[“”‟])"
    r"|«([^«»]+)»|»([^«»]+)«|「([^「」]+)」|『([^『』]+)』",
    regex.V1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A sequence of neighbouring words, and the sequences of links that must stand among them."""

    words: tuple[str, ...]
    links: tuple[tuple[str, ...], ...] = ()

    @property
    def identifier(self) -> bool:
        """Whether its form alone says that it names one thing: a code, a version, a path, a flag.

        Capitals inside a word (`PyObject`) are no such form: as one they cost .007 nDCG@10 on SciFact, which
        is full of mRNA and cAMP.

        >>> [only.identifier for only in names("E0382 PROJ-1234 3.11.2 max_len C++ --no-cache")]
        [True, True, True, True, True, True]
        >>> [only.identifier for only in names("boats 1984 full-text and/or mRNA")]
        [False, False, False, False, False]
        """
        joined = [link for run in self.links for link in run if not _prose(link)]
        mixed = any(word.isalnum() and not word.isalpha() and not word.isdigit() for word in self.words)
        return bool(joined) or mixed


def words_and_links(text: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """The words of a text in order, and its links by the run of characters they stand in.

    >>> words_and_links("Set self.max_len, or use C++.")
    (['set', 'self', 'max', 'len', 'or', 'use', 'c'], [('self.max', 'max_len'), ('c++',)])
    """
    words: list[str] = []
    links: list[tuple[str, ...]] = []
    for lead, run, trail in _runs(text):
        if not lead and not trail and run.isalnum():
            words.append(run[:_LONGEST])
        else:
            its_words, its_links = _taken_apart(lead, run, trail)
            words += its_words
            if its_links:
                links.append(its_links)
    return words, links


def is_prose(question: str) -> bool:
    """Whether a question is a text of more than 30 words, which demands nothing by mentioning it."""
    return len(analysis.words(question)) > _MOST_WORDS


def phrases(question: str) -> list[Literal]:
    """What stands in quotation marks; quotes that are not balanced, or hold no word, are plain text.

    A hyphen between letters is spelling and may be a space in the passage. In prose a single word in
    quotation marks is emphasis and no phrase.

    >>> [phrase.words for phrase in phrases('who wrote "full text-search" or “C++”, 5" wide')]
    [('full', 'text', 'search'), ('c',)]
    """
    found = []
    prose = is_prose(question)
    for match in _QUOTED.finditer(question):
        words, links = words_and_links(next(filter(None, match.groups())))
        strict = tuple(kept for run in links if (kept := tuple(link for link in run if not _hyphen(link))))
        if words and not (prose and len(words) == 1):
            found.append(Literal(words=tuple(words), links=strict))
    return list(dict.fromkeys(found))


def proper(question: str) -> frozenset[str]:
    """The words, case-folded, that hold a capital inside a sentence: what is written as a name.

    Where all words do, as in a heading, capitals say nothing.

    >>> sorted(proper("Where did Ada call getCount (and Quibble)? Only in Oslo."))
    ['ada', 'getcount', 'oslo', 'quibble']
    >>> proper("Who Wrote The Book Of Hours")
    frozenset()
    """
    inside = _INSIDE.findall(question)
    capitals = [word for word in inside if word != word.lower()]
    if len(inside) > 2 and len(capitals) == len(inside):
        return frozenset()
    return frozenset(unicodedata.normalize("NFKC", word).casefold() for word in capitals)


def names(question: str) -> list[Literal]:
    """The words and identifiers of a question, each once, less the words that say nothing of its subject.

    >>> [name.words for name in names("What is the max_len of a boat?")]
    [('max', 'len'), ('boat',)]
    """
    found = []
    for lead, run, trail in _runs(question):
        words, links = _taken_apart(lead, run, trail)
        if links or words[0] not in analysis.ENGLISH_FUNCTION_WORDS:
            found.append(Literal(words=words, links=(links,) if links else ()))
    return list(dict.fromkeys(found))


def _runs(text: str) -> Iterator[tuple[str, str, str]]:
    """Leading signs, words with the signs between them, and trailing signs, of every run of a text."""
    if text.isascii():
        yield from _ASCII_RUN.findall(text.lower())
        return
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_HYPHENS)
    for lead, run, trail, paired in _ANY_RUN.findall(folded):
        if paired:
            for pair in analysis.pairs(paired):
                yield "", pair, ""
        else:
            yield lead, run, trail


def _taken_apart(lead: str, run: str, trail: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words and links of one run."""
    parts = _JOINTS.split(run)
    words = tuple(word[:_LONGEST] for word in parts[::2])
    links = [a + joint + b for a, joint, b in zip(words, parts[1::2], words[1:], strict=False)]
    if lead:
        links.insert(0, lead + words[0])
    if trail:
        links.append(words[-1] + trail)
    return words, tuple(links)


def _hyphen(link: str) -> bool:
    return link.replace("-", "", 1).isalpha() and not link.startswith("-")


def _prose(link: str) -> bool:
    """Whether a link is ordinary spelling: full-text, and/or, R&D, e.g."""
    left, joint, right = (*_JOINTS.split(link), "", "")[:3]
    plain = left.isalpha() and right.isalpha()
    return plain and (joint in "-&/" or (joint == "." and len(left) <= 2 and len(right) <= 2))
