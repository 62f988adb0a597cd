"""The one model of a table, whichever file it stands in, and what its rows say in words.

Merged cells are spread over the places that they cover, one or several rows may name the columns, and a row
that only repeats those names is left out. How a row is written: `table_row`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.parsers.common.table_row import FIELD, LONGEST_VALUE, NAME, UNNAMED, row_in_words

_MAX_NAME = 80
_LONGEST_SPREAD = 200
_LONGEST_SECTION = 80
_LOOKED_AT = 200
_MOST_NAMING = 3
_MOST_COLUMNS = 1000
_MOST_CELLS = 1_000_000
_MOST_HEADER_ROWS = 4
_VALUE = re.compile(r"^[\s$€£¥+-]*[\d.,:/\s%-]*\d[\d.,:/\s%-]*\w{0,3}$")
_MONTH = r"(?:jan|feb|mär|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zäû.]*"
_KINDS = (
    (
        "year",
        re.compile(r"(?:FY|CY|Y)?\s?'?(?:1[5-9]|20|21)\d\d(?:\s?[/–-]\s?\d{2,4})?[a-z*]?", re.IGNORECASE),
    ),
    ("quarter", re.compile(r"(?:[QH][1-4]\s?/?-?\s?(?:\d{4})?|\d{4}\s?-?[QH][1-4])", re.IGNORECASE)),
    ("date", re.compile(r"\d{4}-\d\d(?:-\d\d)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}[./]\d{4}")),
    ("date", re.compile(rf"(?:\d{{1,2}}\.?\s)?{_MONTH}(?:\s\d{{1,2}},?)?(?:\s'?\d{{2,4}})?", re.IGNORECASE)),
    ("time", re.compile(r"\d{1,2}:\d\d(?:\s?[ap]m)?", re.IGNORECASE)),
    ("range", re.compile(r"[<>≤≥]\s?\d[\d.,]*|\d{1,4}\s?(?:[-–]|to)\s?\d{1,4}|\d{1,4}\s?\+")),
)
_WHOLE = re.compile(r"\d{1,4}")


class Cell(NamedTuple):
    """One cell as its file holds it, with the number of rows and columns that it covers."""

    text: str
    is_name: bool = False
    rows: int = 1
    columns: int = 1


@dataclass(slots=True, kw_only=True)
class Grid:
    """Rows of equal width with merged cells spread.

    `joined` are the places that belong to the cell at their left, `headers` the rows of which every cell is
    marked as a name, `named` the rows whose first cell is marked so.
    """

    rows: list[list[str]]
    joined: set[tuple[int, int]] = field(default_factory=set)
    headers: set[int] = field(default_factory=set)
    named: set[int] = field(default_factory=set)

    def is_one_cell(self, row: int) -> bool:
        """Whether a single cell goes across the whole table."""
        width = len(self.rows[row])
        return width > 1 and all((row, column) in self.joined for column in range(1, width))

    def says_one_thing(self, row: int) -> bool:
        """Whether only one cell of the row holds words."""
        return self.is_one_cell(row) or sum(map(bool, self.rows[row])) == 1


def spread(rows: Sequence[Sequence[Cell]]) -> Grid:
    """The rows with every merged cell repeated where it reaches, and cut to equal width."""
    width = min(_MOST_COLUMNS, max((sum(cell.columns for cell in row) for row in rows), default=0))
    width = max(width, max(map(len, rows), default=0))
    merges = width * len(rows) <= _MOST_CELLS
    grid = Grid(rows=[])
    reaching: dict[int, _Reach] = {}
    for number, row in enumerate(rows):
        cells = row if merges else [cell._replace(rows=1, columns=1) for cell in row]
        grid.rows.append(_spread_row(grid, number, cells, reaching, width=width, left=len(rows) - number - 1))
        if width > 1 and len(row) == 1 and len(grid.rows[-1]) == 1:
            grid.joined.update((number, column) for column in range(1, width))
            grid.rows[-1] *= width
        grid.rows[-1] += [""] * (width - len(grid.rows[-1]) if merges else 0)
        names = [cell.is_name for cell in row if cell.text]
        if names and all(names) and (len(names) > 1 or len(row) == 1):
            grid.headers.add(number)
        if row and row[0].is_name:
            grid.named.add(number)
    return grid


class _Reach(NamedTuple):
    """A cell that reaches down from a row above: how many rows more, and whether it goes on at its left."""

    left: int
    text: str
    joined: bool


def _spread_row(
    grid: Grid, number: int, row: Sequence[Cell], reaching: dict[int, _Reach], *, width: int, left: int
) -> list[str]:
    """The texts of one row; `reaching` holds the cells from above by column and takes those of this row."""
    texts: list[str] = []
    waiting = list(reversed(row))
    while waiting or len(texts) in reaching:
        column = len(texts)
        above = reaching.pop(column, None)
        if above is not None:
            texts.append(above.text if len(above.text) <= _LONGEST_SPREAD else "")
            if above.joined:
                grid.joined.add((number, column))
            if above.left > 1:
                reaching[column] = above._replace(left=above.left - 1)
            continue
        cell = waiting.pop()
        for step in range(max(1, min(cell.columns, width - column))):
            texts.append(cell.text)
            if step:
                grid.joined.add((number, column + step))
            if cell.rows > 1 and left:
                reaching[column + step] = _Reach(min(cell.rows - 1, left), cell.text, step > 0)
    return texts


def lines(grid: Grid, *, guess: bool = True, names: Sequence[str] | None = None) -> Iterator[str]:
    """What the table says, row by row, its title rows first, and last the names of columns without values.

    `guess` looks for names of columns in a table that marks none; `names` are those that hold where it has
    none of its own.
    """
    first = _title_rows(grid)
    marked = _marked(grid, first)
    count = marked or (header_rows(grid.rows[first:]) if guess else 0)
    if first + count >= len(grid.rows):
        first, count = min(first, len(grid.rows)), 0
    yield from (_one(row) for row in grid.rows[:first])
    headers = grid.rows[first : first + count]
    if count:
        names = combined(headers if marked else [*map(filled, headers[:-1]), headers[-1]])
    yield from _body(grid, first + count, headers, names)
    if count and names is not None:
        used = {at for row in grid.rows[first + count :] for at, text in enumerate(row) if text}
        blank = [name for at, name in enumerate(names) if name and at not in used]
        if blank:
            yield UNNAMED.join(dict.fromkeys(blank))


def _title_rows(grid: Grid) -> int:
    """How many rows above the names say one thing only: the title of the table."""
    row = 0
    while row < len(grid.rows) and len(grid.rows[row]) > 1 and grid.says_one_thing(row):
        if row not in grid.headers and not grid.is_one_cell(row):
            break
        row += 1
    return row


def _body(grid: Grid, row: int, headers: list[list[str]], names: Sequence[str] | None) -> Iterator[str]:
    """The rows below the names, each under what stands across the table above it."""
    section = ""
    changeable = bool(headers)
    while row < len(grid.rows):
        texts = grid.rows[row]
        if grid.is_one_cell(row) and row + 1 < len(grid.rows) and _is_section(grid, row, names):
            section = _one(texts)
        elif changeable and row in grid.headers and not grid.says_one_thing(row):
            again = grid.rows[row : row + max(1, _marked(grid, row))]
            if again[0] not in headers:
                if row + len(again) >= len(grid.rows):
                    yield row_in_words(texts, None)
                else:
                    names, headers, section = combined(again), again, ""
            row += len(again) - 1
        elif texts not in headers:
            section = "" if grid.is_one_cell(row) else section
            words = _one(texts) if grid.is_one_cell(row) else _row(grid, row, names)
            yield f"{section}{FIELD}{words}" if section else words
        row += 1


def combined(headers: Sequence[Sequence[str]]) -> list[str]:
    """The name of each column, made of what the header rows say over it."""
    named = []
    for column in zip(*headers, strict=True):
        parts = dict.fromkeys(part for part in column if part)
        named.append(" ".join(parts))
    return named


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many of the first rows name the columns of a table that marks none: 0, 1 or 2."""
    if names_columns(rows):
        return 1
    return 2 if len(rows) > 2 and _are_two(rows) else 0


