"""How well a classifier labels texts: accuracy, precision, recall, F1, and which labels are confused."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.datasets.labelled_texts import Example
from index.errors import DataError
from index.evaluation.bootstrap import Interval, bootstrap
from index.evaluation.calibration_curves import expected_calibration_error
from index.models.classifier import Classifier
from index.models.classifier_heads import Floats

Counts = NDArray[np.int64]
_AT_ONCE = 256  # texts between two calls of `progress`


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """Of one label: 0.0 where nothing was given, or nothing there to find; `support` is how many bear it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelReport:
    """Figures of a classifier on labelled texts.

    `confusion` counts texts by true label (rows) and given label (columns), both in the order of `scores`.
    `ece` is the expected calibration error of the given label's probability in ten bins of equal width.
    """

    scores: tuple[LabelScore, ...]
    confusion: Counts
    accuracy: float
    interval: Interval
    macro_f1: float
    ece: float
    seconds: float = 0.0

    @property
    def texts(self) -> int:
        """How many were judged."""
        return int(self.confusion.sum())

    def confused(self, most: int = 10) -> list[tuple[str, str, int]]:
        """(true label, given label, count) of the commonest mistakes, commonest first."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        found = []
        for place in order.tolist():
            row, column = divmod(place, len(self.scores))
            if wrong[row, column]:
                found.append((self.scores[row].label, self.scores[column].label, int(wrong[row, column])))
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": [self.interval.low, self.interval.high],
            "macro_f1": self.macro_f1,
            "ece": self.ece,
            "texts": self.texts,
            "labels": {
                score.label: {
                    "precision": score.precision,
                    "recall": score.recall,
                    "f1": score.f1,
                    "support": score.support,
                }
                for score in self.scores
            },
            "confusion": {
                "labels": [score.label for score in self.scores],
                "counts": self.confusion.tolist(),
            },
            "seconds": self.seconds,
        }


def label_report(
    labels: Sequence[str],
    golds: Sequence[Sequence[str]],
    probabilities: Floats,
    *,
    seconds: float = 0.0,
) -> LabelReport:
    """The report of `probabilities`, shape (texts, labels), against each text's right labels.

    A text whose label is only known to be one of several is right with any of them and counts under the one
    given, or under the first. At least one text.
    """
    given = probabilities.argmax(axis=1)
    place = {label: number for number, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    right = np.zeros(len(golds))
    for row, (gold, chosen) in enumerate(zip(golds, given.tolist(), strict=True)):
        right[row] = labels[chosen] in gold
        confusion[chosen if right[row] else place[gold[0]], chosen] += 1
    # Rounded, because .7 in float32 is just below the border of its bin.
    surest = np.round(probabilities.max(axis=1).astype(np.float64), 6)
    scores = tuple(_score(label, number, confusion) for number, label in enumerate(labels))
    return LabelReport(
        scores=scores,
        confusion=confusion,
        accuracy=float(right.mean()),
        interval=bootstrap({"accuracy": lambda counts: counts @ right / len(right)}, len(right))["accuracy"],
        macro_f1=float(np.mean([score.f1 for score in scores if score.support])),
        ece=expected_calibration_error(surest.tolist(), (right > 0).tolist()),
        seconds=seconds,
    )


def _score(label: str, number: int, confusion: Counts) -> LabelScore:
    hit = int(confusion[number, number])
    given, support = int(confusion[:, number].sum()), int(confusion[number].sum())
    return LabelScore(
        label=label,
        precision=hit / given if given else 0.0,
        recall=hit / support if support else 0.0,
        f1=2 * hit / (given + support) if given + support else 0.0,
        support=support,
    )


def evaluate_classifier(
    examples: Sequence[Example],
    classifier: Classifier,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> LabelReport:
    """The figures of a classifier on labelled texts or pairs.

    Labels are compared without regard to capitals. Raises DataError where a text bears a label that the
    classifier does not know.
    """
    known = {label.casefold(): label for label in classifier.labels}
    unknown = sorted({label for item in examples for label in item.labels if label.casefold() not in known})
    if unknown:
        raise DataError(
            f"{classifier.name} does not know the label {unknown[0]!r}, "
            f"only {', '.join(classifier.labels[:8])}",
            hint="rename it in the file, or leave these rows out",
        )
    golds = [tuple(known[label.casefold()] for label in item.labels) for item in examples]
    parts: list[Floats] = []
    began = time.monotonic()
    for first in range(0, len(examples), _AT_ONCE):
        parts.append(classifier.probabilities([item.texts for item in examples[first : first + _AT_ONCE]]))
        if progress:
            progress(min(first + _AT_ONCE, len(examples)), len(examples))
    seconds = time.monotonic() - began
    return label_report(classifier.labels, golds, np.concatenate(parts), seconds=seconds)
