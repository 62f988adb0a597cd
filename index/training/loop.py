"""The training loop: batches in, weights out; a killed run resumes exactly.

A `TrainingTask` says what is learnt. A step's batch and its random numbers follow from the
seed and the step's number alone, so a resumed run repeats exactly what an uninterrupted one does on the same
machine. bfloat16 autocast where the hardware multiplies it faster, else float32.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from index.engines.torch_engine import keep_freed_memory
from index.engines.torch_models import best_dtype
from index.errors import DataError
from index.training.run_state import Saved, load_state, save_state
from index.training.settings import LoopSettings
from index.training.weights import blend, copied, trained

_LOG = logging.getLogger(__name__)
_BAD_STEPS_IN_A_ROW = 10
_SMOOTHING = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Named figures after `step` steps of the weights that `weights` names: last, averaged or blended."""

    step: int
    weights: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress:
    """After a step: how many are done of how many, the smoothed loss, and the seconds that remain."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    remaining_seconds: float
    evaluation: Evaluation | None = None


class TrainingTask(Protocol):
    """What is learnt: `steps` batches by number, and a figure that measures it."""

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        ...

    @property
    def figure(self) -> str:
        """The figure of an evaluation by which weights are chosen; more is better."""
        ...

    def losses(self, step: int) -> Iterable[torch.Tensor]:
        """The parts of this step's loss, each with its graph; their sum is minimised."""
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Figures of the model as it is now; empty where nothing was held out."""
        ...


def fit(
    model: torch.nn.Module,
    task: TrainingTask,
    settings: LoopSettings,
    *,
    folder: Path,
    identity: str,
    start_share: float = 0.0,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> list[Evaluation]:
    """Train `model` in place and give all evaluations, the last of them that of the weights it now has.

    `folder` keeps the checkpoints; where it holds some, training goes on from the newest. `identity` says
    what is being trained from what; a checkpoint of another identity is refused with DataError, and so is a
    loss that stays without a finite value. `start_share` is the share of the weights before the training
    in the result.
    """
    before = copied(model) if start_share else {}
    evaluations = _Run(model, task, settings, folder, identity, progress).run()
    if start_share:
        blend(model, before, start_share)
        evaluations.append(Evaluation(step=task.steps, weights="blended", figures=task.evaluate()))
    return evaluations


class _Run:
    def __init__(
        self,
        model: torch.nn.Module,
        task: TrainingTask,
        settings: LoopSettings,
        folder: Path,
        identity: str,
        progress: Callable[[TrainingProgress], None] | None,
    ) -> None:
        keep_freed_memory()
        self._model, self._task, self._settings = model, task, settings
        self._folder, self._identity, self._progress = folder, identity, progress
        self._device = next(model.parameters()).device
        self._optimiser = torch.optim.AdamW(
            _groups(model, settings.weight_decay), lr=settings.learning_rate, fused=self._device.type != "mps"
        )
        self._average: dict[str, torch.Tensor] = {}
        self._averaged = 0
        self._evaluations: list[Evaluation] = []
        self._loss = math.nan
        self._bad = 0

    def run(self) -> list[Evaluation]:
        steps, first = self._task.steps, self._resume()
        at = {
            round(steps * n / (self._settings.evaluations + 1)) for n in range(self._settings.evaluations + 1)
        }
        began = saved = time.monotonic()
        for step in range(first, steps):
            if step in at and not any(seen.step == step for seen in self._evaluations):
                self._evaluate(step, "last")
            self._step(step)
            now = time.monotonic()
            self._report(step + 1, (now - began) / (step + 1 - first) * (steps - step - 1))
            if now - saved >= self._settings.checkpoint_minutes * 60:
                self._save(step + 1)
                saved = now
        if first < steps:
            self._save(steps)
        return self._finish(steps)

    # -- one step -------------------------------------------------------------------------------------------

    def _step(self, step: int) -> None:
        torch.manual_seed(self._settings.seed * 1_000_003 + step)
        self._model.train()
        rate = self._settings.rate(step, self._task.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        total = 0.0
        with _autocast(self._device):
            for part in self._task.losses(step):
                torch.autograd.backward(part)
                total += float(part.detach())
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._settings.clip)
        if math.isfinite(total) and bool(torch.isfinite(norm)):
            self._optimiser.step()
            self._bad = 0
            first = math.isnan(self._loss)
            self._loss = total if first else _SMOOTHING * self._loss + (1 - _SMOOTHING) * total
        else:
            self._skip(step, total)
        self._optimiser.zero_grad(set_to_none=True)
        if self._settings.averages(step, self._task.steps):
            self._add_to_average()

    def _skip(self, step: int, loss: float) -> None:
        self._bad += 1
        _LOG.warning("step %d is left out: its loss is %s or its gradient is not finite", step + 1, loss)
        if self._bad >= _BAD_STEPS_IN_A_ROW:
            raise DataError(
                f"{self._bad} steps in a row gave no finite loss",
                hint=f"lower the learning rate (now {self._settings.learning_rate:g})",
            )

    def _add_to_average(self) -> None:
        self._averaged += 1
        for name, parameter in trained(self._model).items():
            current = parameter.detach()
            if name in self._average:
                self._average[name].lerp_(current, 1 / self._averaged)
            else:
                self._average[name] = current.clone()

    # -- looking up -----------------------------------------------------------------------------------------

    def _evaluate(self, step: int, weights: str) -> Evaluation:
        figures = dict(self._task.evaluate())
        evaluation = Evaluation(step=step, weights=weights, figures=figures)
        self._evaluations.append(evaluation)
        if figures and self._progress:
            self._progress(self._standing(step, math.nan, evaluation))
        return evaluation

    def _finish(self, steps: int) -> list[Evaluation]:
        """Keeps the better of the last and the averaged weights."""
        last = self._evaluate(steps, "last")
        if not self._average:
            return self._evaluations
        before = copied(self._model)
        self._assign(self._average)
        averaged = self._evaluate(steps, "averaged")
        key = self._task.figure
        if key in last.figures and averaged.figures[key] < last.figures[key]:
            self._assign(before)
            self._evaluations.remove(last)
            self._evaluations.append(last)
        return self._evaluations

    def _assign(self, weights: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in trained(self._model).items():
                parameter.copy_(weights[name])

    def _report(self, step: int, remaining: float) -> None:
        if self._progress:
            self._progress(self._standing(step, remaining, None))

    def _standing(self, step: int, remaining: float, evaluation: Evaluation | None) -> TrainingProgress:
        return TrainingProgress(
            step=step,
            steps=self._task.steps,
            loss=self._loss,
            learning_rate=self._settings.rate(max(step - 1, 0), self._task.steps),
            remaining_seconds=remaining,
            evaluation=evaluation,
        )

    # -- checkpoints ----------------------------------------------------------------------------------------

    def _save(self, step: int) -> None:
        tensors: dict[str, torch.Tensor] = {
            f"model/{name}": value for name, value in trained(self._model).items()
        }
        tensors |= {f"average/{name}": value for name, value in self._average.items()}
        for name, parameter in trained(self._model).items():
            for key, value in self._optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser/{name}/{key}"] = value
        notes = {
            "identity": self._identity,
            "averaged": self._averaged,
            "loss": self._loss,
            "evaluations": [asdict(item) for item in self._evaluations],
        }
        save_state(self._folder, step, {key: value.detach() for key, value in tensors.items()}, notes)

    def _resume(self) -> int:
        saved = load_state(self._folder)
        if saved is None:
            return 0
        if saved.notes.get("identity") != self._identity:
            raise DataError(
                f"{self._folder} holds the checkpoint of another training",
                hint="give the same data and settings as then, or another --out, or --restart",
            )
        self._restore(saved)
        return saved.step

    def _restore(self, saved: Saved) -> None:
        self._assign(_under("model/", saved.tensors))
        self._average = {
            name: value.to(self._device) for name, value in _under("average/", saved.tensors).items()
        }
        for name, parameter in trained(self._model).items():
            state = _under(f"optimiser/{name}/", saved.tensors)
            if state:
                self._optimiser.state[parameter] = _placed(state, self._device)
        self._averaged = int(saved.notes["averaged"])
        self._loss = float(saved.notes["loss"])
        self._evaluations = [Evaluation(**item) for item in saved.notes["evaluations"]]


def _placed(state: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, Any]:
    # AdamW keeps its step count on the CPU, whatever the parameters stand on.
    return {key: value if key == "step" else value.to(device) for key, value in state.items()}


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices, none for biases and the scales of layer norms."""
    weights = list(trained(model).values())
    return [
        {"params": [item for item in weights if item.ndim > 1], "weight_decay": weight_decay},
        {"params": [item for item in weights if item.ndim <= 1], "weight_decay": 0.0},
    ]


def _autocast(device: torch.device) -> AbstractContextManager[Any]:
    # Without matrix units (AMX) a processor loses by bfloat16, even one with instructions for it (AVX-512
    # BF16): a step of the bundled reader took 33 s with autocast and 12 s without (two cores, PyTorch 2.13).
    slow = device.type == "cpu" and not torch.cpu._is_amx_tile_supported()
    if best_dtype(device.type) != torch.bfloat16 or slow:
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
