"""A question and an answer as a statement, and what of a passage it is to be held against (pure).

    "Who wrote Emma?" + "Jane Austen"  ->  "Jane Austen wrote Emma."

The answer takes the place of the question's own word, wherever that stands; the order of the words is left as
it is ("1815 was Emma published."). That is no good English, but the same for every question, and a model that
has learnt on such statements reads them. English only; another question is put before its answer.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.records import UNDETERMINED, Span
from ingest.text.sentences import sentences

_AUXILIARY = (
    r"(?:is|are|was|were|did|do|does|has|have|had|can|could|will|would|shall|should|may|might|must|\w+ed)\b"
)
_ASKED = re.compile(
    rf"""\b(?:
        how\s+(?:many|much)(?:\s+(?!{_AUXILIARY})[\w'-]+){{0,3}}?(?=\s+{_AUXILIARY})
      | how\s+(?:many|much|long|old|often|far|big|tall|large|high|deep|fast|wide)\b
      | (?:what|which)(?:\s+(?!{_AUXILIARY})[\w'-]+){{0,4}}?(?=\s+{_AUXILIARY})
      | whose | whom | who | what | which | when | where | why | how
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_PREMISE_WORDS = 60


def statement(question: str, answer: str) -> str:
    """What is claimed by giving that answer to that question.

    >>> statement("In what year did the war end?", "1945")
    'In 1945 did the war end.'
    """
    plain = question.strip().rstrip("?!. ")
    found = _ASKED.search(plain)
    if found is None:
        return f"{plain}: {answer}."
    said = f"{plain[: found.start()]}{answer}{plain[found.end() :]}"
    return f"{said[:1].upper()}{said[1:]}."


def premise(text: str, start: int, end: int, language: str = UNDETERMINED) -> Span:
    """The sentence that holds `text[start:end]`, and the one before it where both are short.

    "He was born there in 1770" says nothing without the sentence before it.
    """
    spans = _sentences(text, language)
    inside = [
        place for place, span in enumerate(spans) if span.start < max(end, start + 1) and span.end > start
    ]
    if not inside:
        return Span(start=start, end=end)
    first, last = inside[0], inside[-1]
    if first and len(text[spans[first - 1].start : spans[last].end].split()) <= _PREMISE_WORDS:
        first -= 1
    left, right = spans[first].start, spans[last].end
    while left < start and text[left].isspace():
        left += 1
    while right > end and text[right - 1].isspace():
        right -= 1
    return Span(start=left, end=right)


# A passage is asked about many times, and cut once.
_sentences = lru_cache(maxsize=64)(sentences)
