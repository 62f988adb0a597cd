"""The unit of an answer: the words that the reader chose, or the clause around them, by the question's kind.

A fact is answered in a few words. What something is, what it is for, why, how and when are answered by a
clause, of which readers trained on short answers give a piece ("a data structure" of "a data structure that
comes from Lisp"). So the span is widened to the marks of punctuation and the conjunctions around it, within
its sentence and its line; what the reader chose beyond its first sentence is left. A list is the whole run of
its items, and no other answer runs over several items. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.records import Span
from ingest.text.sentences import sentences
from qa.forms.question_kind import Kind
from qa.reading.trimming import trim

_LONGEST = 24  # words of a clause
_LONGEST_END = 30
_LONGEST_LIST = 60
_CLAUSES = frozenset({Kind.DEFINITION, Kind.PURPOSE, Kind.WHY, Kind.CONDITION, Kind.HOWTO, Kind.YESNO})
_BORDER = re.compile(
    r"\s*[;:]\s|\s[—–-]\s|[.!?](?=\s|$)"
    r"|,\s+(?=(?:and|but|so|or|which|who|because|while|although|though|if|when|where|however|whereas|not|"
    r"you|we|they|he|she|it)\b)"
    r"|\s(?=(?:because|so that)\b)"
)
_ITEM = re.compile(r"[ \t]*(?:[-*•–]|\d{1,2}[.)]|\(?[a-z\d]\))\s+\S")


def takes_clause(kind: Kind) -> bool:
    """Whether a question of this kind is answered by a clause or a sentence rather than by a few words."""
    return kind in _CLAUSES


def answer_unit(text: str, start: int, end: int, kind: Kind, language: str) -> Span:
    """The range of `text` that answers a question of this kind, given the range that the reader chose.

    It is trimmed as the reader's spans are.
    """
    unit = _items(text, start, end) if kind is Kind.LIST else _one_item(text, start, end)
    if takes_clause(kind):
        unit = _clause(text, unit.start, unit.end, language)
    return trim(text, unit.start, unit.end)


def sentence_of(text: str, start: int, end: int, language: str) -> Span:
    """The sentence around a range, or the run of them; a line of its own (an item, a row) is a sentence."""
    covered = [
        span for span in _lines(text, language) if span.start < max(end, start + 1) and span.end > start
    ]
    if not covered:
        return Span(start=start, end=end)
    left, right = min(covered[0].start, start), max(covered[-1].end, end)
    while left < start and text[left].isspace():
        left += 1
    while right > end and text[right - 1].isspace():
        right -= 1
    return Span(start=left, end=right)


@lru_cache(maxsize=256)
def _lines(text: str, language: str) -> tuple[Span, ...]:
    cut = []
    for sentence in sentences(text, language):
        start = sentence.start
        for line in text[sentence.start : sentence.end].splitlines(keepends=True):
            if line.strip():
                cut.append(Span(start=start, end=start + len(line)))
            start += len(line)
    return tuple(cut)


def _clause(text: str, start: int, end: int, language: str) -> Span:
    sentence = sentence_of(text, start, start, language)
    end = min(end, sentence.end)
    borders = list(_BORDER.finditer(text, sentence.start, sentence.end))
    left = max((border.end() for border in borders if border.end() <= start), default=sentence.start)
    right = min((border.start() for border in borders if border.start() >= end), default=sentence.end)
    if len(text[left:right].split()) <= _LONGEST:
        return Span(start=left, end=right)
    if len(text[start:right].split()) <= _LONGEST_END:
        return Span(start=start, end=right)
    return Span(start=start, end=end)


def _one_item(text: str, start: int, end: int) -> Span:
    """The range, cut before the next item of a list."""
    line = text.find("\n", start, end)
    while line >= 0 and not _ITEM.match(text, line + 1):
        line = text.find("\n", line + 1, end)
    return Span(start=start, end=end if line < 0 else line)


def _items(text: str, start: int, end: int) -> Span:
    """The run of items of a list around a range that lies in one of them; else the range."""
    first = text.rfind("\n", 0, start) + 1
    if not _ITEM.match(text, first):
        return Span(start=start, end=end)
    left, right = first, _line_end(text, end)
    while left and _ITEM.match(text, before := text.rfind("\n", 0, left - 1) + 1):
        left = before
    while right < len(text) and _ITEM.match(text, right + 1):
        right = _line_end(text, right + 1)
    if len(text[left:right].split()) > _LONGEST_LIST:
        return Span(start=start, end=end)
    return Span(start=left, end=right)


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found
