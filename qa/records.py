"""The values that travel from logits to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from index.records import DocumentInfo, Hit, StoredPassage


class Reason(StrEnum):
    """Why a question has no answer."""

    EMPTY_STORE = "empty_store"
    EMPTY_QUESTION = "empty_question"
    NO_PASSAGES = "no_passages"
    BELOW_THRESHOLD = "below_threshold"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    MODEL_FAILURE = "model_failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCandidate:
    """One span of one context that the reader proposes.

    `start` and `end` are character offsets in the context with `context[start:end] == text`. `score` is the
    sum of start and end logit, `null_score` the same for "no answer" in the windows of that context;
    `score - null_score` is the log-odds of the span against no answer. `context` is the index of the context
    among those given to `Reader.read`.
    """

    text: str
    start: int
    end: int
    score: float
    null_score: float
    context: int

    @property
    def margin(self) -> float:
        """Log-odds of the span against "no answer" in its context."""
        return self.score - self.null_score


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Another place where the same answer stands; offsets in that document's text."""

    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An exact span of a document: `document.text[start:end] == text`, always.

    `confidence` is the probability that this answer is right, `span_score` the log-odds of the span against
    no-answer, `retrieval_score` the hit's score. `sentence` is the sentence around the span, from the same
    passage.
    """

    text: str
    confidence: float
    span_score: float
    retrieval_score: float
    document: DocumentInfo
    page: int | None
    headings: tuple[str, ...]
    start: int
    end: int
    sentence: str
    passage: StoredPassage
    also_in: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskResult:
    """One decision about one question, with what was read for it.

    `confidence` belongs to the best span, shown or not. `answers` is empty when `answered` is false unless
    the caller asked for an answer regardless. `calibrated` says whether confidence was fitted on labelled
    questions of this store. `read` is how many of the passages were read; the others could not have changed
    the decision.
    """

    question: str
    answered: bool
    confidence: float
    reason: Reason | None
    answers: tuple[Answer, ...]
    passages: tuple[Hit, ...]
    calibrated: bool = False
    read: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=dict)
