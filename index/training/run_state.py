"""Checkpoints of a run that can be resumed: weights, optimiser and average in safetensors, the rest in JSON.

Each checkpoint is a folder of its own, written beside its final name and renamed, so that a kill at any
moment leaves the one before it. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from index.errors import DataError

_PREFIX = "step-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A checkpoint as read: how many steps are done, named tensors, and what else was noted."""

    step: int
    tensors: dict[str, torch.Tensor]
    notes: dict[str, Any]


def run_identity(facts: Sequence[object], items: Iterable[bytes]) -> str:
    """A hash of what is trained from what, by which a checkpoint is known as one of the same run.

    `facts` are settings (dataclasses) and names, `items` the data in their order.
    """
    digest = hashlib.sha256(json.dumps(facts, default=asdict, sort_keys=True).encode())
    for item in items:
        digest.update(item)
    return digest.hexdigest()


def made_folder(out: Path) -> Path:
    """The folder of a result, which can be written to: better known before hours of work than after."""
    try:
        (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out} cannot be made: {error}", hint="give --out another folder") from error
    return out


def save_state(
    folder: Path, step: int, tensors: Mapping[str, torch.Tensor], notes: Mapping[str, Any]
) -> None:
    """Write the checkpoint of a step and remove the older ones."""
    target = folder / f"{_PREFIX}{step:08d}"
    draft = folder / f"draft-{target.name}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, draft / "state.safetensors")
    (draft / "state.json").write_text(json.dumps({"step": step, **notes}, indent=1), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)
    for other in _checkpoints(folder):
        if other != target:
            shutil.rmtree(other, ignore_errors=True)


def load_state(folder: Path) -> Saved | None:
    """The newest checkpoint, None where there is none; raises DataError where it cannot be read."""
    checkpoints = _checkpoints(folder)
    if not checkpoints:
        return None
    newest = checkpoints[-1]
    try:
        notes = json.loads((newest / "state.json").read_text(encoding="utf-8"))
        tensors = load_file(newest / "state.safetensors")
        return Saved(step=int(notes.pop("step")), tensors=tensors, notes=notes)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise DataError(
            f"the checkpoint {newest} cannot be read: {error}",
            hint="remove that folder to start the training again",
        ) from error


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if path.is_dir())
