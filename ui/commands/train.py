"""The commands `train reader`, `train encoder` and `train adapt`: settings out of file and flags, outcomes.

`train classifier` is in `labels`. Every training takes data files and settings from the command line, from a
TOML file (`--settings`), or from both; the command line wins.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import DataError
from ui.arguments import Command, Commands, Parser, above_zero
from ui.render import terminal
from ui.render.json_forms import Json
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from collections.abc import Iterable, Sequence

    from index.models.masked_lm import MaskedScores
    from index.training.adapt_encoder import Adapted
    from index.training.loop import Evaluation
    from index.training.settings import Adaptation, EncoderTraining
    from index.training.train_encoder import TrainedEncoder
    from qa.training.adapt_encoder import Asked
    from qa.training.stages import Stage
    from qa.training.train_reader import TrainedReader

_LOOP_FLAGS = ("learning_rate", "seed")
_ADAPT_FLAGS = ("epochs", "whole_words", "head_only", "rate")


def declare(commands: Commands) -> None:
    """Declare `train reader`, `train encoder` and `train adapt`."""
    sub = add_training(
        commands,
        "reader",
        "fine-tune a reader on SQuAD files; --reader NAME is the model to start from",
        train_reader,
        files="SQuAD 1.1 or 2.0, plain or .gz",
    )
    sub.add_argument("--epochs", type=above_zero, metavar="X", help="passes over the data, also 0.5 (2)")
    sub.add_argument("--learning-rate", type=above_zero, metavar="X", help="the highest one (3e-5)")
    sub.add_argument("--strict", action="store_true", help="stop at answers that are not at their offset")

    sub = add_training(
        commands,
        "encoder",
        "fine-tune an encoder on questions and passages; --encoder NAME is the model to start from",
        train_encoder,
        files="SQuAD .json, or .tsv, .csv or .jsonl with question and passage; plain or .gz",
    )
    sub.add_argument("--epochs", type=above_zero, metavar="X", help="passes over the data, also 0.5 (1)")
    sub.add_argument("--learning-rate", type=above_zero, metavar="X", help="the highest one (2e-5)")
    sub.add_argument("--strict", action="store_true", help="stop at rows without question or passage")

    sub = add_training(
        commands,
        "adapt",
        "go on training the encoder on the words of your own documents; --encoder NAME: to start from",
        train_adapt,
        files="document, folder, SQuAD file or BEIR folder; without any, the store's documents",
    )
    sub.add_argument("--epochs", type=float, metavar="X", help="passes of masked-language training (3)")
    sub.add_argument("--learning-rate", type=float, metavar="X", help="the highest one (1e-4)")
    sub.add_argument("--rate", type=float, metavar="P", help="share of the tokens that are hidden (0.15)")
    sub.add_argument("--whole-words", action="store_true", help="hide all pieces of a word together")
    sub.add_argument(
        "--head-only", action="store_true", help="train a language-model head and leave the encoder as it is"
    )
    sub.add_argument(
        "--questions",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="labelled questions of the collection (SQuAD file or BEIR folder), asked before and after; can "
        "be repeated",
    )
    sub.add_argument(
        "--limit", type=int, metavar="N", help="read answers for a sample of N of a SQuAD file's questions"
    )


def add_training(commands: Commands, name: str, purpose: str, run: Command, *, files: str) -> Parser:
    """Declare a kind of training with the flags that all kinds have."""
    sub = commands.add(name, purpose, run)
    sub.add_argument("files", nargs="*", metavar="FILE", help=files)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help=f"folder for the trained {name}")
    sub.add_argument("--settings", type=Path, metavar="FILE.toml", help="all settings, data files too")
    sub.add_argument("--seed", type=int, metavar="S", help="seed of order and chance (0)")
    sub.add_argument("--restart", action="store_true", help="forget the checkpoints in DIR, begin anew")
    return sub


def forget_checkpoints(folder: Path) -> None:
    """Let a training begin from its start."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def train_reader(flags: Flags, settings: Settings) -> int:
    """Fine-tune a reader, in stages if the file says so."""
    from index.checkpoints.presets import resolve_models
    from qa.training.stages import forget_checkpoints as forget_stages
    from qa.training.stages import train_stages
    from ui.render.progress import Progress, say

    start = resolve_models(settings.models).reader if settings.models else None
    stages = read_stages(flags, start)
    if flags["restart"]:
        forget_stages(stages, flags["out"])
    with Progress("question") as mining, Progress("step") as progress:
        trained = train_stages(
            stages,
            flags["out"],
            strict=flags["strict"],
            announce=say,
            progress=progress.training,
            mining_progress=mining,
        )
    terminal.show(settings, training_json(trained), training_text(trained))
    return 0


