"""Questions that English sentences answer, by the form of the sentence: few and sure rules, no model.

    definition   "X is a ..."                        what is X, X meaning, who is X (of a person)
    purpose      "X is used to ...", "used for ..."  what is X used for, purpose of X
    reason       "X is ... because ..."              why is X ...
    how          "X is made by cutting ..."          how is X made
    condition    "When ..., ..."                     what happens when ...
    list         "X include a, b and c"              what are examples of X
    yes or no    "X can ..."                         can X ...: answered by the sentence

A rule gives nothing where the subject is a pronoun, a clause or long: what is left out costs a question, what
is wrong teaches an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.records import Span
from ingest.text.sentences import stripped_sentences

_AUXILIARIES = "is|are|was|were|can|could|may|might|must|should|will|would"
_SUBJECT = r"(?P<subject>[A-Z][\w'’-]*(?: (?:[A-Z]\.|[\w'’-]+)){0,5}?)"
_ASIDE = (
    r"(?: \((?:[^()]|\([^()]*\)){2,220}\)"
    r"| ?, (?:(?:also|often|sometimes|commonly|better) )?"
    r"(?:known as|called|referred to as|abbreviated|or) [^,]{2,60} ?,)?"
)
_DEFINITION = re.compile(
    rf"^{_SUBJECT}{_ASIDE} (?P<verb>is|are|was|were) (?P<answer>(?:an?|the|one of|any) \w[^;()]{{12,230}}?)"
    r"(?=\.[ \d]*$|[;(]| ?, (?:which|who|whose|where|and|but|with|although|while|so|as|though|not|"
    r"including|such|located|having|born|best|most|known|founded|published|released|directed|written|produced)\b|$)"
)
_PLURAL = re.compile(
    rf"^{_SUBJECT}{_ASIDE} are "
    r"(?P<answer>(?!also|often|usually|generally|now|not|more|most|very|still|sometimes)"
    r"(?:[a-z-]+ ){0,4}?[a-z-]{2,}s (?:that|which|of|used|made|who|in) [^;(),]{8,180}?)(?=\.[ \d]*$|[;(,]|$)"
)
_PURPOSE = re.compile(
    rf"^{_SUBJECT}{_ASIDE} (?P<verb>is|are|was|were|can be|may be) (?:\w+ly |often |sometimes )?"
    r"(?P<how>used|designed|intended|built|created|established|founded|introduced) "
    r"(?P<answer>(?:to|for|as|in order to) [^;()]{10,160}?)"
    r"(?=\.[ \d]*$|[;(]|, (?:which|who|where|and|but|with|although|while|so|because)\b|$)"
)
_REASON = re.compile(
    rf"^{_SUBJECT}{_ASIDE} (?P<verb>{_AUXILIARIES}) (?P<rest>[^,;()]{{6,110}}?),? "
    r"(?P<link>because of|because|due to|owing to|since) (?P<answer>[^;()]{8,150}?)(?=\.[ \d]*$|[;(]|$)"
)
_MEANS = re.compile(
    rf"^{_SUBJECT}{_ASIDE} (?P<verb>{_AUXILIARIES}) (?P<rest>[^,;()]{{4,80}}?) "
    r"(?P<answer>by \w+ing (?!or\b|and\b|members|companies|states|countries)[^;(),]{6,140}?)"
    r"(?=\.[ \d]*$|[;(,]|$)"
)
_CONDITION = re.compile(
    r"^(?P<link>If|When|Whenever|Once|Unless) (?P<clause>[^,;()]{8,110}), "
    r"(?P<answer>[^;()]{12,180}?)(?=\.[ \d]*$|[;(]|$)"
)
_WHEN = re.compile(
    rf"^{_SUBJECT}{_ASIDE} (?P<verb>is|are|can|could|may|must|should|will) (?P<rest>[^,;()]{{6,90}}?) "
    r"(?P<answer>(?:if|when|unless|only if|only when) [^;(),]{8,130}?)(?=\.[ \d]*$|[;(,]|$)"
)
_LIST = re.compile(
    rf"^{_SUBJECT}{_ASIDE} (?P<verb>includes?|included|consists? of|consisted of|comprises?|contains?) "
    r"(?P<answer>[^;():]{4,80}(?:, [^,;():]{2,60})+,? and [^;():,]{2,60}?)(?=\.[ \d]*$|[;(,]|$)"
)
_FACT = re.compile(rf"^{_SUBJECT} (?P<verb>{_AUXILIARIES}) (?P<rest>[^;()]{{12,130}})\.$")
_BARRED = frozenset(
    """it he she they we you i this that these those there here what which who whom whose one another some
    many most all each both other others such several few none much more neither either its his her
    their our your my as in on at by for from with although while when if because since after before
    during however thus also then so but and or not no to about under over between among according
    despite besides unlike like two three four five six seven eight nine ten later further currently
    originally initially finally today now only even just nothing something everything everyone someone
    anyone nobody yet number various certain any earlier first second third last next former latter same
    result following above below does do did has have had is are was were be been being can could may
    might must should will would where why how than whether once until unless""".split()
)
# What a subject may hold between its words without being a clause.
_JOINING = frozenset({"of", "the", "and", "de", "von", "van", "la", "le", "al", "for", "in"})
_VAGUE = re.compile(
    r"\b(?:this|these|those|it|they|he|she|him|her|his|its|their|them|there|such|former|latter|above|"
    r"following)\b",
    re.I,
)
_VAGUE_NOUNS = frozenset(
    """city town village country state area region river island building church school university company
    band album song film game book series show team club party government group system method process
    theory concept idea term word name result reason purpose goal problem issue case example number
    majority rest end beginning part population war battle army king queen president author event period
    site line train station league season commission council court study report article law act bill
    treaty""".split()
)
_PERSON = re.compile(
    r"^an? (?:[\w-]+ ,?){0,5}?(?:"
    r"actor|actress|singer|songwriter|musician|composer|rapper|politician|statesman|"
    r"lawyer|writer|author|poet|novelist|playwright|journalist|philosopher|scientist|"
    r"physicist|chemist|biologist|mathematician|economist|historian|engineer|inventor|"
    r"architect|painter|artist|sculptor|director|footballer|player|coach|athlete|king|"
    r"queen|emperor|empress|prince|princess|duke|prime minister|admiral|soldier|"
    r"professor|screenwriter|comedian|businessman|entrepreneur|bishop|pope|priest|"
    r"theologian|monk|saint|activist|explorer|astronaut|dancer|model|missionary|"
    r"correspondent|host|scout|baseman|quarterback|midfielder|striker|goalkeeper|lead "
    r"singer|guitarist|drummer|rancher|pilot|lieutenant|officer|character"
    r")\b"
)
_OPENS_A_CLAUSE = frozenset("such so said believed thought probably partly likely primarily largely".split())
_LIVED = re.compile(r"\bborn\b|\d{4}\)? ?[–—-]+ ?[^()]*\d{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A question in several wordings, the answer's place in its text, and what the question is about.

    `name` is the subject of a definition where it is a proper name, else empty.
    """

    kind: str
    wordings: tuple[str, ...]
    answer: Span
    name: str = ""


