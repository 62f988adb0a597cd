"""Questions with the passage that answers each: read from two columns, checked, weighted, partly held out.

    .tsv  .csv   a header with `question` and `passage` among its names, or no header and two columns
    .jsonl       an object a line with "question" and "passage"

Each also gzipped. Other forms (SQuAD's) come through the `read` that `load_pairs` is given, because this
package knows nothing of answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from index.datasets.row_files import rows
from index.datasets.sampling import divide, division_names
from index.datasets.setting_types import STRICT, NotNegative
from index.errors import DataError

COLUMNS = ("question", "passage")
_FORM = "expected two columns, question and passage, as .tsv, .csv or .jsonl (also .gz)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSource:
    """A file of questions with their passages, and how often each pair is shown per epoch.

    A weight of 0.5 draws another half of them in every epoch, 2 shows each twice.
    """

    __pydantic_config__: ClassVar = STRICT

    path: str
    weight: NotNegative = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A question and a passage that answers it; `answers` are its words there, where they are known."""

    question: str
    passage: str
    title: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFile:
    """The pairs of a file; `empty` names the places without a question or a passage.

    `unanswerable` counts questions that say of themselves that their passage does not answer them.
    """

    path: str
    pairs: tuple[Pair, ...]
    empty: tuple[str, ...] = ()
    unanswerable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReport:
    """What a file gave: pairs taken, and what was left out."""

    path: str
    pairs: int
    empty: int
    unanswerable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairData:
    """Pairs to learn from with their weights, and those held out."""

    pairs: tuple[Pair, ...]
    weights: tuple[float, ...]
    held_out: tuple[Pair, ...]
    reports: tuple[PairReport, ...]


def read_pairs(path: str | Path) -> PairFile:
    """The pairs of a two-column file; raises DataError where it cannot be read or lacks a column."""
    path = Path(path)
    pairs: list[Pair] = []
    empty: list[str] = []
    for where, row in rows(path, _columns, unnamed=COLUMNS, form=_FORM):
        for name in COLUMNS:
            if not isinstance(row[name], str):
                raise DataError(f"{path}, {where}: no '{name}' (text)", hint=_FORM)
        question, passage = (row[name].strip() for name in COLUMNS)
        if question and passage:
            pairs.append(Pair(question=question, passage=passage))
        else:
            empty.append(where)
    return PairFile(path=str(path), pairs=tuple(pairs), empty=tuple(empty))


def _columns(where: str, names: Sequence[str]) -> dict[str, str] | None:
    """The columns of question and passage among a header's names; None where the first row is a pair."""
    folded = {name.casefold(): name for name in reversed(names)}
    lacking = [name for name in COLUMNS if name not in folded]
    if not lacking:
        return {name: folded[name] for name in COLUMNS}
    if where.endswith("the first row"):
        if len(lacking) == len(names) == len(COLUMNS):
            return None
        raise DataError(f"{where} names no {' and no '.join(lacking)} among {len(names)} columns", hint=_FORM)
    raise DataError(f"{where}: no '{lacking[0]}' (text)", hint=_FORM)


def load_pairs(
    sources: Sequence[PairSource],
    *,
    hold_out: float,
    strict: bool = False,
    read: Callable[[str], PairFile] = read_pairs,
) -> PairData:
    """All sources together; a share `hold_out` of the titles is kept apart, whatever their source.

    A title falls to one side by its hash, so the same title does in every training; passages without one,
    and all of a file with fewer than 20 titles, are titles of their own. Rows without a question or a
    passage are counted and left out, or, with `strict`, refused. Raises DataError.
    """
    if not sources:
        raise DataError("there is nothing to train on", hint="give one or more files of pairs")
    weighed: list[tuple[Pair, str, float]] = []
    reports: list[PairReport] = []
    for source in sources:
        file = read(source.path)
        _refuse(file, strict=strict)
        names = division_names([pair.title for pair in file.pairs], [pair.passage for pair in file.pairs])
        weighed += [(pair, name, source.weight) for pair, name in zip(file.pairs, names, strict=True)]
        reports.append(
            PairReport(
                path=source.path,
                pairs=len(file.pairs),
                empty=len(file.empty),
                unanswerable=file.unanswerable,
            )
        )
    division = divide(weighed, hold_out)
    if not sum(division.weights):
        raise DataError("no pair is left to train on", hint="check the files, their weights and hold_out")
    return PairData(
        pairs=division.items,
        weights=division.weights,
        held_out=division.held_out,
        reports=tuple(reports),
    )


def _refuse(file: PairFile, *, strict: bool) -> None:
    if not file.pairs:
        raise DataError(
            f"{file.path} holds no question with a passage ({len(file.empty)} rows lack one of them, "
            f"{file.unanswerable} questions have no answer)",
            hint=_FORM,
        )
    if strict and file.empty:
        raise DataError(
            f"{file.path}: {len(file.empty)} rows lack the question or the passage, first {file.empty[0]}",
            hint="fill them, or leave --strict out to skip these rows",
        )
