"""What is shown of a decision below the threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from index.records import Hit
from qa.answering.decision import Claim, Decision, DecisionSettings, RankedClaim, SentenceSettings
from qa.answering.unsure import Unsure, unsure
from qa.records import SpanCandidate

SETTINGS = DecisionSettings(
    threshold=0.6, probable=0.2, sentence=SentenceSettings(scale=1.0, shift=1.0, least=0.1)
)


@pytest.fixture
def decided(make_hit: Callable[..., Hit]) -> Callable[[Sequence[float]], Decision]:
    def decision(confidences: Sequence[float]) -> Decision:
        span = SpanCandidate(text="a", start=0, end=1, score=0.0, null_score=0.0, context=0)
        claim = Claim(candidate=span, hit=make_hit("a word"), coverage=0.0)
        return Decision(
            ranked=tuple(RankedClaim(claim=claim, others=(), confidence=value) for value in confidences)
        )

    return decision


@pytest.mark.parametrize(
    ("confidences", "shown"),
    [
        ([0.5, 0.3, 0.1, 0.06], [0.5, 0.3, 0.1]),
        ([0.2, 0.04, 0.03], [0.2]),
        ([0.19, 0.18], []),
    ],
)
def test_likely_answers_and_rivals(
    decided: Callable[[Sequence[float]], Decision], confidences: list[float], shown: list[float]
) -> None:
    result = unsure("Who?", decided(confidences), SETTINGS)
    assert [item.confidence for item in result.candidates] == shown
    assert (result.closest is None) is bool(shown)


def test_the_sentence_of_the_best_span_is_likelier_than_the_span(
    decided: Callable[[Sequence[float]], Decision],
) -> None:
    decision = decided([0.1, 0.05])
    result = unsure("Who?", decision, SETTINGS)
    assert result.closest is decision.ranked[0]
    assert result.holds_answer == pytest.approx(0.1 * 2.71828 / (0.1 * 2.71828 + 0.9), abs=1e-4)


@pytest.mark.parametrize("confidences", [[], [0.03], [0.0]])
def test_nothing_is_shown_of_what_does_not_bear_on_the_question(
    decided: Callable[[Sequence[float]], Decision], confidences: list[float]
) -> None:
    assert unsure("Who?", decided(confidences), SETTINGS) == Unsure()


def claimed(hit: Hit, words: str, confidence: float) -> RankedClaim:
    start = hit.passage.text.index(words)
    span = SpanCandidate(
        text=words, start=start, end=start + len(words), score=0.0, null_score=0.0, context=0
    )
    claim = Claim(candidate=span, hit=hit, coverage=0.0)
    return RankedClaim(claim=claim, others=(), confidence=confidence)


def test_the_closest_sentence_is_no_heading(make_hit: Callable[..., Hit]) -> None:
    hit = make_hit("Top\n\nThe hall is open.")
    ranked = (claimed(hit, "Top", 0.1), claimed(hit, "open", 0.05))
    assert unsure("When?", Decision(ranked=ranked), SETTINGS).closest is ranked[1]
    assert unsure("When?", Decision(ranked=ranked[:1]), SETTINGS) == Unsure()


def test_a_sentence_that_settles_a_question_for_yes_or_no_comes_first(make_hit: Callable[..., Hit]) -> None:
    hit = make_hit("Books stay in the hall. Food may not be eaten in the hall.")
    ranked = (claimed(hit, "Books", 0.1), claimed(hit, "Food", 0.05))
    assert unsure("May food be eaten in the hall?", Decision(ranked=ranked), SETTINGS).closest is ranked[1]
    assert unsure("Where may food be eaten?", Decision(ranked=ranked), SETTINGS).closest is ranked[0]
