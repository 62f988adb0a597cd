"""Who says an answer and who says otherwise, copies counted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from index.records import Hit
from qa.answering.support import agreement, likely, others_worth_showing
from qa.records import Answer, AskResult, Source

TEXTS = {
    "/a": "The bridge of Ellery was opened in 1902 by the mayor, in the rain and before a crowd.",
    "/b": "A chronicle tells that the bridge was opened in 1902, a year after the harbour was dug.",
    "/copy": "The bridge of Ellery was opened in 1902 by the mayor, in the rain and before a crowd!",
    "/c": "Some hold that the bridge was opened in 1911 when the railway came to the town of Ellery.",
}


@pytest.fixture
def hits(make_hit: Callable[..., Hit]) -> dict[str, Hit]:
    found = {}
    for number, (path, text) in enumerate(TEXTS.items(), start=1):
        base = make_hit(text, rank=number)
        document = replace(base.document, id=path, path=path)
        found[path] = replace(base, document=document)
    return found


def answer(hits: dict[str, Hit], path: str, text: str, also: Sequence[str] = (), **changes: Any) -> Answer:
    hit = hits[path]
    start = hit.passage.start + hit.passage.text.index(text)

    def place(other: str) -> Source:
        at = hits[other].passage.start + hits[other].passage.text.index(text)
        return Source(path=other, start=at, end=at + len(text))

    made = Answer(
        text=text,
        confidence=0.6,
        span_score=2.0,
        retrieval_score=0.5,
        document=hit.document,
        page=None,
        headings=(),
        start=start,
        end=start + len(text),
        sentence=hit.passage.text,
        passage=hit.passage,
        also_in=tuple(place(other) for other in also),
    )
    return replace(made, **changes)


def result(hits: dict[str, Hit], *answers: Answer, question: str = "When was it opened?") -> AskResult:
    return AskResult(
        question=question,
        answered=True,
        confidence=0.6,
        reason=None,
        answers=answers,
        passages=tuple(hits.values()),
    )


def test_documents_are_counted_and_copies_are_not(hits: dict[str, Hit]) -> None:
    first = answer(hits, "/a", "1902", also=["/b", "/copy"])
    heard = agreement(result(hits, first, answer(hits, "/c", "1911")))
    assert (heard.agreeing, heard.differing) == (2, 1)


@pytest.mark.parametrize("changes", [{"confidence": 0.01}, {"span_score": -1.0}])
def test_noise_contradicts_nobody(hits: dict[str, Hit], changes: Any) -> None:
    heard = agreement(result(hits, answer(hits, "/a", "1902"), answer(hits, "/c", "1911", **changes)))
    assert (heard.agreeing, heard.differing) == (1, 0)


def test_a_document_that_says_both_does_not_contradict_and_lists_have_no_contradiction(
    hits: dict[str, Hit],
) -> None:
    first = answer(hits, "/a", "1902")
    assert agreement(result(hits, first, answer(hits, "/a", "mayor"))).differing == 0
    listed = result(hits, first, answer(hits, "/c", "1911"), question="Which years were named?")
    assert agreement(listed).differing == 0
    assert agreement(result(hits)).agreeing == 0


def test_what_is_unlikely_is_not_shown(hits: dict[str, Hit]) -> None:
    fair, unlikely = answer(hits, "/c", "1911"), answer(hits, "/b", "chronicle", confidence=0.04)
    assert others_worth_showing(result(hits, fair, fair, unlikely)) == (fair,)
    assert likely(result(hits, fair, fair, unlikely)).answers == (fair, fair)
    assert likely(result(hits, unlikely, unlikely)).answers == (unlikely,), "the first always is"
    assert likely(result(hits)).answers == ()
