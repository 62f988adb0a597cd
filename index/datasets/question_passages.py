"""Questions with the passage that answers each: read from two columns, checked, weighted, partly held out.

    .tsv  .csv   a header with `question` and `passage` among its names, or no header and two columns
    .jsonl       an object a line with "question" and "passage"

Each also gzipped. Other forms (SQuAD's) come through the `read` that `load_pairs` is given, because this
package knows nothing of answers.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from index.datasets.row_files import comma_rows, file_kind, objects, tab_rows, text_of
from index.datasets.sampling import held_out as is_held_out
from index.datasets.setting_types import STRICT, NotNegative
from index.errors import DataError

COLUMNS = ("question", "passage")
_ENOUGH_TITLES = 20
_FORM = "expected two columns, question and passage, as .tsv, .csv or .jsonl (also .gz)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSource:
    """A file of questions with their passages, and how often each pair is seen per epoch.

    A weight of 0.5 draws half of them anew in every epoch, 2 sees each twice.
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
    rows = _rows(path)
    pairs: list[Pair] = []
    empty: list[str] = []
    for where, question, passage in rows:
        if question.strip() and passage.strip():
            pairs.append(Pair(question=question.strip(), passage=passage.strip()))
        else:
            empty.append(where)
    return PairFile(path=str(path), pairs=tuple(pairs), empty=tuple(empty))


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
    pairs: list[Pair] = []
    weights: list[float] = []
    held_out: list[Pair] = []
    reports: list[PairReport] = []
    for source in sources:
        file = read(source.path)
        _refuse(file, strict=strict)
        titled = len({pair.title for pair in file.pairs}) >= _ENOUGH_TITLES
        for pair in file.pairs:
            if is_held_out((pair.title if titled else "") or pair.passage, hold_out):
                held_out.append(pair)
            else:
                pairs.append(pair)
                weights.append(source.weight)
        reports.append(
            PairReport(
                path=source.path,
                pairs=len(file.pairs),
                empty=len(file.empty),
                unanswerable=file.unanswerable,
            )
        )
    if not sum(weights):
        raise DataError("no pair is left to train on", hint="check the files, their weights and hold_out")
    return PairData(
        pairs=tuple(pairs), weights=tuple(weights), held_out=tuple(held_out), reports=tuple(reports)
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


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """(place, question, passage) of every row."""
    kind = file_kind(path)
    if kind not in (".tsv", ".csv", ".jsonl"):
        raise DataError(f"{path} is of a kind that is not known here", hint=_FORM)
    text = text_of(path)
    return _objects(path, text) if kind == ".jsonl" else _table(path, text, kind)


def _objects(path: Path, text: str) -> Iterator[tuple[str, str, str]]:
    for where, record in objects(path, text, hint=_FORM):
        question, passage = (_member(path, where, record, name) for name in COLUMNS)
        yield where, question, passage


def _member(path: Path, where: str, record: Any, name: str) -> str:
    value = record.get(name) if isinstance(record, Mapping) else None
    if not isinstance(value, str):
        raise DataError(f"{path}, {where}: no '{name}' (text)", hint=_FORM)
    return value


def _table(path: Path, text: str, kind: str) -> Iterator[tuple[str, str, str]]:
    places: tuple[int, int] | None = None
    try:
        for number, row in tab_rows(text) if kind == ".tsv" else comma_rows(text):
            if not any(field.strip() for field in row):
                continue
            if places is None:
                header = _header(path, row)
                places = header or (0, 1)
                if header is not None:
                    continue
            if max(places) >= len(row):
                raise DataError(f"{path}, line {number}: {len(row)} columns are too few", hint=_FORM)
            yield f"line {number}", row[places[0]], row[places[1]]
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table: {error}", hint=_FORM) from error


def _header(path: Path, row: Sequence[str]) -> tuple[int, int] | None:
    """Where the two columns stand, by the names of a header; None where the first row is a pair already."""
    names = [field.strip().casefold() for field in row]
    found = [name for name in COLUMNS if name in names]
    if len(found) == len(COLUMNS):
        return names.index(COLUMNS[0]), names.index(COLUMNS[1])
    if found or len(row) != len(COLUMNS):
        raise DataError(
            f"{path}: the first row names no {' and no '.join(n for n in COLUMNS if n not in found)} "
            f"among {len(row)} columns",
            hint=_FORM,
        )
    return None