def names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: all different, none said again below it, and words or periods.

    A year, a date, a time or a range is the name of a column where what stands below is something else.
    """
    first = [cell for cell in rows[0] if cell]
    if len(rows) < 2 or len(first) < max(2, len(rows[0]) - 1) or len(set(first)) < len(first):
        return False
    if any(len(cell) > _MAX_NAME or cell.endswith(":") for cell in first):
        return False
    columns = [
        (cell, [row[at] for row in rows[1:_LOOKED_AT] if at < len(row) and row[at]])
        for at, cell in enumerate(rows[0])
        if cell
    ]
    if any(cell in below for cell, below in columns):
        return False
    elsewhere = {cell for _, below in columns for cell in below}
    if 2 * len(elsewhere.intersection(first)) > len(first):
        return False
    values = [(cell, below) for cell, below in columns if _VALUE.match(cell)]
    return not values or _are_periods(values, rows)


def distinct_by_kind(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is of another kind than the rest: words above values."""
    return any(
        cell and not _VALUE.match(cell) and any(_VALUE.match(row[at]) for row in rows[1:] if at < len(row))
        for at, cell in enumerate(rows[0])
    )


def _marked(grid: Grid, first: int) -> int:
    """How many rows from `first` on are marked as names."""
    count = 0
    while first + count in grid.headers and count < _MOST_HEADER_ROWS:
        if count and grid.is_one_cell(first + count):  # it stands over the rows below, not over the columns
            break
        count += 1
    # A form has labels and values in its first row, whatever it is marked as.
    told = [text for text in grid.rows[first] if text]
    if not count or not told or sum(text.endswith(":") for text in told) > 1:
        return 0
    # A table in which every cell is marked has a first row of names and no second one.
    return count if first + count < len(grid.rows) else 1


