"""The most promising passages are read first, and the rest is left unread when it can change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from index.records import Hit
from qa.answering.decision import DecisionSettings
from qa.answering.early_stopping import ReadingOrder, StoppingRule
from qa.records import SpanCandidate

# One unit of span score is one of weight, and so is every rank in the logarithm, tenfold.
SETTINGS = DecisionSettings(
    margin=0.0, score=1.0, log_rank=-10.0, gap=0.0, coverage=0.0, cosine=0.0, no_answer=-5.0
)
RULE = StoppingRule(first=2, step=2, slack=1.0)


def read(order: ReadingOrder, places: list[int], scores: dict[int, float], text: str = "Ada") -> None:
    order.observe(
        [
            SpanCandidate(
                text=text, start=0, end=3, score=scores.get(place, -20.0), null_score=0.0, context=place
            )
            for place in places
        ]
    )


def hits(make_hit: Callable[..., Hit], *texts: str) -> list[Hit]:
    return [make_hit(text, rank, document=f"d{rank}") for rank, text in enumerate(texts, start=1)]


def test_the_rest_is_left_when_it_is_too_far_below(make_hit: Callable[..., Hit]) -> None:
    found = hits(make_hit, "Ada wrote", "Bea wrote", "Cleo wrote", "Dora wrote", "Eve wrote")
    order = ReadingOrder(found, [0.0] * 5, SETTINGS, RULE)
    assert order.next() == [0, 1]
    read(order, [0, 1], {0: 8.0})
    assert order.next() == []  # rank 3 is eleven below rank 1, read as well as that


def test_what_could_still_win_is_read_step_by_step(make_hit: Callable[..., Hit]) -> None:
    found = hits(make_hit, "Ada wrote", "Bea wrote", "Cleo wrote", "Dora wrote", "Eve wrote")
    order = ReadingOrder(found, [0.0] * 5, SETTINGS, StoppingRule(first=2, step=2, slack=5.0))
    read(order, order.next(), {1: 9.0}, text="Bea")
    # Rank 3 is four below rank 2, rank 4 seven: read as well as that, only the third comes near.
    assert order.next() == [2]
    assert order.next() == []
    read(order, [2], {2: 16.0}, text="Cleo")
    assert order.next() == [3]  # now it is known that passages can read as well as that


def test_what_holds_the_answer_is_read_for_agreement(make_hit: Callable[..., Hit]) -> None:
    found = hits(make_hit, "Ada wrote", "Bea wrote", "Cleo wrote", "It was ADA.", "Eve wrote")
    order = ReadingOrder(found, [0.0] * 5, SETTINGS, RULE)
    read(order, order.next(), {0: 8.0})
    assert order.next() == [3]


def test_without_a_reading_everything_is_tried(make_hit: Callable[..., Hit]) -> None:
    found = hits(make_hit, "Ada wrote", "Bea wrote", "Cleo wrote", "Dora wrote", "Eve wrote")
    order = ReadingOrder(found, [0.0] * 5, SETTINGS, RULE)
    assert [order.next(), order.next(), order.next(), order.next()] == [[0, 1], [2, 3], [4], []]


def test_nothing_found_is_nothing_to_read() -> None:
    assert ReadingOrder([], [], SETTINGS, RULE).next() == []


@pytest.mark.parametrize(
    ("above", "more"), [(0.3, []), (0.1, [2, 3]), (0.0, [2, 3]), (-0.1, [2, 3]), (-0.3, [])]
)
def test_where_little_decides_some_more_are_read(
    make_hit: Callable[..., Hit], above: float, more: list[int]
) -> None:
    found = hits(make_hit, "Ada wrote", "Bea wrote", "Cleo wrote", "Dora wrote", "Eve wrote")
    # The best answer weighs 8, "no answer" 7.
    threshold = 1 / (1 + math.exp(above - 1.0))
    settings = replace(SETTINGS, no_answer=7.0, threshold=threshold)
    order = ReadingOrder(found, [0.0] * 5, settings, replace(RULE, close=0.2, at_least=4))
    assert order.next() == [0, 1]
    read(order, [0, 1], {0: 8.0})
    assert order.next() == more
    read(order, more, {})
    assert order.next() == []
