"""What is shown where no answer is sure enough: likely answers with their rivals, else the closest sentence.

    best confidence >= threshold           answer
                    >= probable            the best and its rivals, as likely answers
    probability of the sentence >= least   the sentence in which the best stands
    otherwise                              nothing bears on the question

The sentence is judged apart from the span in it: a reader often finds the right sentence and cuts the wrong
words out of it. Other ways to find the sentence were tried, see data/bench/choices.md. Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from qa.answering.decision import Decision, DecisionSettings, RankedClaim, log_odds
from qa.answering.support import LEAST_SHOWN

_CANDIDATES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """The likely answers, most confident first; or the claim in the closest sentence, and how likely that is
    to hold the answer, 0 to 1."""

    candidates: tuple[RankedClaim, ...] = ()
    closest: RankedClaim | None = None
    holds_answer: float = 0.0


def unsure(decision: Decision, settings: DecisionSettings) -> Unsure:
    """What is shown of a decision whose best answer is below the threshold."""
    if not decision.ranked:
        return Unsure()
    best, *others = decision.ranked
    if best.confidence >= settings.probable:
        rivals = [item for item in others[: _CANDIDATES - 1] if item.confidence >= LEAST_SHOWN]
        return Unsure(candidates=(best, *rivals))
    odds = settings.sentence.scale * log_odds(best.confidence) + settings.sentence.shift
    holds_answer = 1 / (1 + math.exp(-odds))
    if holds_answer < settings.sentence.least:
        return Unsure()
    return Unsure(closest=best, holds_answer=holds_answer)
