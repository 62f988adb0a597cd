"""The commands `eval reader`, `eval retrieval`, `eval languages`, `eval answers` and `eval natural`.

`eval classifier` is in `labels`, `eval words` and `eval sentences` are in `vectors`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import StoreNotFound
from index.records import Mode
from ui.arguments import Commands, Parser, positive
from ui.render import evaluation_text, terminal
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from index.checkpoints.presets import ModelChoice
    from qa.evaluation.languages import LanguagesReport
    from qa.evaluation.natural import NaturalReport


def declare(commands: Commands) -> None:
    """Declare the kinds of `eval` that ask questions."""
    sub = commands.add(
        "reader", "exact match and F1 on a SQuAD file, each question on its own paragraph", eval_reader
    )
    sub.add_argument("file", type=Path, metavar="FILE.json", help="SQuAD 1.1 or 2.0, plain or .gz")
    sub.add_argument("--predictions", type=Path, metavar="OUT.json", help="write {id: text} here")
    sub.add_argument(
        "--threshold",
        type=float,
        default=0.0,
        metavar="X",
        help="refuse where the null score is more than X above the best span's (0)",
    )
    _add_plots(sub)

    sub = commands.add(
        "retrieval", "nDCG, recall, MRR and MAP on a collection with judgements", eval_retrieval
    )
    sub.add_argument("folder", type=Path, metavar="FOLDER", help="BEIR form, or a SQuAD file")
    sub.add_argument(
        "--mode",
        type=_modes,
        default=(Mode.HYBRID,),
        metavar="MODE[,MODE]",
        help=f"{', '.join(Mode)}; several are compared question by question (hybrid)",
    )
    sub.add_argument("--split", default="test", metavar="NAME", help="judgements to use (test)")
    sub.add_argument("--unit", choices=("passage", "document"), default="passage", help="what is ranked")
    sub.add_argument(
        "--run", type=Path, metavar="OUT.trec", help="write the rankings here (OUT.MODE.trec if several)"
    )
    sub.add_argument(
        "--queries-out",
        type=Path,
        metavar="OUT.jsonl",
        help="write every question's scores, what was missed and what stood there instead here",
    )

    sub = commands.add(
        "languages",
        "reading and retrieval in every language of parallel SQuAD files such as XQuAD",
        eval_languages,
    )
    sub.add_argument("folder", type=Path, metavar="FOLDER", help="files named *.LANGUAGE.json, plain or .gz")
    sub.add_argument(
        "--across", metavar="XX", default="en", help="also ask every language over this one's texts (en)"
    )
    sub.add_argument("--limit", type=positive, metavar="N", help="ask N questions in each language")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (0)")
    sub.add_argument("-k", type=positive, default=20, metavar="N", help="passages to read (20)")

    sub = commands.add("answers", "ask every question of a SQuAD file over all its paragraphs", eval_answers)
    sub.add_argument("file", type=Path, metavar="FILE.json", help="SQuAD 1.1 or 2.0, plain or .gz")
    sub.add_argument("--limit", type=positive, metavar="N", help="ask a sample of N questions")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (0)")
    sub.add_argument("-k", type=positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument(
        "--failures", type=Path, metavar="OUT.jsonl", help="write every wrong question and what lost it here"
    )
    _add_plots(sub)

    sub = commands.add(
        "natural",
        "ask questions of a kind that people ask, and judge the answers as a person would",
        eval_natural,
    )
    sub.add_argument(
        "file", type=Path, metavar="FILE.jsonl", help="questions with accepted answers and their evidence"
    )
    sub.add_argument(
        "--collection",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="ask them of these documents, in a temporary store; else of --store, read only",
    )
    sub.add_argument("-k", type=positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument(
        "--failures", type=Path, metavar="OUT.jsonl", help="write every wrong question and what lost it here"
    )


def _add_plots(sub: Parser) -> None:
    sub.add_argument("--plots", type=Path, metavar="DIR", help="draw the curves into this folder")
    sub.add_argument("--plot-format", choices=("svg", "png"), default="svg", help="of the drawings (svg)")


def eval_reader(flags: Flags, settings: Settings) -> int:
    """Each question on its own paragraph."""
    from qa.evaluation.evaluate import evaluate_reader
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    plots = _made_folder(flags["plots"])
    reader = load_reader(_models(settings).reader)
    with Progress("question") as progress:
        report = evaluate_reader(
            flags["file"],
            reader,
            predictions_out=flags["predictions"],
            threshold=flags["threshold"],
            progress=progress,
        )
    if plots is not None:
        from ui.render.charts import draw_reader

        draw_reader(report, plots, kind=flags["plot_format"])
    terminal.show(settings, report.as_json(), evaluation_text.reader_text(report))
    return 0


def eval_retrieval(flags: Flags, settings: Settings) -> int:
    """Rank a collection with judgements, in one mode or several."""
    from index.checkpoints.presets import resolve_models
    from index.evaluation.retrieval import compare_retrieval
    from index.models.encoder import load_encoder
    from qa.squad.collection import judged_contexts
    from qa.squad.dataset import read_squad
    from ui.render.progress import Progress

    given: Path = flags["folder"]
    encoder = load_encoder(resolve_models(settings.models).encoder)
    with Progress("question") as progress:
        report = compare_retrieval(
            judged_contexts(read_squad(given)) if given.is_file() else given,
            encoder=encoder,
            modes=flags["mode"],
            split=flags["split"],
            unit=flags["unit"],
            run_out=flags["run"],
            queries_out=flags["queries_out"],
            progress=progress,
        )
    terminal.show(settings, report.as_json(), evaluation_text.retrieval_text(report))
    return 0


def eval_answers(flags: Flags, settings: Settings) -> int:
    """Every question over all paragraphs of the file."""
    from index.models.encoder import load_encoder
    from qa.answering.calibration_file import own_calibration
    from qa.evaluation.evaluate import evaluate_answers
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    plots = _made_folder(flags["plots"])
    chosen = _models(settings)
    reader, encoder = load_reader(chosen.reader), load_encoder(chosen.encoder)
    own = None
    if settings.store_given:
        own = own_calibration(settings.store, encoder=encoder.fingerprint, reader=reader.fingerprint)
    with Progress("question") as progress:
        report = evaluate_answers(
            flags["file"],
            reader,
            encoder,
            k=flags["k"],
            limit=flags["limit"],
            seed=flags["seed"],
            failures_out=flags["failures"],
            decision=None if own is None else own.decision,
            progress=progress,
        )
    if plots is not None:
        from ui.render.charts import draw_answers

        draw_answers(report, plots, kind=flags["plot_format"])
    fit = None if own is None else {"source": own.source, "questions": own.questions}
    text = evaluation_text.answers_text(report)
    if own is not None:
        text += f"\nJudged with the confidence fitted in {settings.store} on {own.source}."
    terminal.show(settings, {**report.as_json(), "store_fit": fit}, text)
    return 0


def eval_natural(flags: Flags, settings: Settings) -> int:
    """Questions of all kinds over documents of one's own, judged as a person would."""
    from index.evaluation.output_file import check_writable
    from index.models.encoder import load_encoder
    from index.store.store import Store
    from qa.evaluation.natural import collection_of, evaluate_natural, read_natural_questions
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    questions = read_natural_questions(flags["file"])
    failures: Path | None = flags["failures"]
    check_writable(failures, sources=[flags["file"]])
    chosen = _models(settings)
    reader, encoder = load_reader(chosen.reader), load_encoder(chosen.encoder)
    folders: list[Path] = flags["collection"]
    opened = (
        collection_of(folders, encoder) if folders else Store.open(settings.store, models=settings.models)
    )
    with opened as store, Progress("question") as progress:
        report = evaluate_natural(questions, store, reader, encoder, k=flags["k"], progress=progress)
    if failures is not None:
        lines = (json.dumps(miss.as_json(), ensure_ascii=False) + "\n" for miss in report.misses)
        failures.write_text("".join(lines), encoding="utf-8")
    terminal.show(settings, report.as_json(), natural_text(report))
    return 0


