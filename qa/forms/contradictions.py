"""What a sentence says against an answer out of it: another rank, another thing, a part, a date that differs.

    rank        "the vice chair" is asked for, and the sentence speaks of the chair
    contrast    the present bridge is asked for, and the clause speaks of the first one
    subject     the gym is asked for, "The bar is closed on Mondays", and the passage has both
    computed    a total, a difference or a part that the text does not state: "212 members, of whom 84 ..."
    measure     "how many years" or "how long", answered by a date
    direction   "until when", answered by the time at which it began
    date        "on what day in June" or "founded by Ida", and the sentence says May, or "by Max"
    identity    "who is Ida Moe", answered by another part of "the cook is Ida Moe, the driver is Max Orr"

A span that fits in form is the reader's most frequent confident error; these rules know only forms that say
so plainly, most of them in English. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from index.lexical import analysis

_WORD = r"[^\W\d_]\w*"
_HAN_ROLE = "([\u4e00-\u9fff]{2})"
# Words of one rank, and those that are written in one word with the role.
_RANKS = (
    (
        r"vice|deputy|stellvertretende[rnms]?|adjointe?|adjunt[oa]",
        rf"(?<!\w)(?:vice|vize)(\w{{3,}})|副{_HAN_ROLE}",
    ),
    (r"assistant|associate", rf"助理{_HAN_ROLE}"),
    (r"acting|interim|kommissarische[rnms]?|intérim\w*|interin[oa]", rf"代理{_HAN_ROLE}"),
    (r"honorary|honoraire|honorari[oa]", rf"(?<!\w)ehren(\w{{3,}})|名誉{_HAN_ROLE}"),
)
_CONTRASTS: tuple[tuple[str, ...], ...] = (
    (
        r"first|1st|erste[rnms]?|première?|primer[oa]?",
        r"second|2nd|zweite[rnms]?|deuxième|seconde?|segund[oa]",
        r"third|3rd|dritte[rnms]?|troisième|tercer[oa]?",
        r"fourth|4th|vierte[rnms]?|quatrième|cuart[oa]",
        r"fifth|5th",
        r"last|final|letzte[rnms]?|dernière?|últim[oa]",
    ),
    (
        r"present|current|new|newest|existing|neue[rnms]?|heutige[rnms]?|nouveau|nouvelle|actuelle?|nuev[oa]|actual",
        r"former|old|oldest|previous|original|earlier|first|alte[rnms]?|frühere[rnms]?|erste[rnms]?|ancien(?:ne)?|"
        r"première?|antigu[oa]|anterior|primer[oa]?",
    ),
    ("north|northern", "south|southern", "east|eastern", "west|western"),
    ("upper|top", "lower|bottom", "ground"),
    ("minimum|smallest|lowest|least", "maximum|largest|highest|most"),
    ("summer", "winter", "spring", "autumn"),
    ("full-time", "part-time"),
    ("male", "female"),
    ("public", "private"),
    ("left", "right"),
    ("single", "double", "triple"),
)
_CLAUSE = re.compile(
    r"[;.!?。；]\s*|,?\s+(?:and|but|while|whereas|und|aber|während|mais|et|tandis|pero|y|mientras)\s+",
    re.IGNORECASE,
)
_ASKED_OF = re.compile(
    rf"\b(?:is|are|was|were)\s+(?:the|our|your)\s+(?P<subject>(?:{_WORD}\s+){{0,2}}{_WORD})\s+(?P<said>{_WORD})\W*$",
    re.IGNORECASE,
)
_COMPUTED = (
    (
        r"\b(?:in\s+total|altogether|combined|sum\s+of|taken\s+together)\b",
        r"\b(?:total\w*|altogether|all|combined|sum|together|overall)\b",
    ),
    (
        r"\bdifference\s+between\b|\bhow\s+(?:many|much)\s+(?:more|fewer|less)\b",
        r"\b(?:difference|more|fewer|less|exceed\w*)\b",
    ),
    (r"\baverage\b", r"\b(?:average\w*|mean|per)\b"),
    (r"\bhow\s+many\s+times\s+(?:as|more|larger|bigger)\b", r"\b(?:times|twice|double|triple|fold)\b"),
)
_PART = re.compile(
    r"\b(?:of\s+(?:whom|which|them|these|those)|davon|darunter|dont|de\s+l[oa]s\s+cuales)\b|其中|うち",
    re.IGNORECASE,
)
_ASKS_FOR_PART = re.compile(
    rf"\bhow\s+many\s+(?:of\s+(?:the|them|these|our)\s+)?(?P<things>{_WORD})\s+"
    r"(?:(?:are|were|is|was)\s+(?!there\b|in\b|on\b|at\b|of\b|from\b|listed\b|known\b)"
    r"|(?!(?:are|were|is|was|do|does|did|has|have|had|can|could|may|must|will|would|should|in|on|at|of|from|per|"
    r"for|to)\b))(?P<part>\w.*)",
    re.IGNORECASE,
)
_OPPOSITES = (
    (r"adults?|grown-?ups?", r"under|child\w*|minors?|young\w*"),
    (r"child\w*|minors?", r"over|adults?|grown-?ups?"),
    ("full-?time", "part-?time"),
    ("part-?time", "full-?time"),
    (r"women|females?|girls?", r"men|males?|boys?"),
    (r"men|males?|boys?", r"women|females?|girls?"),
)
_MEASURE = re.compile(
    r"\bhow\s+(?:long|old)\b|\bhow\s+many\s+(?:\w+\s+)?(?:years?|months?|weeks?|days?|hours?|minutes?|decades?)\b"
    r"|\bwie\s+(?:lange|alt)\b|\bwie\s+viele\s+(?:jahre|monate|tage|wochen)\b|\bcuántos\s+(?:años|meses|días)\b"
    r"|\bcombien\s+(?:d['’](?:années|ans)|de\s+(?:mois|jours|temps))\b|多久|几年|多少年|何年間",
    re.IGNORECASE,
)
_MONTHS = (
    "january|januar|janvier|enero", "february|februar|février|febrero", "march|märz|mars|marzo",
    "april|avril|abril", "may|mai|mayo", "june|juni|juin|junio", "july|juli|juillet|julio",
    "august|août|agosto", "september|septembre|septiembre", "october|oktober|octobre|octubre",
    "november|novembre|noviembre", "december|dezember|décembre|diciembre",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_YEAR = r"(?<![\d.,])(?:1\d|20)\d\d(?![\d.,]\d|\d)"
_BARE_DATE = re.compile(
    rf"\W*(?:(?:in|since|by|on|until|from|im|seit|en|desde|depuis)\s+)?(?:\d{{1,2}}\.?\s+)?(?:(?:{_MONTH})\s+)?"
    rf"(?:\d{{1,2}},\s+)?{_YEAR}年?\W*",
    re.IGNORECASE,
)
_UNTIL_WHEN = re.compile(
    r"\b(?:until|till|up\s+to)\s+when\b|\bbis\s+wann\b|\bjusqu['’]à\s+quand\b|\bhasta\s+cuándo\b",
    re.IGNORECASE,
)
_DATE = re.compile(rf"{_YEAR}|(?<!\w)(?:{_MONTH})(?!\w)", re.IGNORECASE)
_BEGINNING = re.compile(
    r"\b(?:in|on|since|from|im|am|seit|ab|en|le|depuis|desde|el)\s+(?:the\s+)?\d{0,2}\.?\s*"
    rf"(?:(?:{_MONTH})\s*)?(?:\d{{1,2}},\s*)?(?:{_YEAR})?\W*$",
    re.IGNORECASE,
)
_WHO_IS = re.compile(
    rf"^\W*(?:who\s*(?:is|was|['’]?s)|wer\s+(?:ist|war)|qui\s+est|quién\s+es)\s+(?P<name>(?:{_WORD}[.\s-]*){{1,4}}?)\W*$",
    re.IGNORECASE,
)
_ASKS_FOR_DATE = re.compile(
    r"^\W*(?:(?:on|in|at)\s+)?(?:when|(?:what|which)\s+(?:day|date|month|week|time))\b", re.IGNORECASE
)
_ASKED_WITHIN = re.compile(
    rf"(?:^\W*when|\b(?:day|date|month|week|time))\s+(?:in|of)\s+(?P<one>(?:(?:{_MONTH})\b\W*)?(?:{_YEAR})?)"
    rf"|\bin\s+(?P<other>(?:(?:{_MONTH})\b\W*)?(?:{_YEAR})?)\W*$",
    re.IGNORECASE,
)
_ASKS_WHO = re.compile(r"^\W*(?:who|whom|what|which)\b", re.IGNORECASE)
_BY = re.compile(
    rf"\bby\s+(?!him\b|her\b|them\b|it\b|whom\b|which\b)(?P<agent>{_WORD}(?:\s+{_WORD}){{0,3}})",
    re.IGNORECASE,
)
_OTHER_EVENT = re.compile(
    r"\b(?:that|which|who|whose|after|before|since|until|between|following|war|act|treaty|law|battle|election)\b",
    re.IGNORECASE,
)
_DEMANDS = (
    re.compile("|".join(words for rank in _RANKS for words in rank), re.IGNORECASE),
    re.compile(rf"(?<!\w)(?:{'|'.join(kind for group in _CONTRASTS for kind in group)})\s", re.IGNORECASE),
    *(re.compile(asked, re.IGNORECASE) for asked, _ in _COMPUTED),
    *(_ASKED_OF, _ASKS_FOR_PART, _MEASURE, _ASKS_FOR_DATE, _ASKED_WITHIN, _UNTIL_WHEN, _WHO_IS),
)


def makes_demands(question: str) -> bool:
    """Whether a question has a form that one of these rules is about; most have none."""
    return any(pattern.search(question) for pattern in _DEMANDS)


def contradicts(question: str, answer: str, sentence: str, *, headings: Iterable[str], passage: str) -> bool:
    """Whether the sentence of a passage plainly says that `answer`, a part of it, is not what was asked for.

    >>> sentence = "The chair is Ida Moe."
    >>> contradicts("Who is the vice chair?", "Ida Moe", sentence, headings=(), passage=sentence)
    True
    >>> contradicts("Who is the chair?", "Ida Moe", sentence, headings=(), passage=sentence)
    False
    """
    clause = _clause(sentence, answer)
    return (
        _other_rank(question, " ".join((*headings, sentence)))
        or _contrasts(question, clause)
        or _other_subject(question, clause, sentence, passage)
        or _is_computed(question, answer, sentence)
        or bool(_MEASURE.search(question) and _BARE_DATE.fullmatch(answer))
        or _begins(question, answer, sentence)
        or _other_date(question, answer, sentence)
        or _other_agent(question, sentence)
        or _other_person(question, answer, sentence)
    )


def _clause(sentence: str, answer: str) -> str:
    place = max(sentence.find(answer), 0)
    borders = list(_CLAUSE.finditer(sentence))
    start = max((border.end() for border in borders if border.end() <= place), default=0)
    end = min((border.start() for border in borders if border.start() >= place + len(answer)), default=None)
    return sentence[start:end]


def _has(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE) is not None


def _other_rank(question: str, said: str) -> bool:
    for rank, joined in _RANKS:
        for found in re.finditer(rf"(?<!\w)(?:{rank})[-\s]+(\w{{3,}})|{joined}", question, re.IGNORECASE):
            role = next(group for group in found.groups() if group).casefold()
            known = role not in analysis.ENGLISH_FUNCTION_WORDS and role in said.casefold()
            if known and not re.search(rf"{rank}|vize|ehren|[副代助名]", said, re.IGNORECASE):
                return True
    return False


def _contrasts(question: str, clause: str) -> bool:
    for group in _CONTRASTS:
        for kind in group:
            found = re.search(rf"(?<!\w)(?:{kind})\s+(?P<thing>{_WORD})", question, re.IGNORECASE)
            if found is None:
                continue
            thing = re.escape(found["thing"])
            others = [other for other in group if other is not kind]
            if not _has(kind, clause) and any(_has(rf"(?:{other})\s+{thing}", clause) for other in others):
                return True
    return False


def _other_subject(question: str, clause: str, sentence: str, passage: str) -> bool:
    asked = _ASKED_OF.search(question)
    if asked is None:
        return False
    subject = re.escape(asked["subject"].split()[-1])
    if _has(rf"{subject}\w*", sentence) or not _has(
        rf"(?:the|our)\s+(?:\w+\s+){{0,3}}{subject}\s+(?:is|are|was|were|has|have)", passage
    ):
        return False
    return _has(
        rf"(?:the|our|an?)\s+(?:{_WORD}\s+){{0,2}}{_WORD}\s+(?:is|are|was|were)\s+{re.escape(asked['said'])}",
        clause,
    )


def _is_computed(question: str, answer: str, sentence: str) -> bool:
    if not re.search(r"\d", answer):
        return False
    for asked, stated in _COMPUTED:
        if re.search(asked, question, re.IGNORECASE) and not re.search(stated, sentence, re.IGNORECASE):
            return True
    part, mark = _ASKS_FOR_PART.search(question), _PART.search(sentence)
    if part is None or mark is None:
        return False
    wanted = set(_terms(part["part"]))
    at = sentence.find(answer)
    if at < mark.start():
        return wanted.isdisjoint(_terms(sentence[: mark.start()]))
    rest = sentence[mark.start() :]
    return any(
        _has(one, part["part"]) and not _has(one, rest) and _has(other, rest) for one, other in _OPPOSITES
    )


def _terms(text: str) -> list[str]:
    words = (word for word in analysis.words(text) if word not in analysis.ENGLISH_FUNCTION_WORDS)
    return analysis.terms(" ".join(words), "en")


def _begins(question: str, answer: str, sentence: str) -> bool:
    before = sentence[: max(sentence.find(answer), 0)]
    return bool(
        _UNTIL_WHEN.search(question) and _DATE.search(answer) and _BEGINNING.search(f"{before} {answer}")
    )


def _other_person(question: str, answer: str, sentence: str) -> bool:
    asked = _WHO_IS.match(question)
    if asked is None:
        return False
    name = re.compile(rf"\b(?:is|are|was|were)\s+{re.escape(asked['name'])}(?!\w)", re.IGNORECASE)
    parts = [part for part in re.split(r"[,;]", sentence) if name.search(part)]
    return bool(parts) and not any(answer in part for part in parts)


def _other_date(question: str, answer: str, sentence: str) -> bool:
    asked, within = _ASKS_FOR_DATE.match(question), _ASKED_WITHIN.search(question)
    first = asked or _ASKS_WHO.match(question)
    if first is None or within is None or _OTHER_EVENT.search(question, first.end()):
        return False
    said = question[first.end() : within.start()].split()[-1:]
    if asked is None and not set(_terms(" ".join(said))) & set(_terms(sentence)):
        return False
    detail = within["one"] or within["other"] or ""
    return any(
        wanted and told and wanted.isdisjoint(told)
        for wanted, told in (
            (_years(detail), _years(answer) or _years(sentence)),
            (_months(detail), _months(answer) or _months(sentence)),
        )
    )


def _other_agent(question: str, sentence: str) -> bool:
    """Whether the date of what somebody did is asked for, and the sentence says that another did it."""
    asked = _BY.search(question) if _ASKS_FOR_DATE.match(question) else None
    if asked is None or not _BY.search(sentence):
        return False
    agent = set(_terms(asked["agent"]))
    return bool(agent) and agent.isdisjoint(_terms(sentence))


def _years(text: str) -> set[str]:
    return set(re.findall(_YEAR, text))


def _months(text: str) -> set[int]:
    return {number for number, names in enumerate(_MONTHS) if _has(names, text)}
