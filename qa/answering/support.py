"""How many documents say an answer, and how many say otherwise: agreement in numbers a reader understands.

A copy of a document is no second witness. A document says otherwise when another answer that is worth showing
stands in it, was read as an answer (better than "no answer" in its passage), and the document does not say
the first one too; where a question asks for several things, others are no contradiction. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.records import Hit
from qa.answering.several import asks_for_several
from qa.reading.answer_equality import near_duplicates
from qa.records import Answer, AskResult

LEAST_SHOWN = 0.05  # an answer less likely than that is noise below the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Documents for and against an answer, copies counted once."""

    agreeing: int
    differing: int


def agreement(result: AskResult) -> Agreement:
    """Who agrees with the first answer of a result; no answer has no witnesses."""
    if not result.answers:
        return Agreement(agreeing=0, differing=0)
    first = result.answers[0]
    saying = _passages(first, result.passages)
    against: dict[str, str] = {}
    if not asks_for_several(result.question):
        for other in others_worth_showing(result):
            if other.span_score > 0:
                against |= _passages(other, result.passages)
    differing = {path: text for path, text in against.items() if path not in saying}
    return Agreement(agreeing=_distinct(saying.values()), differing=_distinct(differing.values()))


def others_worth_showing(result: AskResult) -> tuple[Answer, ...]:
    """The answers after the first that are likely enough to be shown."""
    return tuple(answer for answer in result.answers[1:] if answer.confidence >= LEAST_SHOWN)


def likely(result: AskResult) -> AskResult:
    """The result with the first answer and the others that are worth showing."""
    return replace(result, answers=(*result.answers[:1], *others_worth_showing(result)))


def _passages(answer: Answer, hits: Sequence[Hit]) -> dict[str, str]:
    """For each document that says an answer, by its path, the passage in which it does."""
    found = {answer.document.path: answer.passage.text}
    for place in answer.also_in:
        holding = (
            hit.passage.text
            for hit in hits
            if hit.document.path == place.path
            and hit.passage.start <= place.start
            and place.end <= hit.passage.end
        )
        found.setdefault(place.path, next(holding, place.path))
    return found


def _distinct(texts: Iterable[str]) -> int:
    kept: list[str] = []
    for text in texts:
        if not any(near_duplicates(text, other) for other in kept):
            kept.append(text)
    return len(kept)
