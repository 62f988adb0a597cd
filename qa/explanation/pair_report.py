"""Everything that explains one question and one passage: words of the cosine, words of the answer, attention.

    question + passage -> cosine's words (encoder) + the answer's words (reader) + the reader's attention

The pair is read as the reader reads it for an answer; of a passage longer than its window one window is
shown, and `cut` is set. Attention comes from `index.engines.reference_roberta`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.checkpoints.files import Task, read_folder
from index.checkpoints.presets import DEFAULT_PRESET
from index.engines.batching import segments
from index.engines.reference_roberta import read_roberta
from index.engines.torch_models import Trainable, load_trainable
from index.errors import DataError
from index.models.encoder import cut_name
from ingest.records import Span
from qa.explanation.answer_attribution import attribute
from qa.explanation.records import Attribution
from qa.explanation.similarity_attribution import Similarity, explain_similarity
from qa.reading.reader import load_reader
from qa.reading.windows import MAX_TOKENS, Window, make_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A token as the model sees it; `side` is question, passage or frame (a special token)."""

    text: str
    side: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """The reader's attention in one window: `weights` (layers, heads, n, n) and their rollout (n, n).

    `weights[l, h, i]` are the shares of all tokens in the i-th of head h in layer l; `cut` says that the
    passage did not fit into the window whole.
    """

    pieces: tuple[Piece, ...]
    weights: NDArray[np.float32]
    rollout: NDArray[np.float32]
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why a passage is close to a question and what the reader takes from it; no answer where it has none."""

    question: str
    passage: str
    similarity: Similarity
    answer: Span | None
    attribution: Attribution | None
    attention: Attention


def explain_pair(
    question: str,
    passage: str,
    *,
    encoder: str = DEFAULT_PRESET,
    reader: str = DEFAULT_PRESET,
    answer: Span | None = None,
) -> Reasons:
    """The report; `answer` is a range of the passage, by default the reader's best span.

    Raises ModelNotFound, ModelError, and DataError where question or passage has no words or the
    reader cannot choose the answer.
    """
    if not question.strip() or not passage.strip():
        raise DataError("there is nothing to explain", hint="give a question and a passage with words")
    whole, dimension = cut_name(encoder)
    similarity = explain_similarity(_plain(whole, "encoder"), question, passage, dimension=dimension)
    if answer is None:
        candidates = load_reader(reader).read(question, [passage])
        best = max(candidates, key=lambda candidate: candidate.score, default=None)
        answer = None if best is None else Span(start=best.start, end=best.end)
    model = _plain(reader, "reader")
    return Reasons(
        question=question,
        passage=passage,
        similarity=similarity,
        answer=answer,
        attribution=None if answer is None else attribute(model, question, passage, answer),
        attention=_attention(reader, model, question, passage, answer),
    )


def _plain(name: str, task: Task) -> Trainable:
    model = load_trainable(name, task)
    model.model.requires_grad_(requires_grad=False)
    return model


def _attention(name: str, model: Trainable, question: str, passage: str, answer: Span | None) -> Attention:
    tokenizer = model.tokenizer
    tokens = tokenizer.encode(question)
    windows = make_windows(
        tokens, tokenizer.encode(passage), tokenizer.pair, max_tokens=min(model.max_tokens, MAX_TOKENS)
    )
    holding = [window for window in windows if answer is not None and window.locate(answer) is not None]
    window = (holding or windows)[0]
    pieces = _pieces(
        window, question, tokens.offsets, passage, len(tokenizer.pair.before), len(tokenizer.pair.between)
    )
    types = None
    if model.separator is not None:
        types = segments(window.input_ids[None], model.separator)[0]
    attention = read_roberta(read_folder(name, "reader"), "reader").forward(window.input_ids, types).attention
    return Attention(
        pieces=pieces,
        weights=attention,
        rollout=rollout(attention),
        cut=len(windows) > 1,
    )


def rollout(attention: NDArray[np.float32]) -> NDArray[np.float32]:
    """Attention followed through all layers (Abnar and Zuidema 2020, arXiv:2005.00928).

        rollout = A_L ... A_2 A_1,  A_l = (mean of the layer's heads + I) / 2

    (n, n) from (layers, heads, n, n); rows sum to 1, row i belongs to token i of the last layer. The identity
    stands for the residual connection. It shows where information could flow, not what mattered.
    """
    identity = np.eye(attention.shape[-1], dtype=np.float32)
    flow = identity
    for layer in attention:
        flow = (layer.mean(axis=0) + identity) / 2 @ flow
    return flow


def _pieces(
    window: Window, question: str, offsets: NDArray[np.int64], passage: str, before: int, between: int
) -> tuple[Piece, ...]:
    pieces = [Piece(text="", side="frame", start=0, end=0)] * len(window.input_ids)
    for position in range(before, window.context_position - between):
        start, end = offsets[position - before].tolist()
        pieces[position] = Piece(text=question[start:end], side="question", start=start, end=end)
    for number, (start, end) in enumerate(window.offsets.tolist()):
        pieces[window.context_position + number] = Piece(
            text=passage[start:end], side="passage", start=start, end=end
        )
    return tuple(pieces)
