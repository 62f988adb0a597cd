"""Labelled questions ready to be drawn: checked offsets, held-out titles, order by seed."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from index.datasets.sampling import divide, division_names
from index.errors import DataError
from qa.squad.dataset import Example, SquadFile, read_squad
from qa.training.settings import Source

_BEFORE_PUNCTUATION = re.compile(r"(?<=\w)(?=[?.,;:!'’])")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What a file gave: questions taken, how many of them without an answer, and those left out."""

    path: str
    questions: int
    unanswerable: int
    wrong_offsets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Questions to learn from with their weights, and those of the titles held out."""

    examples: tuple[Example, ...]
    weights: tuple[float, ...]
    held_out: tuple[Example, ...]
    reports: tuple[SourceReport, ...]


def load_sources(sources: Sequence[Source], *, hold_out: float, strict: bool = False) -> TrainingData:
    """All sources together; a share `hold_out` of the titles is kept apart, whatever their source.

    A title falls to one side by its hash, so the same title does in every training; contexts without a title,
    and all where there are fewer than 20 titles, are titles of their own. Questions whose answer does not
    stand at its offset are counted and left out, or, with `strict`, refused. Raises DataError.
    """
    if not sources:
        raise DataError("there is nothing to train on", hint="give one or more SQuAD files")
    weighed: list[tuple[Example, str, float]] = []
    reports: list[SourceReport] = []
    for source in sources:
        squad = read_squad(source.path)
        usable = [example for example in squad.examples if _stands(example)]
        _refuse_if_strict(squad, usable, strict)
        names = division_names([item.title for item in usable], [item.context for item in usable])
        weighed += [
            (example, name, source.weight * (1.0 if example.answerable else source.unanswerable))
            for example, name in zip(usable, names, strict=True)
        ]
        reports.append(
            SourceReport(
                path=source.path,
                questions=len(usable),
                unanswerable=sum(not example.answerable for example in usable),
                wrong_offsets=len(squad.examples) - len(usable),
            )
        )
    division = divide(weighed, hold_out)
    if not sum(division.weights):
        wrong = sum(report.wrong_offsets for report in reports)
        misplaced = f": {wrong:,} have an answer that does not stand at its offset" if wrong else ""
        raise DataError(
            f"no question is left to train on{misplaced}",
            hint="check the files, their weights and --hold-out",
        )
    return TrainingData(
        examples=division.items,
        weights=division.weights,
        held_out=division.held_out,
        reports=tuple(reports),
    )


def respell(question: str, rng: random.Random) -> str:
    """The question as people type it: no capitals, no question mark, or punctuation set apart."""
    way = rng.randrange(3)
    if way == 0:
        return question.lower()
    if way == 1:
        return re.sub(r"[?？\s]+$", "", question) or question
    return _BEFORE_PUNCTUATION.sub(" ", question.lower())


def by_title(examples: Sequence[Example]) -> dict[str, list[str]]:
    """The distinct contexts under each title, in their order; untitled ones are left out."""
    contexts: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for example in examples:
        if example.title:
            contexts[example.title][example.context] = None
    return {title: list(texts) for title, texts in contexts.items()}


def _stands(example: Example) -> bool:
    return all(
        answer.text and example.context.startswith(answer.text, answer.start) for answer in example.answers
    )


def _refuse_if_strict(squad: SquadFile, usable: Sequence[Example], strict: bool) -> None:
    if not strict or len(usable) == len(squad.examples):
        return
    kept = {example.id for example in usable}
    bad = next(example for example in squad.examples if example.id not in kept)
    raise DataError(
        f"{squad.path}: {len(squad.examples) - len(usable)} questions have an answer that does not stand at "
        f"its offset, first {bad.id!r}",
        hint="mend the offsets, or leave --strict out to skip these questions",
    )
