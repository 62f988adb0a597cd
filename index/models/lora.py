"""Low-rank adapters: a fine-tuned checkpoint as a small difference from one that is here already (numpy).

    W' = W + up @ down        (LoRA, Hu et al. 2021; the scale is in `up`)

A folder with `classifier.json` and `adapter.safetensors` names the checkpoint it belongs to by its name and
fingerprint. On first use the whole checkpoint is put together once in the user's cache, as a folder that
transformers loads too, so that no engine needs to know of adapters.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from index.checkpoints.files import read_folder
from index.checkpoints.weights import Weights, cached_folder
from index.errors import ModelError, ModelMismatch

DOWN, UP = ".adapter_down", ".adapter_up"
ADAPTER = "adapter.safetensors"
_CONFIG = "config.json"

Array = NDArray[Any]


def merged(base: Mapping[str, Array], adapter: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """All weights of the fine-tuned model as float16: the base's, moved by the adapter, and the head.

    `prefix` is what the names of the backbone's weights begin with in the result. Raises ModelError where
    the adapter moves what the base does not have, or has in another shape.
    """
    bare = {name.removeprefix(prefix): name for name in base}
    whole: dict[str, Array] = {}
    for name, original in bare.items():
        if name.startswith(("pooler.", "qa_outputs.", "classifier.", "lm_head.")):
            continue
        weight = np.asarray(base[original])
        module = name.removesuffix(".weight")
        if name.endswith(".weight") and module + DOWN in adapter:
            down, up = (np.asarray(adapter[module + part], np.float32) for part in (DOWN, UP))
            if (up.shape[0], down.shape[1]) != weight.shape:
                raise ModelError(f"the adapter of {module} does not fit its weights {weight.shape}")
            weight = weight.astype(np.float32) + up @ down
        whole[prefix + name] = np.ascontiguousarray(weight, dtype=np.float16)
    moved = {name.removesuffix(DOWN) for name in adapter if name.endswith(DOWN)}
    lacking = sorted(module for module in moved if f"{module}.weight" not in bare)
    if lacking:
        raise ModelError(f"the adapter moves {lacking[0]}, which its base does not have")
    heads = {name: value for name, value in adapter.items() if not name.endswith((DOWN, UP))}
    return whole | {name: np.ascontiguousarray(value, dtype=np.float16) for name, value in heads.items()}


def whole_folder(folder: Path, facts: Mapping[str, Any]) -> Path:
    """The whole checkpoint of an adapter's folder, put together now if it is not in the cache yet.

    `facts` is its `classifier.json`. Raises ModelNotFound, ModelMismatch and ModelError.
    """
    base = read_folder(str(facts["backbone"]), "encoder")
    if base.fingerprint != facts["fingerprint"]:
        raise ModelMismatch(
            f"{folder} belongs to other weights than those of {facts['backbone']}",
            hint="train it again on the encoder that is here: spanwise train classifier",
        )
    name = f"{base.fingerprint[:16]}-{_digest(folder / ADAPTER)}"
    return cached_folder(f"heads/{name}", _CONFIG, lambda target: _make(folder, base.folder, target))


def _make(folder: Path, base: Path, target: Path) -> None:
    target.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    prefix = "bert." if config.get("model_type") == "bert" else "roberta."
    weights = merged(Weights(base), load_file(folder / ADAPTER), prefix)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    # Last: a folder with a config is whole.
    (target / _CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
