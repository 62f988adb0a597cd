"""Training an encoder: from settings and question-passage pairs to a folder that `--encoder` can load.

pairs -> PairData -> (hard negatives) -> one step: questions and distinct passages -> vectors -> loss
      -> fit (checkpoints, evaluation on the titles held out) -> model folder with its card

A passage stands once in a step however many of its questions are there, so that none is its own negative;
whatever else is labelled as an answer of a question does not count against it either.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from index.datasets.question_passages import Pair, PairData, PairFile, load_pairs, read_pairs
from index.datasets.sampling import Order
from index.engines.batching import of_like_length
from index.engines.torch_models import Trainable, load_trainable, save_trained
from index.models.encoder import RobertaEncoder, unit_length
from index.models.layer_pooling import pooled
from index.protocols import TokenIds, Vectors
from index.search.hard_negatives import hard_negatives, holds_answer
from index.training.contrastive_loss import cached_parts, contrastive_loss
from index.training.loop import Evaluation, TrainingProgress, fit
from index.training.model_card import model_card, table
from index.training.run_state import made_folder, run_identity
from index.training.settings import EncoderTraining
from index.training.weights import set_dropout

_WORDS = re.compile(r"\w+")
_FIGURES = ("recall@1", "recall@10", "ndcg@10")

Progress = Callable[[TrainingProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedEncoder:
    """Where the encoder was written, what it was made of, and how good it was on the way.

    `widths` are the dimensions at which its vectors serve, the full one first; `cut` counts the texts that
    were longer than the settings' `max_tokens`.
    """

    folder: Path
    data: PairData
    evaluations: tuple[Evaluation, ...]
    widths: tuple[int, ...]
    cut: int


def train_encoder(
    settings: EncoderTraining,
    out: str | Path,
    *,
    strict: bool = False,
    read: Callable[[str], PairFile] = read_pairs,
    progress: Progress | None = None,
    mining_progress: Callable[[int, int], None] | None = None,
) -> TrainedEncoder:
    """Train as `settings` say and write the encoder into the folder `out`.

    `read` gives the pairs of a file. A run that was killed goes on where its last checkpoint in
    `out/checkpoints` stands when it is called again with the same settings and files. Raises DataError,
    ModelNotFound and ModelError.
    """
    out = made_folder(Path(out))
    data = load_pairs(settings.sources, hold_out=settings.hold_out, strict=strict, read=read)
    start = load_trainable(settings.start, "encoder", seed=settings.loop.seed)
    set_dropout(start.model, settings.dropout)
    task = _EncoderTask(settings, data, start, mining_progress)
    evaluations = fit(
        start.model,
        task,
        settings.loop,
        folder=out / "checkpoints",
        identity=run_identity(
            [settings, start.fingerprint],
            (repr((pair.question, pair.passage, pair.answers)).encode() for pair in data.pairs),
        ),
        start_share=settings.start_share,
        progress=progress,
    )
    trained = TrainedEncoder(
        folder=out, data=data, evaluations=tuple(evaluations), widths=task.widths, cut=task.cut
    )
    save_trained(
        start,
        settings.start,
        "encoder",
        out,
        card=_card(settings, trained, task.steps),
    )
    record = {"settings": asdict(settings), "evaluations": [asdict(item) for item in evaluations]}
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return trained


def _card(settings: EncoderTraining, trained: TrainedEncoder, steps: int) -> str:
    data, widths = trained.data, trained.widths
    shorter = " and ".join(str(width) for width in widths[1:])
    serving = f"; the first {shorter} serve alone too (`--encoder FOLDER@{widths[-1]}`)" if shorter else ""
    return model_card(
        "Encoder",
        f"Trained by `spanwise train encoder` from `{settings.start}`: {steps:,} steps of "
        f"{settings.questions} questions. Its vectors have {widths[0]} dimensions{serving}.",
        {
            "Data": [
                *table(
                    ("file", "pairs", "left out: empty", "left out: no answer", "weight"),
                    (
                        (
                            f"`{Path(report.path).name}`",
                            report.pairs,
                            report.empty,
                            report.unanswerable,
                            f"{source.weight:g}",
                        )
                        for source, report in zip(settings.sources, data.reports, strict=True)
                    ),
                ),
                "",
                f"{len(data.held_out):,} pairs of the titles held out were not trained on. {trained.cut:,} "
                f"texts were longer than {settings.max_tokens} tokens and cut.",
            ],
            "Figures on held-out titles": _figure_lines(trained.evaluations, widths),
        },
        settings,
    )


def _figure_lines(evaluations: Sequence[Evaluation], widths: Sequence[int]) -> list[str]:
    judged = [item for item in evaluations if item.figures]
    if not judged:
        return ["Nothing was held out."]
    names = [name if width == widths[0] else f"{name} at {width}" for width in widths for name in _FIGURES]
    size = judged[0].figures
    return [
        f"{size['questions']:.0f} questions over {size['passages']:.0f} passages.",
        "",
        *table(
            ("step", "weights", *names),
            ((item.step, item.weights, *(f"{item.figures[name]:.4f}" for name in names)) for item in judged),
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One step's texts as token ids: questions, then distinct passages; `positives` are columns of these."""

    sequences: list[TokenIds]
    positives: list[int]
    allowed: torch.Tensor


