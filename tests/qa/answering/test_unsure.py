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
    result = unsure(decided(confidences), SETTINGS)
    assert [item.confidence for item in result.candidates] == shown
    assert (result.closest is None) is bool(shown)


def test_the_sentence_of_the_best_span_is_likelier_than_the_span(
    decided: Callable[[Sequence[float]], Decision],
) -> None:
    decision = decided([0.1, 0.05])
    result = unsure(decision, SETTINGS)
    assert result.closest is decision.ranked[0]
    assert result.holds_answer == pytest.approx(0.1 * 2.71828 / (0.1 * 2.71828 + 0.9), abs=1e-4)


@pytest.mark.parametrize("confidences", [[], [0.03], [0.0]])
def test_nothing_is_shown_of_what_does_not_bear_on_the_question(
    decided: Callable[[Sequence[float]], Decision], confidences: list[float]
) -> None:
    assert unsure(decided(confidences), SETTINGS) == Unsure()
