"""The commands `train ...` and `calibrate`: settings out of file and flags, outcomes as JSON and text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.datasets.setting_types import checked
from index.errors import DataError
from index.training.settings import EncoderTraining
from index.training.train_encoder import TrainedEncoder
from qa.calibration.calibrate import CalibrationReport
from qa.training.stages import Stage, reader_stages
from qa.training.train_reader import TrainedReader
from ui.render.json_forms import Json
from ui.settings import UsageError

_LOOP_FLAGS = ("learning_rate", "seed")


def read_stages(flags: Mapping[str, Any], start: str | None) -> tuple[Stage, ...]:
    """What the file says, overridden by what was typed; `start` is the reader named there, if any.

    Paths in the file are relative to its folder. Raises UsageError and DataError.
    """
    content, where = settings_content(flags, start, kind="reader", files="SQuAD files")
    if "stages" in content:
        typed = {"FILE": flags["files"], "--reader (or SPANWISE_MODELS)": start}
        typed |= {f"--{name.replace('_', '-')}": flags[name] for name in ("epochs", *_LOOP_FLAGS)}
        for name, value in typed.items():
            if value not in (None, []):
                raise UsageError(
                    f"{where} trains in stages, each with settings of its own: {name} has no place there",
                    hint="leave it out, or say it in a copy of the file",
                )
    return reader_stages(content, where=where)


def read_encoder_training(flags: Mapping[str, Any], start: str | None) -> EncoderTraining:
    """The same for an encoder."""
    content, where = settings_content(flags, start, kind="encoder", files="files of questions and passages")
    return checked(EncoderTraining, content, where=where)


def settings_content(
    flags: Mapping[str, Any], start: str | None, *, kind: str, files: str
) -> tuple[dict[str, Any], str]:
    """The settings of file and flags together, and what to call the place they came from.

    Raises UsageError where there is no data file, and DataError.
    """
    file: Path | None = flags["settings"]
    content = {} if file is None else from_file(file)
    sources = content.get("sources", [])
    if isinstance(sources, list):  # else the check of all settings names it
        content["sources"] = [*sources, *({"path": path} for path in flags["files"])]
    if not content["sources"] and "stages" not in content:
        raise UsageError(f"train {kind} needs data", hint=f"give {files}, or --settings FILE.toml")
    if start is not None:
        content["start"] = start
    if flags["epochs"] is not None:
        content["epochs"] = flags["epochs"]
    given = {name: flags[name] for name in _LOOP_FLAGS if flags[name] is not None}
    loop = content.get("loop", {})
    if given and isinstance(loop, dict):
        content["loop"] = loop | given
    return content, "the command line" if file is None else str(file)


def training_json(trained: TrainedReader) -> Json:
    """Where the reader is, what it was trained on, and its figures on the way."""
    return {
        "reader": str(trained.folder),
        "questions": len(trained.data.examples),
        "held_out": len(trained.data.held_out),
        "sources": [asdict(report) for report in trained.data.reports],
        "evaluations": [asdict(item) for item in trained.evaluations if item.figures],
    }


def training_text(trained: TrainedReader) -> str:
    """The same for people, ending with the next step."""
    lines = [
        f"{report.path}: {report.questions:,} questions, {report.unanswerable:,} without an answer"
        + (
            f"; {report.wrong_offsets:,} left out, their answer is not at its offset"
            * bool(report.wrong_offsets)
        )
        for report in trained.data.reports
    ]
    for item in trained.evaluations:
        figures = ", ".join(f"{name} {value:.2f}" for name, value in item.figures.items())
        if figures:
            lines.append(f"after step {item.step:,} ({item.weights} weights): {figures}")
    if not trained.data.held_out:
        lines.append("nothing was held out, so nothing says how good it is: try `spanwise eval reader`")
    return "\n".join([*lines, f"The reader is in {trained.folder}; use it with --reader {trained.folder}"])


def encoder_json(trained: TrainedEncoder) -> Json:
    """Where the encoder is, what it was trained on, and its figures on the way."""
    return {
        "encoder": str(trained.folder),
        "dimensions": list(trained.widths),
        "pairs": len(trained.data.pairs),
        "held_out": len(trained.data.held_out),
        "cut": trained.cut,
        "sources": [asdict(report) for report in trained.data.reports],
        "evaluations": [asdict(item) for item in trained.evaluations if item.figures],
    }


def encoder_text(trained: TrainedEncoder) -> str:
    """The same for people, ending with the next step."""
    lines = [
        f"{report.path}: {report.pairs:,} pairs"
        + f"; {report.unanswerable:,} questions without an answer left out" * bool(report.unanswerable)
        + f"; {report.empty:,} rows without question or passage left out" * bool(report.empty)
        for report in trained.data.reports
    ]
    if trained.cut:
        lines.append(f"{trained.cut:,} texts were too long and cut")
    for item in trained.evaluations:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in item.figures.items())
        if figures:
            lines.append(f"after step {item.step:,} ({item.weights} weights): {figures}")
    if not trained.data.held_out:
        lines.append("nothing was held out, so nothing says how good it is: try `spanwise eval retrieval`")
    lines.append(f"The encoder is in {trained.folder}; use it in a new store with --encoder {trained.folder}")
    for width in trained.widths[1:]:
        lines.append(f"with {width} dimensions: --encoder {trained.folder}@{width}")
    return "\n".join(lines)


def calibration_json(report: CalibrationReport) -> Json:
    """What was fitted, on what, and the figures before and after."""
    calibration = report.calibration
    return {
        "calibration": str(report.path),
        "questions": calibration.questions,
        "unanswerable": calibration.unanswerable,
        "threshold": calibration.decision.threshold,
        "before": report.before,
        "crossed": dict(calibration.figures),
    }


def calibration_text(report: CalibrationReport) -> str:
    """The same for people."""
    calibration = report.calibration
    lines = [
        f"Fitted on {calibration.questions:,} questions of {calibration.source}, "
        f"{calibration.unanswerable:,} of them without an answer in the collection.",
        f"Answers are given from a confidence of {calibration.decision.threshold:.2f}.",
    ]
    if calibration.figures:
        lines.append(f"{'':<20} {'before':>8} {'crossed':>8}   (fitted on one half, judged on the other)")
        lines += [
            f"{name:<20} {value:>8.3f} {calibration.figures[name]:>8.3f}"
            for name, value in report.before.items()
            if name in calibration.figures
        ]
    return "\n".join([*lines, f"Kept in {report.path}"])


def from_file(path: Path) -> dict[str, Any]:
    """What a settings file says, its relative paths made whole; raises DataError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}", hint="give the path of a TOML file") from error
    except ValueError as error:
        raise DataError(f"{path} is not TOML: {error}", hint="mend the line it names") from error
    stages = content.get("stages")
    for table in (content, *(stages if isinstance(stages, list) else ())):
        if isinstance(table, dict):
            _make_whole(table, path.parent)
    return content


def _make_whole(content: dict[str, Any], folder: Path) -> None:
    """Makes the relative paths of a table whole."""
    sources = content.get("sources")
    for number, source in enumerate(sources if isinstance(sources, list) else ()):
        if isinstance(source, dict) and isinstance(source.get("path"), str):
            source["path"] = str((folder / source["path"]).resolve())
        elif isinstance(source, str):
            content["sources"][number] = str((folder / source).resolve())

    def whole(name: Any) -> Any:
        local = isinstance(name, str) and name.startswith(".")  # else a preset, a hub id or a whole path
        return str((folder / name).resolve()) if local else name

    for table, key in ((content, "start"), (content.get("distillation"), "teacher")):
        if not isinstance(table, dict):
            continue
        if key in table:
            named = table[key]
            table[key] = [whole(name) for name in named] if isinstance(named, list) else whole(named)