def _is_section(grid: Grid, row: int, names: Sequence[str] | None) -> bool:
    """Whether a cell across the table stands over the rows below: a short one in a table of data."""
    text = grid.rows[row][0]
    marked = row in grid.headers
    return (
        0 < len(text) <= _LONGEST_SECTION
        and (marked or names is not None)
        and not grid.is_one_cell(row + 1)
        and not (row + 1 in grid.headers and not marked)
    )


def _row(grid: Grid, row: int, names: Sequence[str] | None) -> str:
    texts: list[str] = []
    over: list[str] = []
    naming, own = _naming_column(grid, row), None
    for column, text in enumerate(grid.rows[row]):
        name = names[column] if names is not None and column < len(names) else ""
        if (row, column) in grid.joined and texts:
            if name and name not in over[-1].split(", "):
                over[-1] = f"{over[-1]}, {name}" if over[-1] else name
            continue
        if column == naming:
            own = len(texts)
        texts.append(text)
        over.append(name)
    if names is not None:
        return row_in_words(texts, over, own)
    rest = [text for text in texts[1:] if text]
    if row in grid.named and row not in grid.headers and texts and texts[0] and rest:
        return f"{texts[0]}{NAME}{row_in_words(rest, None)}"
    return row_in_words(texts, None)


def _naming_column(grid: Grid, row: int) -> int | None:
    """The column of the cell that names a row: a few words, or a period, before any longer text.

    It is the first one that the rows above and below do not say as well, if there is any; never a number.
    """
    near = grid.rows[max(0, row - 1) : row] + grid.rows[row + 1 : row + 2]
    shared = None
    for column, text in enumerate(grid.rows[row][:_MOST_NAMING]):
        if len(text) > LONGEST_VALUE or FIELD in text or NAME in text:
            return None
        if any(map(str.isalpha, text)) or _kind(text) is not None:
            if not any(text == other[column] for other in near if column < len(other)):
                return column
            shared = column if shared is None else shared
    return shared


def _one(texts: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(text for text in texts if text))


def _kind(cell: str) -> str | None:
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(cell)), None)


def _are_periods(values: Sequence[tuple[str, list[str]]], rows: Sequence[Sequence[str]]) -> bool:
    """Whether values in a first row are names: years over amounts, the days of a month, groups of ages."""
    kinds = [_kind(cell) for cell, _ in values]
    if None in kinds:
        return _counts([cell for cell, _ in values]) and not any(
            _counts([cell for cell in row[-len(values) :] if cell]) for row in rows[1:_LOOKED_AT]
        )
    if len(values) == 1 and len(rows) < 3:
        return False
    for (_, below), kind in zip(values, kinds, strict=True):
        same = sum(_kind(cell) == kind for cell in below)
        if 2 * same >= len(below) and below:
            return False
    return True


def _counts(cells: Sequence[str]) -> bool:
    """Whether whole numbers go up by one, three or more of them."""
    if len(cells) < 3 or not all(_WHOLE.fullmatch(cell) for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return all(after == before + 1 for before, after in itertools.pairwise(numbers))


def _are_two(rows: Sequence[Sequence[str]]) -> bool:
    """Whether two rows name the columns together: groups above, and their parts below."""
    upper, lower = filled(rows[0]), rows[1]
    if sum(map(bool, lower)) < 2 or len(set(upper)) == len(upper) or len(upper) != len(lower):
        return False
    names = combined([upper, lower])
    if len(set(names)) < len(names) or not all(names) or any(len(name) > 2 * _MAX_NAME for name in names):
        return False
    if any(_VALUE.match(cell) and _kind(cell) is None for cell in (*upper, *lower)):
        return False
    inner = [
        cell
        for row in rows[2:_LOOKED_AT]
        for at, cell in enumerate(row[1:], start=1)
        if cell and at < len(lower) and lower[at]
    ]
    return bool(inner) and 2 * sum(_VALUE.match(cell) is not None for cell in inner) >= len(inner)


def filled(row: Sequence[str]) -> list[str]:
    """A row of groups in which a blank belongs to the group at its left."""
    result: list[str] = []
    for at, cell in enumerate(row):
        result.append(cell if cell or at < 2 or not result[-1] else result[-1])
    return result
