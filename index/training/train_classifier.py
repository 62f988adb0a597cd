"""`spanwise train classifier`: a checkpoint of RoBERTa's family learns the labels of texts, or of pairs.

    sources -> examples -> batches -> loss -> weights, and a card with the confusion matrix

Three forms (`index.models.classifier` loads all): the whole model fine-tuned with a new head on its first
token (Devlin et al. 2019), low-rank adapters beside the frozen model, or, where examples are few, a linear
head on the frozen encoder's vectors.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from index.datasets.labelled_texts import Example, ExampleData, load_examples
from index.datasets.sampling import Order, draw
from index.engines.reference_roberta import softmax
from index.engines.torch_models import Trainable, load_trainable, save_trained, with_labels
from index.errors import ModelError
from index.evaluation.classification import LabelReport, label_report
from index.models.classifier import ADAPTER, FACTS, LINEAR, framed_pair, paired_vectors, text_pieces
from index.models.classifier_heads import Floats
from index.models.encoder import load_encoder
from index.models.lora import ADAPTER as ADAPTER_FILE
from index.protocols import TokenIds
from index.training.linear_head import fit_linear, one_of, wanted_rows
from index.training.loop import Evaluation, TrainingProgress, fit
from index.training.lora_layers import adapter_tensors, add_adapters
from index.training.model_card import cell, model_card, table
from index.training.run_state import made_folder, run_identity
from index.training.settings import ClassifierTraining
from index.training.weights import set_dropout

Progress = Callable[[TrainingProgress], None]
_EVALUATED_AT_ONCE = 64
_LEAST_AT_ONCE = 16
_LONGER = 1.5
_MATRIX_UP_TO = 12  # labels
_METHODS = {
    "linear": "a linear head on the frozen vectors of",
    "adapter": "low-rank adapters beside the frozen weights of",
    "fine-tune": "all weights fine-tuned from",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedClassifier:
    """Where the classifier was written, how it was made, and how good it is on what was held out.

    `method` is `linear`, `fine-tune` or `adapter`; `report` is None where nothing was held out; `cut` counts
    the examples that were longer than the settings' `max_tokens`.
    """

    folder: Path
    method: str
    data: ExampleData
    evaluations: tuple[Evaluation, ...]
    report: LabelReport | None
    cut: int


def train_classifier(
    settings: ClassifierTraining,
    out: str | Path,
    *,
    strict: bool = False,
    progress: Progress | None = None,
) -> TrainedClassifier:
    """Train as `settings` say and write the classifier into the folder `out`.

    A run that was killed goes on where its last checkpoint in
    `out/checkpoints` stands when it is called again with the same settings and files. Raises DataError,
    ModelNotFound and ModelError.
    """
    out = made_folder(Path(out))
    data = load_examples(settings.sources, hold_out=settings.hold_out, strict=strict)
    linear = settings.method == "linear" or (settings.method == "auto" and len(data.examples) < settings.few)
    trained = _train_linear(settings, data, out) if linear else _train_whole(settings, data, out, progress)
    (out / "MODEL_CARD.md").write_text(_card(settings, trained), encoding="utf-8")
    record = {
        "method": trained.method,
        "settings": asdict(settings),
        "evaluations": [asdict(item) for item in trained.evaluations],
        "held_out": None if trained.report is None else trained.report.as_json(),
    }
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return trained


def _card(settings: ClassifierTraining, trained: TrainedClassifier) -> str:
    data = trained.data
    return model_card(
        "Classifier",
        f"Trained by `spanwise train classifier`: {_METHODS[trained.method]} `{settings.start}`.\n"
        f"It judges {'pairs of texts' if data.pairs else 'texts'} and knows {len(data.labels)} labels: "
        f"{', '.join(f'`{label}`' for label in data.labels)}.",
        {
            "Data": [
                *table(
                    ("file", "examples", "left out", "weight"),
                    (
                        (f"`{Path(report.path).name}`", report.examples, report.empty, f"{source.weight:g}")
                        for source, report in zip(settings.sources, data.reports, strict=True)
                    ),
                ),
                "",
                f"{len(data.held_out):,} examples were held out. {trained.cut:,} were longer than the "
                f"{settings.max_tokens} tokens of training and were cut.",
            ],
            "Figures on what was held out": _figure_lines(trained.report),
        },
        settings,
    )


def _figure_lines(report: LabelReport | None) -> list[str]:
    if report is None:
        return ["Nothing was held out."]
    low, high = report.interval.low, report.interval.high
    lines = [
        f"Accuracy {report.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}), macro F1 "
        f"{report.macro_f1:.4f}, expected calibration error {report.ece:.3f}, {report.texts:,} texts.",
        "",
        *table(
            ("label", "precision", "recall", "F1", "texts"),
            (
                (
                    score.label,
                    f"{score.precision:.3f}",
                    f"{score.recall:.3f}",
                    f"{score.f1:.3f}",
                    score.support,
                )
                for score in report.scores
            ),
        ),
        "",
    ]
    if len(report.scores) <= _MATRIX_UP_TO:
        names = [score.label for score in report.scores]
        rows = zip(names, report.confusion.tolist(), strict=True)
        matrix = table(("", *map(cell, names)), ((f"**{name}**", *row) for name, row in rows))
        return [*lines, "True labels in rows, given labels in columns:", "", *matrix]
    confused = (
        f"- {count} of `{cell(true)}` taken for `{cell(given)}`" for true, given, count in report.confused()
    )
    return [*lines, "Most often confused:", "", *confused]


# -- a linear head --------------------------------------------------------------------------------------


def _train_linear(settings: ClassifierTraining, data: ExampleData, out: Path) -> TrainedClassifier:
    encoder = load_encoder(settings.start)
    cut = 0

    def vectors(examples: Sequence[Example]) -> Floats:
        nonlocal cut
        if data.pairs:
            return paired_vectors(encoder, [item.texts for item in examples])
        pieces = [text_pieces(item.text, encoder.tokenizer, encoder.passage_room) for item in examples]
        cut += sum(len(parts) > 1 for parts in pieces)
        return encoder.encode_passages([parts[0] for parts in pieces])

    # A weight is how often an example is seen; a convex fit sees it as many times over, a fraction at random.
    drawn = sorted(draw(_balanced(data, settings.balance), seed=settings.loop.seed, epoch=0))
    used = list(dict.fromkeys(drawn))
    row = {place: number for number, place in enumerate(used)}
    rows = [row[place] for place in drawn]
    examples = [data.examples[place] for place in used]
    wanted = wanted_rows(data.labels, [example.labels for example in examples])
    began = time.monotonic()
    head, strength = fit_linear(vectors(examples)[rows], wanted[rows])
    report = None
    if data.held_out:
        probabilities = head.probabilities(vectors(data.held_out))
        report = label_report(
            data.labels,
            [example.labels for example in data.held_out],
            probabilities,
            seconds=time.monotonic() - began,
        )
    tensors = {
        "weight": torch.from_numpy(head.output.weight).contiguous(),
        "bias": torch.from_numpy(head.output.bias).contiguous(),
    }
    save_file(tensors, out / "model.safetensors")
    facts = {
        "kind": LINEAR,
        "encoder": _lasting(settings.start),
        "fingerprint": encoder.fingerprint,
        "labels": list(data.labels),
        "pairs": data.pairs,
        "strength": strength,
    }
    _write_facts(out, facts)
    return TrainedClassifier(folder=out, method=LINEAR, data=data, evaluations=(), report=report, cut=cut)


# -- the whole model, or adapters -----------------------------------------------------------------------


def _train_whole(
    settings: ClassifierTraining, data: ExampleData, out: Path, progress: Progress | None
) -> TrainedClassifier:
    start = load_trainable(settings.start, "encoder", seed=settings.loop.seed)
    model = with_labels(start, data.labels, seed=settings.loop.seed)
    backbone = model.base_model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.loop.seed)
        if settings.adapter:
            add_adapters(backbone, settings.adapter)
        elif not settings.embeddings:
            backbone.embeddings.requires_grad_(False)
    torch.nn.Module.to(model, start.model.device)
    set_dropout(model, settings.dropout)
    task = _ClassifierTask(settings, data, start, model)
    evaluations = fit(
        model,
        task,
        settings.loop,
        folder=out / "checkpoints",
        identity=run_identity(
            [settings, start.fingerprint],
            (repr((example.texts, example.label)).encode() for example in data.examples),
        ),
        progress=progress,
    )
    if settings.adapter:
        _save_adapter(settings, start, model, data, out)
    else:
        save_trained(replace(start, model=model), settings.start, "encoder", out, card="", sentences=False)
    return TrainedClassifier(
        folder=out,
        method=ADAPTER if settings.adapter else "fine-tune",
        data=data,
        evaluations=tuple(evaluations),
        report=task.report(),
        cut=task.cut,
    )


def _save_adapter(
    settings: ClassifierTraining, start: Trainable, model: Any, data: ExampleData, out: Path
) -> None:
    backbone = model.base_model
    head = {
        name: value.detach()
        for name, value in model.state_dict().items()
        if not name.startswith(f"{model.base_model_prefix}.")
    }
    tensors = {
        name: value.to("cpu", torch.float16).contiguous()
        for name, value in {**adapter_tensors(backbone), **head}.items()
    }
    facts = {
        "kind": ADAPTER,
        "backbone": _lasting(settings.start),
        "fingerprint": start.fingerprint,
        "labels": list(data.labels),
        "rank": settings.adapter,
    }
    try:
        save_file(tensors, out / ADAPTER_FILE)
        (out / "config.json").write_text(model.config.to_json_string(), encoding="utf-8")
        _write_facts(out, facts)
    except OSError as error:
        raise ModelError(f"{out} cannot be written: {error}", hint="give another --out") from error


def _write_facts(out: Path, facts: dict[str, Any]) -> None:
    (out / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _lasting(name: str) -> str:
    """A name that means the same from any folder."""
    path = Path(name).expanduser()
    return str(path.resolve()) if path.is_dir() else name


class _ClassifierTask:
    """The steps of a training: which examples, and the loss of what the model says of them."""

    figure = "accuracy"

    def __init__(self, settings: ClassifierTraining, data: ExampleData, start: Trainable, model: Any) -> None:
        self._settings, self._data, self._start, self._model = settings, data, start, model
        self.cut = 0
        self._shown = self._framed(data.examples)
        self._wanted = torch.from_numpy(wanted_rows(data.labels, [item.labels for item in data.examples]))
        self._held_out = self._framed(data.held_out)
        weights = _balanced(data, settings.balance)
        self.steps = max(1, round(settings.epochs * sum(weights) / settings.batch))
        self._order = Order(weights, settings.loop.seed)

    def _framed(self, examples: Sequence[Example]) -> list[TokenIds]:
        tokenizer = self._start.tokenizer
        window = min(self._settings.max_tokens, self._start.max_tokens)
        sequences = []
        for example in examples:
            ids = tokenizer.encode_ids(list(example.texts))
            if len(ids) == 2:
                framed, cut = framed_pair(ids[0], ids[1], tokenizer, window)
            else:
                frame, room = tokenizer.single, window - tokenizer.single.size
                framed = np.array([*frame.before, *ids[0][:room], *frame.after], dtype=np.int64)
                cut = len(ids[0]) > room
            self.cut += cut
            sequences.append(framed)
        return sequences

    def losses(self, step: int) -> Iterator[torch.Tensor]:
        """The loss of a step: texts of like length go through the model together, to pad little."""
        size = self._settings.batch
        rows = [self._order.at(place) for place in range(step * size, (step + 1) * size)]
        for part in _alike(rows, [len(self._shown[row]) for row in rows]):
            logits = self._logits([self._shown[row] for row in part])
            wanted = self._wanted[part].to(logits.device)
            yield one_of(logits, wanted, self._settings.smoothing).sum() / size

    def _logits(self, sequences: Sequence[TokenIds]) -> torch.Tensor:
        """Shape (sequences, labels), float32."""
        logits: torch.Tensor = self._model(**self._start.inputs(sequences)).logits
        return logits.float()

    def evaluate(self) -> dict[str, float]:
        """Figures on what was held out."""
        report = self.report()
        if report is None:
            return {}
        return {"accuracy": report.accuracy, "macro_f1": report.macro_f1, "texts": float(report.texts)}

    def report(self) -> LabelReport | None:
        """All that is known of the model as it is now, None where nothing was held out."""
        if not self._held_out:
            return None
        began = time.monotonic()
        self._model.eval()
        logits = np.zeros((len(self._held_out), len(self._data.labels)), dtype=np.float32)
        order = sorted(range(len(self._held_out)), key=lambda row: len(self._held_out[row]))
        with torch.inference_mode():
            for first in range(0, len(order), _EVALUATED_AT_ONCE):
                rows = order[first : first + _EVALUATED_AT_ONCE]
                logits[rows] = self._logits([self._held_out[row] for row in rows]).cpu().numpy()
        golds = [example.labels for example in self._data.held_out]
        return label_report(self._data.labels, golds, softmax(logits), seconds=time.monotonic() - began)


def _alike(rows: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows in parts whose longest is little longer than their shortest, a few rows at least in each."""
    ordered = sorted(zip(lengths, rows, strict=True))
    part: list[int] = []
    shortest = 0
    for length, row in ordered:
        if len(part) >= _LEAST_AT_ONCE and length > _LONGER * shortest:
            yield part
            part = []
        if not part:
            shortest = length
        part.append(row)
    if part:
        yield part


def _balanced(data: ExampleData, balance: float) -> list[float]:
    """The weights, moved towards those under which every label is seen equally often."""
    counts = Counter(example.label for example in data.examples)
    even = len(data.examples) / len(counts)
    return [
        weight * (even / counts[example.label]) ** balance
        for example, weight in zip(data.examples, data.weights, strict=True)
    ]
