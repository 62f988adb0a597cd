"""The command `models compare`: whose documents, which questions, and the table."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from index.checkpoints.presets import ModelChoice, resolve_models
from index.errors import DataError
from index.store.store import Store
from qa.evaluation.compare_models import AskedQuestion, Comparison, compare_models
from qa.squad.contexts import context_names
from qa.squad.dataset import read_squad
from qa.squad.metrics import gold_answers
from ui.commands.batch import read_questions
from ui.render import phrasing
from ui.render.json_forms import Json
from ui.render.progress import Progress
from ui.settings import Settings, UsageError

Documents = list[dict[str, str]]


def compare(flags: Mapping[str, Any], settings: Settings) -> tuple[Json, str]:
    """Compare the named models and recommend one."""
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
    return comparison.as_json(), comparison_text(comparison)


def _choices(specs: Sequence[str]) -> Mapping[str, ModelChoice]:
    choices = {spec: resolve_models(spec) for spec in specs}
    if len(choices) < 2:
        raise UsageError(
            f"{', '.join(choices)} alone cannot be compared",
            hint="name two or more: spanwise models compare pocket base --questions FILE",
        )
    return choices


def _task(flags: Mapping[str, Any], settings: Settings) -> tuple[Documents, list[AskedQuestion]]:
    path: Path = flags["questions"]
    lot = random.Random(flags["seed"])  # noqa: S311  a sample, not a secret
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
        documents = _stored(settings, flags["passages"], lot)
        asked = read_asked(path)
    if flags["limit"] < len(asked):
        asked = lot.sample(asked, flags["limit"])
    return documents, asked


def _stored(settings: Settings, most: int, lot: random.Random) -> Documents:
    """Documents of the store with about so many passages together, drawn at random."""
    documents: Documents = []
    passages = 0
    with Store.open(settings.store, models=settings.models) as store:
        infos = list(store.documents())
        lot.shuffle(infos)
        for info in infos:
            if documents and passages + info.passages > most:
                continue
            documents.append({"id": info.id, "title": info.title, "text": store.document(info.id).text})
            passages += info.passages
    return documents


def read_asked(path: Path) -> list[AskedQuestion]:
    """Questions one a line, or JSON lines with `question` and, if known, `answers` ([]: there is none).

    Raises DataError.
    """
    questions = read_questions(str(path))
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    asked = []
    for item, line in zip(questions, lines, strict=True):
        golds = None
        if line.lstrip().startswith("{"):
            golds = json.loads(line).get("answers")
            if golds is not None and not (
                isinstance(golds, list) and all(isinstance(gold, str) for gold in golds)
            ):
                raise DataError(
                    f"{path}: the answers of {item.question!r} are no list of texts",
                    hint='such as {"question": "who wrote it?", "answers": ["Ada Lovelace"]}',
                )
        asked.append(AskedQuestion(question=item.question, golds=None if golds is None else tuple(golds)))
    return asked


def comparison_text(found: Comparison) -> str:
    """A table, the agreement, what they differ on, and the recommendation."""
    width = max(len(item.name) for item in found.models)
    lines = [
        f"{phrasing.count(found.questions, 'question')}, {found.labelled:,} of them with known answers, over "
        f"{phrasing.count(found.documents, 'document')}",
        "",
        f"{'':<{width}} {'exact / F1':>13} {'found':>6} {'answered':>9} {'ms/question':>12} "
        f"{'passages/s':>11} {'memory':>9} {'weights':>9}",
    ]
    for item in found.models:
        quality = "-" if item.f1 is None else f"{item.exact:.1f} / {item.f1:.1f}"
        held = "-" if item.found is None else f"{item.found:.2f}"
        lines.append(
            f"{item.name:<{width}} {quality:>13} {held:>6} {item.answered:>9.2f} {item.milliseconds:>12.0f} "
            f"{item.passages_per_second:>11.1f} {phrasing.byte_size(item.trial.peak_bytes):>9} "
            f"{phrasing.byte_size(item.trial.bytes):>9}"
        )
    lines.append("")
    lines += [
        f"{one} and {other} give the same answer to {100 * share:.0f} % of the questions"
        for (one, other), share in found.agreement.items()
    ]
    for question, texts in found.differ[:3]:
        said = "; ".join(f"{name}: {text or 'nothing'}" for name, text in texts.items())
        lines.append(f"  {question}  {said}")
    chosen = found.recommendation
    lines += ["", f"Take {chosen.name}: {chosen.reason}." if chosen.name else f"No choice: {chosen.reason}."]
    return "\n".join(lines)
