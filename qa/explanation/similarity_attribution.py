"""Which words make a passage close to a question: contributions to the cosine by which a search ranks it.

    cosine = vector(question) . vector(passage), both of unit length

Each side is explained by itself, the other's vector held: what every word adds to the cosine against the same
text with all words blanked out (`integrated_gradients`; measured in `data/bench/choices.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from index.engines.torch_models import Trainable
from index.errors import DataError
from index.models.layer_pooling import pooled
from qa.explanation.answer_attribution import words_of
from qa.explanation.integrated_gradients import STEPS, Score, embedded, evaluating, shares_of, token_types
from qa.explanation.records import Method, TokenWeight


@dataclass(frozen=True, slots=True, kw_only=True)
class SideWeights:
    """What each word of one side adds to the cosine; `baseline` is the cosine with all of them blanked out.

    `other` is what belongs to no word, `cut` says that the end of the text did not fit into the window.
    """

    words: tuple[TokenWeight, ...]
    baseline: float
    other: float
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Why question and passage are close: on each side `cosine` = baseline + the words' weights + other."""

    method: Method
    cosine: float
    question: SideWeights
    passage: SideWeights

    def gap(self, side: SideWeights) -> float:
        """What the weights of a side miss of the cosine; 0 for an exact integral."""
        return self.cosine - side.baseline - side.other - sum(word.weight for word in side.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class FramedText:
    """A text as the encoder takes it: ids, the positions of its own pieces, and their characters (n, 2)."""

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    offsets: NDArray[np.int64]
    cut: bool


def explain_similarity(
    encoder: Trainable,
    question: str,
    passage: str,
    *,
    method: Method = Method.INTEGRATED,
    steps: int = STEPS,
    dimension: int | None = None,
) -> Similarity:
    """What every word of question and passage adds to their cosine.

    `dimension` takes the first ones of both vectors only. No gradient is left in the model. Raises
    DataError where either has no token.
    """
    framed_question = frame_text(encoder, question, encoder.prefixes.query)
    framed_passage = frame_text(encoder, passage, encoder.prefixes.passage)
    with evaluating(encoder.model):
        vectors = [
            unit_vectors(encoder, item.ids, embedded(encoder, item.ids)[None], dimension)[0].detach()
            for item in (framed_question, framed_passage)
        ]
        sides = []
        for text, framed, other in (
            (question, framed_question, vectors[1]),
            (passage, framed_passage, vectors[0]),
        ):
            score = _cosine(encoder, framed.ids, other, dimension)
            result = shares_of(encoder, framed.ids, framed.positions, score, method, steps)
            words, loose = words_of(text, framed.offsets, result.shares[framed.positions])
            sides.append(SideWeights(words=words, baseline=result.empty, other=loose, cut=framed.cut))
    return Similarity(
        method=method, cosine=float(vectors[0] @ vectors[1]), question=sides[0], passage=sides[1]
    )


def frame_text(encoder: Trainable, text: str, prefix: str = "") -> FramedText:
    """The text framed and cut to the window; raises DataError where it has no token."""
    tokenizer, frame = encoder.tokenizer, encoder.tokenizer.single
    tokens = tokenizer.encode(prefix + text)
    room = encoder.max_tokens - frame.size
    offsets = tokens.offsets[:room] - len(prefix)
    own = np.flatnonzero(offsets[:, 1] > 0)
    if not len(own):
        raise DataError(f"{text!r} has no word to explain", hint="give a text with words")
    return FramedText(
        ids=np.array([*frame.before, *tokens.ids[:room], *frame.after], dtype=np.int64),
        positions=own + len(frame.before),
        offsets=np.maximum(offsets[own], 0),
        cut=len(tokens.ids) > room,
    )


def unit_vectors(
    encoder: Trainable, ids: NDArray[np.int64], inputs: torch.Tensor, dimension: int | None = None
) -> torch.Tensor:
    """Unit vectors, (batch, dimension), of embedded copies of the text `ids`, (batch, n, width)."""
    output = encoder.model(inputs_embeds=inputs, **token_types(encoder, ids, len(inputs)))
    mask = torch.ones(inputs.shape[:2], device=inputs.device)
    vectors = pooled(output.last_hidden_state, mask, encoder.pooling)
    return torch.nn.functional.normalize(vectors[:, :dimension], dim=1)


def _cosine(encoder: Trainable, ids: NDArray[np.int64], other: torch.Tensor, dimension: int | None) -> Score:
    return lambda inputs: unit_vectors(encoder, ids, inputs, dimension) @ other
