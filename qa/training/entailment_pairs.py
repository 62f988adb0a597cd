"""Labelled questions as pairs of a premise and a statement: does the passage say what the answer claims?

    entailment      the gold answer's sentence, and the statement that it makes
    contradiction   the same sentence, and the statement with another answer of the same kind
    neutral         a sentence that answers another question, taken as an answer to this one; or, where a
                    question has no answer in its paragraph, any sentence that holds words of the kind wanted

Wrong answers are the paragraph's own: gold answers of its other questions where there are some, else names
and numbers of it. Files of other forms are read as labelled pairs.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from index.datasets.labelled_texts import EITHER, Example, ExampleFile, ExampleSource, read_examples
from qa.reading.answer_equality import same_answer
from qa.squad.dataset import Example as Question
from qa.squad.dataset import read_squad
from qa.training.statements import premise, statement

ENTAILMENT, NEUTRAL, CONTRADICTION = "entailment", "neutral", "contradiction"
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")
_NAME = re.compile(r"[A-Z][\w'-]+(?:\s+(?:of\s+|the\s+)?[A-Z][\w'-]+)*")

Place = tuple[str, int]


def read_judged_pairs(source: ExampleSource) -> ExampleFile:
    """The pairs of a SQuAD file (.json, .json.gz), or of a table with labels; raises DataError."""
    if not source.path.endswith((".json", ".json.gz")):
        return read_examples(source)
    by_context: defaultdict[str, list[Question]] = defaultdict(list)
    for question in read_squad(source.path).examples:
        if question.question.strip() and question.context.strip():
            by_context[question.context].append(question)
    examples = [
        pair
        for context, questions in by_context.items()
        for question in questions
        for pair in _pairs(question, context, questions)
    ]
    return ExampleFile(path=source.path, examples=tuple(examples))


def _pairs(question: Question, context: str, neighbours: Sequence[Question]) -> Iterator[Example]:
    # The same pairs in every training, whatever else the file holds.
    seed = hashlib.sha256(f"{question.question}\n{context}".encode()).hexdigest()
    lot = random.Random(seed)  # noqa: S311
    gold = next(
        (a for a in question.answers if context[a.start : a.start + len(a.text)] == a.text and a.text), None
    )
    if gold is None:
        if not question.answerable:
            text, start = _like(None, context, neighbours, question, lot) or ("", 0)
            if text:
                yield _pair(question, context, text, start, text, NEUTRAL)
        return
    yield _pair(question, context, gold.text, gold.start, gold.text, ENTAILMENT)
    wrong = _like(gold.text, context, neighbours, question, lot)
    if wrong is None:
        return
    text, start = wrong
    own = premise(context, gold.start, gold.start + len(gold.text))
    if lot.random() < 0.5 or own.start <= start < own.end:
        # Another number or name rules the right one out; other words may be true beside it.
        label = f"{NEUTRAL}{EITHER}{CONTRADICTION}" if _kind(gold.text) == "words" else CONTRADICTION
        yield _pair(question, context, gold.text, gold.start, text, label)
    else:
        yield _pair(question, context, text, start, text, NEUTRAL)


def _pair(question: Question, context: str, shown: str, start: int, claimed: str, label: str) -> Example:
    """What stands around `shown`, and the claim that `claimed` is the answer."""
    span = premise(context, start, start + len(shown))
    return Example(
        text=context[span.start : span.end], second=statement(question.question, claimed), label=label
    )


def _like(
    gold: str | None,
    context: str,
    neighbours: Sequence[Question],
    question: Question,
    lot: random.Random,
) -> Place | None:
    """Words of the context that could be taken for the answer and are not, and where they begin."""
    kind = _kind(gold) if gold is not None else _kind_wanted(question.question)
    rights = question.answer_texts
    others = [
        (answer.text, answer.start)
        for neighbour in neighbours
        if neighbour is not question
        for answer in neighbour.answers[:1]
        if context[answer.start : answer.start + len(answer.text)] == answer.text
    ]
    found = [
        (match.group(), match.start()) for match in (_NUMBER if kind == "number" else _NAME).finditer(context)
    ]
    for pool in ([place for place in others if _kind(place[0]) == kind], found, others):
        usable = [place for place in pool if place[0].strip() and not _says_the_same(place[0], rights)]
        if usable:
            return lot.choice(usable)
    return None


def _says_the_same(text: str, rights: Sequence[str]) -> bool:
    folded = text.casefold()
    return any(
        same_answer(text, right) or folded in right.casefold() or right.casefold() in folded
        for right in rights
    )


def _kind(text: str) -> str:
    if _NUMBER.search(text):
        return "number"
    return "name" if text[:1].isupper() else "words"


def _kind_wanted(question: str) -> str:
    return (
        "number"
        if re.search(r"\bwhen\b|\bhow (many|much|long|old|far)\b|\byear\b", question, re.I)
        else "name"
    )
