"""Which engine runs a checkpoint on this machine: asked for, or chosen by a short measurement.

    onnx-int8, onnx-fp32   ONNX Runtime on the graph of `index.engines.onnx_graph`; processors only
    torch-bf16, torch-fp32 PyTorch; every family, and the GPU where there is one

A GPU is always PyTorch's. On a processor those that could be fastest run the same few texts in turn; int8
takes part only as long as its outputs stay near those of float32. What was measured is kept beside the graphs
in the user's cache, by machine and model, so that it happens once.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from index.checkpoints import architecture
from index.checkpoints import weights as checkpoint_weights
from index.checkpoints.engine_names import FP32, INT8, TORCH_BF16, TORCH_FP32, known, preferred
from index.checkpoints.files import ModelFiles, Task
from index.checkpoints.hardware import this_machine
from index.engines.batching import Outputs
from index.engines.graph_files import GRAPHS, forget, graph_file
from index.engines.onnx_engine import OnnxEngine
from index.errors import ModelError
from index.protocols import Engine, TokenIds

Floats = NDArray[np.float32]
_LOG = logging.getLogger(__name__)

_OUTPUTS = {"encoder": 1, "reader": 2}
_CHOICES = "engines.json"
_ROUNDS = 3
# The operators of one passage are too short to be shared out among more.
_MOST_CORES_EACH = 4
# Distance from float32's outputs, as a share of their spread, up to which int8 is taken; an encoder's are its
# pooled vectors. What the bundled models lose at it stands in `data/bench/engines.md`.
_MOST_LOSS = {"encoder": 0.05, "reader": 0.08}
_TEXTS = (
    "A library lends books to whoever holds a card. Cards are given out at the desk on the ground floor, on "
    "working days between nine and six, and cost nothing for pupils and students.",
    "The pump stops by itself when the pressure falls below 1.2 bar. Before it is started again, close valve "
    "B, wait for thirty seconds and read the gauge; error E-17 means that the filter is blocked.",
    "In 1911 the expedition crossed the plateau in fifty-three days. Of the nineteen dogs that had set out "
    "eleven came back, and the diary of the leader names the cold, not hunger, as the reason.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The result of a short measurement.

    `engine` is the choice, `milliseconds` what each one took, `loss` int8's distance from float32.
    """

    engine: str
    milliseconds: Mapping[str, float]
    loss: float | None


class LazyEngine:
    """An engine that is opened when it first runs: a process that never runs it does not load its library.

    `opened` is called once, by the first thread that runs it.
    """

    def __init__(self, name: str, opened: Callable[[], Engine]) -> None:
        self.name = name
        self._opened = opened
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, Outputs]]:
        """(index in `sequences`, outputs) as the opened engine gives them; raises what opening it raises."""
        with self._opening:
            if self._engine is None:
                self._engine = self._opened()
        return self._engine.run(sequences)


def open_engine(files: ModelFiles, task: Task, wanted: str | None) -> tuple[Engine, int]:
    """A checkpoint ready to run, and its window in tokens.

    `wanted` is one of `ENGINES`, None for what this process prefers, else for the fastest. Raises ModelError
    where the wanted engine does not serve this checkpoint, or no engine does.
    """
    wanted = preferred() if wanted is None else known(wanted)
    if wanted is not None and wanted.startswith("torch"):
        return _torch(files, task, wanted)
    obstacle = _obstacle(files, task)
    if obstacle is not None:
        if wanted is not None:
            raise ModelError(
                f"{wanted} cannot run {files.folder}: {obstacle}", hint=f"choose {TORCH_FP32} for it"
            )
        return _torch(files, task, None)
    if wanted is None and this_machine().has_accelerator() and _torch_has_accelerator():
        return _torch(files, task, None)
    engine = wanted or choose(files, task).engine
    window = files.window(architecture.positions(files.config))
    if engine.startswith("torch"):
        return LazyEngine(engine, lambda: _torch(files, task, engine)[0]), window
    return _onnx(files, task, engine), window


def question_engine(files: ModelFiles, engine: Engine, wanted: str | None) -> Engine | None:
    """The engine that encodes questions, None for the encoder's own.

    Where the engine was chosen by measurement, questions are encoded in float32 by ONNX Runtime. They are so
    short that this costs nothing, that int8's errors do not average out over their tokens (figures in
    `data/bench/engines.md`), and that a new process would only wait for PyTorch.
    """
    chosen = wanted is None and preferred() is None
    if chosen and (engine.name == INT8 or isinstance(engine, LazyEngine)):
        return LazyEngine(FP32, lambda: _onnx(files, "encoder", FP32))
    return None


def _obstacle(files: ModelFiles, task: Task) -> str | None:
    try:
        weights = checkpoint_weights.Weights(files.folder)
    except (SafetensorError, OSError) as error:
        return f"its weights cannot be read: {error}"
    return architecture.unsupported(files.config, weights.shape, task)


def choose(files: ModelFiles, task: Task) -> Measured:
    """The fastest engine for a checkpoint on this processor, measured unless it has been before."""
    key, path = _key(files, task), checkpoint_weights.cache_folder() / _CHOICES
    known = _read(path).get(key)
    if known is not None:
        try:
            return Measured(**known)
        except TypeError:
            _LOG.info("what %s says of this model cannot be used; it is measured again", path)
    measured = _measure(files, task)
    _remember(path, key, measured)
    return measured


