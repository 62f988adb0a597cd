"""The one decision: who wins, what adds up, and when nothing is good enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Hit
from qa.answering.contradicted import decide_consistently
from qa.answering.decision import Claim, ConfidenceSettings, DecisionSettings, decide
from qa.answering.evidence import coverage
from qa.records import SpanCandidate

# One unit of margin is one unit of log-odds, retrieval counts by rank only, "no answer" weighs 1.
PLAIN = DecisionSettings(
    margin=1.0,
    score=0.0,
    log_rank=-1.0,
    gap=0.0,
    coverage=0.0,
    cosine=0.0,
    no_answer=0.0,
    threshold=0.5,
)


def claim(hit: Hit, text: str, margin: float, occurrence: int = 0) -> Claim:
    start = -1
    for _ in range(occurrence + 1):
        start = hit.passage.text.index(text, start + 1)
    candidate = SpanCandidate(
        text=text, start=start, end=start + len(text), score=margin, null_score=0.0, context=0
    )
    return Claim(candidate=candidate, hit=hit, coverage=0.0)


def test_nothing_claimed_is_no_answer() -> None:
    decision = decide([], PLAIN)
    assert decision.ranked == ()
    assert decision.confidence == 0.0


def test_confidence_is_the_share_of_all_answers_and_of_none(make_hit: Callable[..., Hit]) -> None:
    one, two = make_hit("Ada or Bea", 1), make_hit("Cleo", 2, document="d2")
    ranked = decide([claim(one, "Ada", 2.0), claim(one, "Bea", 1.0), claim(two, "Cleo", 1.0)], PLAIN).ranked
    # weights: e^2, e^1, e^1 / 2 (rank 2), and e^0 for "no answer"
    total = math.exp(2) + math.exp(1) + math.exp(1) / 2 + 1
    assert [item.claim.candidate.text for item in ranked] == ["Ada", "Bea", "Cleo"]
    expected = [math.exp(2) / total, math.exp(1) / total, math.exp(1) / 2 / total]
    assert [item.confidence for item in ranked] == pytest.approx(expected)


def test_many_empty_passages_do_not_drown_the_right_one(make_hit: Callable[..., Hit]) -> None:
    right = claim(make_hit("Ada wrote it", 1), "Ada", 6.0)
    others = [claim(make_hit("some words", rank, document=f"d{rank}"), "some", -6.0) for rank in range(2, 21)]
    assert decide([right, *others], PLAIN).confidence > 0.99


def test_the_same_words_elsewhere_add_up_and_are_listed(make_hit: Callable[..., Hit]) -> None:
    one = make_hit("Ada Lovelace did", 1)
    two = make_hit("by the ADA LOVELACE.", 2, document="d2", start=100)
    three = make_hit("or Grace Hopper", 1, document="d3")
    claims = [
        claim(one, "Ada Lovelace", 2.0),
        claim(two, "the ADA LOVELACE", 2.0),
        claim(three, "Grace Hopper", 2.2),
    ]
    best, other = decide(claims, PLAIN).ranked
    assert best.claim == claims[0]
    assert best.others == (claims[1],)
    assert (claims[1].start, claims[1].end) == (103, 119)
    assert other.claim == claims[2], "heavier than either alone, lighter than both"


def test_the_same_place_read_twice_counts_once(make_hit: Callable[..., Hit]) -> None:
    # two overlapping passages of one document: "Ada" at 10..13 in both
    left = make_hit("So it was Ada", 1, start=0)
    right = make_hit("was Ada who wrote", 2, start=6)
    twice = decide([claim(left, "Ada", 2.0), claim(right, "Ada", 2.0)], PLAIN)
    once = decide([claim(left, "Ada", 2.0)], PLAIN)
    assert twice == once
    wider = decide([claim(left, "Ada", 2.0), claim(right, "Ada who wrote", 1.0)], PLAIN)
    assert [item.claim.candidate.text for item in wider.ranked] == ["Ada"]


def test_the_same_words_twice_in_one_document_are_two_places(make_hit: Callable[..., Hit]) -> None:
    hit = make_hit("Ada, yes, Ada")
    (answer,) = decide([claim(hit, "Ada", 2.0), claim(hit, "Ada", 1.0, occurrence=1)], PLAIN).ranked
    assert [(item.start, item.end) for item in answer.others] == [(10, 13)]


def test_words_that_normalise_to_nothing_stay_apart(make_hit: Callable[..., Hit]) -> None:
    hit = make_hit("The A is a vitamin, not #")
    ranked = decide([claim(hit, "The", 1.0), claim(hit, "A", 1.0), claim(hit, "#", 1.0)], PLAIN).ranked
    assert len(ranked) == 3


def test_retrieval_speaks_by_rank_and_by_gap(make_hit: Callable[..., Hit]) -> None:
    settings = replace(PLAIN, log_rank=0.0, gap=-4.0)
    near, far = make_hit("Ada", 1, score=0.9), make_hit("Bea", 2, score=0.4, document="d2")
    # Bea's margin is 1.5 higher, her passage 0.5 x 4 = 2 lower
    first, second = decide([claim(near, "Ada", 1.0), claim(far, "Bea", 2.5)], settings).ranked
    assert first.claim.candidate.text == "Ada"
    odds = first.confidence / second.confidence
    assert odds == pytest.approx(math.exp(0.5))


def test_scale_and_shift_act_on_the_log_odds(make_hit: Callable[..., Hit]) -> None:
    settings = replace(PLAIN, log_rank=0.0, confidence=ConfidenceSettings(scale=0.5, shift=1.0))
    decision = decide([claim(make_hit("Ada"), "Ada", 3.0)], settings)
    assert decision.confidence == pytest.approx(1 / (1 + math.exp(-(0.5 * 3.0 + 1.0))))


MARGINS = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12)


def test_a_contradicted_answer_comes_after_the_others_and_does_not_compete(
    make_hit: Callable[..., Hit],
) -> None:
    hit = make_hit("The cook is Ida Moe. The vice director is Max Orr. The director is Ada Bell.")
    claims = [claim(hit, "Ada Bell", 5.0), claim(hit, "Max Orr", 2.0)]
    weighed = decide_consistently("who is the vice director", claims, PLAIN)
    alone = decide(claims[1:], PLAIN)
    assert [item.claim.candidate.text for item in weighed.ranked] == ["Max Orr", "Ada Bell"]
    assert weighed.confidence == alone.confidence > 0.8
    assert weighed.ranked[1].confidence < 0.02
    assert decide_consistently("who is the director", claims, PLAIN) == decide(claims, PLAIN)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("how many seats has the oak room", "40"),
        ("how many seats has the elm room", "25"),
        ("how many lamps has the elm room", "3"),
        ("how many seats are there", "40"),
    ],
)
def test_a_cell_of_another_row_or_column_comes_after_the_others(
    make_hit: Callable[..., Hit], question: str, first: str
) -> None:
    hit = make_hit("Room: Oak; Seats: 40; Lamps: 6\nRoom: Elm; Seats: 25; Lamps: 3")
    claims = [
        claim(hit, words, margin) for words, margin in (("40", 4.0), ("25", 3.0), ("6", 2.0), ("3", 1.0))
    ]
    assert decide_consistently(question, claims, PLAIN).ranked[0].claim.candidate.text == first


@given(margins=MARGINS, settings=st.sampled_from([PLAIN, DecisionSettings()]))
def test_ranking_is_monotone_and_confidence_a_probability(
    make_hit: Callable[..., Hit], margins: list[float], settings: DecisionSettings
) -> None:
    words = [f"w{number}" for number in range(len(margins))]
    hits = [make_hit(word, rank, document=word) for rank, word in enumerate(words, start=1)]
    claims = [claim(hit, word, margin) for hit, word, margin in zip(hits, words, margins, strict=True)]
    decision = decide(claims, settings)
    confidences = [item.confidence for item in decision.ranked]
    assert len(confidences) == len(margins)
    assert all(0 <= value <= 1 for value in confidences)
    assert all(left >= right for left, right in pairwise(confidences))
    assert decision.confidence == confidences[0]
    assert decide(claims[::-1], settings) == decision, "the order of the claims does not matter"


@given(margins=MARGINS, more=st.floats(0.01, 50))
def test_a_better_span_is_never_less_confident(
    make_hit: Callable[..., Hit], margins: list[float], more: float
) -> None:
    hits = [make_hit(f"w{number}", number + 1, document=f"d{number}") for number in range(len(margins))]

    def confidence_of_first(margin: float) -> float:
        values = [margin, *margins[1:]]
        claims = [claim(hit, hit.passage.text, value) for hit, value in zip(hits, values, strict=True)]
        ranked = decide(claims, DecisionSettings()).ranked
        return next(item.confidence for item in ranked if item.claim.hit == hits[0])

    assert confidence_of_first(margins[0] + more) >= confidence_of_first(margins[0])


def test_a_passage_that_holds_the_questions_words_weighs_more(make_hit: Callable[..., Hit]) -> None:
    settings = replace(PLAIN, coverage=2.0)
    near = replace(claim(make_hit("Ada wrote it", 1), "Ada", 1.0), coverage=1.0)
    far = replace(claim(make_hit("Bea slept", 1, document="d2"), "Bea", 1.5), coverage=0.0)
    assert [item.claim.candidate.text for item in decide([near, far], settings).ranked] == ["Ada", "Bea"]
    assert [item.claim.candidate.text for item in decide([near, far], PLAIN).ranked] == ["Bea", "Ada"]


def test_a_passage_without_cosine_counts_as_the_farthest(make_hit: Callable[..., Hit]) -> None:
    settings = replace(PLAIN, cosine=10.0)
    near = claim(replace(make_hit("Ada wrote it", 1), dense_score=0.6), "Ada", 1.0)
    middle = claim(replace(make_hit("Bea slept", 1, document="d2"), dense_score=0.3), "Bea", 1.0)
    unknown = claim(replace(make_hit("Cleo ran", 1, document="d3"), dense_score=None), "Cleo", 1.0)
    first, second, third = decide([near, middle, unknown], settings).ranked
    assert first.claim.candidate.text == "Ada"
    assert second.confidence == pytest.approx(third.confidence)


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("When did the Titanic sink?", 0.0),
        ("Who wrote the logs of the Petrel?", 1.0),
        ("How old is the captain of the Petrel?", 1 / 3),
        ("what is it", 0.0),
        ("", 0.0),
    ],
)
def test_coverage_is_the_share_of_content_words(
    make_hit: Callable[..., Hit], question: str, share: float
) -> None:
    hit = make_hit("Ada wrote the log while the Petrel lay at anchor.")
    assert coverage(question, hit) == pytest.approx(share)
