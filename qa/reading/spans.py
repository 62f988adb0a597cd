"""Logits to ranked spans of one context: plain numpy, no model.

Start and end are chosen jointly (start <= end, within a length limit, context tokens only, never across a
blank line, as a heading and the paragraph below it are two things; never from or to the middle of a word of
Latin, Greek or Cyrillic letters). Overlapping spans are suppressed by the best of them, within a window and
between windows, so that the n best stand in n different places. Offsets are characters of the context as it
was given. The null score of a context is the *least* of its windows' (the rule of the SQuAD v2 reference
code): an answer stands in one window only, and all the others rightly say "not here".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from qa.reading.trimming import has_content, trim, whole_characters
from qa.reading.windows import Window
from qa.records import SpanCandidate

Logits = NDArray[np.float32]

_BLANK_LINES = re.compile(r"\n\s*\n")
_WORD = regex.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSettings:
    """The greatest length of a span in tokens and characters, and how many to keep per context.

    A change of a default retires every stored calibration, the bundled one too: fit and ship it again (see
    `qa.answering.calibration_file.reading_settings`).
    """

    max_answer_tokens: int = 30
    max_answer_characters: int = 400
    best: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLogits:
    """The model's raw start and end logits for one window, shape (tokens of the window,) each."""

    window: Window
    start: Logits
    end: Logits

    @property
    def null_score(self) -> float:
        """Start and end logit of the first token, which stands for "no answer in this window"."""
        return float(self.start[0]) + float(self.end[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpan:
    """Characters `[start, end)` of the context, the window's context tokens they come from, and their score.

    `first_token` and `last_token` count from 0 and are both included; the characters are trimmed.
    """

    start: int
    end: int
    score: float
    first_token: int
    last_token: int


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
    spans = (span for item in usable for span in window_spans(context, item, settings))
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


def _by_score(span: WindowSpan) -> tuple[float, int, int]:
    return (-span.score, span.start, span.end)


def _without_overlaps(ranked: Sequence[WindowSpan]) -> list[WindowSpan]:
    best: list[WindowSpan] = []
    for span in ranked:
        if all(span.end <= other.start or other.end <= span.start for other in best):
            best.append(span)
    return best


def window_spans(context: str, item: WindowLogits, settings: SpanSettings) -> list[WindowSpan]:
    """The best spans of one window, each time striking out what overlaps the one just taken."""
    scores = _joint_scores(context, item, settings)
    first = np.arange(scores.shape[1])[None, :]
    last = first + np.arange(scores.shape[0])[:, None]
    spans: list[WindowSpan] = []
    while scores.size and len(spans) < settings.best:
        row, column = (int(place) for place in np.unravel_index(scores.argmax(), scores.shape))
        score = float(scores[row, column])
        if score == -np.inf:
            break
        characters = item.window.characters(column, column + row)
        trimmed = trim(context, characters.start, characters.end)
        spans.append(
            WindowSpan(
                start=trimmed.start, end=trimmed.end, score=score, first_token=column, last_token=column + row
            )
        )
        scores[(first <= column + row) & (last >= column)] = -np.inf
    return spans


def _joint_scores(context: str, item: WindowLogits, settings: SpanSettings) -> NDArray[np.float64]:
    """Start plus end logit of every span, -inf where it is not allowed; shape as that of `allowed_spans`."""
    place = slice(item.window.context_position, item.window.context_position + len(item.window.offsets))
    start, end = _finite_or_lowest(item.start[place]), _finite_or_lowest(item.end[place])
    allowed = allowed_spans(context, item.window, settings)
    longest, size = allowed.shape
    last = np.minimum(np.arange(size)[None, :] + np.arange(longest)[:, None], size - 1)
    return np.where(allowed, start + end[last], -np.inf)


def allowed_spans(context: str, window: Window, settings: SpanSettings) -> NDArray[np.bool_]:
    """Which spans of a window's context tokens may be an answer, whatever their logits.

    Shape (longest, n) for n context tokens: row = tokens after the first one, column = first token.
    """
    size = len(window.offsets)
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
    torn_start, torn_end = _within_words(context, window.offsets).T
    allowed: NDArray[np.bool_] = ~beyond & (characters > 0) & (characters <= settings.max_answer_characters)
    allowed &= ~(torn_start[first] | torn_end[last])
    allowed &= contents[last + 1] > contents[first]
    allowed &= paragraph[last] == paragraph
    return allowed


def _within_words(context: str, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of `places` stands between two letters of one word, in the same shape.

    Models see pieces of words; no answer begins or ends there. Scripts that do not part words by spaces, or
    hang endings on them that are no part of an answer, are left as they are.
    """
    words = np.array([match.span() for match in _WORD.finditer(context)], dtype=np.int64).reshape(-1, 2)
    if not len(words):
        return np.zeros(places.shape, dtype=bool)
    begun = np.searchsorted(words[:, 0], places) - 1  # the last word that begins before
    within: NDArray[np.bool_] = (begun >= 0) & (places < words[begun, 1])
    return within


def _whole_offsets(context: str, window: Window) -> NDArray[np.int64]:
    """The window's offsets without cuts through visible characters, which trimming would mend only later."""
    if context.isascii():
        return window.offsets
    whole = [whole_characters(context, start, end) for start, end in window.offsets.tolist()]
    return np.array([(span.start, span.end) for span in whole], dtype=np.int64)


def _finite_or_lowest(logits: Logits) -> NDArray[np.float64]:
    return np.where(np.isfinite(logits), logits.astype(np.float64), -np.inf)
