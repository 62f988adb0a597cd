"""Which passages are read first, and which need not be read at all (pure).

    known weight = what the decision makes of a passage before it is read: rank, score, cosine, words
    reach        = known weight + the best that any passage of this question has been worth by its reading

Passages are read in the order of their known weight, some at a time. The rest is left out where its reach is
so far below the best answer, and below "no answer", that it could change neither; what holds the words of the
best answer is read in any case, because agreement counts. The reach is no strict bound: a passage may read
better than all that were read, and what is not read adds no weight to agreement either. So where the
confidence comes near the threshold, on either side, some more are read. How often a decision is another than
after reading everything is measured by `spanwise bench`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.records import Hit
from qa.answering.decision import CLAIM_EVIDENCE, Claim, DecisionSettings, claim_evidence, decide, log_odds
from qa.records import SpanCandidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrift:
    """How many passages are read at first and in each further step, and what is left out.

    `slack`: in logarithms of what an answer counts; a passage that is further than this below what decides
    stays unread. Where the log-odds of the confidence are within `close` of the threshold's, the best
    `at_least` are read in any case.

    Eight at first, whatever was found in them, and six in each further step gave the same decisions for all
    but one of 789 questions to three collections, and read 8.6 passages each instead of 5.3. Without `close`
    four of them were others.
    """

    first: int = 4
    step: int = 4
    slack: float = 2.5
    close: float = 0.2
    at_least: int = 8


class Promise:
    """The passages of one question: what is known of them, and what has been read so far."""

    def __init__(
        self,
        hits: Sequence[Hit],
        covered: Sequence[float],
        settings: DecisionSettings,
        thrift: Thrift,
    ) -> None:
        self._hits = hits
        self._covered = covered
        self._settings = settings
        self._thrift = thrift
        weights = np.array([getattr(settings, name) for name in CLAIM_EVIDENCE])
        unread = [self._unread(place) for place in range(len(hits))]
        self._known: NDArray[np.float64] = claim_evidence(unread) @ weights
        self._waiting = sorted(range(len(hits)), key=lambda place: -self._known[place])
        self._best: tuple[float, str] | None = None
        self._claims: list[Claim] = []
        self._reading = -np.inf
        self._read = 0

    def next(self) -> list[int]:
        """The places of the passages to be read now; none when it is enough."""
        thrift = self._thrift
        size = thrift.step if self._read else thrift.first
        worth = [place for place in self._waiting if self._matters(place)] if self._read else self._waiting
        chosen = worth[:size]
        if not chosen and self._read < thrift.at_least and self._waiting and self._is_close():
            chosen = self._waiting[: thrift.at_least - self._read]
        self._waiting = [place for place in self._waiting if place not in chosen]
        self._read += len(chosen)
        return chosen

    def learn(self, found: Sequence[tuple[int, SpanCandidate]]) -> None:
        """What was read, with the place of its passage."""
        for place, candidate in found:
            self._claims.append(self._claim(place, candidate))
            reading = self._settings.margin * candidate.margin + self._settings.score * candidate.score
            self._reading = max(self._reading, reading)
            weight = float(self._known[place]) + reading
            if self._best is None or weight > self._best[0]:
                self._best = (weight, candidate.text.casefold())

    def _matters(self, place: int) -> bool:
        if self._best is None:
            return True
        weight, text = self._best
        reach = float(self._known[place]) + float(self._reading)
        if reach > max(weight, self._settings.no_answer) - self._thrift.slack:
            return True
        return text in self._hits[place].passage.text.casefold()

    def _is_close(self) -> bool:
        """Whether little decides between an answer and none."""
        confidence = decide(self._claims, self._settings).confidence
        return abs(log_odds(confidence) - log_odds(self._settings.threshold)) < self._thrift.close

    def _unread(self, place: int) -> Claim:
        nothing = SpanCandidate(text="", start=0, end=0, score=0.0, null_score=0.0, context=place)
        return self._claim(place, nothing)

    def _claim(self, place: int, candidate: SpanCandidate) -> Claim:
        return Claim(candidate=candidate, hit=self._hits[place], coverage=self._covered[place])
