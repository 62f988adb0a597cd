"""Trainings in a row, each from the results of those before it: one settings file, one command.

settings file -> stages -> `train_reader` for each: into OUT/stages/NAME, the last one into OUT
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.datasets.setting_types import checked
from index.errors import DataError
from qa.training.settings import ReaderTraining
from qa.training.train_reader import Progress, TrainedReader, train_reader

REFERENCE = "stage:"
_HINT = 'each of [[stages]] has a name of letters, digits, "-" and "_", and names only stages above it'


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One training of a row; `start` and teacher may be `stage:NAME`, the reader of a stage before it."""

    name: str
    training: ReaderTraining


def reader_stages(content: Mapping[str, Any], *, where: str) -> tuple[Stage, ...]:
    """The stages of a settings file, a single one where it has no `[[stages]]`.

    What stands outside of them holds for each that does not say otherwise. Raises DataError that names the
    entry of file `where`.
    """
    common = {key: value for key, value in content.items() if key != "stages"}
    if "stages" not in content:
        return (Stage(name="reader", training=checked(ReaderTraining, common, where=where)),)
    listed = content["stages"]
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise DataError(f"{where}: stages is {listed!r:.80}, which is no list of tables", hint=_HINT)
    stages: list[Stage] = []
    for number, own in enumerate(listed, start=1):
        name = own.get("name")
        before = [stage.name for stage in stages]
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name) or name in before:
            raise DataError(f"{where}: stage {number} cannot be called {name!r}", hint=_HINT)
        settings = {key: value for key, value in (common | own).items() if key != "name"}
        training = checked(ReaderTraining, settings, where=f"{where}: stage {name}")
        if not training.sources:
            raise DataError(
                f"{where}: stage {name} has no sources", hint="give it [[sources]], or all stages"
            )
        for reference in _references(training):
            if reference not in before:
                raise DataError(f"{where}: stage {name}: no stage {reference!r} before it", hint=_HINT)
        stages.append(Stage(name=name, training=training))
    return tuple(stages)


def train_stages(
    stages: Sequence[Stage],
    out: str | Path,
    *,
    strict: bool = False,
    announce: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    mining_progress: Callable[[int, int], None] | None = None,
) -> TrainedReader:
    """Train one stage after the other and return the last, which is in the folder `out`.

    Called again after a kill it goes on where the last checkpoint stands; stages that are done are only
    evaluated again. Raises what `train_reader` raises.
    """
    out = Path(out)
    folders = _folders(stages, out)
    for number, stage in enumerate(stages, start=1):
        if announce is not None and len(stages) > 1:
            announce(f"stage {number} of {len(stages)}: {stage.name}")
        trained = train_reader(
            _placed(stage.training, folders),
            folders[stage.name],
            strict=strict,
            progress=progress,
            mining_progress=mining_progress,
        )
    return trained


def forget_checkpoints(stages: Sequence[Stage], out: Path) -> None:
    """Remove the checkpoints of every stage; everything else in the folder `out` stays."""
    for folder in _folders(stages, out).values():
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _folders(stages: Sequence[Stage], out: Path) -> dict[str, Path]:
    """Where the reader of each stage is written."""
    earlier = {stage.name: out / "stages" / stage.name for stage in stages[:-1]}
    return earlier | {stages[-1].name: out}


def _named(training: ReaderTraining) -> list[str]:
    teacher = [] if training.distillation is None else [training.distillation.teacher]
    return [*training.starts, *teacher]


def _references(training: ReaderTraining) -> list[str]:
    return [name.removeprefix(REFERENCE) for name in _named(training) if name.startswith(REFERENCE)]


def _placed(training: ReaderTraining, folders: Mapping[str, Path]) -> ReaderTraining:
    """The same with folders for the stages it names."""

    def place(name: str) -> str:
        return str(folders[name.removeprefix(REFERENCE)]) if name.startswith(REFERENCE) else name

    taught = training.distillation
    return replace(
        training,
        start=tuple(place(name) for name in training.starts),
        distillation=None if taught is None else replace(taught, teacher=place(taught.teacher)),
    )
