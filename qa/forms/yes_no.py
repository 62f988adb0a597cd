"""Questions for yes or no, and what a sentence says to them where it settles them: yes, no, or nothing.

A verdict needs one clause of the sentence that holds every content word of the question, without a condition
or a hedge that the question lacks; it is "no" where the clause denies what the question asserts, or where a
number of the question is beyond a limit that the sentence sets. All else is left to the reader of the
sentence. Questions are known in English, German, French, Spanish, Chinese and Japanese; verdicts are given on
sentences of the first four, which write words apart. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.lexical import analysis

_ASKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^\W*(?:(?:is|are|was|were|do|does|did|can|could|may|might|must|should|shall|will|would|has|have|had)"
        r"(?:n['’]?t)?|cannot)\s+\w+\s+\w",
        r"^\W*(?:ist|sind|war|waren|hat|haben|hatten?|kann|können|darf|dürfen|muss|müssen|soll|sollen|sollte|wird|"
        r"werden|wurden?|gibt\s+es|gilt|gelten|braucht|brauchen|dauert|kostet)\s+\w+\s+\w",
        r"^\W*(?:est-ce\s+qu|(?:\w+\s+){0,6}?\w+-(?:t-)?(?:il|elle|on|ils|elles|je|nous|vous|tu)\b)",
        r"^\W*(?:es|son|está|están|era|eran|fue|fueron|hay|ha|han|tiene|tienen|puede|pueden|puedo|podemos|debe|"
        r"deben|se\s+(?:puede|debe|necesita|permiten?)|existen?|hace\s+falta)\s+\w+\s+\w",
        r"[吗嗎么][？?。\s]*$|是否|能否|可否|有没有|是不是|能不能|可不可以|会不会|要不要",
        r"か[？?。\s]*$",
    )
)
_ASKS_FOR_MORE = re.compile(
    r"\b(?:who|whom|whose|what|when|where|which|why|how|wer|was\s+für|wann|wo|welche[rsnm]?|warum|wie|qui|quoi|"
    r"quand|où|quel(?:le)?s?|pourquoi|comment|combien|qué|quién|cuándo|dónde|cuál(?:es)?|cuánt[oa]s?|cómo)\b"
    r"|什么|谁|哪|怎么|为什么|多少|几|何|誰|いつ|どこ|なぜ|どう|どの|どれ|どんな|どちら|いくら|いくつ"
    r"|\b(?:or|oder|ou|o)\b|还是|それとも"
    # German "was" is "what", English "was" a verb
    r"|^\W*was\s+\w+\s+(?:der|die|das|dem|den|ein\w*|man|ich|wir|sie|er|es|ihr|sich|für|im|am)\b",
    re.IGNORECASE,
)

_FUNCTION_WORDS = {
    "en": analysis.ENGLISH_FUNCTION_WORDS
    | frozenset(
        "can cannot may might must shall will get got any ever also please really actually yes".split()
    ),
    "de": frozenset(
        """ist sind war waren hat haben hatte hatten kann können darf dürfen muss müssen soll sollen sollte
        wird werden wurde wurden gibt es der die das den dem des ein eine einen einem einer man ich wir sie er
        ihr in im an am auf zu zum zur von vom für mit bei und nicht kein keine keinen auch denn""".split()
    ),
    "fr": frozenset(
        """est ce que qu il elle on ils elles je nous vous tu t y a le la les l un une des du de d au aux à en
        dans sur pour par avec et ne n pas peut peuvent doit doivent faut être avoir sont était""".split()
    ),
    "es": frozenset(
        """es son está están era fue fueron hay ha han puede pueden puedo debe deben se el la los las un una
        unos unas de del al a en por para con y no lo que yo""".split()
    ),
}
_DENIES = re.compile(
    r"\b(?:not|no|nobody|never|neither|nor|none|cannot|without|forbidden|prohibited|\w+n['’]t|nicht|kein\w*|nie|niemals|"
    r"weder|verboten|untersagt|ne|n['’]|pas|jamais|aucune?|interdite?s?|nunca|jamás|ningun[oa]?|ningún|"
    r"prohibid[oa]s?)\b|\bn['’]",
    re.IGNORECASE,
)
_HEDGES = re.compile(
    r"\b(?:if|unless|when|while|until|only|some|most|many|few|usually|often|sometimes|rarely|hardly|almost|nearly|"
    r"might|perhaps|possibly|probably|planned|expected|wenn|falls|sofern|nur|manche|einige|meist\w*|oft|fast|"
    r"vielleicht|si|sauf|seulement|souvent|parfois|presque|peut-être|solo|sólo|algun[oa]s|casi|quizás?|salvo|"
    r"cuando|quand|lorsque?)\b",
    re.IGNORECASE,
)
_MAY = re.compile(r"\b(?:may|could|should|would|can|must|shall)\b", re.IGNORECASE)
_MODAL = re.compile(r"^\W*(?:can|could|may|might|must|should|shall|will|would|cannot)", re.IGNORECASE)
_DUTY = re.compile(
    r"\b(?:must|have\s+to|has\s+to|need(?:s|ed)?(?:\s+to)?|required|compulsory|mandatory|obliged)\b",
    re.IGNORECASE,
)
_ASKS_FOR_DUTY = re.compile(r"^\W*must\b|\bhave\s+to\b|\brequired\b", re.IGNORECASE)
_EXCEPT = re.compile(
    r",?\s*\b(?:except(?:\s+for)?|apart\s+from|other\s+than|excluding|außer|ausgenommen|sauf|excepto|salvo)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\s*[;:]\s+|,?\s+\b(?:but|however|whereas|while|and|or|aber|jedoch|sondern|und|oder|mais|et|ou|pero|sino|y|o)\b\s+"
    r"|,\s+",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"^\W*(?:they|it|he|she|these|those|sie|es|er|ils?|elles?)\b", re.IGNORECASE)
_FEWEST = 3  # content words of a question that one clause can settle

_COUNTS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_AMOUNT = rf"(?P<number>\d+(?:[.,]\d+)?|{'|'.join(_COUNTS)})\s+(?P<unit>\w+)"
_ABOVE = re.compile(rf"\b(?:\w+er|more|above|over)\s+(?:than\s+)?{_AMOUNT}", re.IGNORECASE)
_AT_MOST = re.compile(
    rf"\b(?:at\s+most|up\s+to|no\s+more\s+than|not\s+more\s+than|a?\s*maximum\s+of)\s+(?:only\s+)?{_AMOUNT}",
    re.IGNORECASE,
)
_ASKS_LEAVE = re.compile(r"^\W*(?:can|could|may)\b|\b(?:allowed|permitted)\b", re.IGNORECASE)
_FORBIDS = re.compile(
    r"\b(?:must|may|can|shall|should)\s*n[o'’]t\b|\bcannot\b|\bno(?:body|\s+one)\s+(?:may|can)\b"
    r"|\b(?:not|never)\s+(?:be\s+)?(?:allowed|permitted)\b|\b(?:forbidden|prohibited)\b",
    re.IGNORECASE,
)
_ANY_AMOUNT = re.compile(rf"\b{_AMOUNT}", re.IGNORECASE)


def asks_yes_no(question: str) -> bool:
    """Whether the question wants yes or no, by its form.

    >>> asks_yes_no("Can I bring a dog?"), asks_yes_no("Can you say who came?"), asks_yes_no("可以带狗吗？")
    (True, False, True)
    """
    return not _ASKS_FOR_MORE.search(question) and any(pattern.search(question) for pattern in _ASKS)


def verdict(question: str, sentence: str, language: str) -> str | None:
    """ "yes" or "no" where the sentence settles a question that asks for it, else None.

    `language` (ISO 639-1) is that of the sentence.

    >>> verdict("Is the coach a member of the board?", "The coach is not a member of the board.", "en")
    'no'
    >>> verdict("Are masks compulsory for adults?", "Masks are compulsory for children.", "en") is None
    True
    """
    if language not in _FUNCTION_WORDS or not asks_yes_no(question):
        return None
    if _beyond_limit(question, sentence):
        return "no"
    asked = _content(question, language)
    if len(asked) < _FEWEST:
        return None
    main, mark, exception = _split_exception(sentence)
    excepted = bool(asked & (_content(exception, language) - _content(main, language)))
    if mark and not excepted:
        return None
    wanted = asked - _content(exception, language) if excepted else asked
    clause = next(
        (part for part in _clauses(main) if wanted <= _content(part.subject + part.text, language)), None
    )
    if clause is None or len(wanted) < 2 or _is_hedged(question, clause.text):
        return None
    same = bool(_DENIES.search(clause.text)) == bool(_DENIES.search(question))
    return "yes" if same != excepted else "no"


def _content(text: str, language: str) -> set[str]:
    words = [word for word in analysis.words(text) if word not in _FUNCTION_WORDS[language]]
    return set(analysis.terms(" ".join(words), language))


def _split_exception(sentence: str) -> tuple[str, str, str]:
    found = _EXCEPT.search(sentence)
    if found is None:
        return sentence, "", ""
    return sentence[: found.start()], found.group(), sentence[found.end() :]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """A clause and, where it begins with a pronoun, what stands before it for the noun."""

    text: str
    subject: str


def _clauses(sentence: str) -> list[_Clause]:
    clauses: list[_Clause] = []
    for text in _CLAUSE.split(sentence):
        before = f"{clauses[-1].text} " if clauses and _PRONOUN.match(text) else ""
        clauses.append(_Clause(text=text, subject=before))
    return clauses


def _is_hedged(question: str, clause: str) -> bool:
    """Whether the clause says less than the question asks: a condition, a part, a possibility, no duty."""
    if set(map(str.lower, _HEDGES.findall(clause))) - set(map(str.lower, _HEDGES.findall(question))):
        return True
    if _ASKS_FOR_DUTY.search(question) and not _DUTY.search(clause):
        return True
    return not _MODAL.match(question) and bool(_MAY.search(clause)) and not _DENIES.search(clause)


def _beyond_limit(question: str, sentence: str) -> bool:
    """Whether the question has more of a thing than the sentence allows."""
    if not _ASKS_LEAVE.search(question):
        return False
    limits = [*_AT_MOST.finditer(sentence), *(_ABOVE.finditer(sentence) if _FORBIDS.search(sentence) else ())]
    shared = _content(question, "en") & _content(sentence, "en")
    for limit in limits:
        for amount in _ANY_AMOUNT.finditer(question):
            unit = analysis.terms(amount["unit"], "en")
            more = _value(amount["number"]) > _value(limit["number"])
            if more and unit == analysis.terms(limit["unit"], "en") and shared.difference(unit):
                return True
    return False


def _value(number: str) -> float:
    word = number.lower()
    return float(_COUNTS.index(word)) if word in _COUNTS else float(word.replace(",", "."))
