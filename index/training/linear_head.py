"""A linear head on frozen vectors: multinomial logistic regression, its strength chosen by crossed halves.

With some dozens of texts a whole model learns them by heart; a few hundred numbers over good vectors do not.
The fit is convex (L-BFGS from zero), so that the same vectors always give the same head.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from index.models.classifier_heads import Floats, Head, Layer

STRENGTHS = (1e-6, 1e-5, 1e-4, 1e-3)
_FOLDS = 5
_MANY = 2000  # of so many texts one fifth, held out once, says enough


def fit_linear(vectors: Floats, wanted: NDArray[np.float32]) -> tuple[Head, float]:
    """The head for vectors of shape (texts, width), and the strength of its regularisation.

    `wanted`, shape (texts, labels), is 1 for the labels of which a text's is one and 0 elsewhere.
    """
    scored = {strength: _crossed(vectors, wanted, strength) for strength in STRENGTHS}
    best = max(scored, key=lambda strength: scored[strength])
    return _fit(vectors, wanted, best), best


def _crossed(vectors: Floats, wanted: NDArray[np.float32], strength: float) -> float:
    """The mean log-likelihood of texts that took no part in the fit."""
    folds = _folds(wanted)
    total = 0.0
    judged = 0
    for fold in range(1 if len(vectors) > _MANY else _FOLDS):
        inside = folds == fold
        if not inside.any() or inside.all():
            continue
        judged += int(inside.sum())
        probabilities = _fit(vectors[~inside], wanted[~inside], strength).probabilities(vectors[inside])
        total += float(np.log(np.maximum((probabilities * wanted[inside]).sum(axis=1), 1e-9)).sum())
    return total / max(1, judged)


def _folds(wanted: NDArray[np.float32]) -> NDArray[np.int64]:
    """A fold for each text, the texts of a label spread over all."""
    folds = np.zeros(len(wanted), dtype=np.int64)
    first = wanted.argmax(axis=1)
    for label in range(wanted.shape[1]):
        rows = np.flatnonzero(first == label)
        folds[rows] = np.arange(len(rows)) % _FOLDS
    return folds


def _fit(vectors: Floats, wanted: NDArray[np.float32], strength: float) -> Head:
    x, y = torch.from_numpy(vectors), torch.from_numpy(wanted)
    weight = torch.zeros(y.shape[1], x.shape[1], requires_grad=True)
    bias = torch.zeros(y.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = one_of(torch.nn.functional.linear(x, weight, bias), y).mean()
        loss = loss + strength * weight.square().sum()
        torch.autograd.backward(loss)
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return Head(output=Layer(weight=weight.detach().numpy(), bias=bias.detach().numpy()))


def one_of(logits: torch.Tensor, wanted: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """The loss of each row, shape (rows,): less the log of the probability of all labels wanted together.

    `wanted` has the shape of `logits`, 1 for what is right and 0 elsewhere. With `smoothing` that share of
    certainty goes to all labels alike (Szegedy et al. 2016).
    """
    likely = logits.log_softmax(dim=-1)
    loss = -likely.masked_fill(wanted == 0, -torch.inf).logsumexp(dim=-1)
    return loss if not smoothing else (1 - smoothing) * loss - smoothing * likely.mean(dim=-1)


def wanted_rows(labels: Sequence[str], golds: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """Shape (texts, labels): 1 for the labels of which each text's is one."""
    place = {label: number for number, label in enumerate(labels)}
    rows = np.zeros((len(golds), len(labels)), dtype=np.float32)
    for row, gold in enumerate(golds):
        rows[row, [place[label] for label in gold]] = 1.0
    return rows
