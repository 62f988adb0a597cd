"""One decision for a question: the spans of all its passages compete with each other and with "no answer".

    weight of a claim  = what reader, search and the words of its sentence say for it, weighed linearly
    weight of an answer = log of the summed weights of the claims that say the same
    confidence         = its share of all answers and the one "no answer" (softmax), as a sigmoid of log-odds

One softmax over everything that was read keeps the scale the same for a question with one good passage among
twenty poor ones (whose nineteen "not here" must not drown it) and for a question that nothing answers. The
same answer in several places adds up, near-duplicates of a document once. Pure: no model, no store.
Evidence that was tried and left out: data/bench/choices.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.records import Hit
from qa.forms.evidence import SENTENCE_EVIDENCE
from qa.reading.answer_equality import near_duplicates, same_answer
from qa.records import SpanCandidate

# A change here retires every stored calibration, the bundled one too: fit and ship it again (see
# `calibration_file.reading_settings`).
READING_EVIDENCE = ("margin", "score", *SENTENCE_EVIDENCE)
PASSAGE_EVIDENCE = ("log_rank", "gap", "coverage", "cosine")
CLAIM_EVIDENCE = (*READING_EVIDENCE, *PASSAGE_EVIDENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSettings:
    """From the log-odds of an answer to the probability that it is right (Platt 1999, with more evidence).

    `scale` is per unit of log-odds; the rest describe the best answer of the question and shift all its
    answers alike, so that a better answer is never shown with less confidence: `margin` per unit of
    log-odds of its span against its passage's null score, `coverage` and `cosine` of its passage,
    `documents` per natural logarithm of how many documents say it, `words` per natural logarithm of its
    length in words, `clause_words` the same where the question asks for a clause, `shift` always.
    """

    scale: float = 1.0
    shift: float = 0.0
    margin: float = 0.0
    coverage: float = 0.0
    cosine: float = 0.0
    documents: float = 0.0
    words: float = 0.0
    clause_words: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceSettings:
    """From the confidence of a span to the probability that its sentence holds the answer.

    `scale` is per unit of log-odds, `shift` always; a sentence that is less likely than `least` does not bear
    on the question.
    """

    scale: float = 0.56
    shift: float = 0.53
    least: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSettings:
    """The weights of the evidence and the threshold.

    `margin`, `score`: per unit of log-odds against the passage's null score and of raw span score;
    `log_rank`: per natural logarithm of the retrieval rank; `gap`: per unit of retrieval score below the
    best passage read; `coverage`: for all of the question's content words standing in the passage;
    `cosine`: per unit of dense score; the rest as `qa.forms.evidence` counts it.
    `no_answer` is the weight of "no answer". `agreement` is how much of
    their weight the other places of the same answer add (1: all, 0: none). `threshold` is the least
    confidence of an answer that is given, `probable` that of one which is shown as likely.

    The defaults serve a reader for which nothing was fitted; what `qa.answering.calibration_file` keeps takes
    their place.
    """

    margin: float = -0.04
    score: float = 0.60
    log_rank: float = -0.65
    gap: float = -4.05
    coverage: float = 2.31
    cosine: float = 3.18
    in_sentence: float = 0.0
    in_heading: float = 0.0
    echo: float = 0.0
    defines: float = 0.0
    cue: float = 0.0
    mismatch: float = 0.0
    title: float = 0.0
    few_words: float = 0.0
    clause_words: float = 0.0
    no_answer: float = 7.99
    agreement: float = 1.0
    confidence: ConfidenceSettings = field(default_factory=ConfidenceSettings)
    threshold: float = 0.15
    probable: float = 0.2
    sentence: SentenceSettings = field(default_factory=SentenceSettings)
    calibrated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A span proposed by the reader, the hit that it comes from, and the coverage of that passage.

    `candidate` stands at the unit that is shown; `chosen` are the words that the reader chose in it.
    `evidence` is that of `qa.forms.evidence`; what is not in it is 0.
    """

    candidate: SpanCandidate
    hit: Hit
    coverage: float
    chosen: str = ""
    evidence: Mapping[str, float] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Where the span begins in the document's text."""
        return self.hit.passage.start + self.candidate.start

    @property
    def end(self) -> int:
        """Where the span ends in the document's text."""
        return self.hit.passage.start + self.candidate.end


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedClaim:
    """An answer: its best claim, the other claims of the same words, and the probability that it is right."""

    claim: Claim
    others: tuple[Claim, ...]
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All distinct answers, most confident first."""

    ranked: tuple[RankedClaim, ...] = ()

    @property
    def confidence(self) -> float:
        """The confidence of the best answer, 0.0 where nothing was claimed."""
        return self.ranked[0].confidence if self.ranked else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A claim and its weight, the logarithm of its unnormalised probability."""

    claim: Claim
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGroup:
    """The claims of one answer, heaviest first, and the positions in `claims` that are copies of others."""

    claims: tuple[Weighed, ...]
    copies: frozenset[int]

    @property
    def best(self) -> Claim:
        """The claim that stands for the answer."""
        return self.claims[0].claim

    @property
    def documents(self) -> int:
        """How many documents give it, near-duplicates counted once."""
        return len({item.claim.hit.document.id for item in self.independent})

    @property
    def independent(self) -> tuple[Weighed, ...]:
        """The claims without the copies."""
        return tuple(item for place, item in enumerate(self.claims) if place not in self.copies)

    def mass(self, agreement: float) -> float:
        """The weight of the answer: that of its best claim, and the share `agreement` of the others'."""
        best = self.claims[0].weight
        return best + agreement * (_log_sum(item.weight for item in self.independent) - best)


