"""The command `models` and its kinds: presets, a comparison on the user's documents, plain copies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import DataError
from ui.arguments import Commands, positive
from ui.commands.ask import read_questions
from ui.render import phrasing, terminal
from ui.render.json_forms import Json
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from random import Random

    from index.checkpoints.presets import ModelChoice
    from qa.evaluation.compare_models import AskedQuestion, Comparison
    from ui.services.model_choices import PresetInfo

Documents = list[dict[str, str]]


def declare(commands: Commands) -> None:
    """Declare `models`, `models compare` and `models plain`."""
    purpose = "list the presets, what is bundled and what is cached; or compare models"
    kinds = commands.add_kinds(commands.add("models", purpose, list_models), required=False)
    purpose = "compare models on your own documents and questions, and recommend one"
    sub = kinds.add("compare", purpose, compare)
    sub.add_argument("specs", nargs="+", metavar="MODELS", help="PRESET or ENCODER,READER; two or more")
    sub.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        help="SQuAD JSON, whose paragraphs are searched; or questions for the documents of the store: one "
        "a line, or JSON lines with question and answers, as `eval natural` takes them",
    )
    sub.add_argument("--limit", type=positive, default=200, metavar="N", help="questions at most (200)")
    sub.add_argument(
        "--passages", type=positive, default=2000, metavar="N", help="of the store at most (2000)"
    )
    sub.add_argument("-k", type=positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the samples (0)")
    purpose = "copy a checkpoint with its weights as plain numbers, for other programs"
    sub = kinds.add("plain", purpose, plain)
    sub.add_argument("model", metavar="MODEL", help="preset, hub id or folder of the checkpoint")
    sub.add_argument("out", type=Path, metavar="OUT", help="the folder of the copy; new or empty")
    sub.add_argument(
        "--task", choices=("reader", "encoder"), default="reader", help="which of a preset's two (reader)"
    )


def list_models(flags: Flags, settings: Settings) -> int:
    """The presets, and what of them is on this computer."""
    from ui.services.model_choices import list_presets

    presets = list_presets()
    terminal.show(settings, models_json(presets), models_text(presets, terminal.style_of(settings)))
    return 0


def compare(flags: Flags, settings: Settings) -> int:
    """Compare the named models and recommend one."""
    from qa.evaluation.compare_models import compare_models
    from ui.render.progress import Progress

    choices = _choices(flags["specs"])
    if flags["questions"] is None:
        raise UsageError(
            "models compare needs questions",
            hint="--questions FILE: SQuAD JSON, or questions for your store, one a line or JSON lines with "
            '{"question", "answers"}',
        )
    documents, asked = _task(flags, settings)
    with Progress("model") as progress:
        comparison = compare_models(choices, documents, asked, k=flags["k"], progress=progress)
    terminal.show(settings, comparison.as_json(), comparison_text(comparison))
    return 0


def plain(flags: Flags, settings: Settings) -> int:
    """Write a copy of a checkpoint with its weights as plain numbers."""
    from index.checkpoints.compact import weight_files
    from index.checkpoints.hub import locate
    from index.checkpoints.write_compact import write_plain

    out: Path = flags["out"]
    _, folder = locate(flags["model"], flags["task"])
    write_plain(folder, out)
    before, after = (sum(file.stat().st_size for file in weight_files(place)) for place in (folder, out))
    form: Json = {"model": flags["model"], "folder": str(out), "bytes_before": before, "bytes": after}
    sizes = f"{phrasing.byte_size(before)} of weights before, {phrasing.byte_size(after)} now"
    terminal.show(settings, form, f"{out}: {sizes}.\nUse it with --{flags['task']} {out}.")
    return 0


def _choices(specs: Sequence[str]) -> Mapping[str, ModelChoice]:
    from index.checkpoints.presets import resolve_models

    choices = {spec: resolve_models(spec) for spec in specs}
    if len(choices) < 2:
        raise UsageError(
            f"{', '.join(choices)} alone cannot be compared",
            hint="name two or more: spanwise models compare pocket base --questions FILE",
        )
    return choices


def _task(flags: Flags, settings: Settings) -> tuple[Documents, list[AskedQuestion]]:
    from random import Random

    from qa.evaluation.compare_models import AskedQuestion
    from qa.squad.collection import context_names
    from qa.squad.dataset import read_squad
    from qa.squad.metrics import gold_answers

    path: Path = flags["questions"]
    rng = Random(flags["seed"])  # noqa: S311  a sample, not a secret
    if path.name.endswith((".json", ".json.gz")):
        squad = read_squad(path)
        names = context_names(squad.examples)
        titles = {example.context: example.title for example in squad.examples}
        documents = [
            {"id": name, "title": titles[context], "text": context} for context, name in names.items()
        ]
        asked = [
            AskedQuestion(
                question=example.question,
                golds=tuple(gold_answers(example.answer_texts)) if example.answerable else (),
            )
            for example in squad.examples
        ]
    else:
        documents = _stored(settings, flags["passages"], rng)
        asked = read_asked(path)
    if flags["limit"] < len(asked):
        asked = rng.sample(asked, flags["limit"])
    return documents, asked


def _stored(settings: Settings, most: int, rng: Random) -> Documents:
    """Documents of the store with about so many passages together, drawn at random."""
    from index.store.store import Store

    documents: Documents = []
    passages = 0
    with Store.open(settings.store, models=settings.models) as store:
        infos = list(store.documents())
        rng.shuffle(infos)
        for info in infos:
            if documents and passages + info.passages > most:
                continue
            documents.append({"id": info.id, "title": info.title, "text": store.document(info.id).text})
            passages += info.passages
    return documents


def read_asked(path: Path) -> list[AskedQuestion]:
    """Questions one a line, or JSON lines with `question` and, if known, `answers` ([]: there is none).

    Where they have a `kind` too they are natural questions, whose answers are judged as a person would.
    Raises DataError.
    """
    from qa.evaluation.compare_models import AskedQuestion

    questions = read_questions(str(path))
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    asked = []
    for item, line in zip(questions, lines, strict=True):
        record = json.loads(line) if line.lstrip().startswith("{") else {}
        golds = [] if record.get("answerable") is False else record.get("answers")
        if golds is not None and not (
            isinstance(golds, list) and all(isinstance(gold, str) for gold in golds)
        ):
            raise DataError(
                f"{path}: the answers of {item.question!r} are no list of texts",
                hint='such as {"question": "who wrote it?", "answers": ["Ada Lovelace"]}',
            )
        kind = record.get("kind")
        asked.append(
            AskedQuestion(
                question=item.question,
                golds=None if golds is None else tuple(golds),
                kind=None if kind is None else str(kind),
            )
        )
    return asked


def comparison_text(comparison: Comparison) -> str:
    """A table, the agreement, what they differ on, and the recommendation."""
    width = max(len(item.name) for item in comparison.models)
    lines = [
        f"{phrasing.count(comparison.questions, 'question')}, {comparison.labelled:,} of them with known "
        f"answers, over {phrasing.count(comparison.documents, 'document')}",
        "",
        f"{'':<{width}} {'exact / F1':>13} {'right':>6} {'found':>6} {'answered':>9} {'ms/question':>12} "
        f"{'passages/s':>11} {'memory':>9} {'weights':>9}",
    ]
    for item in comparison.models:
        quality = "-" if item.f1 is None else f"{item.exact:.1f} / {item.f1:.1f}"
        right = "-" if item.right is None else f"{item.right:.1f}"
        held = "-" if item.found is None else f"{item.found:.2f}"
        lines.append(
            f"{item.name:<{width}} {quality:>13} {right:>6} {held:>6} {item.answered:>9.2f} "
            f"{item.milliseconds:>12.0f} {item.passages_per_second:>11.1f} "
            f"{phrasing.byte_size(item.trial.peak_bytes):>9} {phrasing.byte_size(item.trial.bytes):>9}"
        )
    lines.append("")
    lines += [
        f"{one} and {other} give the same answer to {100 * share:.0f} % of the questions"
        for (one, other), share in comparison.agreement.items()
    ]
    for question, texts in comparison.differ[:3]:
        answers = "; ".join(f"{name}: {text or 'nothing'}" for name, text in texts.items())
        lines.append(f"  {question}  {answers}")
    chosen = comparison.recommendation
    lines += ["", f"Take {chosen.name}: {chosen.reason}." if chosen.name else f"No choice: {chosen.reason}."]
    return "\n".join(lines)


def models_json(presets: Sequence[PresetInfo]) -> Json:
    """The presets and what of them is on this computer."""
    return {
        "presets": [
            {
                "name": info.preset.name,
                "summary": info.preset.summary,
                "default": info.default,
                "bundled": info.preset.bundled,
                "encoder": {"name": info.preset.encoder, "bytes": info.encoder_bytes},
                "reader": {"name": info.preset.reader, "bytes": info.reader_bytes},
                "cached": info.cached,
            }
            for info in presets
        ]
    }


def models_text(presets: Sequence[PresetInfo], style: terminal.Style = terminal.PLAIN) -> str:
    """The presets, one a paragraph."""
    lines: list[str] = []
    for info in presets:
        where = "bundled" if info.preset.bundled else "cached" if info.cached else "not on this computer yet"
        default = ", the default" if info.default else ""
        lines.append(f"{style.bold(info.preset.name)} ({where}{default}): {info.preset.summary}")
        for role, name, size in (
            ("encoder", info.preset.encoder, info.encoder_bytes),
            ("reader", info.preset.reader, info.reader_bytes),
        ):
            lines.append(f"  {role:<8} {name}" + ("" if size is None else f", {phrasing.byte_size(size)}"))
    return "\n".join(lines)