class Cases:
    """Which words are written with a capital wherever they stand: counted within sentences."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._upper: Counter[str] = Counter()
        self._lower: Counter[str] = Counter()
        for text in texts:
            for match in re.finditer(r"(?<=[a-z,] )([A-Za-z][\w'’-]*)", text):
                word = match.group(1)
                (self._lower if word[0].islower() else self._upper)[word.lower()] += 1

    def proper(self, word: str) -> bool:
        """Whether a word is a name, or a part of one, rather than the first of a sentence."""
        if word[1:] != word[1:].lower() or not word.isascii():
            return True
        return self._upper[word.lower()] > self._lower[word.lower()]

    def within(self, subject: str) -> str:
        """The subject of a sentence as it stands within one."""
        first, space, rest = subject.partition(" ")
        named = bool(rest) and all(word[0].isupper() or word in _JOINING for word in rest.split())
        return subject if self.proper(first) or (named and first != "The") else first.lower() + space + rest


def english_questions(text: str, cases: Cases) -> Iterator[Mined]:
    """The questions that a text's sentences answer, in their order."""
    for span in stripped_sentences(text, "en"):
        sentence, start = text[span.start : span.end], span.start
        if 25 <= len(sentence) <= 450 and "\n" not in sentence and sentence[-1] in '."':
            for item in _of_sentence(sentence, cases):
                yield Mined(
                    kind=item.kind,
                    wordings=item.wordings,
                    answer=Span(start=start + item.answer.start, end=start + item.answer.end),
                    name=item.name,
                )


def _of_sentence(sentence: str, cases: Cases) -> Iterator[Mined]:
    for rule in (_definition, _purpose, _reason, _means, _condition, _when, _list, _yes_or_no):
        item = rule(sentence, cases)
        if item is not None:
            yield item