def train_encoder(flags: Flags, settings: Settings) -> int:
    """Fine-tune an encoder."""
    from index.checkpoints.presets import resolve_models
    from index.training.train_encoder import train_encoder
    from qa.training.passage_pairs import read_labelled_pairs
    from ui.render.progress import Progress

    start = resolve_models(settings.models).encoder if settings.models else None
    training = read_encoder_training(flags, start)
    if flags["restart"]:
        forget_checkpoints(flags["out"])
    with Progress("question") as mining, Progress("step") as progress:
        trained = train_encoder(
            training,
            flags["out"],
            strict=flags["strict"],
            read=read_labelled_pairs,
            progress=progress.training,
            mining_progress=mining,
        )
    terminal.show(settings, encoder_json(trained), encoder_text(trained))
    return 0


def train_adapt(flags: Flags, settings: Settings) -> int:
    """Train the encoder on the words of documents, and compare it with the one before."""
    from index.checkpoints.presets import resolve_models
    from index.store.store import Store
    from qa.training.adapt_encoder import adapt
    from ui.render.progress import Progress

    chosen = resolve_models(settings.models)
    adaptation = read_adaptation(flags, chosen.encoder if settings.models else None)
    if flags["restart"]:
        forget_checkpoints(flags["out"])
    for path in flags["questions"]:
        if not path.exists():
            raise UsageError(f"there is no {path}", hint="give a SQuAD file or a folder in BEIR form")
    own = nullcontext() if adaptation.sources else Store.open(settings.store, models=settings.models)
    with own as store, Progress("step") as progress, Progress("question") as asking:
        adapted, asked = adapt(
            adaptation,
            flags["out"],
            store=store,
            questions=flags["questions"],
            reader=chosen.reader,
            limit=flags["limit"],
            progress=progress.training,
            asking=asking,
        )
    terminal.show(settings, adapted_json(adapted, asked), adapted_text(adapted, asked))
    return 0


def read_stages(flags: Flags, start: str | None) -> tuple[Stage, ...]:
    """What the file says, overridden by what was typed; `start` is the reader named there, if any.

    Paths in the file are relative to its folder. Raises UsageError and DataError.
    """
    from qa.training.stages import reader_stages

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


def read_encoder_training(flags: Flags, start: str | None) -> EncoderTraining:
    """The training of an encoder as file and flags say; raises UsageError and DataError."""
    from index.datasets.setting_types import checked
    from index.training.settings import EncoderTraining

    content, where = settings_content(flags, start, kind="encoder", files="files of questions and passages")
    return checked(EncoderTraining, content, where=where)


def settings_content(flags: Flags, start: str | None, *, kind: str, files: str) -> tuple[dict[str, Any], str]:
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


def read_adaptation(flags: Flags, start: str | None) -> Adaptation:
    """What the file says, overridden by what was typed; raises UsageError and DataError."""
    from index.datasets.setting_types import checked
    from index.training.settings import Adaptation

    file: Path | None = flags["settings"]
    content = {} if file is None else from_file(file)
    content["sources"] = [*content.get("sources", ()), *flags["files"]]
    if start is not None:
        content["start"] = start
    content |= {name: flags[name] for name in _ADAPT_FLAGS if flags[name]}
    given = {name: flags[name] for name in _LOOP_FLAGS if flags[name] is not None}
    if given:
        content["loop"] = {**content.get("loop", {}), **given}
    return checked(Adaptation, content, where="the command line" if file is None else str(file))


def from_file(path: Path) -> dict[str, Any]:
    """What a settings file says, with absolute paths; raises DataError."""
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}", hint="give the path of a TOML file") from error
    except ValueError as error:
        raise DataError(f"{path} is not TOML: {error}", hint="mend the line it names") from error
    stages = content.get("stages")
    for table in (content, *(stages if isinstance(stages, list) else ())):
        if isinstance(table, dict):
            _resolve_paths(table, path.parent)
    return content


