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


class Status(StrEnum):
    """What is said to a question: an answer, a likely one, the closest sentence, or nothing."""

    ANSWER = "answer"
    PROBABLE = "probable"
    CLOSEST = "closest"
    NONE = "none"


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
class Cell:
    """The row and the column of a table in which an answer stands, by their names."""

    row: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An exact span of a document: `document.text[start:end] == text`, always.

    `confidence` is the probability that this answer is right, `span_score` the log-odds of the span against
    no-answer, `retrieval_score` the hit's score. `sentence` is the sentence around the span, from the same
    passage; of a table, it is the row, and `cell` says which cell. `verdict` is what the sentence says to a
    question that asks for yes or no ("yes" or "no"), None where that is not certain. The closest sentence has
    this form too: its `confidence` is the probability that it holds the answer, and its `span_score` is None.
    `chosen` are the words of an answer that the reader chose, where it gives their clause.
    """

    text: str
    confidence: float
    span_score: float | None
    retrieval_score: float
    document: DocumentInfo
    page: int | None
    headings: tuple[str, ...]
    start: int
    end: int
    sentence: str
    passage: StoredPassage
    also_in: tuple[Source, ...] = ()
    cell: Cell | None = None
    verdict: str | None = None
    chosen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskResult:
    """One decision about one question, with what was read for it.

    `confidence` belongs to the best span, shown or not. `answers` is empty when `answered` is false unless
    the caller asked for an answer regardless. `candidates` are likely answers below the threshold and their
    rivals; where there are none, `closest` is the one sentence that comes nearest. `calibrated` says whether
    confidence was fitted on labelled questions of this store. `read` is how many of the passages were read;
    the others could not have changed the decision. `revision` is that of the store when it was searched.
    """

    question: str
    answered: bool
    confidence: float
    reason: Reason | None
    answers: tuple[Answer, ...]
    passages: tuple[Hit, ...]
    candidates: tuple[Answer, ...] = ()
    closest: Answer | None = None
    calibrated: bool = False
    read: int = 0
    revision: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Answer, ...]:
        """The answers given, else the likely ones."""
        return self.answers or self.candidates

    @property
    def status(self) -> Status:
        """Which of the four steps from an answer to nothing was taken."""
        if self.answered:
            return Status.ANSWER
        if self.candidates:
            return Status.PROBABLE
        return Status.NONE if self.closest is None else Status.CLOSEST
