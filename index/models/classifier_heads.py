"""From a text's hidden states, or its vector, to a probability for each label (numpy, no model library).

    hidden state of the first token -> dense -> tanh -> output      a fine-tuned checkpoint (RoBERTa, BERT)
    vector of unit length -> output                                 a linear head on a frozen encoder

Both are a few thousand numbers, so that any engine that runs an encoder runs a classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.engines.reference_roberta import softmax
from index.errors import ModelError

Floats = NDArray[np.float32]

# The names under which the families of checkpoints keep the two layers.
_DENSE = ("classifier.dense", "bert.pooler.dense", "pooler.dense")
_OUTPUT = ("classifier.out_proj", "classifier")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """`x @ weight.T + bias`: weight of shape (outputs, inputs), bias (outputs,)."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """From (n, inputs) to (n, outputs)."""
        return np.asarray(x @ self.weight.T + self.bias, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """One or two layers; `dense` is None for a linear head."""

    output: Layer
    dense: Layer | None = None

    @property
    def labels(self) -> int:
        """How many labels it tells apart."""
        return len(self.output.bias)

    def probabilities(self, x: Floats) -> Floats:
        """From (n, width) to (n, labels); every row sums to 1."""
        inner = x if self.dense is None else np.tanh(self.dense(x))
        return softmax(self.output(inner))


def pair_features(first: Floats, second: Floats) -> Floats:
    """What a linear head sees of two vectors: |a - b|, a * b, a and b, shape (n, 4 * width).

    Conneau et al. 2017; the products are brought to the size of the rest (unit vectors have small entries).
    """
    size = np.float32(np.sqrt(first.shape[1]) / 2)
    return np.concatenate([np.abs(first - second), size * first * second, first, second], axis=1)


def head_of(weights: Mapping[str, NDArray[Any]], where: str) -> Head:
    """The head among a checkpoint's weights; raises ModelError where there is none of a known form."""
    dense, output = (_layer(weights, names) for names in (_DENSE, _OUTPUT))
    if dense is None or output is None or dense.weight.shape[0] != output.weight.shape[1]:
        raise ModelError(
            f"{where} has no classification head of RoBERTa's or BERT's form",
            hint="give a folder made by `spanwise train classifier`, or one for sequence classification",
        )
    return Head(dense=dense, output=output)


def _layer(weights: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> Layer | None:
    for name in names:
        if f"{name}.weight" in weights and f"{name}.bias" in weights:
            return Layer(
                weight=np.asarray(weights[f"{name}.weight"], np.float32),
                bias=np.asarray(weights[f"{name}.bias"], np.float32),
            )
    return None
