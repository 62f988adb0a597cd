"""What a question asks for, by its form: a fact, a definition, a purpose, a reason, a way, and so on.

The kind decides how long an answer may be (`qa.forms.units`) and what its sentence looks like
(`qa.forms.evidence`). Rules only, English; a question of no other form, or in another language, asks for a
fact, whose answer is the words that the reader chose. Pure.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """What a question asks for."""

    FACT = "fact"
    DEFINITION = "definition"
    PURPOSE = "purpose"
    WHY = "why"
    HOWTO = "howto"
    CONDITION = "condition"
    LIST = "list"
    YESNO = "yesno"


_PLURAL = r"(?!(?:is|was|has|does|this|its|his|us|as|\w+ss|\w+us|\w+is)\b)\w{2,}s"
_IRREGULAR = "people|men|women|children|countries|cities|species|series|criteria|phenomena|data"
_SEVERAL = re.compile(
    rf"""^\W*(?:
        (?:which|what)\s+(?:(?!of\b)\w+\s+){{0,2}}(?:{_PLURAL}|{_IRREGULAR})\s+
            (?:are|were|have|had|do|did|can|could|may|must|should|will|would|make|belong|use|take|\w+ed)\b
      | (?:who|what|which)\s+(?:are|were)\s+(?:the\s+)?(?:\w+\s+){{0,3}}?(?:{_PLURAL}|{_IRREGULAR})\b
      | (?:name|list|give|enumerate)\s+(?:me\s+)?(?:all|some|the|three|two|four|five|several)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_START = r"^\W*(?:(?:so|and|but|ok|hi|hello|please|can you tell me|tell me|do you know)\W+)*"
_BE = r"(?:\s+(?:is|are|was|were)|['’]?s|['’]re)"
_WHAT_IS = rf"what{_BE}"
# Of these a thing has one that is named in a few words: asked for, it is a fact.
_ATTRIBUTE = (
    r"name|number|amount|price|cost|rate|date|year|time|day|size|length|height|width|depth|weight|age|speed|"
    r"distance|area|population|capital|currency|language|color|colour|address|title|version|value|default|"
    r"maximum|minimum|max|min|limit|total|average|percentage|share|ratio|score|phone|email|id|code|"
    r"best|worst|first|last|latest|only|\w{3,}est"
)
_KINDS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            Kind.CONDITION,
            rf"{_START}(?:what\s+(?:happens|if|occurs)\b|(?:under|in|on)\s+(?:what|which)\s+(?:\w+\s+)?"
            r"(?:circumstances?|conditions?|cases?|situations?)\b"
            r"|when\s+(?:should|can|could|may|must|will|would|do|don['’]?t|am|are)\b)"
            r"|\b(?:what|which)\s+happens\b|\bwhat\s+(?:will|would|does|do)\s+.*\bif\b",
        ),
        (
            Kind.WHY,
            rf"{_START}(?:why\b|how\s+come\b|for\s+what\s+reason|{_WHAT_IS}\s+(?:the\s+)?"
            r"(?:main\s+)?(?:reasons?|causes?)\b|what\s+(?:caused?|causes)\b)|\breasons?\s+(?:for|why)\b",
        ),
        (
            Kind.PURPOSE,
            rf"{_START}(?:{_WHAT_IS}\s+(?:the\s+)?(?:purpose|point|use|role|function|goal|aim|idea)\b"
            rf"|what\s+for\b|{_WHAT_IS}\s+.*\b(?:for|used\s+(?:for|to)|supposed\s+to(?:\s+do)?|good\s+for)\W*$"
            rf"|{_WHAT_IS}\s+.*\bused\s+(?:for|to)\b|what\s+(?:does|do|did|can)\s+.*\bdo\W*$"
            r"|what\s+(?:do|does|did)\s+.*\buse\s+.*\bfor\b)|\b(?:purpose|use)\s+of\b",
        ),
        (
            Kind.DEFINITION,
            rf"{_START}(?:define\b|explain\b|(?:the\s+)?(?:meaning|definition)\s+of\b"
            r"|what\s+(?:does|do|did)\s+.*\b(?:mean|stand\s+for|say|refer\s+to)\b"
            rf"|{_WHAT_IS}\s+(?:(?:the\s+)?(?:meaning|definition)\s+of|meant\s+by)\b"
            rf"|{_WHAT_IS}\s+(?:an?\s+)?(?:[^\s?]+\s*){{1,4}}\W*$|what\s+exactly\s+is\b"
            rf"|{_WHAT_IS}\s+an?\s+|who\s+are\s+called\b)"
            r"|\b(?:meaning|definition|explained)\W*$|\bwhat\s+(?:is|are)\s+(?:it|that|they|those)\W*$"
            r"|\bhow\s+(?:is|are)\s+.*\bdefined\b|\bhow\s+(?:does|do)\s+.*\bdefine\b",
        ),
        (
            Kind.HOWTO,
            rf"{_START}(?:how\s+(?:do|does|did|can|could|to|should|would|must|might|else)\b"
            r"|(?:what(?:['’]?s|\s+is)\s+)?(?:the\s+)?(?:best\s+|right\s+|easiest\s+)?way\s+to\b"
            r"|what\s+(?:do|should|must|can)\s+(?:i|we|you|one)\b"
            r"|(?:install|undo|remove|add|create|delete|set|change|run|enable|disable|make|convert|print|open|"
            r"close|start|stop|build|update|upgrade|configure|connect|use|write|read|find|get|turn)\s+\w)",
        ),
        (
            Kind.YESNO,
            rf"{_START}(?:is|are|was|were|do|does|did|can|could|may|might|must|should|will|would|has|have|had|"
            r"isn['’]?t|aren['’]?t|don['’]?t|doesn['’]?t|can['’]?t)\s+(?!\w+\s*$)",
        ),
    )
)
_OF_SOMETHING = re.compile(
    rf"\b(?:of|in|for|on|at|by|from|with|per|between|under|than|after|before)\b|\b(?:{_ATTRIBUTE})\b",
    re.IGNORECASE,
)
_PLAIN_WHAT_IS = re.compile(rf"{_START}{_WHAT_IS}\s+(?!an?\s|the\s+meaning|meant)", re.IGNORECASE)
_SUBJECT = re.compile(
    rf"{_START}(?:what\s+(?:exactly\s+)?(?:is|are|was|were|do|does|did)\b|what['’]?s\b|who\s+are\s+called\b|"
    r"define\b|explain\b|how\s+(?:is|are|does|do)\b|hello\b)?\s*"
    r"(?:(?:the\s+)?(?:meaning|definition|purpose|point|use|role|function|goal|aim|idea)\s+of\b|meant\s+by\b)?\s*"
    r"(?:an?\b|the\b)?\s*(?P<subject>.+?)\s*"
    r"(?:[-–—:]?\s*\b(?:mean(?:ing)?|definition|stands?\s+for|say|refers?\s+to|defined|do|explained|"
    r"what\s+(?:is|are)\s+(?:it|that|they|those)|(?:good|used|there|meant|useful|supposed)?\s*(?:for|to)(?:\s+do)?)\b)?"
    r"\W*$",
    re.IGNORECASE,
)


