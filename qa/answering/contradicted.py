"""The decision where a sentence can speak against an answer that stands in it (`qa.forms.contradictions`).

So does a row of a table where the question names another row or another column of it. Contradicted claims do
not compete with the others: they come after them, with a small part of the confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.lexical import analysis
from ingest.parsers.common.table_row import FIELD, NAME, cell_at
from ingest.text.sentences import sentence_around
from qa.answering.decision import Claim, Decision, DecisionSettings, decide
from qa.forms.contradictions import contradicts, makes_demands

_LEFT = 0.02


def decide_consistently(
    question: str, claims: Sequence[Claim], settings: DecisionSettings, *, several: bool = False
) -> Decision:
    """As `decide`, with contradicted claims set apart."""
    demands = makes_demands(question)
    against = [
        claim
        for claim in claims
        if _is_of_another_row(question, claim) or (demands and _is_contradicted(question, claim))
    ]
    if not against:
        return decide(claims, settings, several=several)
    rest = decide([claim for claim in claims if claim not in against], settings, several=several)
    apart = decide(against, settings, several=several)
    lowered = (replace(item, confidence=item.confidence * _LEFT) for item in apart.ranked)
    return Decision(ranked=tuple(sorted((*rest.ranked, *lowered), key=lambda item: -item.confidence)))


def _is_of_another_row(question: str, claim: Claim) -> bool:
    """Whether the claim is a cell of a table, and the question names other rows or columns of it instead."""
    text, language = claim.hit.passage.text, claim.hit.document.language
    cell = (
        cell_at(text, claim.candidate.start, claim.candidate.end) if FIELD in text and NAME in text else None
    )
    if cell is None:
        return False
    asked = set(analysis.terms(question, language))

    def named(name: str) -> bool:
        words = set(analysis.terms(name, language))
        return bool(words) and words <= asked

    fields = [field.partition(NAME) for field in text[cell.start : cell.end].split(FIELD)]
    head, _, first = fields[0]
    others = [
        line.split(FIELD)[0].removeprefix(head + NAME)
        for line in text.split("\n")
        if line.startswith(head + NAME)
    ]
    another_row = not named(first) and not named(cell.row) and any(named(name) for name in others)
    columns = [name for name, _, _ in fields[1:]]
    another_column = (
        cell.column in columns and not named(cell.column) and any(named(name) for name in columns)
    )
    return another_row or another_column


def _is_contradicted(question: str, claim: Claim) -> bool:
    text, candidate = claim.hit.passage.text, claim.candidate
    sentence = sentence_around(text, candidate.start, candidate.end, claim.hit.document.language)
    return contradicts(
        question,
        candidate.text,
        text[sentence.start : sentence.end],
        headings=claim.hit.passage.headings,
        passage=text,
    )