def decide(claims: Sequence[Claim], settings: DecisionSettings, *, several: bool = False) -> Decision:
    """Ranks the claims of one question; overlapping claims of one document count once.

    With `several` the question asks for a list, and answers from the same passage do not compete.
    """
    groups = group_claims(claims, settings)
    if not groups:
        return Decision()
    masses = np.array([group.mass(settings.agreement) for group in groups])
    order = np.argsort(-masses, kind="stable")
    shift = _shift(groups[order[0]], settings.confidence)
    odds = np.array([_log_odds(place, groups, masses, settings, several) for place in range(len(groups))])
    if several:  # each item of a list has rivals of its own, so the masses do not give the order
        order = np.argsort(-odds, kind="stable")
    ranked = [
        RankedClaim(
            claim=groups[place].best,
            others=tuple(item.claim for item in groups[place].claims[1:]),
            confidence=_sigmoid(settings.confidence.scale * float(odds[place]) + shift),
        )
        for place in order
    ]
    return Decision(ranked=tuple(ranked))


def group_claims(claims: Sequence[Claim], settings: DecisionSettings) -> list[AnswerGroup]:
    """The distinct answers among the claims, that of the heaviest claim first."""
    grouped: list[list[Weighed]] = []
    for item in _distinct(_weighed(claims, settings)):
        text = item.claim.candidate.text
        for group in grouped:
            if same_answer(text, group[0].claim.candidate.text):
                group.append(item)
                break
        else:
            grouped.append([item])
    return [AnswerGroup(claims=tuple(group), copies=_copies(group)) for group in grouped]


def _copies(group: Sequence[Weighed]) -> frozenset[int]:
    """Positions of claims whose passage is a near-duplicate of a heavier claim's, in another document."""
    copies: set[int] = set()
    for place, item in enumerate(group):
        for earlier in group[:place]:
            hit, other = item.claim.hit, earlier.claim.hit
            if hit.document.id != other.document.id and near_duplicates(hit.passage.text, other.passage.text):
                copies.add(place)
                break
    return frozenset(copies)


