"""Running a transformers model with PyTorch behind the `Engine` protocol: every family, any device.

The reference that other engines are compared with. The segment numbers that BERT wants for a pair are
computed from the separators, because no other family here uses them.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

from index.engines.batching import Outputs, run_in_batches, segments
from index.protocols import TokenIds

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


class TorchEngine:
    """A transformers model of either role.

    `outputs` names the model's output fields in the order in which `run` gives them, `pad_id` fills short
    rows of a batch; `separator` is the separator's id where the model numbers its segments, None where it
    does not.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        outputs: tuple[str, ...],
        *,
        pad_id: int,
        device: str = "cpu",
        separator: int | None = None,
        name: str = "torch",
    ) -> None:
        keep_freed_memory()
        self._device = torch.device(device)
        self._model = model.to(self._device).eval()
        self._outputs = outputs
        self._pad_id = pad_id
        self._separator = separator
        self.name = name

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, Outputs]]:
        """(index in `sequences`, outputs as float32) for each sequence, the longest first."""
        return run_in_batches(self.run_batch, sequences, self._pad_id)

    def run_batch(self, input_ids: TokenIds, attention_mask: TokenIds) -> Outputs:
        """The model's outputs as float32 for one padded batch, both inputs of shape (batch, length)."""
        inputs = torch_inputs(input_ids, attention_mask, self._separator, self._device)
        with torch.inference_mode():
            output = self._model(**inputs)
            return tuple(getattr(output, name).float().cpu().numpy() for name in self._outputs)


def torch_inputs(
    input_ids: TokenIds, attention_mask: TokenIds, separator: int | None, device: torch.device
) -> dict[str, torch.Tensor]:
    """The arguments of a transformers model for one padded batch, both arrays of shape (batch, length).

    `separator` is the separator's id where the model numbers its segments, None where it does not.
    """
    inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
    if separator is not None:
        inputs["token_type_ids"] = segments(input_ids, separator) * attention_mask
    return {name: torch.from_numpy(np.ascontiguousarray(item)).to(device) for name, item in inputs.items()}


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """The model without dropout and gradients; afterwards in the mode in which it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


@cache
def keep_freed_memory() -> bool:
    """Tells glibc to keep the large blocks that a forward pass frees, and says whether it did.

    By default every intermediate array is mapped and unmapped again, and the page faults cost as much as the
    arithmetic of a small model. Other C libraries are left alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # 32 MiB is the largest threshold that glibc takes for mapping.
    return bool(mallopt(_M_MMAP_THRESHOLD, 32 * 2**20) and mallopt(_M_TRIM_THRESHOLD, 512 * 2**20))