def natural_text(report: NaturalReport) -> str:
    """A row for all questions, for each collection and for each kind; shares in percent."""
    shown = ("right", "wrong", "refused", "silent", "precision", "first", "passage@1", "passage@5", "ece")
    form = report.as_json()
    groups = {"all": form["all"], **form["collections"]}
    groups |= {f"kind {name}": figures for name, figures in form["kinds"].items()}
    width = max(map(len, groups))
    lines = [f"{'':<{width}} {'questions':>10}" + "".join(f"{name:>10}" for name in shown)]
    for name, figures in groups.items():
        counts = f"{figures['answerable']}+{figures['questions'] - figures['answerable']}"
        cells = ("" if figures[key] is None else f"{figures[key]:.0%}" for key in shown)
        lines.append(f"{name:<{width}} {counts:>10}" + "".join(f"{cell:>10}" for cell in cells))
    stages = Counter(miss.stage.value for miss in report.misses if miss.stage)
    lost = ", ".join(f"{stage} {count}" for stage, count in stages.most_common())
    return "\n".join([*lines, "", f"Lost: {lost or 'nothing'}."])


def _models(settings: Settings) -> ModelChoice:
    """The models asked for, else those of a store that was named."""
    from index.checkpoints.presets import resolve_models
    from index.store.store import Store

    if settings.store_given:
        with suppress(StoreNotFound), Store.open(settings.store, models=settings.models) as store:
            return store.models
    return resolve_models(settings.models)


