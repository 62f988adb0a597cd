"""How good a classifier is on labelled texts that it has not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from index.datasets.labelled_texts import Example
from index.errors import DataError
from index.evaluation.classification import LabelReport, label_report
from index.models.classifier import Classifier
from index.models.classifier_heads import Floats

_AT_ONCE = 256


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
