"""How many documents agree with an answer and how many differ, near-duplicates counted once.

A document differs when it holds another answer that is worth showing, that scored better than "no answer" in
its passage, and it does not hold the first answer too. Where a question asks for several things, other
answers do not differ. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.records import Hit
from qa.forms.question_kind import asks_for_several
from qa.reading.answer_equality import near_duplicates
from qa.records import Answer, AskResult

LEAST_SHOWN = 0.05  # an answer less likely than that is noise below the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Documents for and against an answer, near-duplicates counted once."""

    agreeing: int
    differing: int


def agreement(result: AskResult) -> Agreement:
    """For and against the answer shown first; 0 and 0 where there is none."""
    if not result.shown:
        return Agreement(agreeing=0, differing=0)
    first = result.shown[0]
    for_it = _passages(first, result.passages)
    against: dict[str, str] = {}
    if not asks_for_several(result.question):
        for other in others_worth_showing(result):
            if (other.span_score or 0.0) > 0:
                against |= _passages(other, result.passages)
    differing = {path: text for path, text in against.items() if path not in for_it}
    return Agreement(agreeing=_distinct(for_it.values()), differing=_distinct(differing.values()))


def others_worth_showing(result: AskResult) -> tuple[Answer, ...]:
    """The answers after the one shown first that are likely enough to be shown."""
    return tuple(answer for answer in result.shown[1:] if answer.confidence >= LEAST_SHOWN)


def likely(result: AskResult) -> AskResult:
    """The result with the first answer and the others that are worth showing."""
    if not result.answers:
        return result
    return replace(result, answers=(*result.answers[:1], *others_worth_showing(result)))


def _passages(answer: Answer, hits: Sequence[Hit]) -> dict[str, str]:
    """For each document that holds an answer, by its path, the passage in which it stands."""
    passages = {answer.document.path: answer.passage.text}
    for source in answer.also_in:
        texts = (
            hit.passage.text
            for hit in hits
            if hit.document.path == source.path
            and hit.passage.start <= source.start
            and source.end <= hit.passage.end
        )
        passages.setdefault(source.path, next(texts, source.path))
    return passages


def _distinct(texts: Iterable[str]) -> int:
    distinct: list[str] = []
    for text in texts:
        if not any(near_duplicates(text, other) for other in distinct):
            distinct.append(text)
    return len(distinct)
