"""The commands `calibrate` and `learn`, and `export --feedback` and `import --feedback`.

What they have in common: confidence and reader are fitted to what people say is right, in a labelled file or
by their verdicts on answers of the store.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ui.arguments import Commands, above_zero, positive, share
from ui.render import json_forms, terminal
from ui.render.json_forms import Json
from ui.render.phrasing import count
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from index.store.store import Store
    from qa.calibration.calibrate import CalibrationReport
    from qa.feedback.learn import LearnedConfidence, LearnedReader


def declare(commands: Commands) -> None:
    """Declare `calibrate`, `learn reader` and `learn confidence`."""
    purpose = "fit the confidence of answers to labelled questions and keep it in the store"
    sub = commands.add("calibrate", purpose, calibrate)
    sub.add_argument("file", type=Path, metavar="FILE.json", help="SQuAD 1.1 or 2.0, plain or .gz")
    sub.add_argument(
        "--on-store",
        action="store_true",
        help="ask the store's own documents instead of a collection made of the file's paragraphs",
    )
    sub.add_argument(
        "--leave-out",
        type=share,
        metavar="SHARE",
        help="paragraphs kept out of that collection, so that their questions have no answer (0.2 where the "
        "file has hardly any such question, else 0)",
    )
    sub.add_argument("--limit", type=positive, metavar="N", help="ask a sample of N questions")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (0)")
    sub.add_argument("-k", type=positive, default=20, metavar="N", help="passages to read (20)")

    kinds = commands.add_kinds(commands.add("learn", "learn from what people said of answers in this store"))
    purpose = "fine-tune the store's reader on the verdicts, and compare it with the one before"
    reader = kinds.add("reader", purpose, learn_reader)
    purpose = "fit confidence and threshold to the verdicts, asked of the store itself"
    for sub in (reader, kinds.add("confidence", purpose, learn_confidence)):
        sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of order and chance (0)")
    reader.add_argument("--out", type=Path, metavar="DIR", help="its folder (a new one inside the store)")
    reader.add_argument("--epochs", type=above_zero, metavar="X", help="passes over the verdicts (3)")
    reader.add_argument(
        "--use", action="store_true", help="let it read in this store from now on if it is no worse"
    )


def calibrate(flags: Flags, settings: Settings) -> int:
    """Fit confidence and threshold to labelled questions."""
    from index.models.encoder import load_encoder
    from index.store.store import Store
    from qa.calibration.calibrate import calibrate
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    with Store.open(settings.store, models=settings.models) as store, Progress("question") as progress:
        report = calibrate(
            flags["file"],
            store,
            load_reader(store.models.reader),
            store.encoder if flags["on_store"] else load_encoder(store.models.encoder),
            on_store=flags["on_store"],
            left_out=flags["leave_out"],
            limit=flags["limit"],
            seed=flags["seed"],
            k=flags["k"],
            progress=progress,
        )
    terminal.show(settings, calibration_json(report), calibration_text(report))
    return 0


def learn_reader(flags: Flags, settings: Settings) -> int:
    """Fine-tune the store's reader on the verdicts."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        learned, used = _learned_reader(flags, store)
    terminal.show(settings, {**learned.as_json(), "used": used}, reader_text(learned, used=used))
    return 0


def learn_confidence(flags: Flags, settings: Settings) -> int:
    """Fit confidence and threshold to the verdicts."""
    from index.store.store import Store
    from qa.feedback.learn import learn_confidence
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    with Store.open(settings.store, models=settings.models) as store, Progress("question") as progress:
        learned = learn_confidence(
            store, load_reader(store.models.reader), store.encoder, seed=flags["seed"], progress=progress
        )
    terminal.show(settings, learned.as_json(), confidence_text(learned))
    return 0


def _learned_reader(flags: Flags, store: Store) -> tuple[LearnedReader, bool]:
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
    line = f"{count(written.verdicts, 'verdict')} as {count(written.questions, 'labelled question')}"
    facts = {
        "verdicts": written.verdicts,
        "questions": written.questions,
        "unplaced": written.unplaced,
        "file": str(flags["file"]),
    }
    terminal.show(settings, facts, f"{line} in {flags['file']}")
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
    terminal.show(settings, facts, "\n".join(lines))
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


def confidence_text(learned: LearnedConfidence) -> str:
    """What was fitted, before and after."""
    lines = [
        f"Fitted on {count(learned.questions, 'question')}, {learned.unanswerable:,} of them without an "
        "answer.",
        f"Answers are given from a confidence of {learned.threshold:.2f}.",
        f"{'':<26}{'before':>8}{'after':>8}   (fitted on one half, judged on the other)",
    ]
    lines += [
        f"{name:<26}{value:>8.3f}{learned.after[name]:>8.3f}"
        for name, value in learned.before.items()
        if name in learned.after
    ]
    return "\n".join([*lines, f"Kept in {learned.path}"])


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
    """What was fitted, before and after, and where it is kept."""
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
