"""Writing weights small, for a wheel, and plain again, for other programs and for training.

    python -m index.checkpoints.write_compact ENCODER READER OUT

writes `OUT/encoder` and `OUT/reader`, the reader as its change from the encoder that it was trained from.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from index.checkpoints.compact import (
    FORM,
    SCALE,
    Array,
    WeightsFile,
    file_digest,
    is_compact,
    opened_beside,
    own_files,
    pack_blocks,
    plain_weights,
    round_rows,
    split_planes,
)
from index.checkpoints.hub import WEIGHTS
from index.errors import ModelError
from ingest.errors import exit_with_message

# Vectors stay within a cosine of .9999 with ten bits, not with eight; a change is a tenth of the weight, so
# five bits of it are finer than eight of the whole.
_ROW_STEPS = 511
_CHANGE_STEPS = 15
# Tables that are added up as they are: small, and every error in them reaches every token.
_NEVER_ROUNDED = ("position_embeddings", "token_type_embeddings", "qa_outputs", "LayerNorm")
# Where the bodies of checkpoints begin: an encoder is one, in a reader it is a member.
_BODIES = ("", "roberta.", "bert.")


def write_compact(
    weights: Mapping[str, Array], path: Path, *, base: str = "", made_from: str = ""
) -> dict[str, str]:
    """Write weights (float16 or float32) in the smallest form that serves each, and give the form of each.

    `base` is the path, from this file's folder, of another file with weights that these were trained from.
    `made_from` is the SHA-256 of the plain file, which this one then stands for in fingerprints. Raises
    ModelError where the file cannot be written.
    """
    near = opened_beside(path, base) if base else None
    tensors: dict[str, Array] = {}
    forms: dict[str, dict[str, Any]] = {}
    for name, value in weights.items():
        twin = _twin(name, value, near) if near else None
        entry, parts = (
            _smallest(name, value) if twin is None or near is None else _beside(value, near.read(twin))
        )
        if twin is not None:
            entry |= {"file": base, "name": twin}
        forms[name] = {**entry, "shape": list(value.shape)}
        tensors |= {f"{name}{ending}": np.ascontiguousarray(part) for ending, part in parts.items()}
    notes = {"format": FORM, "forms": json.dumps(forms), "made_from": made_from}
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path, metadata=notes)
    return {name: entry["form"] for name, entry in forms.items()}


def _rounded(name: str, value: Array) -> bool:
    return value.ndim == 2 and not any(part in name for part in _NEVER_ROUNDED)


def _twin(name: str, value: Array, near: WeightsFile) -> str | None:
    """The name that a matrix has in the other file, None where it has none of that shape."""
    body = next((name.removeprefix(start) for start in _BODIES if start and name.startswith(start)), name)
    names = set(near.names()) if _rounded(name, value) else set()
    twins = [start + body for start in _BODIES if start + body in names]
    return next((twin for twin in twins if near.shape(twin) == value.shape), None)


def _beside(value: Array, base: Array) -> tuple[dict[str, Any], dict[str, Array]]:
    if np.array_equal(value, base):
        return {"form": "same"}, {}
    steps, scale = round_rows(value.astype(np.float32) - base.astype(np.float32), _CHANGE_STEPS)
    return {"form": "change"}, {"": steps.astype(np.int8), SCALE: scale}


def _smallest(name: str, value: Array) -> tuple[dict[str, Any], dict[str, Array]]:
    if not _rounded(name, value):
        return {"form": "plain"}, {"": value}
    blocks = pack_blocks(value.astype(np.float16))
    if blocks is not None:
        return {"form": "blocks"}, {"": blocks}
    steps, scale = round_rows(value, _ROW_STEPS)
    return {"form": "rows"}, {"": split_planes(steps), SCALE: scale}


def write_plain(folder: Path, out: Path) -> None:
    """Copy a checkpoint into the new folder `out` with its weights as plain numbers, for other programs.

    Raises ModelError where something is missing or `out` cannot be written.
    """
    weights = {name: np.ascontiguousarray(value) for name, value in plain_weights(folder).items()}
    _copy_without_weights(folder, out)
    with _writable(out):
        save_file(weights, out / WEIGHTS, metadata={"format": "pt"})


def write_pair(encoder: Path, reader: Path, out: Path) -> Mapping[str, Mapping[str, str]]:
    """Copy an encoder, and a reader trained from it, into `out` with their weights stored small.

    Each must have one `model.safetensors`. Gives the form of each weight. Raises ModelError where something
    is missing or `out` cannot be written.
    """
    forms = {}
    for name, folder, base in (("encoder", encoder, ""), ("reader", reader, f"../encoder/{WEIGHTS}")):
        if [path.name for path in own_files(folder)] != [WEIGHTS] or is_compact(folder):
            raise ModelError(
                f"{folder} does not have its weights in one plain {WEIGHTS}",
                hint="write it with: spanwise models plain",
            )
        _copy_without_weights(folder, out / name)
        made_from = file_digest(folder / WEIGHTS).hex()
        forms[name] = write_compact(
            plain_weights(folder), out / name / WEIGHTS, base=base, made_from=made_from
        )
    return forms


def _copy_without_weights(folder: Path, out: Path) -> None:
    with _writable(out):
        if out.exists() and any(out.iterdir()):
            raise ModelError(f"{out} is not empty", hint="give a folder that does not exist yet")
        ignored = shutil.ignore_patterns("model*.safetensors", "model.safetensors.index.json")
        shutil.copytree(folder, out, ignore=ignored, dirs_exist_ok=True)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error}", hint="give a folder that can be written to"
        ) from error


def _main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("encoder", type=Path, help="folder of the encoder, weights plain")
    parser.add_argument("reader", type=Path, help="folder of a reader that was trained from it")
    parser.add_argument("out", type=Path, help="the folder that gets encoder/ and reader/; new or empty")
    paths = parser.parse_args()
    with exit_with_message():
        for name, forms in write_pair(paths.encoder, paths.reader, paths.out).items():
            size = (paths.out / name / WEIGHTS).stat().st_size
            sys.stdout.write(f"{paths.out / name}: {size / 1e6:.1f} MB, {dict(Counter(forms.values()))}\n")


if __name__ == "__main__":
    _main()