def _subject(match: re.Match[str], cases: Cases) -> str | None:
    """The subject as it stands within a sentence, None where it may be a clause or point elsewhere."""
    words = match["subject"].split()
    low = [word.lower() for word in words]
    if low[0] in _BARRED or any(word in _BARRED and word not in _JOINING for word in low[1:]):
        return None
    if low[-1] in _JOINING or any(re.fullmatch(r"\w+ly", word) for word in low):
        return None
    if any(word.isdigit() for word in low) and sum(word[0].isupper() for word in words[1:]) < 2:
        return None
    general = low[0] == "the" and not any(word[0].isupper() for word in words[1:])
    if general and (len(words) < 3 or low[-1] in _VAGUE_NOUNS):
        return None
    if low[0] in ("a", "an") and low[-1] in _VAGUE_NOUNS and len(words) < 3:
        return None
    if any(mark in match["subject"] for mark in ("'s ", "’s ")) and low[0] in ("the", "a"):
        return None
    return cases.within(match["subject"])


def _bare(subject: str) -> str:
    return re.sub(r"^(?:an?|the) ", "", subject, flags=re.I)


def _made(kind: str, match: re.Match[str], wordings: Iterable[str], name: str = "") -> Mined | None:
    """The question, None where its answer says too little or what is asked points outside of the sentence."""
    answer = match["answer"].rstrip(" ,")
    if re.match(r"(?:and|or|but|to be|as well)\b", answer):
        return None
    asked = tuple(dict.fromkeys(wordings))
    if len(answer.split()) < 2 or any(_VAGUE.search(wording) for wording in asked):
        return None
    start = match.start("answer")
    return Mined(kind=kind, wordings=asked, answer=Span(start=start, end=start + len(answer)), name=name)


def _definition(sentence: str, cases: Cases) -> Mined | None:
    match = _DEFINITION.match(sentence) or _PLURAL.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None or len(match["answer"].split()) < 4 or re.search("['’]s ", subject):
        return None
    verb = match["verb"] if "verb" in match.re.groupindex else "are"
    if re.search(r"\b(?:this|these|those|they|there)\b", match["answer"]) or re.match(
        r"the (?:same|only|first|most|\w+est)\b", match["answer"]
    ):
        return None
    bare, low = _bare(subject), _bare(subject).lower()
    name = bare if bare[0].isupper() and all(w[0].isupper() or w in _JOINING for w in bare.split()) else ""
    lived = bool(_LIVED.search(sentence[match.end("subject") : match.start("answer")]))
    person = lived or _PERSON.search(match["answer"])
    if len(name.split()) == 1 and (person or verb in ("was", "were")):
        return None  # a family name: the sentence leans on those before it
    if person:
        asked = [
            f"Who {verb} {bare}?",
            f"who {verb} {low}",
            f"Who {verb} {bare}",
            f"tell me who {bare} {verb}",
        ]
        return _made("definition", match, asked, name)
    asked = [f"What {verb} {subject}?", f"what {verb} {subject.lower()}", f"What {verb} {subject}"]
    if verb == "is":
        asked += [f"What's {subject}?", f"whats {low}"]
    if not name:
        asked += [f"{low} meaning", f"define {low}", f"definition of {low}", f"What does {bare} mean?"]
    return _made("definition", match, asked, name)


def _purpose(sentence: str, cases: Cases) -> Mined | None:
    match = _PURPOSE.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None:
        return None
    verb, how, bare = match["verb"], match["how"], _bare(subject)
    if how == "used":
        if re.match(r"as ", match["answer"]):
            asked = [
                f"What {verb.split()[0]} {subject} used as?"
                if " " not in verb
                else f"What can {subject} be used as?"
            ]
        else:
            first, _, later = verb.partition(" ")
            asked = [
                " ".join(f"What {first} {subject} {later} used for?".split()),
                f"What is the purpose of {subject}?",
                f"purpose of {bare.lower()}",
                f"what is {bare.lower()} used for",
                f"use of {bare.lower()}",
            ]
    elif " " in verb or not match["answer"].startswith(("to", "in order")):
        return None
    else:
        asked = [
            f"What {verb} {subject} {how} for?",
            f"Why {verb} {subject} {how}?",
            f"purpose of {bare.lower()}",
        ]
    return _made("purpose", match, asked)