def asks_for_several(question: str) -> bool:
    """Whether the question wants a list, by its form: then the items ("France", "Spain") can all be right.

    English only; a question of any other form or language is taken to ask for one thing.

    >>> asks_for_several("Which countries are members?"), asks_for_several("Which country is a member?")
    (True, False)
    >>> asks_for_several("Who were the founders of the club?"), asks_for_several("What is physics?")
    (True, False)
    """
    return _SEVERAL.match(question) is not None


def question_kind(question: str) -> Kind:
    """What the question asks for.

    >>> question_kind("what is a cons list?").value, question_kind("capital of Peru").value
    ('definition', 'fact')
    >>> question_kind("What is the capital of Peru?").value, question_kind("how many are there").value
    ('fact', 'fact')
    """
    if asks_for_several(question):
        return Kind.LIST
    for kind, pattern in _KINDS:
        if pattern.search(question):
            if kind is Kind.DEFINITION and _PLAIN_WHAT_IS.match(question) and _OF_SOMETHING.search(question):
                return Kind.FACT
            return kind
    return Kind.FACT


def subject(question: str) -> str:
    """What a definition or a purpose is asked of, the question itself where its form is another.

    >>> subject("What does the orphan rule say?"), subject("whats FAISS"), subject("what is clippy good for")
    ('orphan rule', 'FAISS', 'clippy')
    """
    found = _SUBJECT.match(question)
    return found["subject"] if found else question
