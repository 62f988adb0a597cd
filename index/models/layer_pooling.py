"""Which layers a vector is taken from, and how those of several tokens become one (pure).

layers    last | 4 | 0-6 | 3,6 | all      0 is the embeddings, 1 the first layer; several are averaged
pooling   model                            as the checkpoint was trained: what a search uses
          mean | max | first               over the text's own pieces, special tokens left out
          cls                              the first special token
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from index.checkpoints.files import Pooling
from index.errors import DataError

if TYPE_CHECKING:
    import torch

How = Literal["model", "mean", "max", "first", "cls"]


def chosen_layers(text: str, layers: int) -> tuple[int, ...]:
    """The numbers meant by `text` for a model of so many layers, ascending; raises DataError.

    >>> chosen_layers("last", 6), chosen_layers("0,4-6", 6)
    ((6,), (0, 4, 5, 6))
    """
    numbers: set[int] = set()
    for part in text.split(","):
        part = part.strip()
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if part == "last":
            numbers.add(layers)
        elif part == "all":
            numbers |= set(range(layers + 1))
        elif found is not None:
            numbers |= set(range(int(found[1]), int(found[2] or found[1]) + 1))
        else:
            numbers.add(-1)
    if not numbers or min(numbers) < 0 or max(numbers) > layers:
        raise DataError(
            f"{text!r} names no layers of this model", hint=f"give last, all, or numbers from 0 to {layers}"
        )
    return tuple(sorted(numbers))


def pool_states(
    states: NDArray[np.float32], how: How, trained: Pooling, before: int, after: int
) -> NDArray[np.float32]:
    """One vector for each layer, (layers, width), of one framed text's states, (layers, n, width).

    `before` and `after` are the special tokens around the text; `trained` is the checkpoint's own pooling.
    """
    own = states[:, before : states.shape[1] - after]
    if how == "cls" or (how == "model" and trained == "cls"):
        pooled = states[:, 0]
    elif how == "model":
        pooled = states.mean(axis=1)
    elif how == "first":
        pooled = own[:, 0]
    else:
        pooled = own.max(axis=1) if how == "max" else own.mean(axis=1)
    return np.asarray(pooled, dtype=np.float32)


def pool_words(states: NDArray[np.float32], numbers: NDArray[np.int64], how: How) -> NDArray[np.float32]:
    """One vector for each word, (words, width), of its pieces' states, (n, width), in the order of the words.

    `numbers` are those of `ingest.text.words.word_numbers`.
    """
    words: Sequence[NDArray[np.int64]] = [
        np.flatnonzero(numbers == word) for word in range(int(numbers.max(initial=-1)) + 1)
    ]
    if not words:
        return np.zeros((0, states.shape[1]), dtype=np.float32)
    if how == "first":
        return states[[places[0] for places in words]]
    rows = [states[places].max(axis=0) if how == "max" else states[places].mean(axis=0) for places in words]
    return np.stack(rows)


def pooled(hidden: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """The vectors (n, width) of n texts by their checkpoint's pooling.

    `hidden` are the states of their tokens (n, length, width), `mask` (n, length) is 0 for padding.
    """
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)
