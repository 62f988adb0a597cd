"""Graphs that `index.engines.onnx_graph` makes of checkpoints, kept in the user's cache.

    cache/engines/<fingerprint>-<task>-<precision>/  model.onnx, model.bin

A folder appears whole, by a rename, or not at all. Where the cache cannot be written to, the graph is made
for this process alone.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
from numpy.typing import NDArray
from safetensors import safe_open

from index.checkpoints.files import ModelFiles, Task

_LOG = logging.getLogger(__name__)
_GRAPH, _DATA = "model.onnx", "model.bin"
GRAPHS = "4"  # raised whenever the same weights would give another graph
_LIVING: list[tempfile.TemporaryDirectory[str]] = []


class Weights(Mapping[str, NDArray[Any]]):
    """The tensors of a checkpoint's safetensors files, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        # The library has no types; what comes out of it is named below.
        opened: Any = safe_open
        self._files = [opened(path, framework="np") for path in sorted(folder.glob("model*.safetensors"))]
        self._homes = {name: file for file in self._files for name in file.keys()}  # noqa: SIM118

    def __getitem__(self, name: str) -> NDArray[Any]:
        tensor: NDArray[Any] = self._homes[name].get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of a tensor, None for one that is not there."""
        if name not in self._homes:
            return None
        return tuple(self._homes[name].get_slice(name).get_shape())


def cache_folder() -> Path:
    """Where derived files of this user lie."""
    return platformdirs.user_cache_path("spanwise", appauthor=False)


def graph_file(files: ModelFiles, task: Task, *, bits: int | None) -> Path:
    """The graph of a checkpoint, made now if it is not there yet.

    `bits` are those of the weights, None for float32. The checkpoint must not be `unsupported`. Raises
    ModelError where it cannot be made.
    """
    name = f"{files.fingerprint[:24]}-{task}-{f'int{bits}' if bits else 'fp32'}-{GRAPHS}"
    kept = cache_folder() / "engines" / name
    if (kept / _GRAPH).is_file():
        return kept / _GRAPH
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=kept.parent) as making:
            made = Path(making) / name
            _make(files, task, bits, made)
            with suppress(FileExistsError):  # another process was as quick
                made.rename(kept)
        return kept / _GRAPH
    except OSError as error:
        _LOG.info("no graph can be kept in %s (%s); it is made for this process", kept.parent, error)
        own = tempfile.TemporaryDirectory(prefix="spanwise-engine-")
        _LIVING.append(own)
        _make(files, task, bits, Path(own.name) / name)
        return Path(own.name) / name / _GRAPH


def forget(graph: Path) -> None:
    """Take away a graph that does not run, so that it is made again."""
    shutil.rmtree(graph.parent, ignore_errors=True)


def _make(files: ModelFiles, task: Task, bits: int | None, folder: Path) -> None:
    # The library that writes graphs is needed once, not at every start.
    from index.engines.onnx_graph import build_graph, data_offsets, place_data

    folder.mkdir()
    model, arrays = build_graph(files.config, Weights(files.folder), task, bits=bits)
    place_data(model, arrays, _DATA)
    with (folder / _DATA).open("wb") as data:
        for array, offset in zip(arrays, data_offsets(arrays), strict=True):
            data.seek(offset)
            data.write(array.tobytes())
    (folder / _GRAPH).write_bytes(model.SerializeToString())
