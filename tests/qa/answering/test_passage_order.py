"""The order of passages after reading: what moves a passage up, and what leaves it where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from index.records import Hit
from qa.answering.decision import Claim
from qa.answering.passage_order import as_read
from qa.records import SpanCandidate


def claim(hit: Hit, margin: float) -> Claim:
    candidate = SpanCandidate(text="", start=0, end=0, score=margin + 3.0, null_score=3.0, context=0)
    return Claim(candidate=candidate, hit=hit, coverage=0.0)


def ids(hits: Sequence[Hit]) -> list[int]:
    return [hit.passage.id for hit in hits]


def test_the_passage_that_answers_comes_before_its_neighbours(make_hit: Callable[..., Hit]) -> None:
    hits = [make_hit("tides and boats", 1, 0.80), make_hit("the tide turns at six", 2, 0.75)]
    ordered = as_read(hits, [claim(hits[0], -6.0), claim(hits[1], -9.0), claim(hits[1], 6.0)])
    assert ids(ordered) == [2, 1]
    assert [hit.rank for hit in ordered] == [1, 2]


def test_reading_does_not_lift_what_search_finds_far_off(make_hit: Callable[..., Hit]) -> None:
    hits = [make_hit("tides and boats", 1, 0.9), make_hit("the fare is six", 2, 0.5)]
    assert ids(as_read(hits, [claim(hits[0], -20.0), claim(hits[1], 20.0)])) == [1, 2]


def test_the_passage_that_opens_the_section_comes_first_of_two_alike(make_hit: Callable[..., Hit]) -> None:
    hits = [make_hit("a later passage", 1, 0.80), make_hit("TOP\n\nA top is a toy.", 2, 0.75)]
    assert ids(as_read(hits, [claim(hit, 1.0) for hit in hits])) == [2, 1]


def test_what_nobody_read_stays_as_it_was_found(make_hit: Callable[..., Hit]) -> None:
    hits = [make_hit("a later passage", 1, 14.0), make_hit("Top of all", 2, 13.99)]
    assert as_read(hits, []) == tuple(hits)


def test_scores_and_the_passages_themselves_stay(make_hit: Callable[..., Hit]) -> None:
    hits = [make_hit("later", place, 1 / place) for place in range(1, 6)]
    ordered = as_read(hits, [claim(hit, 5.0 * hit.rank) for hit in hits[1:]])
    assert [hit.rank for hit in ordered] == [1, 2, 3, 4, 5]
    assert {hit.passage.id: hit.score for hit in ordered} == {hit.passage.id: hit.score for hit in hits}
