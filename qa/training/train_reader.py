"""Training a reader: from settings and SQuAD files to a folder that `--reader` can load.

files -> TrainingData -> (hard negatives) -> one step: questions -> labelled windows -> logits -> loss
      -> fit (checkpoints, evaluation on the titles held out) -> model folder with its card
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from index.checkpoints.presets import DEFAULT_PRESET
from index.datasets.sampling import Order
from index.engines.batching import of_like_length
from index.engines.torch_models import Trainable, load_trainable, save_trained
from index.errors import DataError
from index.models.encoder import load_encoder
from index.search.hard_negatives import holds_answer, nearest_texts
from index.training.loop import Evaluation, TrainingProgress, fit
from index.training.model_card import model_card, table
from index.training.run_state import made_folder, run_identity
from index.training.weights import blend, copied, freeze, set_dropout
from ingest.records import Span
from qa.evaluation.evaluate import evaluate_reader
from qa.reading.reader import RobertaReader
from qa.squad.dataset import Example, SquadFile
from qa.squad.metrics import normalise_answer
from qa.training.distillation import Teacher
from qa.training.examples import TrainingData, by_title, load_sources, respell
from qa.training.labelled_windows import LabelledWindow, label_windows
from qa.training.loss import passage_loss, shared_loss, teacher_loss
from qa.training.settings import ReaderTraining

_TOKENS_PER_PASS = 2048

Progress = Callable[[TrainingProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedReader:
    """Where the reader was written, what it was made of, and how good it was on the way."""

    folder: Path
    data: TrainingData
    evaluations: tuple[Evaluation, ...]


def train_reader(
    settings: ReaderTraining,
    out: str | Path,
    *,
    strict: bool = False,
    progress: Progress | None = None,
    mining_progress: Callable[[int, int], None] | None = None,
) -> TrainedReader:
    """Train as `settings` say and write the reader into the folder `out`.

    A run that was killed goes on where its last checkpoint in `out/checkpoints` stands when it is called
    again with the same settings and files. Raises DataError, ModelNotFound and ModelError.
    """
    out = made_folder(Path(out))
    data = load_sources(settings.sources, hold_out=settings.hold_out, strict=strict)
    start = _load_start(settings)
    set_dropout(start.model, settings.dropout)
    freeze(start.model, words=settings.frozen_words, layers=settings.frozen_layers)
    task = _ReaderTask(settings, data, start, out / "checkpoints", mining_progress)
    evaluations = fit(
        start.model,
        task,
        settings.loop,
        folder=out / "checkpoints",
        identity=run_identity(
            [settings, start.fingerprint],
            (repr((item.question, item.context, item.answers)).encode() for item in data.examples),
        ),
        start_share=settings.start_share,
        progress=progress,
    )
    trained = TrainedReader(folder=out, data=data, evaluations=tuple(evaluations))
    card = _card(settings, trained, new_head=start.new_head, steps=task.steps)
    save_trained(start, settings.starts[0], "reader", out, card=card)
    record = {"settings": asdict(settings), "evaluations": [asdict(item) for item in evaluations]}
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return trained


def _card(settings: ReaderTraining, trained: TrainedReader, *, new_head: bool, steps: int) -> str:
    data = trained.data
    starts = " and ".join(f"`{name}`" for name in settings.starts) + (" with a new head" if new_head else "")
    names = ("f1", "answerable_exact", "answerable_f1")
    return model_card(
        "Reader",
        f"Trained by `spanwise train reader` from {starts}: {steps:,} steps of "
        f"{settings.questions} questions.",
        {
            "Data": [
                *table(
                    ("file", "questions", "without an answer", "left out: wrong offsets", "weight"),
                    (
                        (
                            f"`{Path(report.path).name}`",
                            report.questions,
                            report.unanswerable,
                            report.wrong_offsets,
                            f"{source.weight:g}",
                        )
                        for source, report in zip(settings.sources, data.reports, strict=True)
                    ),
                ),
                "",
                f"{len(data.held_out):,} questions of the titles held out were not trained on.",
            ],
            "Figures on held-out titles": [
                "`f1` counts refusals, at the best threshold; the others are those of answerable questions.",
                "",
                *table(
                    ("step", "weights", "questions", "f1", "exact (answerable)", "f1 (answerable)"),
                    (
                        (
                            item.step,
                            item.weights,
                            f"{item.figures.get('questions', 0):.0f}",
                            *(f"{item.figures[name]:.2f}" if name in item.figures else "" for name in names),
                        )
                        for item in trained.evaluations
                        if item.figures
                    ),
                ),
            ],
        },
        settings,
    )


def _load_start(settings: ReaderTraining) -> Trainable:
    """The checkpoint to start from, or the mean of several."""
    names = settings.starts
    start = load_trainable(names[0], "reader", seed=settings.loop.seed)
    if start.new_head and (settings.start_share or len(names) > 1):
        raise DataError(
            f"{names[0]} has no trained head to blend",
            hint="start from a reader, or leave start_share out and give start a single name",
        )
    prints = [start.fingerprint]
    for number, name in enumerate(names[1:], start=2):
        other = load_trainable(name, "reader", device="cpu")
        unlike = other.new_head or _shapes(other) != _shapes(start)
        if unlike or other.tokenizer.serialise() != start.tokenizer.serialise():
            raise DataError(
                f"{names[0]} and {name} have no mean: they differ in architecture or vocabulary",
                hint="the mean is that of readers that were trained from the same weights",
            )
        blend(start.model, copied(other.model), 1 / number)
        prints.append(other.fingerprint)
    return start if len(names) == 1 else replace(start, fingerprint=" ".join(prints))


def _shapes(of: Trainable) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in of.model.named_parameters()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """A passage that a question of this step is read against."""

    question: str
    context: str


class _ReaderTask:
    """The steps of a training: which questions, against which passages, and the loss of the logits."""

    figure = "f1"

    def __init__(
        self,
        settings: ReaderTraining,
        data: TrainingData,
        start: Trainable,
        folder: Path,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._settings, self._data, self._start = settings, data, start
        self._contexts = list(dict.fromkeys(example.context for example in data.examples))
        self._tokens = dict(zip(self._contexts, start.tokenizer.encode_batch(self._contexts), strict=True))
        self._teacher = None if settings.distillation is None else Teacher.load(settings.distillation.teacher)
        if self._teacher is not None:
            sample = self._contexts[:: max(1, len(self._contexts) // 200)]
            self._teacher.check(sample, [self._tokens[context] for context in sample])
        self._of_title = by_title(data.examples)
        self._mined = self._mine(folder, progress) if settings.negatives.share else {}
        self._order = Order(data.weights, settings.loop.seed)
        per_epoch = sum(data.weights)
        self.steps = max(1, round(settings.epochs * per_epoch / settings.questions))

    # -- what a step shows ----------------------------------------------------------------------------------

    def _mine(self, folder: Path, progress: Callable[[int, int], None] | None) -> Mapping[str, list[int]]:
        """For each question the contexts that retrieval finds for it, kept beside the checkpoints."""
        settings = self._settings.negatives
        questions = list(dict.fromkeys(example.question for example in self._data.examples))
        asked = repr((settings.candidates, settings.dense, questions, self._contexts))
        kept = folder / f"nearest-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"
        if kept.is_file():
            known: list[list[int]] = json.loads(kept.read_text(encoding="utf-8"))
            return dict(zip(questions, known, strict=True))
        encoder = load_encoder(DEFAULT_PRESET) if settings.dense else None
        nearest = nearest_texts(
            self._contexts, questions, settings.candidates, encoder=encoder, progress=progress
        )
        draft = kept.with_suffix(".draft")
        draft.write_text(json.dumps(nearest), encoding="utf-8")
        draft.replace(kept)
        return dict(zip(questions, nearest, strict=True))

    def _examples(self, step: int) -> list[Example]:
        first = step * self._settings.questions
        return [
            self._data.examples[self._order.at(place)]
            for place in range(first, first + self._settings.questions)
        ]

    def _negatives(self, example: Example, rng: random.Random) -> list[str]:
        settings = self._settings.negatives
        if rng.random() >= settings.share:
            return []
        golds = [normalise_answer(text) for text in example.answer_texts]
        mined = [self._contexts[place] for place in self._mined.get(example.question, ())]
        article = self._of_title.get(example.title, [])
        chosen: list[str] = []
        for _ in range(settings.passages):
            pool = article if article and rng.random() < settings.same_article else mined
            usable = [
                text
                for text in pool
                if text != example.context
                and text not in chosen
                and not holds_answer(normalise_answer(text), golds)
            ]
            if usable:
                chosen.append(rng.choice(usable))
        return chosen

    def _windows(self, step: int) -> Iterator[tuple[list[_Passage], list[LabelledWindow], list[list[int]]]]:
        """What is in memory together: passages, one window of each, and the rows of each question."""
        rng = random.Random(f"{self._settings.loop.seed}/step {step}")  # noqa: S311
        examples = self._examples(step)
        at_once = self._settings.questions_at_once
        for first in range(0, len(examples), at_once):
            passages: list[_Passage] = []
            windows: list[LabelledWindow] = []
            groups: list[list[int]] = []
            for example in examples[first : first + at_once]:
                question = example.question
                if rng.random() < self._settings.respelled:
                    question = respell(question, rng)
                rows = []
                for context in (example.context, *self._negatives(example, rng)):
                    own = context is example.context
                    spans = (
                        [Span(start=a.start, end=a.start + len(a.text)) for a in example.answers]
                        if own
                        else []
                    )
                    window = self._one_window(question, context, spans, len(passages), rng)
                    if window is not None:
                        passages.append(_Passage(question=question, context=context))
                        rows.append(len(windows))
                        windows.append(window)
                groups.append(rows)
            if windows:
                yield passages, windows, groups

    def _one_window(
        self, question: str, context: str, spans: Sequence[Span], passage: int, rng: random.Random
    ) -> LabelledWindow | None:
        """A window that holds the answer where there is one, else any."""
        windows = label_windows(
            self._start.tokenizer.encode(question),
            self._tokens[context],
            spans,
            self._start.tokenizer.pair,
            passage=passage,
            max_tokens=min(self._settings.max_tokens, self._start.max_tokens),
            stride=self._settings.stride,
        )
        positive = [window for window in windows if window.positive]
        if spans and not positive:
            return None  # the answer is longer than the windows share: no label could be right
        return rng.choice(positive or windows) if windows else None

    # -- what is minimised ----------------------------------------------------------------------------------

    def losses(self, step: int) -> Iterator[torch.Tensor]:
        """The loss of a step in as many parts as fit into memory one after the other."""
        for passages, windows, groups in self._windows(step):
            yield len(groups) / self._settings.questions * self._loss(passages, windows, groups)

    def _loss(
        self, passages: Sequence[_Passage], windows: Sequence[LabelledWindow], groups: Sequence[Sequence[int]]
    ) -> torch.Tensor:
        settings = self._settings
        both = self._forward(windows)
        teaching = self._teaching(passages, windows)
        rivals = [rows for rows in groups if len(rows) > 1 and windows[rows[0]].positive]
        total = torch.zeros((), device=both[0].device)
        for side, logits in enumerate(both):
            places = [window.start if side == 0 else window.end for window in windows]
            labels = torch.tensor(places, device=logits.device)
            loss = passage_loss(logits, labels).sum() / len(groups)
            if rivals:
                loss = loss + settings.negatives.weight * shared_loss(logits, labels, rivals).sum() / len(
                    groups
                )
            if teaching is not None and settings.distillation is not None:
                kept = settings.distillation.weight
                taught = teacher_loss(logits, teaching[side], settings.distillation.temperature)
                loss = (1 - kept) * loss + kept * taught.sum() / len(groups)
            total = total + loss / 2
        return total

    def _forward(self, windows: Sequence[LabelledWindow]) -> tuple[torch.Tensor, torch.Tensor]:
        """Start and end logits, shape (windows, longest), -inf where no span may stand.

        Windows of like length go through the model together, so that little of a pass is padding.
        """
        model, device = self._start.model, self._start.model.device
        batches = list(of_like_length([item.window.input_ids for item in windows], _TOKENS_PER_PASS))
        order = [row for batch in batches for row in batch]
        longest = len(windows[order[0]].window)
        rows: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        for batch in batches:
            part = [windows[row] for row in batch]
            inputs = self._start.inputs([item.window.input_ids for item in part])
            output = model(**inputs)
            allowed = torch.zeros(inputs["input_ids"].shape, dtype=torch.bool)
            for row, item in enumerate(part):
                allowed[row, : len(item.window)] = torch.from_numpy(item.allowed())
            for logits, into in zip((output.start_logits, output.end_logits), rows, strict=True):
                kept = logits.float().masked_fill(~allowed.to(device), float("-inf"))
                into.append(torch.nn.functional.pad(kept, (0, longest - kept.shape[1]), value=float("-inf")))
        back = torch.tensor(order, device=device).argsort()
        return torch.cat(rows[0])[back], torch.cat(rows[1])[back]

    def _teaching(
        self, passages: Sequence[_Passage], windows: Sequence[LabelledWindow]
    ) -> tuple[torch.Tensor, torch.Tensor] | None:
        if self._teacher is None:
            return None
        asked = [
            (passages[item.passage].question, passages[item.passage].context, item.window) for item in windows
        ]
        longest = max(len(item.window) for item in windows)
        start, end = (
            torch.stack(
                [torch.nn.functional.pad(row, (0, longest - len(row)), value=float("-inf")) for row in side]
            ).to(self._start.model.device)
            for side in self._teacher.logits(asked)
        )
        return start, end

    # -- how well -------------------------------------------------------------------------------------------

    def evaluate(self) -> dict[str, float]:
        """Exact match and F1 on the held-out titles, F1 at the `threshold` that serves them best.

        That is on the scale null score minus span score, as `evaluate_reader` takes it.
        """
        held_out = self._data.held_out
        if not held_out:
            return {}
        rng = random.Random(0)  # noqa: S311  the same questions every time, not a secret
        examples = rng.sample(held_out, min(self._settings.evaluated, len(held_out)))
        squad = SquadFile(path="held-out titles", version="2.0", examples=tuple(examples), wrong_offsets=0)
        report = evaluate_reader(squad, RobertaReader(self._start.loaded("reader")), always_answer=True)
        figures = {"f1": report.every.f1, "questions": float(report.every.total)}
        if report.best_f1 is not None:
            figures |= {"f1": report.best_f1.best, "threshold": report.best_f1.at}
        if report.answerable is not None:
            figures |= {"answerable_exact": report.answerable.exact, "answerable_f1": report.answerable.f1}
        return figures
