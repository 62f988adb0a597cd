"""A question and its passages as windows with labels: what one step of training is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.records import Span
from ingest.text.tokenizer import Frame, Tokens
from qa.reading.windows import Window, make_windows

NO_ANSWER = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledWindow:
    """A window, where the answer begins and ends in its `input_ids` (`NO_ANSWER` twice: nowhere), and
    which passage of the batch it shows."""

    window: Window
    start: int
    end: int
    passage: int

    @property
    def positive(self) -> bool:
        """Whether the answer stands in it."""
        return self.start != NO_ANSWER

    def allowed(self) -> NDArray[np.bool_]:
        """Where a span may begin or end, shape (tokens,): the context and the first token, "no answer"."""
        mask = np.zeros(len(self.window), dtype=bool)
        place = self.window.context_position
        mask[place : place + len(self.window.offsets)] = True
        mask[NO_ANSWER] = True
        return mask


def label_windows(
    question: Tokens,
    context: Tokens,
    answers: Sequence[Span],
    frame: Frame,
    *,
    passage: int,
    max_tokens: int,
    stride: int,
) -> list[LabelledWindow]:
    """All windows of a context; each is labelled with the first of `answers` that stands whole in it."""
    return [
        _labelled(window, answers, passage)
        for window in make_windows(question, context, frame, max_tokens=max_tokens, stride=stride)
    ]


def _labelled(window: Window, answers: Sequence[Span], passage: int) -> LabelledWindow:
    for span in answers:
        place = window.locate(span)
        if place is not None:
            first, last = (token + window.context_position for token in place)
            return LabelledWindow(window=window, start=first, end=last, passage=passage)
    return LabelledWindow(window=window, start=NO_ANSWER, end=NO_ANSWER, passage=passage)
