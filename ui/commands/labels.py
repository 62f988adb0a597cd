"""The commands `label`, `train classifier` and `eval classifier`: flags in, outcomes as JSON and text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ui.arguments import Commands, Parser, above_zero, add_filters, filters_of, positive, share
from ui.commands.train import add_training, forget_checkpoints, settings_content
from ui.render import phrasing, terminal
from ui.render.json_forms import Json, record_json
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from index.evaluation.classification import LabelReport
    from index.models.classifier import Classifier
    from index.records import LabelCount
    from index.store.label_store import LabellingReport
    from index.store.store import Store
    from index.training.settings import ClassifierTraining
    from index.training.train_classifier import TrainedClassifier

_WIDEST = 12


def declare(commands: Commands) -> None:
    """Declare `label`."""
    purpose = "put labels on passages or files; without any flag, say which labels there are"
    sub = commands.add("label", purpose, label)
    sub.add_argument("names", nargs="*", metavar="PATH_OR_ID", help="what --add and --remove are about")
    kind = sub.add_mutually_exclusive_group()
    kind.add_argument("--classifier", metavar="NAME", help="label by a classifier: its folder, or a hub id")
    kind.add_argument(
        "--labels",
        metavar="A,B,...",
        help="label by the nearest of these names, or of their meanings: 'refund: wants money back, ...'",
    )
    kind.add_argument("--add", metavar="LABEL", help="put this label on files by hand")
    kind.add_argument("--remove", metavar="LABEL", help="take this label off files, or off everything")
    sub.add_argument(
        "--unit", choices=("passage", "document"), default="passage", help="what bears a label (passage)"
    )
    sub.add_argument(
        "--least", type=share, metavar="P", help="least probability of a label that is given (0.5)"
    )
    sub.add_argument("--dry-run", action="store_true", help="count the labels and store none")
    add_filters(sub)


def declare_evaluation(commands: Commands) -> None:
    """Declare `eval classifier`."""
    purpose = "accuracy, F1 of each label and confusion of a classifier on labelled texts"
    sub = commands.add("classifier", purpose, eval_classifier)
    sub.add_argument(
        "files", nargs="+", metavar="FILE", help="labelled texts: .csv, .tsv or .jsonl, plain or .gz"
    )
    sub.add_argument("--classifier", metavar="NAME", help="its folder, or a hub id")
    sub.add_argument(
        "--zero-shot",
        choices=("vectors",),
        help="judge by the labels' names alone: the nearest vector",
    )
    _add_columns(sub)


def declare_training(commands: Commands) -> None:
    """Declare `train classifier`."""
    sub = add_training(
        commands,
        "classifier",
        "learn labels of texts, or of pairs of texts; --encoder NAME is the model to start from",
        train_classifier,
        files=".csv, .tsv or .jsonl with text and label; plain or .gz",
    )
    sub.add_argument(
        "--method",
        choices=("auto", "fine-tune", "linear"),
        help="all of the model, or a linear head on its frozen vectors; auto: linear below 500 texts (auto)",
    )
    sub.add_argument(
        "--adapter",
        type=positive,
        metavar="RANK",
        help="train low-rank adapters and keep the model as it is",
    )
    sub.add_argument("--epochs", type=above_zero, metavar="X", help="passes over the data, also 0.5 (4)")
    sub.add_argument("--learning-rate", type=above_zero, metavar="X", help="the highest one (1e-4)")
    sub.add_argument("--hold-out", type=share, metavar="SHARE", help="texts kept out to judge by (0.1)")
    sub.add_argument("--strict", action="store_true", help="stop at rows without a text or a label")
    _add_columns(sub)


def _add_columns(sub: Parser) -> None:
    sub.add_argument("--text-column", metavar="NAME", help="column of the text (text, sentence, premise ...)")
    sub.add_argument("--second-column", metavar="NAME", help="column of the second text of a pair")
    sub.add_argument("--label-column", metavar="NAME", help="column of the label (label, category ...)")


# -- label ----------------------------------------------------------------------------------------------


def label(flags: Flags, settings: Settings) -> int:
    """Label by a classifier, by names alone, or by hand; or say which labels there are."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        if flags["add"] or flags["remove"]:
            as_json, text = _by_hand(flags, store)
        elif flags["names"]:
            raise UsageError(
                f"label does not know what to do with {flags['names'][0]}",
                hint="give --add LABEL or --remove LABEL with it; to label some files only, --path FILE",
            )
        elif flags["classifier"] is None and flags["labels"] is None:
            as_json, text = _counted(store.label_counts())
        else:
            report = _label_all(flags, store)
            as_json, text = labelling_json(report), labelling_text(report)
    terminal.show(settings, as_json, text)
    return 0