def _measure(files: ModelFiles, task: Task) -> Measured:
    kinds = [FP32, INT8, *([TORCH_BF16] if this_machine().multiplies_bfloat16 else [])]
    engines = {kind: _cpu_engine(files, task, kind) for kind in kinds}
    sequences = _sample(files, task)
    plain, quantised = (_summaries(engines[kind], sequences, task) for kind in (FP32, INT8))
    loss = distance(quantised, plain)
    if not loss <= _MOST_LOSS[task]:
        _LOG.info("int8 is %.2f away from float32 for %s and is left out", loss, files.folder)
        del engines[INT8]
    seconds: dict[str, list[float]] = {kind: [] for kind in engines}
    for _ in range(_ROUNDS):
        for kind, engine in engines.items():
            started = time.perf_counter()
            for _ in engine.run(sequences):
                pass
            seconds[kind].append(time.perf_counter() - started)
    milliseconds = {kind: round(min(times) * 1000, 2) for kind, times in seconds.items()}
    return Measured(
        engine=min(milliseconds, key=lambda kind: milliseconds[kind]),
        milliseconds=milliseconds,
        loss=round(loss, 4),
    )


def distance(outputs: Sequence[Floats], plain: Sequence[Floats]) -> float:
    """How far outputs are from plain ones, as a share of the plain ones' spread (0 for the same)."""
    ours = np.concatenate([array.ravel() for array in outputs])
    theirs = np.concatenate([array.ravel() for array in plain])
    spread = float(np.linalg.norm(theirs - theirs.mean()))
    return float(np.linalg.norm(ours - theirs)) / spread if spread else float("inf")


def _summaries(engine: Engine, sequences: Sequence[TokenIds], task: Task) -> list[Floats]:
    """What the outputs are used for: a text's vector, or its logits."""
    found = dict(engine.run(sequences))
    results = [np.stack(found[place]) for place in range(len(sequences))]
    return [result[0].mean(axis=0) for result in results] if task == "encoder" else results


def _sample(files: ModelFiles, task: Task) -> list[TokenIds]:
    """A few texts as the model sees them, at least one for each core."""
    tokenizer, window = files.tokenizer, files.window(architecture.positions(files.config))
    texts = tokenizer.encode_ids(_TEXTS)
    frame = tokenizer.pair if task == "reader" else tokenizer.single
    question = tokenizer.encode_ids(["When can a card be had, and how many came back?"])[0]
    sequences = []
    for number in range(max(len(_TEXTS), this_machine().cores)):
        body = [token for turn in range(len(texts)) for token in texts[(number + turn) % len(texts)]]
        first = question[: window // 4] if task == "reader" else ()
        room = max(1, window - frame.size - len(first))
        between = frame.between if task == "reader" else ()
        whole = [*frame.before, *first, *between, *body[:room], *frame.after]
        sequences.append(np.array(whole, dtype=np.int64))
    return sequences


def _cpu_engine(files: ModelFiles, task: Task, kind: str) -> Engine:
    return _onnx(files, task, kind) if kind in (INT8, FP32) else _torch(files, task, kind, device="cpu")[0]


def _onnx(files: ModelFiles, task: Task, kind: str) -> OnnxEngine:
    bits = None if kind == FP32 else 8 if this_machine().multiplies_bytes else 7

    def opened() -> OnnxEngine:
        path = graph_file(files, task, bits=bits)
        try:
            return OnnxEngine(
                path,
                outputs=_OUTPUTS[task],
                threads=this_machine().cores,
                cores_each=_cores_each(task, kind),
                separator=files.separator,
                name=kind,
            )
        except ModelError:
            forget(path)
            raise

    try:
        return opened()
    except ModelError as error:
        _LOG.warning("%s; it is made again", error)
        return opened()


def _cores_each(task: Task, kind: str) -> int:
    """How many cores share one sequence: a reader in float32 mostly reads a single passage again."""
    return min(this_machine().cores, _MOST_CORES_EACH) if (task, kind) == ("reader", FP32) else 1


def _torch(
    files: ModelFiles, task: Task, kind: str | None, *, device: str | None = None
) -> tuple[Engine, int]:
    import torch

    from index.engines.torch_models import torch_engine

    dtype = None if kind is None else torch.bfloat16 if kind == TORCH_BF16 else torch.float32
    return torch_engine(files, task, dtype=dtype, device=device)


def _torch_has_accelerator() -> bool:
    from index.engines.torch_models import best_device

    return best_device() != "cpu"


def _key(files: ModelFiles, task: Task) -> str:
    machine = this_machine()
    versions = [version(name) for name in ("onnxruntime", "torch")]
    facts: list[Any] = [machine.processor, machine.cores, *machine.instructions, *versions]
    return " | ".join(
        map(
            str,
            [*facts, f"graph {GRAPHS}", f"loss {_MOST_LOSS[task]}", task, files.fingerprint],
        )
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known if isinstance(known, dict) else {}
    except (OSError, ValueError):
        return {}


def _remember(path: Path, key: str, measured: Measured) -> None:
    """Keep a choice; of two processes at once the later one's file stays, and the other measures again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_CHOICES, dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({**_read(path), key: asdict(measured)}, file, indent=1)
        Path(name).replace(path)
    except OSError as error:
        _LOG.info("the choice of an engine cannot be kept in %s: %s", path, error)
