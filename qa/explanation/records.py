"""The records of an explanation; `answer_attribution` and `explainer` compute them.

    Why = Attribution (what the reader looked at) + Evidence (why the passage was read) + Competitors

All places are characters: of the question, and of the passage's own text. `answer_attribution` computes the
first part, `explainer` puts all of it together. Only light modules are imported here, so that the command
line and the page's pure parts can name these records.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How contributions are computed; see `answer_attribution`."""

    GRADIENT = "gradient"
    INTEGRATED = "integrated_gradients"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWeight:
    """A word and what it adds to the log-odds: `question[start:end] == text`, resp. of the passage."""

    text: str
    start: int
    end: int
    weight: float

    def __post_init__(self) -> None:
        if self.end - self.start != len(self.text) or not self.text:
            raise ValueError(f"word [{self.start}, {self.end}) does not fit {self.text!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """What each word of question and passage adds to the log-odds of a span against "no answer".

    `target_log_odds` is the reader's for the span, in the window that holds it; `baseline_log_odds` the same
    with every word of question and passage blanked out; `null_score` is the sum of logits of "no answer" in
    that window, so that the span's own is `null_score + target_log_odds`. Words stand in the order of their
    text; those that the reader's window left out are missing. `other` is what belongs to no word (tokens of
    white space).
    """

    method: Method
    target_log_odds: float
    baseline_log_odds: float
    null_score: float
    question: tuple[TokenWeight, ...]
    passage: tuple[TokenWeight, ...]
    other: float = 0.0

    @property
    def explained(self) -> float:
        """The sum of all contributions."""
        return sum(item.weight for item in (*self.question, *self.passage)) + self.other

    @property
    def gap(self) -> float:
        """What the contributions miss of `target_log_odds - baseline_log_odds`; 0 for an exact integral."""
        return self.target_log_odds - self.baseline_log_odds - self.explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why the passage was read: its place among all that are shown, and its scores.

    `score` is the fused score (comparable within the question), `dense_score` the cosine and `lexical_score`
    the BM25 weight, None where that index did not propose the passage. `coverage` is the share of the
    question's content words that stand in the passage or its headings.
    """

    rank: int
    score: float
    dense_score: float | None
    lexical_score: float | None
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Competitor:
    """Another answer to the same question."""

    text: str
    confidence: float
    span_score: float
    title: str
    path: str
    page: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Everything that explains one answer.

    `span_score` is the log-odds of the span against "no answer" by which it was judged, `agreement` the
    number of other places that say the same. `competitors` are the other answers of the result, best first.
    """

    answer: str
    confidence: float
    span_score: float
    agreement: int
    evidence: Evidence
    attribution: Attribution
    competitors: tuple[Competitor, ...]
