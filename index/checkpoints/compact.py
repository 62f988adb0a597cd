"""Weights stored small, for models that come in a wheel: the file, and its way back to plain numbers.

    blocks   32 weights of a row in 18 bytes: a float16 scale and a half byte each (the Q4_0 of llama.cpp)
    rows     10 bits for each weight, as two planes of bytes, and a float32 scale for each row of a matrix
    change   the difference from a weight of another file: a byte for each, and a scale for each row
    same     the weight of another file
    plain    as it is

A compact file is a `model.safetensors` whose metadata says in which form each weight is kept, and where the
weights are that it shares: a reader that was trained from an encoder is kept as its change. What comes out is
float16 (what is plain keeps its kind), the same bits for every engine and for a plain copy. Blocks are used
only where they give back every bit, so a model that was published in them loses nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from index.errors import ModelError

FORM = "spanwise-compact-2"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_ROWS_AT_ONCE = 16_384
SCALE = ".scale"

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


def round_rows(values: Array, most: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """A matrix as whole steps from -`most` to `most` of the same shape, and a scale for each row, (rows,)."""
    wide = values.astype(np.float32)
    scale = np.abs(wide).max(axis=1) / most
    steps = np.divide(wide, scale[:, None], out=np.zeros_like(wide), where=scale[:, None] != 0).round()
    return steps.astype(np.int16), scale


def split_planes(steps: NDArray[np.int16]) -> Bytes:
    """The low and the high bytes of a matrix apart, (2, rows, columns): a wheel packs them better."""
    return np.ascontiguousarray(
        np.moveaxis(steps.astype("<i2").view(np.uint8).reshape(*steps.shape, 2), 2, 0)
    )


def join_planes(planes: Bytes) -> NDArray[np.int16]:
    """The matrix (rows, columns) of its two planes."""
    together = np.ascontiguousarray(np.moveaxis(planes, 0, 2))
    return together.view("<i2")[..., 0].astype(np.int16)


# -- files --------------------------------------------------------------------------------------------------


class WeightsFile:
    """The weights in one safetensors file, plain or compact, and in the files that it names.

    Each is read when it is asked for. `made_from` is the SHA-256 of the plain file that a compact one stands
    for, or nothing. Raises ModelError where a file that it names is missing.
    """

    def __init__(self, path: Path) -> None:
        opened: Any = safe_open  # the library has no types; what comes out of it is named below
        self._file = opened(path, framework="np")
        notes: Mapping[str, str] = self._file.metadata() or {}
        self.compact = notes.get("format") == FORM
        self.made_from = notes.get("made_from", "") if self.compact else ""
        self._forms: dict[str, dict[str, Any]] = json.loads(notes["forms"]) if self.compact else {}
        others = sorted({entry["file"] for entry in self._forms.values() if "file" in entry})
        self._others = {other: opened_beside(path, other) for other in others}
        self.files: tuple[Path, ...] = (
            path,
            *(file for held in self._others.values() for file in held.files),
        )

    def names(self) -> Iterator[str]:
        """The names of all weights."""
        yield from self._forms if self.compact else self._file.keys()

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a weight."""
        if self.compact:
            return tuple(self._forms[name]["shape"])
        return tuple(self._file.get_slice(name).get_shape())

    def read(self, name: str) -> Array:
        """A weight as plain numbers."""
        entry = self._forms[name] if self.compact else {"form": "plain"}
        if entry["form"] == "same":
            return self._others[entry["file"]].read(entry["name"])
        tensor: Array = self._file.get_tensor(name)
        match entry["form"]:
            case "blocks":
                return unpack_blocks(tensor, *entry["shape"])
            case "rows":
                return (join_planes(tensor) * self._scale(name)).astype(np.float16)
            case "change":
                base = self._others[entry["file"]].read(entry["name"]).astype(np.float32)
                return (base + tensor * self._scale(name)).astype(np.float16)
            case _:
                return tensor

    def _scale(self, name: str) -> NDArray[np.float32]:
        scale: NDArray[np.float32] = self._file.get_tensor(f"{name}{SCALE}")
        return scale[:, None]


def opened_beside(path: Path, other: str) -> WeightsFile:
    beside = path.parent / other
    if not beside.is_file():
        raise ModelError(
            f"{path.parent} lacks {other}, which holds a part of its weights",
            hint="the folders of one model belong together: fetch or install it again",
        )
    return WeightsFile(beside)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """All files that the weights of a checkpoint's folder stand in, its own first; raises ModelError."""
    own = own_files(folder)
    named: dict[Path, None] = {}
    for path in own:
        with suppress(SafetensorError):  # what is damaged is said where it is loaded
            named |= dict.fromkeys(WeightsFile(path).files[1:])
    return (*own, *named)


def weight_digests(folder: Path) -> list[bytes]:
    """The SHA-256 of each weights file of a folder; of a compact one that of the file that it stands for."""
    digests = []
    for path in own_files(folder):
        made_from = ""
        files: tuple[Path, ...] = (path,)
        with suppress(SafetensorError):
            held = WeightsFile(path)
            made_from, files = held.made_from, held.files
        digests += [bytes.fromhex(made_from)] if made_from else [file_digest(file) for file in files]
    return digests


def file_digest(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def own_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors"))


def is_compact(folder: Path) -> bool:
    """Whether the weights of a checkpoint's folder are stored small."""
    return any(WeightsFile(path).compact for path in own_files(folder))


def plain_weights(folder: Path) -> dict[str, Array]:
    """All weights of a checkpoint's folder as plain numbers, in memory; raises ModelError."""
    files = [WeightsFile(path) for path in own_files(folder)]
    return {name: file.read(name) for file in files for name in file.names()}
