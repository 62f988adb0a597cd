"""The two tasks of an adaptation: guessing hidden words, and giving the vectors that it gave before.

    MaskedTask    hidden tokens of the collection's texts        cross-entropy at the hidden places
    RealignTask   the collection's texts and parts of them       1 - cosine to the teacher's vectors

The teacher is the encoder as it was. Questions and stored vectors are in its space, and
masked-language training alone leaves it (a masked language model is a poor sentence
encoder); distillation leads back (Reimers and Gurevych 2020 do the same from one language to another). Parts
of texts, other ones in every pass, stand in for questions, which are short.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from index.datasets.sampling import Order
from index.engines.batching import of_like_length
from index.engines.torch_engine import evaluating
from index.engines.torch_models import Trainable
from index.models.layer_pooling import pooled
from index.models.masked_lm import LanguageModel
from index.models.masking import MaskedText, generator, mask
from index.protocols import TokenIds

_EVALUATED = 200  # held-out texts looked at during training; the final figures take all
_TOKENS_AT_ONCE = 2048
_SHORTEST_PART, _LONGEST_PART = 4, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptTexts:
    """Framed texts as ids, and the word of each token (-1 for the frame)."""

    ids: tuple[TokenIds, ...]
    words: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.ids)


class MaskedTask:
    """Guessing hidden tokens; every pass over the texts hides others."""

    figure = "masked_accuracy"

    def __init__(
        self,
        model: LanguageModel,
        texts: AdaptTexts,
        held_out: AdaptTexts,
        *,
        per_step: int,
        epochs: float,
        rate: float,
        whole_words: bool,
        seed: int,
    ) -> None:
        self._model, self._texts, self._held_out = model, texts, held_out
        self._per_step, self._seed = per_step, seed
        self._rate, self._whole_words = rate, whole_words
        self.steps = max(1, round(epochs * len(texts) / per_step))
        self._order = Order([1.0] * len(texts), seed)
        tokenizer = model.start.tokenizer
        special = {tokenizer.pad_id, tokenizer.mask_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.unk_id}
        size = int(model.backbone.config.vocab_size)
        self._drawn_from = np.array([number for number in range(size) if number not in special])

    def shown(self, step: int) -> list[MaskedText]:
        """The texts of a step as the model sees them."""
        places = range(step * self._per_step, (step + 1) * self._per_step)
        return [
            self._masked(self._texts, self._order.at(place), place // len(self._texts)) for place in places
        ]

    def losses(self, step: int) -> Iterator[torch.Tensor]:
        """The mean cross-entropy over the step's hidden tokens, in parts of like length."""
        texts = [text for text in self.shown(step) if len(text.places)]
        hidden = sum(len(text.places) for text in texts)
        for batch in of_like_length([text.ids for text in texts], _TOKENS_AT_ONCE):
            part = [texts[number] for number in batch]
            yield _loss(self._model, part) * (sum(len(text.places) for text in part) / hidden)

    def evaluate(self) -> Mapping[str, float]:
        """Loss and accuracy on held-out texts, with masks that are the same every time."""
        rows = range(min(_EVALUATED, len(self._held_out)))
        # A pass of its own number: masks that no training pass has.
        texts = [self._masked(self._held_out, row, 2**31) for row in rows]
        texts = [text for text in texts if len(text.places)]
        if not texts:
            return {}
        loss, right, hidden = 0.0, 0, 0
        with evaluating(self._model):
            for batch in of_like_length([text.ids for text in texts], _TOKENS_AT_ONCE):
                part = [texts[number] for number in batch]
                logits = self._model(part).float()
                targets = _targets(part, logits.device)
                loss += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
                right += int((logits.argmax(-1) == targets).sum())
                hidden += len(targets)
        return {"masked_accuracy": right / hidden, "masked_loss": loss / hidden}

    def _masked(self, texts: AdaptTexts, row: int, epoch: int) -> MaskedText:
        return mask(
            texts.ids[row],
            texts.words[row],
            generator(self._seed, epoch, row),
            mask_id=self._model.start.tokenizer.mask_id,
            drawn_from=self._drawn_from,
            rate=self._rate,
            whole_words=self._whole_words,
        )


class RealignTask:
    """Giving texts, and short parts of them, the vectors that the teacher gives them."""

    figure = "cosine"

    def __init__(
        self,
        student: Trainable,
        teacher: torch.nn.Module,
        texts: AdaptTexts,
        held_out: AdaptTexts,
        *,
        per_step: int,
        epochs: float,
        seed: int,
    ) -> None:
        self._student, self._teacher = student, teacher
        self._texts, self._held_out = texts, held_out
        self._per_step, self._seed = per_step, seed
        self.steps = max(1, round(epochs * len(texts) / per_step))
        self._order = Order([1.0] * len(texts), seed)

    def losses(self, step: int) -> Iterator[torch.Tensor]:
        """The mean of 1 - cosine over the step's texts and a part of each."""
        rng = random.Random(f"{self._seed}/realign {step}")  # noqa: S311
        places = range(step * self._per_step, (step + 1) * self._per_step)
        texts = [self._texts.ids[self._order.at(place)] for place in places]
        shown = [*texts, *(self._part(ids, rng) for ids in texts)]
        for batch in of_like_length(shown, _TOKENS_AT_ONCE):
            part = [shown[number] for number in batch]
            yield (1 - self._cosines(part)).sum() / len(shown)

    def evaluate(self) -> Mapping[str, float]:
        """The mean cosine between the vectors of held-out texts now and as they were."""
        texts = self._held_out.ids[:_EVALUATED]
        if not texts:
            return {}
        total = 0.0
        with evaluating(self._student.model):
            for batch in of_like_length(texts, _TOKENS_AT_ONCE):
                total += float(self._cosines([texts[number] for number in batch]).sum())
        return {"cosine": total / len(texts)}

    def _part(self, ids: TokenIds, rng: random.Random) -> TokenIds:
        """A run of the text's own tokens, framed again."""
        frame = self._student.tokenizer.single
        own = ids[len(frame.before) : len(ids) - len(frame.after)]
        length = min(len(own), rng.randint(_SHORTEST_PART, _LONGEST_PART))
        first = rng.randint(0, len(own) - length)
        return np.array([*frame.before, *own[first : first + length], *frame.after], dtype=np.int64)

    def _cosines(self, sequences: Sequence[TokenIds]) -> torch.Tensor:
        with torch.no_grad():
            wanted = vectors(self._teacher, self._student, sequences)
        given = vectors(self._student.model, self._student, sequences)
        return torch.nn.functional.cosine_similarity(given, wanted.to(given.dtype), dim=1)


def vectors(model: torch.nn.Module, like: Trainable, sequences: Sequence[TokenIds]) -> torch.Tensor:
    """Pooled hidden states, (texts, width), of framed texts by a model of `like`'s kind."""
    inputs = like.inputs(sequences)
    hidden = model(**inputs).last_hidden_state
    return pooled(hidden.float(), inputs["attention_mask"], like.pooling)


def _loss(model: LanguageModel, texts: Sequence[MaskedText]) -> torch.Tensor:
    logits = model(texts)
    # In float32 whatever the model computes in: a sum over 30,000 words in bfloat16 has three digits.
    with torch.autocast(logits.device.type, enabled=False):
        return torch.nn.functional.cross_entropy(logits.float(), _targets(texts, logits.device))


def _targets(texts: Sequence[MaskedText], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([text.targets for text in texts])).to(device)
