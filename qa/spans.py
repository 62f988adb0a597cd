"""Logits to ranked spans of one context: plain numpy, no model, no text of its own.

Start and end are chosen jointly (start <= end, within a length limit, context tokens only, never across a
blank line: a heading and the paragraph below it are no one answer); overlapping spans are suppressed by the
best of them, within a window and between windows, so that the n best stand in n different
places. Offsets are characters of the context as it was given. The null score of a context is the
*least* of its windows' (the rule of the SQuAD v2 reference code): an answer stands in one window only, and
all the others rightly say "not here".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa.records import SpanCandidate
from qa.trimming import has_content, trim, whole_characters
from qa.windows import Window

Logits = NDArray[np.float32]

_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSettings:
    """What a span may be: its greatest length in tokens and characters, and how many to keep per context."""

    max_answer_tokens: int = 30
    max_answer_characters: int = 400
    best: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLogits:
    """What the model said about one window: raw start and end logits, shape (tokens of the window,)."""

    window: Window
    start: Logits
    end: Logits

    @property
    def null_score(self) -> float:
        """Start and end logit of the first token, which stands for "no answer in this window"."""
        return float(self.start[0]) + float(self.end[0])


@dataclass(frozen=True, slots=True)
class _Scored:
    start: int
    end: int
    score: float


def best_spans(
    context: str, read: Sequence[WindowLogits], settings: SpanSettings, *, index: int = 0
) -> list[SpanCandidate]:
    """The best spans of one context from all its windows, best first, no two of them overlapping.

    Logits that are not finite never raise: such a token is no candidate, and a window whose null score is
    not finite is left out. `index` becomes `candidate.context`.
    """
    usable = [item for item in read if np.isfinite(item.null_score)]
    if not usable:
        return []
    null_score = min(item.null_score for item in usable)
    spans = (span for item in usable for span in _window_spans(context, item, settings))
    return [
        SpanCandidate(
            text=context[span.start : span.end],
            start=span.start,
            end=span.end,
            score=span.score,
            null_score=null_score,
            context=index,
        )
        for span in _without_overlaps(sorted(spans, key=_by_score))[: settings.best]
    ]


def _by_score(span: _Scored) -> tuple[float, int, int]:
    return (-span.score, span.start, span.end)


def _without_overlaps(ranked: Sequence[_Scored]) -> list[_Scored]:
    kept: list[_Scored] = []
    for span in ranked:
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return kept


def _window_spans(context: str, item: WindowLogits, settings: SpanSettings) -> list[_Scored]:
    """The best spans of one window, each time striking out what overlaps the one just taken."""
    scores = _joint_scores(context, item, settings)
    first = np.arange(scores.shape[1])[None, :]
    last = first + np.arange(scores.shape[0])[:, None]
    found: list[_Scored] = []
    while scores.size and len(found) < settings.best:
        row, column = (int(place) for place in np.unravel_index(scores.argmax(), scores.shape))
        score = float(scores[row, column])
        if score == -np.inf:
            break
        characters = item.window.characters(column, column + row)
        trimmed = trim(context, characters.start, characters.end)
        found.append(_Scored(trimmed.start, trimmed.end, score))
        scores[(first <= column + row) & (last >= column)] = -np.inf
    return found


def _joint_scores(context: str, item: WindowLogits, settings: SpanSettings) -> NDArray[np.float64]:
    """Start plus end logit of every span, -inf where it is not allowed.

    Shape (longest, n) for n context tokens: row = tokens after the first one, column = first token.
    """
    window = item.window
    size = len(window.offsets)
    place = slice(window.context_position, window.context_position + size)
    start, end = _finite_or_lowest(item.start[place]), _finite_or_lowest(item.end[place])
    first_character, last_character = _whole_offsets(context, window).T
    contents = np.concatenate(
        ([0], np.cumsum([has_content(context[a:b]) for a, b in window.offsets.tolist()]))
    )
    paragraph = np.searchsorted(
        [gap.end() for gap in _BLANK_LINES.finditer(context)], first_character, "right"
    )
    first = np.arange(size)[None, :]
    last = first + np.arange(min(settings.max_answer_tokens, size))[:, None]
    beyond = last >= size
    last = np.where(beyond, size - 1, last)
    characters = last_character[last] - first_character
    allowed = ~beyond & (characters > 0) & (characters <= settings.max_answer_characters)
    allowed &= contents[last + 1] > contents[first]
    allowed &= paragraph[last] == paragraph
    return np.where(allowed, start + end[last], -np.inf)


def _whole_offsets(context: str, window: Window) -> NDArray[np.int64]:
    """The window's offsets without cuts through visible characters, which trimming would mend only later."""
    if context.isascii():
        return window.offsets
    whole = [whole_characters(context, start, end) for start, end in window.offsets.tolist()]
    return np.array([(span.start, span.end) for span in whole], dtype=np.int64)


def _finite_or_lowest(logits: Logits) -> NDArray[np.float64]:
    return np.where(np.isfinite(logits), logits.astype(np.float64), -np.inf)
