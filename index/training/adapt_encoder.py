"""Adapting an encoder to a collection: masked-language training on its texts, then back into its own space.

    texts -> (a new head alone) -> masked-language training -> realignment -> folder with model, head and card

No next-sentence task, and other masks in every pass, as RoBERTa does it (Liu et al. 2019). The caller
measures whether a search gets better: `qa.training.adapt_encoder` asks labelled questions before and after.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from index.datasets.sampling import held_out
from index.engines.torch_models import Trainable, save_trained
from index.errors import DataError
from index.models.masked_lm import (
    LanguageModel,
    MaskedScores,
    load_language_model,
    pseudo_perplexity,
    save_head,
)
from index.training.adaptation_tasks import AdaptTexts, MaskedTask, RealignTask
from index.training.loop import Evaluation, TrainingProgress, fit
from index.training.model_card import model_card, table
from index.training.run_state import made_folder, run_identity
from index.training.settings import Adaptation, LoopSettings
from ingest.text.words import word_numbers

Progress = Callable[[TrainingProgress], None]
_LEAST_TEXTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """Where the adapted encoder was written, and how good it was before and after.

    `before` and `after` are the masked scores on held-out texts, None where nothing was held out; `realigned`
    those after the realignment, which moves the backbone away from its head. `cosine` is the mean cosine of
    held-out texts' vectors to those of the start: `cosine_masked` before, `cosine` after the realignment.
    `new_head` says that the start had no head, and one was trained first.
    """

    folder: Path
    texts: int
    tokens: int
    held_out: int
    new_head: bool
    before: MaskedScores | None
    after: MaskedScores | None
    realigned: MaskedScores | None
    cosine_masked: float | None
    cosine: float | None
    evaluations: tuple[Evaluation, ...]


def adapt_encoder(
    settings: Adaptation, texts: Iterable[str], out: str | Path, *, progress: Progress | None = None
) -> Adapted:
    """Adapt as `settings` say to `texts` (passages) and write the encoder and its head into the folder `out`.

    A run that was killed goes on from its last checkpoint when it is called again with the same settings and
    texts. Raises DataError where there are too few texts, ModelNotFound and ModelError.
    """
    out = made_folder(Path(out))
    model = load_language_model(settings.start, seed=settings.loop.seed)
    distinct = list(dict.fromkeys(text for text in texts if text.strip()))
    if settings.at_most is not None and len(distinct) > settings.at_most:
        # Another hash than the one that holds out, else what is drawn would be what is held out.
        distinct.sort(key=lambda text: hashlib.sha256(f"drawn {text}".encode()).digest())
        distinct = distinct[: settings.at_most]
    if len(distinct) < _LEAST_TEXTS:
        raise DataError(
            f"{len(distinct)} texts are too few to adapt to",
            hint=f"give documents of {_LEAST_TEXTS} passages",
        )
    apart = {text for text in distinct if held_out(text, settings.hold_out)}
    work = _Adaptation(
        settings,
        model,
        framed(model.start, [text for text in distinct if text not in apart], settings.max_tokens),
        framed(model.start, [text for text in distinct if text in apart], settings.max_tokens),
        out / "checkpoints",
        progress,
    )
    adapted = work.run(out)
    save_trained(model.start, settings.start, "encoder", out, card=_card(settings, adapted))
    save_head(model, out)
    return adapted


def framed(start: Trainable, texts: Sequence[str], max_tokens: int) -> AdaptTexts:
    """Texts as the model takes them, cut at `max_tokens`, with the word of each token; no empty ones."""
    frame = start.tokenizer.single
    room = min(max_tokens, start.max_tokens) - frame.size
    ids, words = [], []
    for text, tokens in zip(texts, start.tokenizer.encode_batch(texts), strict=True):
        if not len(tokens.ids):
            continue
        numbers = word_numbers(text, tokens.offsets)
        # What the vocabulary does not know cannot be guessed.
        numbers = np.where(tokens.ids == start.tokenizer.unk_id, -1, numbers)[:room]
        ids.append(np.array([*frame.before, *tokens.ids[:room], *frame.after], dtype=np.int64))
        edges = [np.full(len(side), -1, dtype=np.int64) for side in (frame.before, frame.after)]
        words.append(np.concatenate([edges[0], numbers, edges[1]]))
    return AdaptTexts(ids=tuple(ids), words=tuple(words))


class _Adaptation:
    def __init__(
        self,
        settings: Adaptation,
        model: LanguageModel,
        texts: AdaptTexts,
        held: AdaptTexts,
        folder: Path,
        progress: Progress | None,
    ) -> None:
        self._settings, self._model = settings, model
        self._texts, self._held = texts, held
        self._folder, self._progress = folder, progress
        self._evaluations: list[Evaluation] = []

    def run(self, out: Path) -> Adapted:
        settings, model = self._settings, self._model
        teacher: torch.nn.Module = copy.deepcopy(model.backbone)
        teacher.eval().requires_grad_(requires_grad=False)
        if model.new_head and not settings.head_only:
            self._train_head(settings.head_epochs)
        before = None if settings.head_only and model.new_head else self._scores()
        cosine_masked = cosine = realigned = None
        if settings.head_only:
            self._train_head(settings.epochs)
            after = self._scores()
        else:
            self._fit("masked", model, self._masked_task(settings.epochs), settings.loop)
            after = self._scores()
            task = self._realign_task(teacher)
            cosine_masked = cosine = task.evaluate().get("cosine")
            if settings.realign_epochs:
                self._fit("realign", model.backbone, task, settings.realign)
                cosine, realigned = task.evaluate().get("cosine"), self._scores()
        return Adapted(
            folder=out,
            texts=len(self._texts),
            tokens=sum(len(ids) for ids in self._texts.ids),
            held_out=len(self._held),
            new_head=model.new_head,
            before=before,
            after=after,
            realigned=realigned,
            cosine_masked=cosine_masked,
            cosine=cosine,
            evaluations=tuple(self._evaluations),
        )

    def _train_head(self, epochs: float) -> None:
        if self._model.new_head:
            self._model.expect(self._texts.ids)
        self._model.backbone.requires_grad_(requires_grad=False)
        self._fit("head", self._model, self._masked_task(epochs), self._settings.loop)
        self._model.backbone.requires_grad_(requires_grad=True)

    def _fit(
        self, stage: str, model: torch.nn.Module, task: MaskedTask | RealignTask, loop: LoopSettings
    ) -> None:
        self._evaluations += fit(
            model,
            task,
            loop,
            folder=self._folder / stage,
            identity=run_identity(
                [stage, self._settings, self._model.start.fingerprint],
                (ids.tobytes() for ids in self._texts.ids),
            ),
            progress=self._progress,
        )

    def _masked_task(self, epochs: float) -> MaskedTask:
        settings = self._settings
        return MaskedTask(
            self._model,
            self._texts,
            self._held,
            per_step=settings.texts,
            epochs=epochs,
            rate=settings.rate,
            whole_words=settings.whole_words,
            seed=settings.loop.seed,
        )

    def _realign_task(self, teacher: torch.nn.Module) -> RealignTask:
        return RealignTask(
            self._model.start,
            teacher,
            self._texts,
            self._held,
            per_step=self._settings.texts,
            epochs=self._settings.realign_epochs or 1.0,
            seed=self._settings.realign.seed,
        )

    def _scores(self) -> MaskedScores | None:
        return pseudo_perplexity(self._model, self._held.ids, self._held.words, at_most=self._settings.asked)


def _card(settings: Adaptation, adapted: Adapted) -> str:
    stages = (
        ("as it was", adapted.before, 1.0),
        ("after masked-language training", adapted.after, adapted.cosine_masked),
        ("after realignment", adapted.realigned, adapted.cosine),
    )
    head = " The start had no language-model head; one was trained first." if adapted.new_head else ""
    return model_card(
        "Language-model head" if settings.head_only else "Encoder, adapted",
        f"Made by `spanwise train adapt` from `{settings.start}` with {adapted.texts:,} passages "
        f"({adapted.tokens:,} tokens) of the collection; {adapted.held_out:,} were kept out for the figures."
        f"{head}",
        {
            "Figures on what was kept out": [
                *table(
                    (
                        "",
                        "pseudo-perplexity",
                        "hidden words guessed right",
                        "cosine to the vectors it gave before",
                    ),
                    (
                        (
                            name,
                            f"{scores.pseudo_perplexity:.2f}",
                            f"{scores.accuracy:.1%}",
                            "" if cosine is None else f"{cosine:.4f}",
                        )
                        for name, scores, cosine in stages
                        if scores is not None
                    ),
                ),
                "",
                "Each word was hidden alone. The vectors are new ones: a store made with the start has to be "
                "embedded again (`spanwise reembed`).",
            ]
        },
        settings,
    )
