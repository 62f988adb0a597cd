"""Weights stored small, for models that come in a wheel: the file, and its way back to plain numbers.

    blocks   32 weights of a row in 18 bytes: a float16 scale and a half byte each (the Q4_0 of llama.cpp)
    rows     a byte for each weight and a float32 scale for each row, an output channel of a matrix
    plain    as it is

A compact file is a `model.safetensors` whose metadata says in which form each weight is kept, and which other
files hold the rest: a word table that two models share stands once. What comes out is float16 (what is plain
keeps its kind), the same bits for every engine and for a plain copy. Blocks are used only where they give
back every bit, so a model that was published in them loses nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from index.errors import ModelError

FORM = "spanwise-compact-1"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_ROWS_AT_ONCE = 16_384
_SCALE = ".scale"
# Tables that are added up as they are: small, and every error in them reaches every token.
_NEVER_ROUNDED = ("position_embeddings", "token_type_embeddings", "qa_outputs", "LayerNorm")

Array = NDArray[Any]
Half = NDArray[np.float16]
Bytes = NDArray[np.uint8]


# -- forms --------------------------------------------------------------------------------------------------


def pack_blocks(values: Half) -> Bytes | None:
    """A float16 matrix (rows, columns) as blocks (rows * columns / 32, 18); None where some are lost."""
    if values.ndim != 2 or values.shape[1] % _BLOCK:
        return None
    packed = []
    for first in range(0, len(values), _ROWS_AT_ONCE):
        part = _pack(values[first : first + _ROWS_AT_ONCE].reshape(-1, _BLOCK))
        if part is None:
            return None
        packed.append(part)
    return np.concatenate(packed) if packed else np.empty((0, _BLOCK_BYTES), np.uint8)


def _pack(blocks: Half) -> Bytes | None:
    """The largest weight of a block stands for -8, which gives the scale; a block of zeros has none."""
    wide = blocks.astype(np.float32)
    largest = np.take_along_axis(wide, np.abs(wide).argmax(axis=1)[:, None], axis=1)
    scale = (largest / -8).astype(np.float16)
    step = scale.astype(np.float32)
    steps = np.divide(wide, step, out=np.zeros_like(wide), where=step != 0).round().clip(-8, 7)
    if not np.array_equal((steps * step).astype(np.float16), blocks):
        return None
    halves = (steps + 8).astype(np.uint8)
    joined = halves[:, : _BLOCK // 2] | halves[:, _BLOCK // 2 :] << 4
    return np.concatenate([scale.view(np.uint8).reshape(-1, 2), joined], axis=1)


def unpack_blocks(packed: Bytes, rows: int, columns: int) -> Half:
    """The matrix (rows, columns) of its blocks."""
    values = np.empty((len(packed), _BLOCK), np.float16)
    for first in range(0, len(packed), _ROWS_AT_ONCE):
        part = packed[first : first + _ROWS_AT_ONCE]
        scale = np.ascontiguousarray(part[:, :2]).view("<f2").astype(np.float32)
        halves = part[:, 2:]
        steps = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32) - 8
        values[first : first + len(part)] = steps * scale
    return values.reshape(rows, columns)


def round_rows(values: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix as bytes of the same shape and a scale for each row, shape (rows,)."""
    wide = values.astype(np.float32)
    scale = np.abs(wide).max(axis=1) / 127
    steps = np.divide(wide, scale[:, None], out=np.zeros_like(wide), where=scale[:, None] != 0).round()
    return steps.astype(np.int8), scale


def widen_rows(steps: NDArray[np.int8], scale: NDArray[np.float32]) -> Half:
    """The matrix of its bytes and scales."""
    return (steps.astype(np.float32) * scale[:, None]).astype(np.float16)


# -- files --------------------------------------------------------------------------------------------------


def write_compact(
    weights: Mapping[str, Array], path: Path, *, others: Mapping[str, Iterable[str]] | None = None
) -> dict[str, str]:
    """Write weights (float16 or float32) in the smallest form that serves each, and give the form of each.

    Matrices become blocks where no bit is lost, else rows; tables of positions and vectors stay plain.
    `others` are files by their path from this one's folder, and the names of the weights that they hold:
    these are left out here. Raises ModelError where the file cannot be written.
    """
    others = {file: sorted(names) for file, names in (others or {}).items()}
    elsewhere = {name for names in others.values() for name in names}
    tensors: dict[str, Array] = {}
    forms: dict[str, dict[str, Any]] = {}
    for name, value in weights.items():
        if name in elsewhere:
            continue
        form, parts = _smallest(name, value)
        forms[name] = {"form": form, "shape": list(value.shape)}
        tensors |= {f"{name}{ending}": part for ending, part in parts.items()}
    notes = {"format": FORM, "forms": json.dumps(forms), "others": json.dumps(others)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: np.ascontiguousarray(part) for name, part in tensors.items()}, path, metadata=notes)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error}", hint="give a folder that can be written to"
        ) from error
    return {name: entry["form"] for name, entry in forms.items()}