def _resolve_paths(content: dict[str, Any], folder: Path) -> None:
    """Make the relative paths of a table absolute, in place."""
    sources = content.get("sources")
    for number, source in enumerate(sources if isinstance(sources, list) else ()):
        if isinstance(source, dict) and isinstance(source.get("path"), str):
            source["path"] = str((folder / source["path"]).resolve())
        elif isinstance(source, str):
            content["sources"][number] = str((folder / source).resolve())

    def absolute(name: Any) -> Any:
        local = isinstance(name, str) and name.startswith(".")  # else a preset, a hub id or an absolute path
        return str((folder / name).resolve()) if local else name

    for table, key in ((content, "start"), (content.get("distillation"), "teacher")):
        if not isinstance(table, dict):
            continue
        if key in table:
            named = table[key]
            table[key] = [absolute(name) for name in named] if isinstance(named, list) else absolute(named)


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
    """What was read, the figures on the way, and the next step."""
    lines = []
    for report in trained.data.reports:
        line = f"{report.path}: {report.questions:,} questions, {report.unanswerable:,} without an answer"
        if report.wrong_offsets:
            line += f"; {report.wrong_offsets:,} left out, their answer is not at its offset"
        lines.append(line)
    lines += _evaluation_lines(trained.evaluations, ".2f")
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
    """What was read, the figures on the way, and the next step."""
    lines = []
    for report in trained.data.reports:
        line = f"{report.path}: {report.pairs:,} pairs"
        if report.unanswerable:
            line += f"; {report.unanswerable:,} questions without an answer left out"
        if report.empty:
            line += f"; {report.empty:,} rows without question or passage left out"
        lines.append(line)
    if trained.cut:
        lines.append(f"{trained.cut:,} texts were too long and cut")
    lines += _evaluation_lines(trained.evaluations, ".4g")
    if not trained.data.held_out:
        lines.append("nothing was held out, so nothing says how good it is: try `spanwise eval retrieval`")
    lines.append(f"The encoder is in {trained.folder}; use it in a new store with --encoder {trained.folder}")
    for width in trained.widths[1:]:
        lines.append(f"with {width} dimensions: --encoder {trained.folder}@{width}")
    return "\n".join(lines)


def adapted_json(adapted: Adapted, asked: Sequence[Asked]) -> Json:
    """Where the encoder is, how well it guesses and finds, before and after."""
    return {
        "encoder": str(adapted.folder),
        "texts": adapted.texts,
        "tokens": adapted.tokens,
        "held_out": adapted.held_out,
        "new_head": adapted.new_head,
        "before": None if adapted.before is None else asdict(adapted.before),
        "after": None if adapted.after is None else asdict(adapted.after),
        "realigned": None if adapted.realigned is None else asdict(adapted.realigned),
        "cosine_masked": adapted.cosine_masked,
        "cosine": adapted.cosine,
        "questions": [asdict(item) for item in asked],
    }


def adapted_text(adapted: Adapted, asked: Sequence[Asked]) -> str:
    """How well the encoder guesses and finds, before and after, and the next step."""
    lines = [
        f"{adapted.texts:,} passages, {adapted.tokens:,} tokens; {adapted.held_out:,} passages kept out for "
        "the figures."
    ]
    if adapted.new_head:
        lines.append("The encoder had no language-model head; one was trained first.")
    for name, scores, cosine in (
        ("as it was", adapted.before, 1.0),
        ("after masked-language training", adapted.after, adapted.cosine_masked),
        ("after realignment", adapted.realigned, adapted.cosine),
    ):
        if scores is not None:
            near = "" if cosine is None else f", cosine {cosine:.4f}"
            lines.append(f"{name:<31} {_scores(scores)}{near}")
    for item in asked:
        lines.append(f"{item.name}, {item.questions:,} questions:")
        lines += [
            f"  nDCG@10 {mode:<8} {item.ndcg_before[mode]:.4f} -> {item.ndcg_after[mode]:.4f}"
            f"   (95 % of draws: {gain.interval.low:+.4f} to {gain.interval.high:+.4f})"
            for mode, gain in item.differences.items()
        ]
        if item.f1_before is not None and item.f1_after is not None:
            lines.append(f"  answers' F1      {item.f1_before:.2f} -> {item.f1_after:.2f}")
    if not asked:
        lines.append("Whether search gets better is not known: give labelled questions with --questions.")
    lines.append(
        f"The encoder is in {adapted.folder}; use it with: spanwise reembed --encoder {adapted.folder}"
    )
    return "\n".join(lines)


def _evaluation_lines(evaluations: Iterable[Evaluation], form: str) -> list[str]:
    return [
        f"after step {item.step:,} ({item.weights} weights): "
        + ", ".join(f"{name} {value:{form}}" for name, value in item.figures.items())
        for item in evaluations
        if item.figures
    ]


def _scores(scores: MaskedScores) -> str:
    return (
        f"pseudo-perplexity {scores.pseudo_perplexity:8.2f}, {scores.accuracy:.1%} of "
        f"{scores.tokens:,} hidden tokens guessed"
    )
