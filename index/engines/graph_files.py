"""Graphs of checkpoints in the user's cache: made once, then only found.

    cache/engines/<fingerprint>-<task>-<precision>-<version>/  model.onnx, model.bin

Apart from `index.engines.onnx_graph` because the library that writes graphs is needed once, not at every
start.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from index.checkpoints.files import ModelFiles, Task
from index.checkpoints.weights import Weights, cached_folder

GRAPHS = "5"  # raised whenever the same weights would give another graph
_GRAPH, _DATA = "model.onnx", "model.bin"


def graph_file(files: ModelFiles, task: Task, *, bits: int | None) -> Path:
    """The graph of a checkpoint, made now if it is not there yet.

    `bits` are those of the weights, None for float32. The checkpoint must not be `unsupported`. Raises
    ModelError where it cannot be made.
    """
    name = f"{files.fingerprint[:24]}-{task}-{f'int{bits}' if bits else 'fp32'}-{GRAPHS}"
    return cached_folder(f"engines/{name}", _GRAPH, lambda folder: _make(files, task, bits, folder)) / _GRAPH


def forget(graph: Path) -> None:
    """Remove a graph that does not run, so that it is made again."""
    shutil.rmtree(graph.parent, ignore_errors=True)


def _make(files: ModelFiles, task: Task, bits: int | None, folder: Path) -> None:
    from index.engines.onnx_graph import build_graph, data_offsets, place_data

    folder.mkdir()
    model, arrays = build_graph(files.config, Weights(files.folder), task, bits=bits)
    place_data(model, arrays, _DATA)
    with (folder / _DATA).open("wb") as data:
        for array, offset in zip(arrays, data_offsets(arrays), strict=True):
            data.seek(offset)
            data.write(array.tobytes())
    (folder / _GRAPH).write_bytes(model.SerializeToString())