def _label_all(flags: Flags, store: Store) -> LabellingReport:
    from index.store.label_store import label_store
    from ui.render.progress import Progress

    classifier, author = _classifier(flags, store)
    with Progress("passage") as progress:
        return label_store(
            store,
            classifier,
            author=author,
            unit=flags["unit"],
            least=0.5 if flags["least"] is None else flags["least"],
            filters=filters_of(flags),
            dry_run=flags["dry_run"],
            progress=progress,
        )


def _classifier(flags: Flags, store: Store) -> tuple[Classifier, str]:
    """The classifier that was asked for, and the name under which its labels are stored."""
    from index.models.classifier import load_classifier
    from index.models.zero_shot import NearestLabels, named_labels

    if flags["labels"] is not None:
        return NearestLabels(store.encoder, named_labels(flags["labels"].split(","))), "nearest labels"
    classifier = load_classifier(flags["classifier"])
    if {"entailment", "contradiction"} <= {name.casefold() for name in classifier.labels}:
        raise UsageError(
            f"{flags['classifier']} judges pairs of texts, a passage is one", hint="give one for single texts"
        )
    return classifier, f"classifier {Path(flags['classifier']).expanduser().name}"


def _by_hand(flags: Flags, store: Store) -> tuple[Json, str]:
    name = (flags["add"] or flags["remove"]).strip()
    if not name:
        raise UsageError("a label needs a name", hint='such as: spanwise label --add "read" report.pdf')
    documents = {doc.id for path in flags["names"] for doc in store.named(path)}
    if flags["remove"] and not flags["names"]:
        gone = store.remove_label(name)
        return {"removed": gone}, f"{phrasing.count(gone, 'label')} removed"
    if not documents:
        raise UsageError("--add needs files", hint="give paths or document ids")
    if flags["remove"]:
        gone = store.remove_label(name, documents)
        return {"removed": gone}, f"{phrasing.count(gone, 'label')} removed"
    added = store.add_label(name, documents)
    return {"added": added}, f"{phrasing.count(added, 'file')} labelled {name}"


def _counted(counts: Sequence[LabelCount]) -> tuple[Json, str]:
    as_json: Json = {
        "labels": {
            count.name: {"documents": count.documents, "files": count.files, "places": count.places}
            for count in counts
        }
    }
    if not counts:
        return as_json, "There are no labels yet: spanwise label --classifier DIR, or --labels A,B,C"
    lines = [
        f"{count.name:<30} on {phrasing.count(count.places, 'passage')} and "
        f"{phrasing.count(count.files, 'whole file')} ({phrasing.count(count.documents, 'file')} in all)"
        for count in counts
    ]
    return as_json, "\n".join(lines)


def labelling_json(report: LabellingReport) -> Json:
    """What was labelled."""
    fields = record_json(report)
    del fields["author"]  # it follows from what was asked for
    return {**fields, "labelled": sum(report.counts.values())}


def labelling_text(report: LabellingReport) -> str:
    """The labels with their numbers, what was left out, and the next step."""
    unreadable = f", {report.unreadable:,} in words that the model does not know" if report.unreadable else ""
    lines = [f"{count:>8,}  {name}" for name, count in report.counts.items()]
    lines.append(
        f"{phrasing.count(report.looked_at, report.unit)} looked at in {report.seconds:.1f} s: "
        f"{sum(report.counts.values()):,} labelled, {report.unsure:,} not sure enough{unreadable}"
    )
    if not report.stored:
        lines.append("Nothing was stored (--dry-run).")
    elif report.counts:
        lines.append(f"Use them: spanwise search ... --label {next(iter(report.counts))}")
    return "\n".join(lines)


# -- train classifier -----------------------------------------------------------------------------------


def train_classifier(flags: Flags, settings: Settings) -> int:
    """Train a classifier as file and flags say."""
    from index.training.train_classifier import train_classifier
    from ui.render.progress import Progress

    training = read_classifier_training(flags, settings)
    if flags["restart"]:
        forget_checkpoints(flags["out"])
    with Progress("step") as progress:
        trained = train_classifier(training, flags["out"], strict=flags["strict"], progress=progress.training)
    terminal.show(settings, trained_json(trained), trained_text(trained))
    return 0


def read_classifier_training(flags: Flags, settings: Settings) -> ClassifierTraining:
    """What the settings file says, overridden by what was typed; raises UsageError and DataError."""
    from index.checkpoints.presets import resolve_models
    from index.datasets.setting_types import checked
    from index.training.settings import ClassifierTraining

    start = resolve_models(settings.models).encoder if settings.models else None
    content, where = settings_content(flags, start, kind="classifier", files="files of labelled texts")
    for name in ("method", "adapter", "hold_out"):
        if flags[name] is not None:
            content[name] = flags[name]
    if content.get("adapter") and content.get("method", "auto") == "auto":
        content["method"] = "fine-tune"
    columns = {name: flags[f"{name}_column"] for name in ("text", "second", "label")}
    given = {name: column for name, column in columns.items() if column is not None}
    typed = set(flags["files"])
    content["sources"] = [
        {**source, **given} if isinstance(source, dict) and source.get("path") in typed else source
        for source in content["sources"]
    ]
    return checked(ClassifierTraining, content, where=where)


