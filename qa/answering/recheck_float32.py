"""Re-reads close answers in float32, because int8 rounding could change their order.

A reader in int8 errs by some tenths of a logit: enough to move the border of a span, or to put another answer
first where two are about as good. So the passage of the best answer, and those of answers close to it, are
read again in float32 and decided again; all further behind stays as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from qa.answering.claims import make_claim
from qa.answering.contradicted import decide_consistently
from qa.answering.decision import Claim, Decision, DecisionSettings, log_odds
from qa.protocols import Reader

_LOG = logging.getLogger(__name__)
# How close to the best an answer must be, as a difference of log-odds before `ConfidenceSettings.scale`.
_CLOSE = 1.0
_MOST_PASSAGES = 3


def decide_rechecked(
    question: str,
    claims: Sequence[Claim],
    settings: DecisionSettings,
    exact: Reader | None,
    *,
    several: bool = False,
) -> Decision:
    """The decision over the claims, made again after `exact` re-read what rounding could decide.

    `exact` None: nothing is re-read. Where it fails, that is logged and the first decision stands.
    """
    decision = decide_consistently(question, claims, settings, several=several)
    if exact is None:
        return decision
    try:
        claims = read_again(question, claims, close_passages(decision, settings), exact)
    except Exception:
        _LOG.exception("the reader %s failed in float32", exact.name)
        return decision
    return decide_consistently(question, claims, settings, several=several)


def close_passages(decision: Decision, settings: DecisionSettings) -> list[int]:
    """The passage ids of the best answer and of those close to it, at most three."""
    if not decision.ranked:
        return []
    best = log_odds(decision.ranked[0].confidence)
    distance = _CLOSE * abs(settings.confidence.scale)
    close = [item for item in decision.ranked if best - log_odds(item.confidence) <= distance]
    return list(dict.fromkeys(item.claim.hit.passage.id for item in close))[:_MOST_PASSAGES]


def read_again(
    question: str, claims: Sequence[Claim], passages: Sequence[int], reader: Reader
) -> tuple[Claim, ...]:
    """The claims in the order of the passages; `reader` proposes those of these passage ids again.

    A passage of which it proposes nothing keeps its claims.
    """
    originals = list(
        {claim.hit.passage.id: claim for claim in claims if claim.hit.passage.id in passages}.values()
    )
    exact: list[Claim] = []
    for candidate in reader.read(question, [claim.hit.passage.text for claim in originals]):
        original = originals[candidate.context]
        placed = replace(candidate, context=original.candidate.context)
        exact.append(make_claim(question, placed, original.hit, original.coverage))
    replaced = {claim.hit.passage.id for claim in exact}
    unchanged = [claim for claim in claims if claim.hit.passage.id not in replaced]
    return tuple(sorted([*unchanged, *exact], key=lambda claim: claim.candidate.context))
