"""Which words made the reader choose a span: contributions of question and passage to its log-odds.

    log-odds = start logit + end logit of the span - (start logit + end logit of "no answer")

Every word has a share in the difference between these log-odds and those of the same window with all words
blanked out; `integrated_gradients` describes the two methods, INTEGRATED and GRADIENT.

A reader that is sure has flat gradients, so the quick method is for comparison only (measured in
`data/bench/choices.md`). captum offers both methods; they are 30 lines of autograd.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from index.engines.torch_models import Trainable
from index.errors import DataError
from ingest.records import Span
from ingest.text.tokenizer import Frame
from ingest.text.words import word_numbers, word_spans
from qa.explanation.integrated_gradients import STEPS, embedded, evaluating, shares_of, token_types
from qa.explanation.records import Attribution, Method, TokenWeight
from qa.reading.spans import SpanSettings, WindowLogits, allowed_spans, window_spans
from qa.reading.trimming import trim
from qa.reading.windows import MAX_TOKENS, Window, make_windows

_TRIMMED = 12  # characters at either end within which the reader's own choice of tokens is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A window, the positions in it at which the span starts and ends, and the sum of their logits."""

    window: Window
    start: int
    end: int
    score: float


def attribute(
    reader: Trainable,
    question: str,
    context: str,
    span: Span,
    *,
    method: Method = Method.INTEGRATED,
    steps: int = STEPS,
) -> Attribution:
    """What every word of question and context adds to the log-odds of `context[span.start:span.end]`.

    `steps` are the points of the integral. No gradient is left in the model. Raises DataError where no window
    of the reader holds the span.
    """
    tokenizer = reader.tokenizer
    tokens = tokenizer.encode(question)
    windows = make_windows(
        tokens, tokenizer.encode(context), tokenizer.pair, max_tokens=min(reader.max_tokens, MAX_TOKENS)
    )
    with evaluating(reader.model):
        target = _target(reader, context, span, windows)
        positions = _text_positions(target.window, tokenizer.pair)
        result = shares_of(
            reader,
            target.window.input_ids,
            np.concatenate(positions),
            lambda inputs: _log_odds(reader, target, inputs),
            method,
            steps,
        )
    in_question, in_passage = positions
    of_question, loose = words_of(question, tokens.offsets[: len(in_question)], result.shares[in_question])
    of_passage, more_loose = words_of(context, target.window.offsets, result.shares[in_passage])
    return Attribution(
        method=method,
        target_log_odds=result.full,
        null_score=target.score - result.full,
        baseline_log_odds=result.empty,
        question=of_question,
        passage=of_passage,
        other=loose + more_loose,
    )


def words_of(
    text: str, offsets: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[tuple[TokenWeight, ...], float]:
    """Word pieces joined to words, and the weight of pieces that belong to no word.

    `offsets`, shape (n, 2), and `weights`, shape (n,), belong to the pieces in their order. Pieces of one
    character, and pieces that touch inside a word or a visible character, become one.
    """
    numbers = word_numbers(text, offsets)
    shares = np.zeros(int(numbers.max(initial=-1)) + 1)
    np.add.at(shares, numbers[numbers >= 0], weights[numbers >= 0])
    words = tuple(
        TokenWeight(text=text[start:end], start=start, end=end, weight=weight)
        for (start, end), weight in zip(word_spans(numbers, offsets).tolist(), shares.tolist(), strict=True)
    )
    return words, float(weights[numbers < 0].sum())


def _target(reader: Trainable, context: str, span: Span, windows: Sequence[Window]) -> _Target:
    """The window and the tokens by which the reader itself chose the span, else those that score it best."""
    read = [_read(reader, window) for window in windows]
    chosen = [
        _target_at(item, (choice.first_token, choice.last_token))
        for item in read
        for choice in window_spans(context, item, SpanSettings())
        if (choice.start, choice.end) == (span.start, span.end)
    ]
    targets = chosen or [
        _target_at(item, pair) for item in read for pair in _token_pairs(context, span, item.window)
    ]
    if not targets:
        raise DataError(
            f"the reader cannot choose characters {span.start} to {span.end} of this text as one span",
            hint="explain an answer with the reader that gave it",
        )
    return max(targets, key=lambda target: target.score)


def _read(reader: Trainable, window: Window) -> WindowLogits:
    with torch.no_grad():
        start, end = _logits(reader, window, embedded(reader, window.input_ids)[None])
    return WindowLogits(window=window, start=start[0].cpu().numpy(), end=end[0].cpu().numpy())


def _target_at(item: WindowLogits, tokens: tuple[int, int]) -> _Target:
    start, end = (item.window.context_position + token for token in tokens)
    return _Target(
        window=item.window, start=start, end=end, score=float(item.start[start]) + float(item.end[end])
    )


def _token_pairs(context: str, span: Span, window: Window) -> list[tuple[int, int]]:
    """First and last tokens of the window that the decoder would trim to this span."""
    starts, ends = window.offsets[:, 0], window.offsets[:, 1]
    allowed = allowed_spans(context, window, SpanSettings())
    pairs = [
        (first, last)
        for first in np.flatnonzero(abs(starts - span.start) <= _TRIMMED).tolist()
        for last in np.flatnonzero(abs(ends - span.end) <= _TRIMMED).tolist()
        if first <= last < first + len(allowed)
        and allowed[last - first, first]
        and trim(context, int(starts[first]), int(ends[last])) == span
    ]
    located = window.locate(span)
    return pairs or ([] if located is None else [located])


def _text_positions(window: Window, frame: Frame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of the question's and of the context's tokens in the window."""
    question = np.arange(len(frame.before), window.context_position - len(frame.between))
    return question, window.context_position + np.arange(len(window.offsets))


def _log_odds(reader: Trainable, target: _Target, inputs: torch.Tensor) -> torch.Tensor:
    """Log-odds, shape (batch,), of embedded copies of the target's window, (batch, length, width)."""
    start, end = _logits(reader, target.window, inputs)
    return start[:, target.start] + end[:, target.end] - start[:, 0] - end[:, 0]


def _logits(reader: Trainable, window: Window, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Start and end logits, shape (batch, length) each, of embedded copies of one window."""
    numbers = token_types(reader, window.input_ids, len(inputs))
    output = reader.model(inputs_embeds=inputs, **numbers)
    return output.start_logits, output.end_logits