def trained_json(trained: TrainedClassifier) -> Json:
    """Where the classifier is, what it was trained on, and how good it is."""
    return {
        "classifier": str(trained.folder),
        "method": trained.method,
        "labels": list(trained.data.labels),
        "examples": len(trained.data.examples),
        "held_out": len(trained.data.held_out),
        "cut": trained.cut,
        "evaluations": [
            {"step": item.step, "weights": item.weights, "figures": dict(item.figures)}
            for item in trained.evaluations
            if item.figures
        ],
        "report": None if trained.report is None else trained.report.as_json(),
    }


def trained_text(trained: TrainedClassifier) -> str:
    """What was read, how good the classifier is, and the next step."""
    lines = []
    for report in trained.data.reports:
        empty = f"; {report.empty:,} rows without a text or a label left out" if report.empty else ""
        examples = phrasing.count(report.examples, "example")
        lines.append(f"{report.path}: {examples}, {phrasing.count(len(report.labels), 'label')}{empty}")
    if trained.cut:
        lines.append(f"{trained.cut:,} texts were too long and cut")
    if trained.report is None:
        lines.append("nothing was held out, so nothing says how good it is: try `spanwise eval classifier`")
    else:
        lines += ["", report_text(trained.report), ""]
    how = {
        "linear": "A linear head on frozen vectors",
        "adapter": "Adapters",
        "fine-tune": "A fine-tuned model",
    }
    lines.append(f"{how[trained.method]} in {trained.folder}")
    if not trained.data.pairs:
        lines.append(f"Use it: spanwise label --classifier {trained.folder}")
    return "\n".join(lines)


# -- eval classifier ------------------------------------------------------------------------------------


def eval_classifier(flags: Flags, settings: Settings) -> int:
    """A classifier, or labels by their names alone, on labelled texts."""
    from index.datasets.labelled_texts import ExampleSource, read_examples
    from index.evaluation.classification import evaluate_classifier
    from ui.render.progress import Progress

    columns = {name: flags[f"{name}_column"] for name in ("text", "second", "label")}
    examples = [
        example
        for path in flags["files"]
        for example in read_examples(ExampleSource(path=path, **columns)).examples
    ]
    if flags["zero_shot"] is None and flags["classifier"] is None:
        raise UsageError(
            "eval classifier needs a classifier", hint="--classifier DIR, or --zero-shot vectors"
        )
    classifier = _judge(flags, settings, sorted({name for item in examples for name in item.labels}))
    with Progress("text") as progress:
        report = evaluate_classifier(examples, classifier, progress=progress)
    terminal.show(settings, {"classifier": classifier.name, **report.as_json()}, report_text(report))
    return 0


def _judge(flags: Flags, settings: Settings, labels: Sequence[str]) -> Classifier:
    from index.checkpoints.presets import resolve_models
    from index.models.classifier import load_classifier
    from index.models.encoder import load_encoder
    from index.models.zero_shot import NamedLabel, NearestLabels

    if flags["zero_shot"] is None:
        return load_classifier(flags["classifier"])
    named = [NamedLabel.parse(name) for name in labels]
    return NearestLabels(load_encoder(resolve_models(settings.models).encoder), named)


def report_text(report: LabelReport) -> str:
    """Figures, and who was taken for whom: as a table where that is not too wide."""
    low, high = report.interval.low, report.interval.high
    lines = [
        f"accuracy {report.accuracy:.3f} (95 % interval {low:.3f} to {high:.3f}), macro F1 "
        f"{report.macro_f1:.3f}, ECE {report.ece:.3f}, {phrasing.count(report.texts, 'text')} in "
        f"{report.seconds:.1f} s",
        "",
        f"{'label':<24} {'precision':>9} {'recall':>9} {'F1':>9} {'texts':>8}",
    ]
    lines += [
        f"{score.label[:24]:<24} {score.precision:>9.3f} {score.recall:>9.3f} {score.f1:>9.3f} "
        f"{score.support:>8,}"
        for score in report.scores
    ]
    lines.append("")
    if len(report.scores) <= _WIDEST:
        names = [score.label[:9] for score in report.scores]
        lines.append(f"{'true, down; given, across':<26}" + "".join(f"{name:>10}" for name in names))
        lines += [
            f"{name:<26}" + "".join(f"{count:>10,}" for count in row)
            for name, row in zip(names, report.confusion.tolist(), strict=True)
        ]
    else:
        lines.append("most often confused:")
        lines += [f"{count:>6,}  {true} taken for {given}" for true, given, count in report.confused()]
    return "\n".join(lines)