class _EncoderTask:
    """The steps of a training: which questions, against which passages, and the loss of their vectors."""

    figure = "ndcg@10"

    def __init__(
        self,
        settings: EncoderTraining,
        data: PairData,
        start: Trainable,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._settings, self._data, self._start = settings, data, start
        full = int(start.model.config.hidden_size)
        self.widths = (full, *sorted({width for width in settings.dimensions if width < full}, reverse=True))
        self.steps = max(1, round(settings.epochs * sum(data.weights) / settings.questions))
        self._order = Order(data.weights, settings.loop.seed)
        self._passages = list(dict.fromkeys(pair.passage for pair in data.pairs))
        self._place = {passage: place for place, passage in enumerate(self._passages)}
        self._answering: defaultdict[str, set[int]] = defaultdict(set)
        for pair in data.pairs:
            self._answering[pair.question].add(self._place[pair.passage])
        self.cut = 0
        self._question_ids = dict(
            zip(self._answering, self._framed(start.prefixes.query, list(self._answering)), strict=True)
        )
        self._passage_ids = self._framed(start.prefixes.passage, self._passages)
        self._mined = self._mine(progress) if settings.negatives.passages else {}

    # -- what a step shows ----------------------------------------------------------------------------------

    def _framed(self, prefix: str, texts: Sequence[str]) -> list[TokenIds]:
        tokenizer, frame = self._start.tokenizer, self._start.tokenizer.single
        room = min(self._settings.max_tokens, self._start.max_tokens) - frame.size
        ids = tokenizer.encode_ids([prefix + text for text in texts])
        self.cut += sum(len(item) > room for item in ids)
        return [np.array([*frame.before, *item[:room], *frame.after], dtype=np.int64) for item in ids]

    def _mine(self, progress: Callable[[int, int], None] | None) -> dict[str, list[int]]:
        """For each question the passages that retrieval finds for it and that do not answer it."""
        settings = self._settings.negatives
        negatives = hard_negatives(
            self._passages,
            list(self._answering),
            list(self._answering.values()),
            settings.candidates,
            encoder=self._encoder() if settings.dense else None,
            at_most=settings.at_most,
            progress=progress,
        )
        return dict(zip(self._answering, negatives, strict=True))

    def _negatives(self, pair: Pair, rng: random.Random) -> list[int]:
        answers = [_plain(answer) for answer in pair.answers]
        pool = list(self._mined.get(pair.question, ()))
        rng.shuffle(pool)
        chosen: list[int] = []
        for place in pool:
            if len(chosen) == self._settings.negatives.passages:
                break
            if not answers or not holds_answer(_plain(self._passages[place]), answers):
                chosen.append(place)
        return chosen

    def _step(self, step: int) -> _Step:
        rng = random.Random(f"{self._settings.loop.seed}/step {step}")  # noqa: S311
        first = step * self._settings.questions
        places = range(first, first + self._settings.questions)
        pairs = [self._data.pairs[self._order.at(place)] for place in places]
        golds = [self._place[pair.passage] for pair in pairs]
        negatives = [place for pair in pairs for place in self._negatives(pair, rng)]
        columns = list(dict.fromkeys([*golds, *negatives]))
        return _Step(
            sequences=[
                *(self._question_ids[pair.question] for pair in pairs),
                *(self._passage_ids[place] for place in columns),
            ],
            positives=[columns.index(gold) for gold in golds],
            allowed=torch.tensor(
                [
                    [place == gold or place not in self._answering[pair.question] for place in columns]
                    for pair, gold in zip(pairs, golds, strict=True)
                ]
            ),
        )

    # -- what is minimised ----------------------------------------------------------------------------------

    def losses(self, step: int) -> Iterator[torch.Tensor]:
        """The loss of a step in as many parts as fit into memory one after the other."""
        shown = self._step(step)
        # Texts of like length go through the model together, so that little of a pass is padding.
        batches = list(of_like_length(shown.sequences, self._settings.tokens_at_once))
        chunks = [[shown.sequences[row] for row in batch] for batch in batches]
        order = [row for batch in batches for row in batch]
        back = torch.tensor(order).argsort().to(self._start.model.device)

        def embed(number: int) -> torch.Tensor:
            # The same dropout whenever this chunk is embedded.
            seed = (self._settings.loop.seed * 1_000_003 + step) * 10_007 + number
            torch.manual_seed(seed % 2**63)
            return self._embed(chunks[number])

        def loss(vectors: torch.Tensor) -> torch.Tensor:
            vectors = vectors[back]
            return contrastive_loss(
                vectors[: len(shown.positives)],
                vectors[len(shown.positives) :],
                torch.tensor(shown.positives, device=vectors.device),
                shown.allowed.to(vectors.device),
                widths=self.widths,
                temperature=self._settings.temperature,
            )

        yield from cached_parts(len(chunks), embed, loss)

    def _embed(self, sequences: Sequence[TokenIds]) -> torch.Tensor:
        """Vectors as pooled, not of unit length, shape (texts, width)."""
        inputs = self._start.inputs(sequences)
        hidden = self._start.model(**inputs).last_hidden_state
        return pooled(hidden.float(), inputs["attention_mask"], self._start.pooling)

    # -- how well -------------------------------------------------------------------------------------------

    def evaluate(self) -> dict[str, float]:
        """How held-out questions find their passages among those held out, at every width."""
        asked, among, golds = _held_out_task(self._data.held_out, self._settings)
        if not asked:
            return {}
        encoder = self._encoder()
        questions, passages = encoder.encode_queries(asked), encoder.encode_passages(among)
        figures: dict[str, float] = {}
        for width in self.widths:
            at_width = _figures(unit_length(questions[:, :width]), unit_length(passages[:, :width]), golds)
            full = width == self.widths[0]
            figures |= {name if full else f"{name} at {width}": value for name, value in at_width.items()}
        return figures | {"questions": float(len(asked)), "passages": float(len(among))}

    def _encoder(self) -> RobertaEncoder:
        """The model as it is now."""
        return RobertaEncoder(self._start.loaded("encoder"))


def _held_out_task(
    pairs: Sequence[Pair], settings: EncoderTraining
) -> tuple[list[str], list[str], list[set[int]]]:
    """Questions, the passages they are asked over, and which of these are right for each question."""
    rng = random.Random(0)  # noqa: S311  the same questions every time, not a secret
    answering: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        answering[pair.question].add(pair.passage)
    questions = rng.sample(list(answering), min(settings.evaluated, len(answering)))
    among = dict.fromkeys(passage for question in questions for passage in sorted(answering[question]))
    others = list(dict.fromkeys(pair.passage for pair in pairs if pair.passage not in among))
    room = max(0, settings.evaluated_among - len(among))
    among |= dict.fromkeys(rng.sample(others, min(room, len(others))))
    place = {passage: number for number, passage in enumerate(among)}
    return questions, list(among), [{place[text] for text in answering[question]} for question in questions]


def _figures(questions: Vectors, passages: Vectors, golds: Sequence[set[int]]) -> dict[str, float]:
    """Recall of the best right passage in the first 1 and 10, nDCG@10; equal scores count against it."""
    first, ten, gain = [], [], []
    for question, right in zip(questions, golds, strict=True):
        scores = passages @ question
        wrong = np.ones(len(scores), dtype=bool)
        wrong[list(right)] = False
        ahead = sorted(int((scores[wrong] >= scores[place]).sum()) for place in right)
        ranks = [before + number for number, before in enumerate(ahead)]
        first.append(ranks[0] < 1)
        ten.append(ranks[0] < 10)
        ideal = sum(1 / np.log2(rank + 2) for rank in range(min(len(right), 10)))
        gain.append(sum(1 / np.log2(rank + 2) for rank in ranks if rank < 10) / ideal)
    return {
        "recall@1": float(np.mean(first)),
        "recall@10": float(np.mean(ten)),
        "ndcg@10": float(np.mean(gain)),
    }


def _plain(text: str) -> str:
    """Its words alone, with one space between."""
    return " ".join(_WORDS.findall(text.casefold()))