def _smallest(name: str, value: Array) -> tuple[str, dict[str, Array]]:
    if value.ndim == 2 and not any(part in name for part in _NEVER_ROUNDED):
        blocks = pack_blocks(value.astype(np.float16))
        if blocks is not None:
            return "blocks", {"": blocks}
        steps, scale = round_rows(value)
        return "rows", {"": steps, _SCALE: scale}
    return "plain", {"": value}


class WeightsFile:
    """The weights in one safetensors file, plain or compact, and in the files that it names.

    Each is read when it is asked for. Raises ModelError where a file that it names is missing.
    """

    def __init__(self, path: Path) -> None:
        opened: Any = safe_open  # the library has no types; what comes out of it is named below
        self._file = opened(path, framework="np")
        notes: Mapping[str, str] = self._file.metadata() or {}
        self.compact = notes.get("format") == FORM
        self._forms: dict[str, dict[str, Any]] = json.loads(notes["forms"]) if self.compact else {}
        self._elsewhere: dict[str, WeightsFile] = {}
        self.files: tuple[Path, ...] = (path,)
        for other, names in json.loads(notes["others"]).items() if self.compact else ():
            held = _opened_beside(path, other)
            self.files += held.files
            self._elsewhere |= dict.fromkeys(names, held)

    def names(self) -> Iterator[str]:
        """The names of all weights."""
        yield from self._forms if self.compact else self._file.keys()
        yield from self._elsewhere

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a weight."""
        if name in self._elsewhere:
            return self._elsewhere[name].shape(name)
        if self.compact:
            return tuple(self._forms[name]["shape"])
        return tuple(self._file.get_slice(name).get_shape())

    def read(self, name: str) -> Array:
        """A weight as plain numbers."""
        if name in self._elsewhere:
            return self._elsewhere[name].read(name)
        tensor: Array = self._file.get_tensor(name)
        form = self._forms[name]["form"] if self.compact else "plain"
        if form == "blocks":
            return unpack_blocks(tensor, *self._forms[name]["shape"])
        return widen_rows(tensor, self._file.get_tensor(f"{name}{_SCALE}")) if form == "rows" else tensor


def _opened_beside(path: Path, other: str) -> WeightsFile:
    beside = path.parent / other
    if not beside.is_file():
        raise ModelError(
            f"{path.parent} lacks {other}, which holds a part of its weights",
            hint="the folders of one model belong together: fetch or install it again",
        )
    return WeightsFile(beside)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """All files that the weights of a checkpoint's folder stand in, its own first; raises ModelError."""
    own = sorted(folder.glob("model*.safetensors"))
    named: dict[Path, None] = {}
    for path in own:
        with suppress(SafetensorError):  # what is damaged is said where it is loaded
            named |= dict.fromkeys(WeightsFile(path).files[1:])
    return (*own, *named)


def is_compact(folder: Path) -> bool:
    """Whether the weights of a checkpoint's folder are stored small."""
    return any(WeightsFile(path).compact for path in sorted(folder.glob("model*.safetensors")))


def plain_weights(folder: Path) -> dict[str, Array]:
    """All weights of a checkpoint's folder as plain numbers, in memory; raises ModelError."""
    files = [WeightsFile(path) for path in sorted(folder.glob("model*.safetensors"))]
    return {name: file.read(name) for file in files for name in file.names()}


def write_plain(folder: Path, out: Path) -> None:
    """Copy a checkpoint's folder with its weights as plain numbers, for training and other programs.

    Raises ModelError where something is missing or `out` cannot be written.
    """
    weights = {name: np.ascontiguousarray(value) for name, value in plain_weights(folder).items()}
    try:
        shutil.copytree(folder, out, ignore=shutil.ignore_patterns("model*.safetensors"), dirs_exist_ok=True)
        save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    except OSError as error:
        raise ModelError(
            f"{out} cannot be written: {error}", hint="give a folder that can be written to"
        ) from error
