"""In which order passages are read, and when the rest can be left unread (pure).

    known weight = weight of the passage in the decision without a reading: rank, score gap, coverage, cosine
    upper bound  = known weight + the best reading score seen so far for this question

Passages are read by falling known weight, a few at a time. A passage stays unread where its upper bound is so
far below the best answer and "no answer" that it could change neither; one that holds the words of the best
answer is always read, because agreement counts. The bound is an estimate: an unread passage may read better
than all others, and adds nothing to agreement. So where the confidence is close to the threshold, on either
side, some more are read. `spanwise bench` measures how often a decision differs from that after reading all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.records import Hit
from qa.answering.claims import make_claim
from qa.answering.decision import (
    CLAIM_EVIDENCE,
    Claim,
    DecisionSettings,
    claim_evidence,
    decide,
    log_odds,
    reading_weight,
)
from qa.records import SpanCandidate


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingRule:
    """How many passages are read first and in each further step, and which are left out.

    A passage stays unread if its upper bound is more than `slack` (a difference of weights, which are
    logarithms) below the best answer. Where the log-odds of the confidence are within `close` of those of the
    threshold, the best `at_least` are read in any case. What other numbers cost: data/bench/choices.md.
    """

    first: int = 4
    step: int = 4
    slack: float = 2.5
    close: float = 0.2
    at_least: int = 8


READ_ALL = StoppingRule(first=sys.maxsize)


class ReadingOrder:
    """The passages of one question: which are read next, and what was claimed of those that were.

    `coverage` is that of each hit (`qa.answering.evidence`). Positions are those in `hits`. `question`
    decides the units of answers and what their sentences say for them.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        coverage: Sequence[float],
        settings: DecisionSettings,
        rule: StoppingRule,
        *,
        question: str = "",
    ) -> None:
        self.hits = hits
        self._question = question
        self.read = 0
        self._coverage = coverage
        self._settings = settings
        self._rule = rule
        weights = np.array([getattr(settings, name) for name in CLAIM_EVIDENCE])
        unread = [self._unread(position) for position in range(len(hits))]
        self._known: NDArray[np.float64] = claim_evidence(unread) @ weights
        self._waiting = sorted(range(len(hits)), key=lambda position: -self._known[position])
        self._best: tuple[float, str] | None = None
        self._claims: list[Claim] = []
        self._best_reading = -np.inf

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What was observed so far, in the order of the hits."""
        return tuple(sorted(self._claims, key=lambda claim: claim.candidate.context))

    def next(self) -> list[int]:
        """The positions of the passages to be read now; none when enough was read."""
        rule = self._rule
        size = rule.step if self.read else rule.first
        useful = [place for place in self._waiting if self._matters(place)] if self.read else self._waiting
        chosen = useful[:size]
        if not chosen and self.read < rule.at_least and self._waiting and self._is_close():
            chosen = self._waiting[: rule.at_least - self.read]
        self._waiting = [position for position in self._waiting if position not in chosen]
        self.read += len(chosen)
        return chosen

    def observe(self, candidates: Sequence[SpanCandidate]) -> None:
        """Add the spans of passages that were read; `context` is the position of the passage."""
        for candidate in candidates:
            position = candidate.context
            claim = make_claim(self._question, candidate, self.hits[position], self._coverage[position])
            self._claims.append(claim)
            reading = reading_weight(claim, self._settings)
            self._best_reading = max(self._best_reading, reading)
            weight = float(self._known[position]) + reading
            if self._best is None or weight > self._best[0]:
                self._best = (weight, candidate.text.casefold())

    def upper_bound(self, position: int) -> float:
        """The weight that an unread passage would have if it read as well as the best one so far."""
        return float(self._known[position]) + float(self._best_reading)

    def _matters(self, position: int) -> bool:
        if self._best is None:
            return True
        weight, text = self._best
        if self.upper_bound(position) > max(weight, self._settings.no_answer) - self._rule.slack:
            return True
        return text in self.hits[position].passage.text.casefold()

    def _is_close(self) -> bool:
        """Whether the confidence so far is close to the threshold."""
        confidence = decide(self._claims, self._settings).confidence
        return abs(log_odds(confidence) - log_odds(self._settings.threshold)) < self._rule.close

    def _unread(self, position: int) -> Claim:
        nothing = SpanCandidate(text="", start=0, end=0, score=0.0, null_score=0.0, context=position)
        return Claim(candidate=nothing, hit=self.hits[position], coverage=self._coverage[position])