def _log_odds(
    place: int,
    groups: Sequence[AnswerGroup],
    masses: NDArray[np.float64],
    settings: DecisionSettings,
    several: bool,
) -> float:
    """Log-odds of an answer against all its rivals and "no answer"."""
    own = groups[place].best.hit.passage.id
    rivals = [
        masses[other]
        for other, group in enumerate(groups)
        if other != place and not (several and group.best.hit.passage.id == own)
    ]
    return float(masses[place]) - _log_sum([settings.no_answer, *rivals])


def _shift(best: AnswerGroup, settings: ConfidenceSettings) -> float:
    evidence = confidence_evidence(best)
    return settings.shift + float(sum(getattr(settings, name) * value for name, value in evidence.items()))


def confidence_evidence(best: AnswerGroup) -> dict[str, float]:
    """Evidence for the best answer beside its log-odds, under the names of `ConfidenceSettings`."""
    claim = best.best
    return {
        "margin": claim.candidate.margin,
        "coverage": claim.coverage,
        "cosine": claim.hit.dense_score or 0.0,
        "documents": math.log(best.documents),
        "words": math.log(len(claim.candidate.text.split()) or 1),
        "clause_words": claim.evidence.get("clause_words", 0.0),
    }


def claim_evidence(claims: Sequence[Claim]) -> NDArray[np.float64]:
    """The evidence of each claim, shape (claims, kinds), in the order of CLAIM_EVIDENCE."""
    best_score = max((claim.hit.score for claim in claims), default=0.0)
    cosines = [claim.hit.dense_score for claim in claims if claim.hit.dense_score is not None]
    # A passage found only by its words is further from the question than the last one found by its vector.
    least = min(cosines, default=0.0)
    rows = [
        (
            *_reading_evidence(claim),
            math.log(claim.hit.rank),
            best_score - claim.hit.score,
            claim.coverage,
            least if claim.hit.dense_score is None else claim.hit.dense_score,
        )
        for claim in claims
    ]
    return np.array(rows, dtype=np.float64).reshape(len(claims), len(CLAIM_EVIDENCE))


def _reading_evidence(claim: Claim) -> tuple[float, ...]:
    in_sentence = (claim.evidence.get(name, 0.0) for name in SENTENCE_EVIDENCE)
    return (claim.candidate.margin, claim.candidate.score, *in_sentence)


def reading_weight(claim: Claim, settings: DecisionSettings) -> float:
    """The part of a claim's weight that is known only once its passage was read."""
    weights = (getattr(settings, name) for name in READING_EVIDENCE)
    return float(sum(weight * value for weight, value in zip(weights, _reading_evidence(claim), strict=True)))


def _weighed(claims: Sequence[Claim], settings: DecisionSettings) -> list[Weighed]:
    """Claims with their weights, heaviest first; equal ones in the order of retrieval."""
    weights = claim_evidence(claims) @ np.array([getattr(settings, name) for name in CLAIM_EVIDENCE])
    weighed = [
        Weighed(claim=claim, weight=float(weight)) for claim, weight in zip(claims, weights, strict=True)
    ]
    return sorted(weighed, key=lambda item: (-item.weight, item.claim.hit.rank, item.claim.start))


def _distinct(weighed: Iterable[Weighed]) -> list[Weighed]:
    """Without claims that overlap a heavier one in the same document."""
    distinct: list[Weighed] = []
    taken: dict[str, list[tuple[int, int]]] = {}
    for item in weighed:
        ranges = taken.setdefault(item.claim.hit.document.id, [])
        start, end = item.claim.start, item.claim.end
        if not any(start < last and first < end for first, last in ranges):
            ranges.append((start, end))
            distinct.append(item)
    return distinct


def _log_sum(weights: Iterable[float]) -> float:
    return float(np.logaddexp.reduce(list(weights)))


def log_odds(probability: float) -> float:
    """The logarithm of a probability against its opposite; finite, as if 0 and 1 were a billionth off."""
    probability = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(probability / (1 - probability))


def _sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds)) if log_odds >= 0 else math.exp(log_odds) / (1 + math.exp(log_odds))
