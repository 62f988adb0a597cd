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

from ingest.text.sentences import sentence_around
from qa.answering.decision import Claim, Decision, DecisionSettings, RankedClaim, log_odds
from qa.answering.support import LEAST_SHOWN
from qa.forms.yes_no import asks_yes_no, verdict

_CANDIDATES = 3
_LOOKED_AT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """The likely answers, most confident first; or the claim in the closest sentence, and how likely that is
    to hold the answer, 0 to 1."""

    candidates: tuple[RankedClaim, ...] = ()
    closest: RankedClaim | None = None
    holds_answer: float = 0.0


def unsure(question: str, decision: Decision, settings: DecisionSettings) -> Unsure:
    """What is shown of a decision whose best answer is below the threshold.

    The closest sentence is no heading; to a question for yes or no, one that settles it comes first.
    """
    if not decision.ranked:
        return Unsure()
    best, *others = decision.ranked
    if best.confidence >= settings.probable:
        rivals = [item for item in others[: _CANDIDATES - 1] if item.confidence >= LEAST_SHOWN]
        return Unsure(candidates=(best, *rivals))
    odds = settings.sentence.scale * log_odds(best.confidence) + settings.sentence.shift
    holds_answer = 1 / (1 + math.exp(-odds))
    told = [item for item in decision.ranked[:_LOOKED_AT] if not _is_heading(item.claim)]
    if holds_answer < settings.sentence.least or not told:
        return Unsure()
    settled = (item for item in told if asks_yes_no(question) and _settles(question, item.claim))
    return Unsure(closest=next(settled, told[0]), holds_answer=holds_answer)


def _is_heading(claim: Claim) -> bool:
    text, start = claim.hit.passage.text, claim.candidate.start
    end = text.find("\n", start)
    line = text[text.rfind("\n", 0, start) + 1 : len(text) if end < 0 else end].strip()
    return line in (*claim.hit.passage.headings, claim.hit.document.title)


def _settles(question: str, claim: Claim) -> bool:
    text, language = claim.hit.passage.text, claim.hit.document.language
    sentence = sentence_around(text, claim.candidate.start, claim.candidate.end, language)
    return verdict(question, text[sentence.start : sentence.end], language) is not None
