"""Running a checkpoint: PyTorch behind the `Engine` protocol, and batches that waste little on padding.

Arrays go in and come out, so that a faster engine can take this one's place. Whoever calls gives ids already
framed; the segment numbers that BERT wants for a pair are read off the separators, because no other family
here uses them and the seam would be wider for all.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from index.protocols import Engine, TokenIds

TOKENS_PER_BATCH = 4096
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


class TorchEngine:
    """A transformers model of either role.

    `outputs` names the model's output fields in the order in which `run` gives them; `separator` is the
    separator's id where the model numbers its segments, None where it does not.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        outputs: tuple[str, ...],
        *,
        device: str = "cpu",
        separator: int | None = None,
    ) -> None:
        keep_freed_memory()
        self._device = torch.device(device)
        self._model = model.to(self._device).eval()
        self._outputs = outputs
        self._separator = separator

    def run(self, input_ids: TokenIds, attention_mask: TokenIds) -> tuple[NDArray[np.float32], ...]:
        """The model's outputs as float32 for one padded batch, both inputs of shape (batch, length)."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if self._separator is not None:
            inputs["token_type_ids"] = segments(input_ids, self._separator) * attention_mask
        with torch.inference_mode():
            output = self._model(**{name: self._tensor(array) for name, array in inputs.items()})
            return tuple(getattr(output, name).float().cpu().numpy() for name in self._outputs)

    def _tensor(self, array: TokenIds) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def run_in_batches(
    engine: Engine, sequences: Sequence[TokenIds], pad_id: int, token_budget: int = TOKENS_PER_BATCH
) -> Iterator[tuple[int, tuple[NDArray[np.float32], ...]]]:
    """Runs sequences of any lengths; gives (index in `sequences`, outputs cut to that sequence's length).

    Neighbours in length share a batch of at most `token_budget` tokens, padding included, so the results come
    in another order than the sequences: the index says which is which. Empty sequences are refused with
    ValueError.
    """
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    if lengths.size and not lengths.min():
        raise ValueError("a sequence without tokens cannot be run")
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        batch = order[start : start + max(1, token_budget // longest)]
        ids, mask = padded([sequences[index] for index in batch], pad_id)
        outputs = engine.run(ids, mask)
        for row, index in enumerate(batch):
            yield int(index), tuple(output[row, : lengths[index]] for output in outputs)
        start += len(batch)


def padded(sequences: Sequence[TokenIds], pad_id: int) -> tuple[TokenIds, TokenIds]:
    """Ids and attention mask of shape (len(sequences), longest)."""
    longest = max(len(sequence) for sequence in sequences)
    ids = np.full((len(sequences), longest), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


@cache
def keep_freed_memory() -> bool:
    """Tells glibc to keep the large blocks that a forward pass frees, and says whether it did.

    By default every intermediate array is mapped and unmapped anew, and the page faults cost as much as the
    arithmetic of a small model. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # 32 MiB is the largest threshold that glibc takes for mapping.
    return bool(mallopt(_M_MMAP_THRESHOLD, 32 * 2**20) and mallopt(_M_TRIM_THRESHOLD, 512 * 2**20))


def segments(input_ids: TokenIds, separator: int) -> TokenIds:
    """0 up to the first separator of each row, 1 after it."""
    is_separator = input_ids == separator
    before = np.cumsum(is_separator, axis=1) - is_separator
    return np.asarray(np.minimum(before, 1), dtype=np.int64)