def eval_languages(flags: Flags, settings: Settings) -> int:
    """Reading and retrieval in every language of a folder of parallel files."""
    from index.checkpoints.presets import resolve_models
    from index.models.encoder import load_encoder
    from qa.evaluation.languages import evaluate_languages
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    chosen = resolve_models(settings.models)
    with Progress("stage") as progress:
        report = evaluate_languages(
            flags["folder"],
            load_reader(chosen.reader),
            load_encoder(chosen.encoder),
            across=flags["across"],
            limit=flags["limit"],
            seed=flags["seed"],
            k=flags["k"],
            progress=progress,
        )
    models = {"encoder": chosen.encoder, "reader": chosen.reader}
    text = languages_text(report, chosen.encoder, chosen.reader)
    terminal.show(settings, {**models, **report.as_json()}, text)
    return 0


def languages_text(report: LanguagesReport, encoder: str, reader: str) -> str:
    """One row for each language."""
    across = f"asked over {report.across}"
    lines = [
        f"{report.questions:,} questions in each language; encoder {encoder}, reader {reader}.",
        "Exact / F1 of the best span; found: a passage that was read holds the answer.",
        "",
        f"{'':<4} {'gold paragraph':>16} {'own texts':>16} {'found':>6} {across:>16} {'found':>6}",
    ]
    for item in report.languages:
        own, crossed = item.own, item.across
        row = (
            f"{item.language:<4} {_pair(item.read.every.exact, item.read.every.f1):>16} "
            f"{_pair(own.forced.exact, own.forced.f1):>16} {_share_text(own.recall):>6}"
        )
        if crossed is not None:
            row += f" {_pair(crossed.forced.exact, crossed.forced.f1):>16} {_share_text(crossed.recall):>6}"
        lines.append(row)
    return "\n".join(lines)


def _pair(exact: float, f1: float) -> str:
    return f"{exact:.1f} / {f1:.1f}"


def _share_text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _made_folder(folder: Path | None) -> Path | None:
    """The folder, made before the work, so that an error comes at once; raises UsageError."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made: {error}", hint="give another folder") from error
    return folder


def _modes(text: str) -> tuple[Mode, ...]:
    try:
        return tuple(dict.fromkeys(Mode(part.strip()) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not made of {', '.join(Mode)} with commas between"
        ) from None
