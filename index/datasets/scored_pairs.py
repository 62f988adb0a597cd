"""Files of human judgements of likeness: pairs of words or sentences with a score, and analogies (pure).

    word pairs   word, word, score              RG-65, WordSim-353, SimLex-999, MEN; tabs, commas or spaces
    analogies    a b c d, under ": category"    Google's (Mikolov et al. 2013)
    sentences    named columns (SICK, GLUE's STS-B); the nameless ones of STS-B's own files (the score in the
                 fifth, sentences in the sixth and seventh); or sentence, sentence, score

Plain or gzip. A row that cannot be understood is counted, not fatal; a file without any row that can is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.datasets.row_files import tab_rows, text_of
from index.errors import DataError

_FIRST = ("sentence1", "sentence_a", "word1", "word 1", "a")
_SECOND = ("sentence2", "sentence_b", "word2", "word 2", "b")
_SCORES = (
    *("score", "relatedness_score", "similarity", "human (mean)", "simlex999", "relatedness"),
    "gold",
)
_STSB = (5, 6, 4)  # columns of the benchmark's own files
_WORDS = "expected: word, word, score; or a b c d under ': category'"
_SENTENCES = "expected: sentence, sentence, score; or the columns of STS-B or SICK"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPairs:
    """Pairs with their human scores, in the order of the file; `skipped` rows could not be understood."""

    name: str
    pairs: tuple[tuple[str, str], ...]
    scores: tuple[float, ...]
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Analogies:
    """Questions "a is to b as c is to d", each with its category; `skipped` rows have not four words."""

    name: str
    questions: tuple[tuple[str, str, str, str], ...]
    categories: tuple[str, ...]
    skipped: int


def read_words(path: Path) -> ScoredPairs | Analogies:
    """Word pairs or analogies, whichever the file holds; raises DataError."""
    lines = text_of(path).splitlines()
    first = next((line for line in lines if line.strip()), "")
    plain = len(first.split()) == 4 and not set(first) & {"\t", ",", ";"}
    if first.startswith(":") or (plain and _number(first.split()[-1]) is None):
        return _analogies(path, lines)
    return _pairs(path, [_fields(line) for line in lines if line.strip()], _WORDS)


def read_sentences(path: Path) -> ScoredPairs:
    """Sentence pairs; raises DataError."""
    text = text_of(path)
    if "\t" in text[:10_000]:
        # No quoting: STS-B's sentences hold single quotation marks.
        rows = [row for _, row in tab_rows(text) if any(row)]
    else:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return _pairs(path, rows, _SENTENCES)


def _analogies(path: Path, lines: Sequence[str]) -> Analogies:
    questions: list[tuple[str, str, str, str]] = []
    categories: list[str] = []
    skipped, category = 0, ""
    for line in lines:
        words = line.split()
        if line.startswith(":"):
            category = line[1:].strip()
        elif len(words) == 4:
            questions.append((words[0], words[1], words[2], words[3]))
            categories.append(category)
        elif words:
            skipped += 1
    if not questions:
        raise DataError(f"{path} holds no analogy", hint=_WORDS)
    return Analogies(
        name=path.name, questions=tuple(questions), categories=tuple(categories), skipped=skipped
    )


def _pairs(path: Path, rows: Sequence[Sequence[str]], form: str) -> ScoredPairs:
    places, body = _columns(rows)
    pairs: list[tuple[str, str]] = []
    scores: list[float] = []
    skipped = 0
    for row in body:
        score = _number(row[places[2]]) if len(row) > max(places) else None
        one, other = (row[place].strip() if place < len(row) else "" for place in places[:2])
        if score is None or not one or not other:
            skipped += 1
        else:
            pairs.append((one, other))
            scores.append(score)
    if not pairs:
        raise DataError(f"{path} holds no scored pair", hint=form)
    return ScoredPairs(name=path.name, pairs=tuple(pairs), scores=tuple(scores), skipped=skipped)


def _columns(rows: Sequence[Sequence[str]]) -> tuple[tuple[int, int, int], Sequence[Sequence[str]]]:
    """Where the two texts and the score stand, and the rows without a header."""
    header = [field.strip().casefold() for field in rows[0]] if rows else []
    columns = [
        next((header.index(name) for name in names if name in header), None)
        for names in (_FIRST, _SECOND, _SCORES)
    ]
    if columns[0] is not None and columns[1] is not None and columns[2] is not None:
        return (columns[0], columns[1], columns[2]), rows[1:]
    if len(header) >= 7 and _number(header[4]) is not None:
        return _STSB, rows
    # A first row without a number is a header of other names.
    titled = len(header) > 2 and _number(header[2]) is None
    return (0, 1, 2), rows[1:] if titled else rows


def _fields(line: str) -> list[str]:
    for separator in ("\t", ",", ";"):
        if line.count(separator) >= 2:
            return line.split(separator)
    return line.split()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a text file that are not blank, stripped; raises DataError."""
    return (line.strip() for line in text_of(path).splitlines() if line.strip())
