"""Sequences of any lengths as padded batches that waste little, and back (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from index.protocols import TokenIds

Outputs = tuple[NDArray[np.float32], ...]

TOKENS_PER_BATCH = 4096


def run_in_batches(
    run: Callable[[TokenIds, TokenIds], Outputs],
    sequences: Sequence[TokenIds],
    pad_id: int,
    token_budget: int = TOKENS_PER_BATCH,
) -> Iterator[tuple[int, Outputs]]:
    """Runs sequences of any lengths; gives (index in `sequences`, outputs cut to that sequence's length).

    `run` takes ids and attention mask of one batch. Neighbours in length share a batch of at most
    `token_budget` tokens, padding included, so the results come in another order than the sequences: the
    index says which is which. Empty sequences are refused with ValueError.
    """
    for batch in of_like_length(sequences, token_budget):
        ids, mask = padded([sequences[index] for index in batch], pad_id)
        outputs = run(ids, mask)
        for row, index in enumerate(batch):
            yield index, tuple(output[row, : len(sequences[index])] for output in outputs)


def of_like_length(
    sequences: Sequence[TokenIds], token_budget: int = TOKENS_PER_BATCH
) -> Iterator[list[int]]:
    """The indexes of the sequences, longest first, in runs of at most so many tokens, padding included."""
    order = longest_first(sequences)
    start = 0
    while start < len(order):
        batch = order[start : start + max(1, token_budget // len(sequences[order[start]]))]
        yield batch
        start += len(batch)


def longest_first(sequences: Sequence[TokenIds]) -> list[int]:
    """The indexes of the sequences, the longest first; ValueError for an empty sequence."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    if lengths.size and not lengths.min():
        raise ValueError("a sequence without tokens cannot be run")
    return [int(index) for index in np.argsort(-lengths, kind="stable")]


def padded(sequences: Sequence[TokenIds], pad_id: int) -> tuple[TokenIds, TokenIds]:
    """Ids and attention mask of shape (len(sequences), longest)."""
    longest = max(len(sequence) for sequence in sequences)
    ids = np.full((len(sequences), longest), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def segments(input_ids: TokenIds, separator: int) -> TokenIds:
    """0 up to the first separator of each row, 1 after it."""
    is_separator = input_ids == separator
    before = np.cumsum(is_separator, axis=1) - is_separator
    return np.asarray(np.minimum(before, 1), dtype=np.int64)
