"""What the words of a candidate and of its sentence say for it, by what the question asks for.

    in_sentence  share of the question's content words in the sentence, 0 to 1
    in_heading   the same in the two nearest headings or the title
    echo         share of the candidate's own content words that the question said already
    defines      the sentence says what the subject is: 1 if it begins with it, .5 if it says so in passing
    cue          the sentence has words of the kind asked for ("because" for why), 0 or 1
    mismatch     a number, a time or a name is asked for, and the candidate holds none, 0 or 1
    title        the sentence is a heading or the title itself, 0 or 1
    few_words, clause_words   natural logarithm of the candidate's words, of a fact and of any other kind

English rules; elsewhere what they look for is not found, and counts for all candidates alike. Pure.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from index.lexical import analysis
from index.records import Hit
from ingest.records import Span
from qa.forms.question_kind import Kind, question_kind, subject
from qa.forms.units import sentence_of, takes_clause

# A change here retires every stored calibration, the bundled one too, as `qa.answering.decision` says.
SENTENCE_EVIDENCE = (
    "in_sentence", "in_heading", "echo", "defines", "cue", "mismatch", "title", "few_words", "clause_words",
)  # fmt: skip

_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|"
    r"hundred|thousand|million|billion|dozen|once|twice|half|every|daily|weekly|monthly|yearly|annual\w*|none|"
    r"zero|never|always)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|"
    r"tuesday|wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|fall|winter|century|decade|today|"
    r"morning|night|noon|after|before|during|until|since|when|once)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_a-z]")
_ASKS_FOR_NAME = re.compile(r"^\W*(?:who|whom|whose)\b|\bby whom\b", re.IGNORECASE)
_ASKS_FOR_TIME = re.compile(
    r"\b(?:when|(?:what|which)\s+(?:\w+\s+)?(?:year|date|day|month|century|decade|time))\b", re.IGNORECASE
)
_ASKS_FOR_NUMBER = re.compile(
    r"\bhow\s+(?:many|much|old|tall|long|high|far|big|large|deep|fast|wide|heavy|often|hot|cold)\b|"
    r"\b(?:number|amount|percentage|percent|price|cost|population|length|size|distance|height|area|age|rate|"
    r"total|maximum|minimum|max|min|limit)\b",
    re.IGNORECASE,
)
_ASKED = ((_ASKS_FOR_NAME, _NAME), (_ASKS_FOR_TIME, _TIME), (_ASKS_FOR_NUMBER, _NUMBER))
_CUES = {
    Kind.WHY: (
        r"because|since|due\s+to|reasons?|so\s+that|therefore|in\s+order\s+to|caused?|causes|so|"
        r"result(?:s|ed|ing)?\s+(?:in|from)|as\s+a\s+result|thus|thereby|to\s+avoid|to\s+prevent|given\s+that"
    ),
    Kind.PURPOSE: (
        r"used?\s+(?:to|for|as)|purpose|allow\w*|enabl\w+|lets?|provid\w+|helps?|so\s+that|in\s+order\s+to|"
        r"intended|designed|for\s+\w+ing|meant\s+to|serves?|is\s+an?|tells?|makes?"
    ),
    Kind.CONDITION: (
        r"if|unless|when|whenever|only|until|provided|in\s+case|otherwise|except|must|whether|once|after|before"
    ),
    Kind.HOWTO: (
        r"us(?:e|ing)|run(?:ning)?|set(?:ting)?|call(?:ing)?|add(?:ing)?|by\s+\w+ing|click|select|choose|"
        r"you\s+(?:can|need|should|must|have\s+to)|command|should|must|can\s+be|with\s+the|through|via|"
        r"need\s+to|do\s+this"
    ),
    Kind.DEFINITION: (
        r"(?:is|are|was|were)\s+(?:an?|the|one|any|when|defined|known|called)|means?|refers?\s+to|defin\w+|"
        r"called|known\s+as|stands?\s+for|describes?"
    ),
}
_CUE = {kind: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for kind, words in _CUES.items()}
_DEFINED = (Kind.DEFINITION, Kind.PURPOSE)
_LONGEST_SUBJECT = 8
_BEGINS = 3  # words that may stand before the subject at the beginning of a sentence


def sentence_evidence(question: str, hit: Hit, chosen: Span) -> dict[str, float]:
    """The evidence for the candidate at `chosen` (offsets in the hit's passage), under the names above."""
    kind, language, text = question_kind(question), hit.document.language, hit.passage.text
    place = sentence_of(text, chosen.start, chosen.end, language)
    sentence, candidate = text[place.start : place.end], text[chosen.start : chosen.end]
    headings = (hit.document.title, *hit.passage.headings)
    asked, said = _content(question, language), _content(candidate, language)
    words, clause = math.log(len(candidate.split()) or 1), takes_clause(kind)
    cue = _CUE.get(kind)
    return {
        "in_sentence": _share(asked, _content(sentence, language)),
        "in_heading": _share(asked, _content(" ".join(headings[-2:]), language)),
        "echo": _share(said, asked),
        "defines": _defines(subject(question), sentence) if kind in _DEFINED else 0.0,
        "cue": float(cue is not None and cue.search(sentence) is not None),
        "mismatch": float(not clause and _mismatch(question, candidate)),
        "title": float(_plain(sentence) in map(_plain, headings)),
        "few_words": 0.0 if clause else words,
        "clause_words": words if clause else 0.0,
    }


def _share(wanted: frozenset[str], found: frozenset[str]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.0


# A question's sentences recur in its candidates, and its headings in all of its passages.
@lru_cache(maxsize=2048)
def _content(text: str, language: str) -> frozenset[str]:
    """The stems of a text's content words."""
    content = [word for word in analysis.words(text) if word not in analysis.ENGLISH_FUNCTION_WORDS]
    return frozenset(analysis.terms(" ".join(content), language))


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _mismatch(question: str, candidate: str) -> bool:
    return any(asked.search(question) and not found.search(candidate) for asked, found in _ASKED)


def _defines(subject: str, sentence: str) -> float:
    patterns = _definition(subject)
    if patterns is None:
        return 0.0
    begins, mentions = patterns
    if found := begins.search(sentence):
        return 1.0 if len(re.findall(r"\w+", sentence[: found.start()])) <= _BEGINS else 0.5
    return 0.5 if mentions.search(sentence) else 0.0


@lru_cache(maxsize=64)
def _definition(subject: str) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """Sentences that say what the subject is, and those that mention what it is; None for a long subject."""
    words = re.findall(r"\w+", subject)
    if not 0 < len(words) <= _LONGEST_SUBJECT:
        return None
    singular = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
    named = r"(?<!\w)" + r"\W{1,3}".join(re.escape(word) + "(?:e?s)?" for word in singular)
    aside = r"\s*(?:\([^)]{1,40}\)\s*|[\"'”’`*_]+\s*|\[[^\]]*\]\s*)*"
    begins = (
        rf"{named}{aside}(?:(?:is|are|was|were|means?|refers?\s+to|describes?|denotes?|stands?\s+for|"
        r"(?:happens?|occurs?)\s+when|consists?|provides?|allows?|lets?|can\s+be)\b|[—–:=]|-\s)"
    )
    mentions = (
        rf"\b(?:called|known\s+as|termed|named|dubbed|or|is|are)\W+(?:an?\s+|the\s+)?\W*{named}(?!\w)"
        rf"|{named}{aside},\s*(?:an?|the|which|or)\b"
    )
    return re.compile(begins, re.IGNORECASE), re.compile(mentions, re.IGNORECASE)
