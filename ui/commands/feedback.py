"""The commands `learn reader` and `learn confidence`, and `export` and `import` of verdicts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.render import json_forms
from ui.render.phrasing import count
from ui.settings import Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from qa.feedback.learn import LearnedConfidence, LearnedReader

Flags = Mapping[str, Any]


def learn(flags: Flags, settings: Settings) -> int:
    """Run the command; its exit status."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        if flags["command"] == "learn confidence":
            found = _confidence(flags, store)
            _show(settings, found.as_json(), confidence_text(found))
            return 0
        learned, used = _reader(flags, store)
    _show(settings, {**learned.as_json(), "used": used}, reader_text(learned, used=used))
    return 0


def export_feedback(flags: Flags, settings: Settings) -> int:
    """Write the verdicts of a store as a SQuAD file."""
    from index.store.store import Store
    from qa.feedback.squad_files import verdicts_json, write_verdicts

    if flags["vectors"]:
        raise UsageError("--vectors and --feedback do not go together", hint="leave one of them out")
    with Store.open(settings.store, models=settings.models) as store:
        if flags["file"] == "-":
            print(json_forms.dumps(verdicts_json(store)))
            return 0
        written = write_verdicts(store, flags["file"])
    said = f"{count(written.verdicts, 'verdict')} as {count(written.questions, 'labelled question')}"
    facts = {
        "verdicts": written.verdicts,
        "questions": written.questions,
        "unplaced": written.unplaced,
        "file": str(flags["file"]),
    }
    _show(settings, facts, f"{said} in {flags['file']}")
    return 0


def import_feedback(flags: Flags, settings: Settings) -> int:
    """Take in the verdicts or labels of a SQuAD file."""
    from index.store.store import Store
    from qa.feedback.squad_files import read_verdicts

    with Store.open(settings.store, models=settings.models) as store:
        read = read_verdicts(flags["file"], store)
    facts = {"added": read.added, "known": read.known, "unknown_paragraphs": read.unknown_paragraphs}
    lines = [f"{count(read.added, 'verdict')} added, {read.known:,} known already"]
    if read.unknown_paragraphs:
        lines.append(
            f"{count(read.unknown_paragraphs, 'question')} left out: no document here holds their paragraph"
        )
    _show(settings, facts, "\n".join(lines))
    return 0


def reader_text(learned: LearnedReader, *, used: bool) -> str:
    """What a reader learnt, before and after, and the next step."""
    lines = [
        f"Learnt from {count(learned.learnt, 'question')}; {learned.held_out:,} held out.",
        f"{'':<26}{'before':>8}{'after':>8}",
    ]
    for label, before, after in (
        ("verdicts held out", learned.before, learned.after),
        ("other questions", learned.general_before, learned.general_after),
    ):
        lines += [
            f"{f'{label}, {name}':<26}{before[name]:>8.1f}{after[name]:>8.1f}"
            for name in ("exact", "f1")
            if name in before
        ]
    if used:
        lines.append(f"This store is read by {learned.folder} from now on.")
        lines.append("Its confidence is not fitted yet: spanwise learn confidence")
    else:
        worse = "" if learned.better else "It is no better on the verdicts held out. "
        lines.append(f"{worse}The reader is in {learned.folder}; use it with --reader {learned.folder}")
    return "\n".join(lines)


def confidence_text(found: LearnedConfidence) -> str:
    """What was fitted, before and after."""
    lines = [
        f"Fitted on {count(found.questions, 'question')}, {found.unanswerable:,} of them without an answer.",
        f"Answers are given from a confidence of {found.threshold:.2f}.",
        f"{'':<26}{'before':>8}{'after':>8}   (fitted on one half, judged on the other)",
    ]
    lines += [
        f"{name:<26}{value:>8.3f}{found.after[name]:>8.3f}"
        for name, value in found.before.items()
        if name in found.after
    ]
    return "\n".join([*lines, f"Kept in {found.path}"])


def _reader(flags: Flags, store: Any) -> tuple[LearnedReader, bool]:
    from qa.feedback.learn import EPOCHS, learn_reader
    from qa.squad.dataset import read_squad
    from ui.render.progress import Progress
    from ui.services.demo import demo_questions

    out: Path = flags["out"] or store.path / "models" / f"reader-{time.strftime('%Y%m%d-%H%M%S')}"
    with Progress("question") as progress, Progress("step") as steps:
        learned = learn_reader(
            store,
            out,
            general=read_squad(demo_questions()),
            epochs=EPOCHS if flags["epochs"] is None else flags["epochs"],
            seed=flags["seed"],
            progress=progress,
            training_progress=steps.training,
        )
    use = flags["use"] and learned.better
    if use:
        store.read_with(str(out))
    return learned, use


def _confidence(flags: Flags, store: Any) -> LearnedConfidence:
    from qa.feedback.learn import learn_confidence
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    with Progress("question") as progress:
        return learn_confidence(
            store, load_reader(store.models.reader), store.encoder, seed=flags["seed"], progress=progress
        )


def _show(settings: Settings, as_json: json_forms.Json, as_text: str) -> None:
    print(json_forms.dumps(as_json) if settings.json else as_text)
