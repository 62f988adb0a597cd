"""The commands: take settings and flags, call one library function, print, return the exit status.

Everything heavy is imported inside the command that needs it. No command decides anything about documents or
answers; errors pass through to `cli`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from index.errors import StoreNotFound
from index.records import Filters, IngestReport, Mode
from ui.render import evaluation_text, json_forms, terminal
from ui.settings import Settings, UsageError, data_folder

if TYPE_CHECKING:  # these modules load models, this one must not
    from index.checkpoints.presets import ModelChoice
    from qa.answering.answerer import Answerer
    from qa.explanation.records import Why
    from qa.records import AskResult
    from ui.commands.batch import BatchQuestion

Flags = Mapping[str, Any]
_ANSWERS = 3


def _ingest(flags: Flags, settings: Settings) -> int:
    from ui.commands.ingest import ingest

    return ingest(flags, settings)


def _search(flags: Flags, settings: Settings) -> int:
    from index.search.retriever import Retriever
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        result = Retriever(store).search(
            " ".join(flags["question"]), k=flags["k"], mode=Mode(flags["mode"]), filters=filters_of(flags)
        )
        labels = store.catalog.annotations.labels_of([hit.passage.id for hit in result.hits])
    _show(settings, json_forms.search_json(result, labels), terminal.search_text(result, _style(settings)))
    return 0


def _ask(flags: Flags, settings: Settings) -> int:
    if flags["batch"] is None and not flags["question"]:
        raise UsageError("ask needs a question", hint='try: spanwise ask "who wrote it?", or --batch FILE')
    if flags["table"] is not None and flags["batch"] is None:
        raise UsageError("--table goes with --batch", hint="put the questions in a file: --batch FILE")
    if flags["batch"] is not None and flags["question"]:
        raise UsageError("ask takes either a question or --batch, not both", hint="leave one of them out")

    from qa.answering.answerer import Answerer
    from qa.answering.support import likely
    from ui.commands.batch import read_questions

    options = {
        "answers": flags["answers"] or _ANSWERS,
        "k": flags["k"],
        "filters": filters_of(flags),
        "always_answer": flags["always_answer"],
        "min_confidence": flags["min_confidence"],
    }
    if flags["batch"] is None:
        with Answerer.open(settings.store, models=settings.models) as answerer:
            result = answerer.ask(" ".join(flags["question"]), **options)
            if flags["answers"] is None and not settings.json:
                result = likely(result)
            whys = _explanations(flags, answerer)(result)
        _show(settings, json_forms.ask_json(result, whys), terminal.ask_text(result, _style(settings), whys))
        return 0
    batch = read_questions(flags["batch"])
    if flags["table"] is not None:
        return _ask_table(flags, settings, batch, options)
    with Answerer.open(settings.store, models=settings.models) as answerer:
        explain = _explanations(flags, answerer)
        results = answerer.ask_many([item.question for item in batch], **options)
        for item, result in zip(batch, results, strict=True):
            print(
                json_forms.dumps({"id": item.id, **json_forms.ask_json(result, explain(result))}), flush=True
            )
    return 0


def _ask_table(
    flags: Flags, settings: Settings, batch: Sequence[BatchQuestion], options: dict[str, Any]
) -> int:
    from qa.answering.answerer import Answerer
    from ui.render.progress import Progress
    from ui.services.questionnaire import row_of, table_writer

    answered = 0
    with (
        table_writer(flags["table"]) as write,
        Answerer.open(settings.store, models=settings.models) as answerer,
        Progress("question") as progress,
    ):
        progress(0, len(batch))
        results = answerer.ask_many([item.question for item in batch], **options)
        for done, (item, result) in enumerate(zip(batch, results, strict=True), start=1):
            write(row_of(str(item.id), result))
            answered += result.answered
            progress(done, len(batch))
    facts = {"questions": len(batch), "answered": answered, "table": str(flags["table"])}
    _show(settings, facts, f"{answered:,} of {len(batch):,} questions answered, in {flags['table']}")
    return 0


def _explanations(flags: Flags, answerer: Answerer) -> Callable[[AskResult], Sequence[Why]]:
    """What says for every shown answer why it was given; nothing without --why."""
    if not flags["why"]:
        return lambda result: ()
    from qa.explanation.explainer import Explainer

    explainer = Explainer(answerer.reader.name)
    return lambda result: [explainer.explain(result, answer) for answer in result.answers]


def _ui(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store
    from ui.commands.serve import free_port, serve
    from ui.services.password import is_loopback, password_for

    # Opened here first, so that what is wrong with the store is said in the shell.
    Store.open(settings.store, create=True, models=settings.models).close()
    address = flags["address"]
    port = free_port(address, flags["port"])
    url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    password = password_for(address, settings.password)
    new = password if password != settings.password else None
    lines = [f"Spanwise is at {url} with the store {settings.store}. Ctrl-C ends it."]
    if not is_loopback(address):
        lines.append(
            "Other computers can reach it, unencrypted: whoever knows the password can ask, add, remove."
        )
    if new is not None:
        lines.append(f"The password for this run: {new} (choose your own with SPANWISE_UI_PASSWORD)")
    _show(
        settings,
        {"url": url, "store": str(settings.store), **({"password": new} if new is not None else {})},
        "\n".join(lines),
    )
    sys.stdout.flush()
    settings = replace(settings, password=password)
    return serve(settings, address, port, headless=flags["headless"] or not sys.stdout.isatty())


def _demo(flags: Flags, settings: Settings) -> int:
    from ui.render.progress import Progress
    from ui.services.demo import DemoResult, run_demo

    store = settings.store if settings.store_given else data_folder() / "demo"
    style = _style(settings)

    def built(report: IngestReport) -> None:
        if not settings.json:
            print(f"{store}: {terminal.ingest_text(report)}\n", flush=True)

    def each(item: DemoResult) -> None:
        if not settings.json:
            print(terminal.demo_line(item, style), flush=True)

    with Progress("file") as progress:
        report = run_demo(store, settings.models, built=built, each=each, progress=progress.ingest)
    _show(
        settings, json_forms.demo_json(report, str(store)), "\n" + terminal.demo_summary(report, str(store))
    )
    return 0


def _init(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store

    try:
        Store.open(settings.store, models=settings.models).close()
        existed = True
    except StoreNotFound:
        existed = False
    with Store.open(settings.store, create=True, models=settings.models, database=flags["database"]) as store:
        encoder, reader = store.models.encoder, store.models.reader
    facts = {"store": str(settings.store), "created": not existed, "encoder": encoder, "reader": reader}
    verb = "There already is a store" if existed else "Created an empty store"
    _show(settings, facts, f"{verb} in {settings.store} (encoder {encoder}, reader {reader}).")
    return 0


def _stats(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        if flags["files"]:
            from ui.render.file_report import coverage_json, coverage_text

            pieces, end = (coverage_json, "") if settings.json else (coverage_text, "\n")
            for piece in pieces(store.files()):
                print(piece, end=end)
            print(end="\n" if settings.json else "")
            return 0
        stats = store.stats()
    _show(settings, json_forms.stats_json(stats), terminal.stats_text(stats, str(settings.store)))
    return 0


def _delete(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        removed = store.delete(flags["names"])
    _show(settings, {"removed": removed}, f"{removed:,} removed")
    return 0


def _check(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        report = store.repair() if flags["command"] == "repair" else store.check()
    _show(settings, json_forms.check_json(report), terminal.check_text(report))
    return 0 if report.ok else 1


def _compact(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        info = store.compact(index=flags["index"])
    _show(settings, {"index": json_forms.index_json(info)}, terminal.index_text(info))
    return 0


def _export(flags: Flags, settings: Settings) -> int:
    if flags["feedback"]:
        from ui.commands.feedback import export_feedback

        return export_feedback(flags, settings)
    from index.store.export import STANDARD
    from index.store.store import Store
    from ui.render.progress import Progress, say

    with Store.open(settings.store, models=settings.models) as store, Progress("document") as progress:
        report = store.export_file(flags["file"], vectors=flags["vectors"], progress=progress)
    if flags["file"] == STANDARD:  # the documents themselves have taken standard output
        say(terminal.export_text(report))
    else:
        _show(settings, json_forms.export_json(report), terminal.export_text(report))
    return 0


def _import(flags: Flags, settings: Settings) -> int:
    if flags["feedback"]:
        from ui.commands.feedback import import_feedback

        return import_feedback(flags, settings)
    from index.store.import_export import read_export
    from index.store.store import Store
    from ui.render.progress import Progress

    with read_export(flags["file"]) as export:
        try:
            store = Store.open(settings.store, models=settings.models)
        except StoreNotFound:
            models = settings.models or export.header.models
            store = Store.open(settings.store, create=True, models=models)
        with store, Progress("document") as progress:
            report = store.import_file(export, progress=progress)
    _show(settings, json_forms.import_json(report), terminal.import_text(report))
    return 0 if report.ok else 1


def _backup(flags: Flags, settings: Settings) -> int:
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        report = store.backup(flags["folder"])
    _show(settings, json_forms.backup_json(report), terminal.backup_text(report))
    return 0


def _reembed(flags: Flags, settings: Settings) -> int:
    from index.checkpoints.presets import resolve_models
    from index.store.store import Store
    from ui.render.progress import Progress

    if settings.models is None or not (settings.models.partition(",")[0]):
        raise UsageError("reembed needs the encoder to change to", hint="name it: --encoder NAME")
    with Store.open(settings.store) as store, Progress("passage") as progress:
        report = store.reembed(resolve_models(settings.models).encoder, progress=progress)
    _show(settings, json_forms.reembed_json(report), terminal.reembed_text(report))
    return 0


def _bench(flags: Flags, settings: Settings) -> int:
    from ui.commands.bench import bench

    return bench(flags, settings)


def _bench_scale(flags: Flags, settings: Settings) -> int:
    from ui.commands.bench import bench_scale

    return bench_scale(flags, settings)


def _bench_engines(flags: Flags, settings: Settings) -> int:
    from index.checkpoints.presets import resolve_models
    from qa.benchmarks.engines import measure_engines
    from qa.squad.dataset import read_squad
    from ui.render.progress import say
    from ui.services.demo import demo_passages, demo_questions

    chosen = resolve_models(settings.models)
    questions = [example.question for example in read_squad(demo_questions()).examples[::8]]
    passages = demo_passages(flags["passages"])
    measured = measure_engines(
        (chosen.encoder, chosen.reader), questions, passages, rounds=flags["rounds"], progress=say
    )
    _show(settings, measured.as_json(), evaluation_text.engines_text(measured))
    return 0


def _models(flags: Flags, settings: Settings) -> int:
    from ui.services.inventory import list_presets

    presets = list_presets()
    _show(settings, json_forms.models_json(presets), terminal.models_text(presets, _style(settings)))
    return 0


def _eval_reader(flags: Flags, settings: Settings) -> int:
    from qa.evaluation.evaluate import evaluate_reader
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    plots = _made_folder(flags["plots"])
    reader = load_reader(_serving(settings).reader)
    with Progress("question") as progress:
        report = evaluate_reader(
            flags["file"],
            reader,
            predictions_out=flags["predictions"],
            threshold=flags["threshold"],
            progress=progress,
        )
    if plots is not None:
        from qa.evaluation.plots import draw_reader

        draw_reader(report, plots, kind=flags["plot_format"])
    _show(settings, report.as_json(), evaluation_text.reader_text(report))
    return 0


def _eval_retrieval(flags: Flags, settings: Settings) -> int:
    from index.checkpoints.presets import resolve_models
    from index.evaluation.retrieval import compare_retrieval
    from index.models.encoder import load_encoder
    from qa.squad.contexts import judged_contexts
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
    _show(settings, report.as_json(), evaluation_text.retrieval_text(report))
    return 0


def _eval_answers(flags: Flags, settings: Settings) -> int:
    from index.models.encoder import load_encoder
    from qa.answering.calibration_file import own_calibration
    from qa.evaluation.evaluate import evaluate_answers
    from qa.reading.reader import load_reader
    from ui.render.progress import Progress

    plots = _made_folder(flags["plots"])
    chosen = _serving(settings)
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
        from qa.evaluation.plots import draw_answers

        draw_answers(report, plots, kind=flags["plot_format"])
    fit = None if own is None else {"source": own.source, "questions": own.questions}
    said = evaluation_text.answers_text(report)
    if own is not None:
        said += f"\nJudged with the confidence fitted in {settings.store} on {own.source}."
    _show(settings, {**report.as_json(), "store_fit": fit}, said)
    return 0


def _serving(settings: Settings) -> ModelChoice:
    """The models asked for, else those of a store that was named."""
    from index.checkpoints.presets import resolve_models
    from index.store.store import Store

    if settings.store_given:
        with suppress(StoreNotFound), Store.open(settings.store, models=settings.models) as store:
            return store.models
    return resolve_models(settings.models)


def _train_reader(flags: Flags, settings: Settings) -> int:
    from index.checkpoints.presets import resolve_models
    from qa.training.stages import forget_checkpoints, train_stages
    from ui.commands.train import read_stages, training_json, training_text
    from ui.render.progress import Progress, say

    start = resolve_models(settings.models).reader if settings.models else None
    stages = read_stages(flags, start)
    if flags["restart"]:
        forget_checkpoints(stages, flags["out"])
    with Progress("question") as mining, Progress("step") as progress:
        trained = train_stages(
            stages,
            flags["out"],
            strict=flags["strict"],
            announce=say,
            progress=progress.training,
            mining_progress=mining,
        )
    _show(settings, training_json(trained), training_text(trained))
    return 0


def _train_encoder(flags: Flags, settings: Settings) -> int:
    from index.checkpoints.presets import resolve_models
    from index.training.train_encoder import train_encoder
    from qa.training.passage_pairs import read_labelled_pairs
    from ui.commands.train import encoder_json, encoder_text, read_encoder_training
    from ui.render.progress import Progress

    start = resolve_models(settings.models).encoder if settings.models else None
    training = read_encoder_training(flags, start)
    if flags["restart"]:
        shutil.rmtree(flags["out"] / "checkpoints", ignore_errors=True)
    with Progress("question") as mining, Progress("step") as progress:
        trained = train_encoder(
            training,
            flags["out"],
            strict=flags["strict"],
            read=read_labelled_pairs,
            progress=progress.training,
            mining_progress=mining,
        )
    _show(settings, encoder_json(trained), encoder_text(trained))
    return 0


def _workbench(flags: Flags, settings: Settings) -> int:
    from ui.commands.vectors import COMMANDS

    return COMMANDS[flags["command"]](flags, settings)


def _train_classifier(flags: Flags, settings: Settings) -> int:
    from ui.commands.labels import train

    _show(settings, *train(flags, settings))
    return 0


def _eval_classifier(flags: Flags, settings: Settings) -> int:
    from ui.commands.labels import evaluate

    _show(settings, *evaluate(flags, settings))
    return 0


def _label(flags: Flags, settings: Settings) -> int:
    from ui.commands.labels import label

    _show(settings, *label(flags, settings, filters_of(flags)))
    return 0


def _eval_languages(flags: Flags, settings: Settings) -> int:
    from ui.commands.languages import evaluate

    _show(settings, *evaluate(flags, settings))
    return 0


def _compare_models(flags: Flags, settings: Settings) -> int:
    from ui.commands.models import compare

    _show(settings, *compare(flags, settings))
    return 0


def _learn(flags: Flags, settings: Settings) -> int:
    from ui.commands.feedback import learn

    return learn(flags, settings)


def _calibrate(flags: Flags, settings: Settings) -> int:
    from index.models.encoder import load_encoder
    from index.store.store import Store
    from qa.calibration.calibrate import calibrate
    from qa.reading.reader import load_reader
    from ui.commands.train import calibration_json, calibration_text
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
    _show(settings, calibration_json(report), calibration_text(report))
    return 0


COMMANDS: Mapping[str, Callable[[Flags, Settings], int]] = {
    "ingest": _ingest,
    "search": _search,
    "ask": _ask,
    "ui": _ui,
    "demo": _demo,
    "init": _init,
    "stats": _stats,
    "delete": _delete,
    "check": _check,
    "repair": _check,
    "compact": _compact,
    "export": _export,
    "import": _import,
    "backup": _backup,
    "reembed": _reembed,
    "bench": _bench,
    "bench scale": _bench_scale,
    "bench engines": _bench_engines,
    "label": _label,
    "models": _models,
    "models compare": _compare_models,
    "calibrate": _calibrate,
    "eval reader": _eval_reader,
    "eval retrieval": _eval_retrieval,
    "eval classifier": _eval_classifier,
    "eval languages": _eval_languages,
    "eval answers": _eval_answers,
    "train reader": _train_reader,
    "train encoder": _train_encoder,
    "train adapt": _workbench,
    "embed": _workbench,
    "explain": _workbench,
    "nearest": _workbench,
    "eval words": _workbench,
    "eval sentences": _workbench,
    "train classifier": _train_classifier,
    "learn reader": _learn,
    "learn confidence": _learn,
}


def _made_folder(folder: Path | None) -> Path | None:
    """The folder, which exists now: what cannot be made is said before an hour's work, not after."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be made: {error}", hint="give another folder") from error
    return folder


def filters_of(flags: Flags) -> Filters:
    return Filters(
        languages=tuple(language.lower() for language in flags["language"]),
        paths=tuple(flags["path"]),
        documents=tuple(flags["document"]),
        types=tuple(kind.lower().removeprefix(".") for kind in flags["type"]),
        since=flags["since"],
        until=flags["until"],
        labels=tuple(flags["label"]),
    )


def _style(settings: Settings) -> terminal.Style:
    return terminal.Style(colour=settings.colour, width=min(get_terminal_size((100, 24)).columns, 110) - 5)


def _show(settings: Settings, as_json: json_forms.Json, as_text: str) -> None:
    print(json_forms.dumps(as_json) if settings.json else as_text)
