"""The outcome of each labelled question, and for a wrong one the stage that lost it.

    not_retrieved    no passage that holds the answer among the first 100
    not_read         among the first 100, but not among those read
    out_scored       read, but another span (or none) came out first
    wrongly_refused  the right span came out first and was not given
    wrongly_answered there is no answer, and one was given

Right means exact match, so `out_scored` also counts a span of the right place with wrong borders; the F1 in
each line of the file tells them apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from index.errors import DataError
from qa.evaluation.judgement import is_right
from qa.forms.question_kind import question_kind
from qa.records import AskResult
from qa.squad.dataset import Example
from qa.squad.metrics import exact_match, f1, gold_answers

SEARCH_DEPTH = 100


class FailureStage(StrEnum):
    """Where a question was lost."""

    NOT_RETRIEVED = "not_retrieved"
    NOT_READ = "not_read"
    OUT_SCORED = "out_scored"
    WRONGLY_REFUSED = "wrongly_refused"
    WRONGLY_ANSWERED = "wrongly_answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A labelled question and its result, with the best span in `result.answers` even if refused.

    `rank` is that of the first passage read that holds a gold span, None where none does. `deep_rank` is the
    same for the first 100 passages, known for wrong questions alone.
    """

    example: Example
    result: AskResult
    rank: int | None
    deep_rank: int | None = None

    @property
    def golds(self) -> tuple[str, ...]:
        """The gold answers that count, '' for no answer."""
        return gold_answers(self.example.answer_texts)

    @property
    def forced(self) -> str:
        """The words that the reader chose in the best answer, whatever was decided.

        Expected answers of SQuAD are such words, also where a question asks for more of their sentence.
        """
        if not self.result.answers:
            return ""
        best = self.result.answers[0]
        return best.chosen or best.text

    @property
    def decided(self) -> str:
        """The answer given, '' for a refusal."""
        return self.forced if self.result.answered else ""

    @property
    def forced_right(self) -> bool:
        """Whether the best span is a gold answer; never for a question without one."""
        return self.example.answerable and bool(self.forced) and exact_match(self.forced, self.golds) == 1.0

    @property
    def judged_right(self) -> bool:
        """Whether the best answer is right as a person would judge it."""
        kind = question_kind(self.example.question).value
        return self.example.answerable and any(
            is_right(answer.text, self.golds, kind) for answer in self.result.answers[:1]
        )

    @property
    def stage(self) -> FailureStage | None:
        """Where the question was lost, None where the decision was right."""
        if exact_match(self.decided, self.golds) == 1.0:
            return None
        if not self.example.answerable:
            return FailureStage.WRONGLY_ANSWERED
        if self.forced_right:
            return FailureStage.WRONGLY_REFUSED
        if self.rank is not None:
            return FailureStage.OUT_SCORED
        return FailureStage.NOT_RETRIEVED if self.deep_rank is None else FailureStage.NOT_READ


@contextmanager
def failure_log(path: str | Path | None) -> Iterator[Callable[[Outcome], None]]:
    """A function that writes a wrong question as a line of JSON and ignores all others.

    Each line is flushed at once. Without a path nothing is written. Raises DataError for a file that cannot
    be written.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        # Half a surrogate pair, which UTF-8 has no bytes for, becomes the escape that JSON has for it.
        file = Path(path).open("w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115  closed by the `with` below
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error}", hint="give a file in a folder that exists"
        ) from error
    with file:
        yield lambda outcome: _write(file, outcome)


def _write(file: TextIO, outcome: Outcome) -> None:
    if outcome.stage is not None:
        file.write(json.dumps(_line(outcome, outcome.stage), ensure_ascii=False) + "\n")
        file.flush()


def _line(outcome: Outcome, stage: FailureStage) -> dict[str, object]:
    result = outcome.result
    best = result.answers[0] if result.answers else None
    return {
        "id": outcome.example.id,
        "question": outcome.example.question,
        "title": outcome.example.title,
        "golds": list(outcome.example.answer_texts),
        "predicted": outcome.forced,
        "answered": result.answered,
        "reason": result.reason.value if result.reason else None,
        "confidence": float(result.confidence),
        "stage": stage.value,
        "f1": f1(outcome.forced, outcome.golds) if outcome.forced else 0.0,
        "gold_rank": outcome.rank or outcome.deep_rank,
        "path": best.document.path if best else None,
        "sentence": best.sentence if best else None,
    }
