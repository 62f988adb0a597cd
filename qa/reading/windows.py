"""A question and a context as token windows that fit the reader, each knowing which characters it holds.

    [CLS] question [SEP] context tokens i..j [SEP]

Reading and training call the same function, so that a label can never point into a window that the decoder
would cut elsewhere. Neighbouring windows share exactly `stride` context tokens, so that an answer shorter
than that stands whole in at least one of them. No text is seen here: tokens in, tokens out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.records import Span
from ingest.text.tokenizer import Frame, Tokens

# A change of the first two retires every stored calibration, the bundled one too: fit and ship it again (see
# `qa.answering.calibration_file.reading_settings`).
MAX_TOKENS = 384
STRIDE = 128
MAX_QUESTION_TOKENS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """One input of the reader and the part of the context in it.

    `token_start:token_end` are the context's tokens in this window; the first of them stands at position
    `context_position` of `input_ids`, shape (length,). `offsets`, shape (token_end - token_start, 2), are
    the characters of each in the context, half open.
    """

    input_ids: NDArray[np.int64]
    context_position: int
    token_start: int
    token_end: int
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.input_ids)

    def characters(self, first_token: int, last_token: int) -> Span:
        """The characters from one context token of this window (counted from 0) to another, both included."""
        return Span(start=int(self.offsets[first_token, 0]), end=int(self.offsets[last_token, 1]))

    def locate(self, span: Span) -> tuple[int, int] | None:
        """The first and last context token that touch a span of the context; None where it is not all here.

        What training uses as a label: `characters(*locate(span))` covers all of `span` that is in tokens.
        """
        starts, ends = self.offsets[:, 0], self.offsets[:, 1]
        if not starts[0] <= span.start < span.end <= ends[-1]:
            return None
        first = int(np.searchsorted(ends, span.start, side="right"))
        last = int(np.searchsorted(starts, span.end, side="left")) - 1
        return (first, last) if first <= last else None


def make_windows(
    question: Tokens,
    context: Tokens,
    frame: Frame,
    *,
    max_tokens: int = MAX_TOKENS,
    stride: int = STRIDE,
    max_question_tokens: int = MAX_QUESTION_TOKENS,
) -> tuple[Window, ...]:
    """All windows of one context, in order; none for a context without tokens. `frame` is the pair's.

    A question is cut after `max_question_tokens` tokens, and never takes more than half of the window.
    `stride` is the overlap of neighbours in tokens, at most half of the room that the question leaves.

    Raises ValueError where `max_tokens` leaves no room for a context.
    """
    room_for_both = max_tokens - frame.size
    question_ids = question.ids[: max(0, min(max_question_tokens, room_for_both // 2))]
    room = room_for_both - len(question_ids)
    if room < 1:
        raise ValueError(f"a window of {max_tokens} tokens has no room for a context")
    head = np.concatenate([frame.before, question_ids, frame.between]).astype(np.int64)
    tail = np.array(frame.after, dtype=np.int64)
    return tuple(
        Window(
            input_ids=np.concatenate([head, context.ids[start:end], tail]),
            context_position=len(head),
            token_start=start,
            token_end=end,
            offsets=context.offsets[start:end],
        )
        for start, end in _slices(len(context), room, min(stride, room // 2))
    )


def _slices(size: int, room: int, overlap: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < size:
        end = min(start + room, size)
        yield start, end
        if end == size:
            return
        start = end - overlap
