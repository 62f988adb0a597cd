"""Exact match and F1 by the official SQuAD rules, and the threshold that serves a file best.

The rules are those of the published v1.1 and v2.0 evaluation scripts: lower case, no ASCII punctuation, no
English articles, single blanks; the best of several gold answers counts; a question without gold answers has
the one gold answer ''. Pure functions over strings and numbers.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower case without punctuation, articles and surplus blanks.

    >>> normalise_answer("The  U.S. Senate!")
    'us senate'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def gold_answers(answers: Sequence[str]) -> tuple[str, ...]:
    """The gold answers that count: those with something left after normalising, else ('',)."""
    return tuple(answer for answer in answers if normalise_answer(answer)) or ("",)


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1.0 where the prediction is one of the golds after normalising, else 0.0."""
    return float(normalise_answer(prediction) in {normalise_answer(gold) for gold in golds})


def f1(prediction: str, golds: Sequence[str]) -> float:
    """The best token overlap of the prediction with one gold: harmonic mean of precision and recall."""
    return max(_f1(prediction, gold) for gold in golds)


def _f1(prediction: str, gold: str) -> float:
    predicted, expected = normalise_answer(prediction).split(), normalise_answer(gold).split()
    if not predicted or not expected:
        return float(predicted == expected)
    common = (Counter(predicted) & Counter(expected)).total()
    # 2PR / (P + R) with P = common / predicted and R = common / expected
    return 2 * common / (len(predicted) + len(expected))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One question for the choice of a threshold.

    `score` is what answering earns (exact match or F1 of `predicted`), `no_answer` how strongly the model
    holds that there is none (any scale), `answerable` whether there are gold answers.
    """

    predicted: str
    score: float
    no_answer: float
    answerable: bool


def best_threshold(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """The best mean score (0 to 100) that one threshold on `no_answer` reaches, and that threshold.

    Questions at or below the threshold are answered, the others refused; a refusal earns 1 where there is
    no answer. As in the official script, refusing everything (threshold 0.0) is where the search starts.
    """
    if not outcomes:
        return 0.0, 0.0
    current = best = float(sum(not outcome.answerable for outcome in outcomes))
    threshold = 0.0
    for outcome in sorted(outcomes, key=lambda outcome: outcome.no_answer):
        if outcome.answerable:
            current += outcome.score
        elif outcome.predicted:
            current -= 1
        if current > best:
            best, threshold = current, outcome.no_answer
    return 100 * best / len(outcomes), threshold


def expected_calibration_error(
    confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10
) -> float:
    """Mean gap between confidence and accuracy over `bins` equal ranges of confidence, by their sizes."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in zip(confidences, right, strict=True):
        groups.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, hit))
    gaps = (abs(sum(confidence - hit for confidence, hit in group)) for group in groups.values())
    return sum(gaps) / len(confidences) if confidences else 0.0
