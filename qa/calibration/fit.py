"""Fitting the decision to labelled questions: the weights, then the confidence, then the threshold.

    1. the weights of the evidence: the softmax over all answers and "no answer" gives the right one the
       greatest likelihood (shared normalisation over passages, Clark and Gardner 2018)
    2. confidence: logistic regression on the log-odds of the top answer and other evidence for it
       (Platt 1999; evidence beside the score as in Kamath, Jia and Liang 2020)
    3. how likely the sentence of that answer holds a right one: the same, on the confidence alone
    4. the threshold: a wrong answer costs as much as a right one is worth

An answer is right as a person would judge it (`qa.evaluation.judgement`), not only where it is word for word
the expected one.

A prior with the weight of one question draws both fits to where they began, so that thirty questions move
little and a thousand much. No model and no store: claims in, settings out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from index.evaluation.calibration_curves import expected_calibration_error
from qa.answering.decision import (
    CLAIM_EVIDENCE,
    AnswerGroup,
    Claim,
    ConfidenceSettings,
    DecisionSettings,
    SentenceSettings,
    claim_evidence,
    confidence_evidence,
    decide,
    group_claims,
    log_odds,
)
from qa.evaluation.judgement import holds_answer, is_right
from qa.forms.units import sentence_of
from qa.squad.metrics import exact_match, f1

_ROUNDS = 2
_AS_GOOD = 0.01
_CONSTANT = 1e-4
_BEYOND = -1e9  # the weight of a column without a claim
_NOT_NEGATIVE = ("margin", "coverage", "cosine", "documents")
_EVIDENCE = (*_NOT_NEGATIVE, "words", "clause_words")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuestion:
    """The claims of a question and its gold answers; no golds: the collection holds no answer.

    `article` groups questions that must fall on one side when parts are crossed. `kind` is a word such as
    fact or definition: how much longer than a gold answer an answer may be. `weight` is how much the question
    counts in a fit.
    """

    article: str
    claims: tuple[Claim, ...]
    golds: tuple[str, ...]
    kind: str = "fact"
    weight: float = 1.0

    def right(self, text: str) -> bool:
        """Whether an answer is right as a person would judge it."""
        return bool(self.golds) and is_right(text, self.golds, self.kind)

    def holds_answer(self, text: str) -> bool:
        """Whether a gold answer stands in a sentence."""
        return bool(self.golds) and holds_answer(text, self.golds)


def fit_decision(questions: Sequence[LabelledQuestion], start: DecisionSettings) -> DecisionSettings:
    """The decision that fits these questions best, from `start`."""
    usable = [question for question in questions if question.claims]
    settings = start
    for _ in range(_ROUNDS):  # which claims stand for an answer depends on the weights
        settings = _fit_weights(usable, settings, start)
    settings = replace(settings, confidence=_fit_confidence(usable, settings))
    settings = replace(settings, sentence=_fit_sentence(usable, settings))
    return replace(settings, threshold=_best_threshold(questions, settings), calibrated=True)


def crossed_figures(
    questions: Sequence[LabelledQuestion], start: DecisionSettings, *, judged: Sequence[str] = ()
) -> dict[str, float]:
    """Figures of settings fitted on one half of the articles and judged on the other, both ways.

    With `judged` each of these articles is judged by settings fitted on all the others.
    """
    articles = sorted({question.article for question in questions})
    parts = [{article} for article in judged] or [set(articles[::2]), set(articles[1::2])]
    outcomes: list[_Judged] = []
    for part in parts:
        rest = [question for question in questions if question.article not in part]
        if not rest or len(rest) == len(questions):
            return {}
        settings = fit_decision(rest, start)
        outcomes += _judged([question for question in questions if question.article in part], settings)
    return _figures(outcomes)


def figures(questions: Sequence[LabelledQuestion], settings: DecisionSettings) -> dict[str, float]:
    """How good a decision is on labelled questions."""
    return _figures(_judged(questions, settings))


@dataclass(frozen=True, slots=True)
class _Judged:
    confidence: float
    right: bool
    exact: bool
    f1: float
    answerable: bool
    answered: bool
    weight: float


def _judged(questions: Sequence[LabelledQuestion], settings: DecisionSettings) -> list[_Judged]:
    judged = []
    for question in questions:
        ranked = decide(question.claims, settings).ranked
        text = ranked[0].claim.candidate.text if ranked else ""
        chosen = (ranked[0].claim.chosen or text) if ranked else ""
        confidence = ranked[0].confidence if ranked else 0.0
        judged.append(
            _Judged(
                confidence,
                question.right(text),
                bool(question.golds and ranked) and exact_match(chosen, question.golds) == 1.0,
                f1(chosen, question.golds) if question.golds and ranked else 0.0,
                bool(question.golds),
                bool(ranked) and confidence >= settings.threshold,
                question.weight,
            )
        )
    return judged


def _figures(judged: Sequence[_Judged]) -> dict[str, float]:
    """Shares 0 to 1: exact match and F1 of the words chosen, and what is shown as a person would judge it.

    `ece` is the calibration error, `wrong` the share of answerable questions that are answered wrongly.
    """
    answerable = [item for item in judged if item.answerable]
    unanswerable = [item for item in judged if not item.answerable]
    answered = [item for item in judged if item.answered]
    top = sorted(judged, key=lambda item: -item.confidence)[: max(1, len(judged) // 2)]
    shares = {
        "exact_forced": _mean([item.exact for item in answerable]),
        "f1_forced": _mean([item.f1 for item in answerable]),
        "right_forced": _mean([item.right for item in answerable]),
        "ece": expected_calibration_error(
            [item.confidence for item in judged], [item.right for item in judged]
        ),
        "accuracy_top_half": _mean([item.right for item in top]),
        "accuracy_answered": _mean([item.right for item in answered]),
        "answered": _mean([item.answered for item in answerable]),
        "right": _mean([item.answered and item.right for item in answerable]),
        "wrong": _mean([item.answered and not item.right for item in answerable]),
    }
    return shares | ({"refused": _mean([not item.answered for item in unanswerable])} if unanswerable else {})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


# -- the weights ----------------------------------------------------------------------------------------


def _fit_weights(
    questions: Sequence[LabelledQuestion], settings: DecisionSettings, start: DecisionSettings
) -> DecisionSettings:
    if not questions:
        return settings
    batch = _Batch.of(questions, settings)
    began = torch.tensor([*(getattr(start, name) for name in CLAIM_EVIDENCE), start.no_answer])
    spread = torch.cat([_spread(batch.evidence[batch.taken]), torch.ones(1)])
    free = torch.zeros(len(began) + 1, requires_grad=True)
    agreement = torch.logit(torch.tensor(start.agreement).clamp(0.05, 0.95))

    def loss() -> torch.Tensor:
        weights = began + free[:-1] / spread
        likelihood = batch.log_likelihood(weights[:-1], weights[-1], torch.sigmoid(agreement + free[-1]))
        return (0.5 * free.square().sum() - (batch.weight * likelihood).sum()) / len(questions)

    _minimise(loss, free)
    with torch.no_grad():
        weights = (began + free[:-1] / spread).tolist()
        agreed = float(torch.sigmoid(agreement + free[-1]))
    named = dict(zip(CLAIM_EVIDENCE, weights, strict=False))
    return replace(settings, **named, no_answer=weights[-1], agreement=agreed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Batch:
    """All questions as arrays, padded to the most claims of one.

    `evidence` (questions, claims, kinds), `taken` and `counts` (questions, claims): whether there is a claim,
    and whether it counts (a copy does not); `group` its answer's number; `right` (questions,
    groups): whether that answer is a right one; `hopeless` (questions,): none is, or there is none; `weight`
    (questions,): how much each counts.
    """

    evidence: torch.Tensor
    taken: torch.Tensor
    counts: torch.Tensor
    group: torch.Tensor
    right: torch.Tensor
    hopeless: torch.Tensor
    weight: torch.Tensor

    @classmethod
    def of(cls, questions: Sequence[LabelledQuestion], settings: DecisionSettings) -> _Batch:
        grouped = [group_claims(question.claims, settings) for question in questions]
        width = max(sum(len(group.claims) for group in groups) for groups in grouped)
        shape = (len(questions), width)
        evidence = np.zeros((*shape, len(CLAIM_EVIDENCE)))
        taken, counts = np.zeros(shape, bool), np.zeros(shape, bool)
        number, right = np.zeros(shape, np.int64), np.zeros(shape, bool)
        for row, (question, groups) in enumerate(zip(questions, grouped, strict=True)):
            values = dict(zip(map(_place, question.claims), claim_evidence(question.claims), strict=True))
            column = 0
            for index, group in enumerate(groups):
                right[row, index] = question.right(group.best.candidate.text)
                for place, item in enumerate(group.claims):
                    evidence[row, column] = values[_place(item.claim)]
                    taken[row, column], number[row, column] = True, index
                    counts[row, column] = place not in group.copies
                    column += 1
        return cls(
            evidence=torch.from_numpy(evidence).float(),
            taken=torch.from_numpy(taken),
            counts=torch.from_numpy(counts),
            group=torch.from_numpy(number),
            right=torch.from_numpy(right),
            hopeless=torch.from_numpy(~right.any(axis=1)),
            weight=torch.tensor([question.weight for question in questions]),
        )

    def log_likelihood(
        self, weights: torch.Tensor, no_answer: torch.Tensor, agreement: torch.Tensor
    ) -> torch.Tensor:
        """Log-likelihood of the right answer, or of "no answer" where none is right, shape (questions,)."""
        claims = (self.evidence @ weights).masked_fill(~self.taken, _BEYOND)
        empty = torch.full_like(claims, _BEYOND)
        best = empty.scatter_reduce(1, self.group, claims, "amax")
        relative = (claims - best.gather(1, self.group)).exp() * self.counts
        others = torch.zeros_like(claims).scatter_add(1, self.group, relative).clamp_min(1.0).log()
        masses = best + agreement * others
        nothing = no_answer.expand(len(claims), 1)
        everything = torch.cat([masses, nothing], dim=1).logsumexp(dim=1)
        gold = masses.masked_fill(~self.right, _BEYOND).logsumexp(dim=1)
        return torch.where(self.hopeless, nothing[:, 0], gold) - everything


def _place(claim: Claim) -> tuple[int, int, int]:
    return claim.hit.rank, claim.start, claim.end


# -- the confidence ------------------------------------------------------------------------------------


def _fit_confidence(questions: Sequence[LabelledQuestion], settings: DecisionSettings) -> ConfidenceSettings:
    rows: list[list[float]] = []
    right: list[bool] = []
    plain = replace(settings, confidence=ConfidenceSettings())
    for question in questions:
        groups = group_claims(question.claims, plain)
        best = max(groups, key=lambda group: group.mass(plain.agreement))
        share = decide(question.claims, plain).confidence
        rows.append([log_odds(share), *_evidence(best)])
        right.append(question.right(best.best.candidate.text))
    if not rows:
        return settings.confidence
    values, wanted = torch.tensor(rows), torch.tensor(right).float()
    counts = torch.tensor([question.weight for question in questions])
    spread = _spread(values)
    bounded = torch.tensor([True, *(name in _NOT_NEGATIVE for name in _EVIDENCE)])
    # Weights that may not be negative are squares; they begin above 0, where a square has a slope.
    began = torch.where(bounded, torch.tensor(0.1), torch.tensor(0.0))
    began[0] = spread[0].sqrt()  # a weight of 1: the log-odds as they are
    free = torch.cat([began, torch.zeros(1)]).requires_grad_()

    def weights() -> torch.Tensor:
        return torch.where(bounded, free[:-1].square(), free[:-1]) / spread

    def loss() -> torch.Tensor:
        odds = values @ weights() + free[-1]
        fit = torch.nn.functional.binary_cross_entropy_with_logits(odds, wanted, counts, reduction="sum")
        return (fit + 0.5 * (weights() * spread)[1:].square().sum()) / len(rows)

    _minimise(loss, free)
    with torch.no_grad():
        scale, *rest = weights().tolist()
        shift = float(free[-1])
    return ConfidenceSettings(scale=scale, shift=shift, **dict(zip(_EVIDENCE, rest, strict=True)))


def _fit_sentence(questions: Sequence[LabelledQuestion], settings: DecisionSettings) -> SentenceSettings:
    rows, holds = [], []
    for question in questions:
        best = decide(question.claims, settings).ranked[0]
        claim, passage = best.claim.candidate, best.claim.hit.passage.text
        place = sentence_of(passage, claim.start, claim.end, best.claim.hit.document.language)
        rows.append(log_odds(best.confidence))
        holds.append(question.holds_answer(passage[place.start : place.end]))
    if not rows:
        return settings.sentence
    odds, wanted = torch.tensor(rows), torch.tensor(holds).float()
    counts = torch.tensor([question.weight for question in questions])
    began = torch.tensor([settings.sentence.scale, settings.sentence.shift])
    free = torch.zeros(2, requires_grad=True)

    def loss() -> torch.Tensor:
        scale, shift = began + free
        fit = torch.nn.functional.binary_cross_entropy_with_logits(
            scale * odds + shift, wanted, counts, reduction="sum"
        )
        return (fit + 0.5 * free.square().sum()) / len(rows)

    _minimise(loss, free)
    scale, shift = (began + free.detach()).tolist()
    return replace(settings.sentence, scale=scale, shift=shift)


def _evidence(best: AnswerGroup) -> list[float]:
    evidence = confidence_evidence(best)
    return [evidence[name] for name in _EVIDENCE]


def _spread(values: torch.Tensor) -> torch.Tensor:
    """The standard deviation of every column, 1 for constant ones."""
    deviations = values.std(dim=0, correction=0)
    return torch.where(deviations > _CONSTANT, deviations, torch.ones_like(deviations))


def _minimise(loss: Callable[[], torch.Tensor], free: torch.Tensor) -> None:
    optimiser = torch.optim.LBFGS([free], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss()
        torch.autograd.backward(value)
        return value

    optimiser.step(closure)  # type: ignore[no-untyped-call]


# -- the threshold --------------------------------------------------------------------------------------


def _best_threshold(questions: Sequence[LabelledQuestion], settings: DecisionSettings) -> float:
    """The confidence from which answering earns the most, where a wrong answer costs as much as a right one.

    The top of that curve is flat, and chance decides where on it the highest point is: of all thresholds that
    earn at most one answer per hundred questions less, the one nearest to .5 is taken, where it is for a
    confidence without error.
    """
    judged = _judged(questions, settings)
    if all(item.answerable for item in judged) or not any(item.answerable for item in judged):
        return settings.threshold

    def earned(threshold: float) -> float:
        given = (item for item in judged if item.confidence >= threshold)
        return sum(item.weight * (1.0 if item.right else -1.0) for item in given)

    earnings = {step / 100: earned(step / 100) for step in range(1, 100)}
    least = max(earnings.values()) - _AS_GOOD * sum(item.weight for item in judged)
    good = [threshold for threshold, earning in earnings.items() if earning >= least]
    return min(good, key=lambda threshold: abs(threshold - 0.5))