def _reason(sentence: str, cases: Cases) -> Mined | None:
    match = _REASON.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None or _tangled(match["rest"]):
        return None
    if match["link"] == "since" and not re.match(
        r"(?:the|it|they|there|an?) \w+ (?:\w+ )?(?:is|are|was|were|had|have|has)\b", match["answer"]
    ):
        return None
    verb, rest = match["verb"], match["rest"].strip()
    asked = [
        f"Why {verb} {subject} {rest}?",
        f"why {verb} {subject} {rest}",
        f"reason {subject} {verb} {rest}",
    ]
    return _made("reason", match, asked)


def _means(sentence: str, cases: Cases) -> Mined | None:
    match = _MEANS.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None or _tangled(match["rest"]):
        return None
    verb, rest = match["verb"], match["rest"].strip()
    asked = [f"How {verb} {subject} {rest}?", f"how {verb} {subject} {rest}"]
    return _made("howto", match, asked)


def _condition(sentence: str, cases: Cases) -> Mined | None:
    match = _CONDITION.match(sentence)
    if match is None or _VAGUE.search(match["clause"]):
        return None
    clause, link = match["clause"].strip(), match["link"].lower()
    words = clause.split()
    if words[0].lower() in _BARRED - {"the"} or words[0].endswith("ing"):
        return None
    # What happened once is told with names and in the past; what holds in general is not.
    past = re.search(r"\b(?:was|were|had|did|came|went|took|got|left|made|saw|\w{3,}ed)\b", clause)
    if (past and link != "if") or any(word[0].isupper() for word in words[1:]):
        return None
    if link == "unless":
        return _made("condition", match, [f"What happens unless {clause}?", f"unless {clause} what happens"])
    if link == "if":
        return _made("condition", match, [f"What happens if {clause}?", f"what if {clause}", f"if {clause}"])
    return _made("condition", match, [f"What happens when {clause}?", f"when {clause} what happens"])


def _when(sentence: str, cases: Cases) -> Mined | None:
    match = _WHEN.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None or _tangled(match["rest"]) or match["rest"].startswith("not "):
        return None
    if re.search(r"\b(?:decide|know|see|ask|determine|occur|doubt|check)$", match["rest"]):
        return None
    verb, rest = match["verb"], match["rest"].strip()
    asked = [
        f"When {verb} {subject} {rest}?",
        f"when {verb} {subject} {rest}",
        f"Under what condition {verb} {subject} {rest}?",
    ]
    return _made("condition", match, asked)


def _list(sentence: str, cases: Cases) -> Mined | None:
    match = _LIST.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None:
        return None
    verb = match["verb"]
    base = re.sub(r"^(include|consist|comprise|contain)(?:s|d|ed)?", r"\1", verb)
    helper = "does" if verb.split()[0].endswith("s") else "did" if verb.split()[0].endswith("d") else "do"
    bare = _bare(subject)
    asked = [f"What {helper} {subject} {base}?", f"what {helper} {subject.lower()} {base}"]
    if base == "include" and helper == "do":
        asked = [
            f"What are {subject}?",
            f"list of {bare.lower()}",
            f"examples of {bare.lower()}",
            f"which {bare.lower()} exist",
        ]
    return _made("list", match, asked)


def _yes_or_no(sentence: str, cases: Cases) -> Mined | None:
    match = _FACT.match(sentence)
    subject = None if match is None else _subject(match, cases)
    if match is None or subject is None:
        return None
    verb, rest = match["verb"], match["rest"].strip()
    if _tangled(rest) or rest.count(",") or _VAGUE.search(rest) or len(rest.split()) > 16:
        return None
    denied = re.match(r"(?:not|never) ", rest)
    plain = rest[denied.end() :] if denied else rest
    plain = re.sub(r"^(?:also|now|still|often|usually|generally|thus|therefore|then) ", "", plain)
    asked = [f"{verb.capitalize()} {subject} {plain}?", f"{verb} {subject.lower()} {plain.lower()}"]
    if any(_VAGUE.search(wording) for wording in asked):
        return None
    return Mined(kind="yesno", wordings=tuple(asked), answer=Span(start=0, end=len(sentence.rstrip(". "))))


def _tangled(rest: str) -> bool:
    """Whether a predicate goes on in another clause, so that a question of it would not be one."""
    return bool(
        _VAGUE.search(rest)
        or re.search(
            r"\b(?:because|since|although|while|whereas|but|which|who|that|and (?:is|are|was|were|ha[sd]))\b",
            rest,
        )
        or rest.split()[0] in _OPENS_A_CLAUSE
    )
