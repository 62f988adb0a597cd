"""What kind of thing a question asks for, and whether an answer looks like one, by form alone (pure).

    "When did it end?"     -> a time      "in the spring of 1945" fits, "the council" does not
    "How many came?"       -> a number    "three hundred" fits
    "Who wrote it?"        -> a name      "Jane Austen" fits, "in 1815" does not

English only; of a question of another form, or language, nothing is expected.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """What is asked for."""

    TIME = "time"
    NUMBER = "number"
    NAME = "name"
    OTHER = "other"


_WANTED = (
    (Kind.NUMBER, re.compile(r"\bhow (?:many|much|old|long|far|tall|high|large|big|deep|fast|wide)\b|\bwhat (?:percent\w*|number|amount|proportion|share)\b", re.IGNORECASE)),
    (Kind.TIME, re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time|season)\b", re.IGNORECASE)),
    (Kind.NAME, re.compile(r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|city|country|state|company|river|king|queen|president)\b", re.IGNORECASE)),
)  # fmt: skip
_DIGIT = re.compile(r"\d")
_NUMBER_WORD = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|"
    r"millions?|billions?|dozens?|half|third|quarter|twice|once|first|second|none|both)\b",
    re.IGNORECASE,
)
_TIME_WORD = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|fall|winter|century|centuries|year|years|"
    r"day|days|week|weeks|month|months|morning|evening|night|noon|midnight|today|yesterday|tomorrow|ago|before|"
    r"after|during|since|until|bc|ad|bce|ce|era|age|period|decades?)\b",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"\b[A-Z]")


def wanted_kind(question: str) -> Kind:
    """What the question asks for; the first that is named of several."""
    found = [(match.start(), kind) for kind, pattern in _WANTED if (match := pattern.search(question))]
    return min(found)[1] if found else Kind.OTHER


def fits(question: str, answer: str) -> float:
    """1 for an answer of the kind asked for, -1 for one that is not, 0 where no kind is asked for.

    >>> fits("When did it end?", "1945"), fits("When did it end?", "the council")
    (1.0, -1.0)
    """
    kind = wanted_kind(question)
    if kind is Kind.OTHER:
        return 0.0
    number = bool(_DIGIT.search(answer) or _NUMBER_WORD.search(answer))
    looks = {
        Kind.NUMBER: number,
        Kind.TIME: bool(_DIGIT.search(answer) or _TIME_WORD.search(answer)),
        Kind.NAME: bool(_CAPITAL.search(answer)) and not answer.strip()[:1].isdigit(),
    }
    return 1.0 if looks[kind] else -1.0
