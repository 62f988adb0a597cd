"""The text of one row of a table, and the way back from a place in it to the names of its row and column.

A row is written as `column: value; row column: value; row column: value`, because it must make sense alone:
it will be found alone, and each value is read with both its names. The first cell with words is the name of
the row. Of twelve forms this one was answered best (`data/bench/choices.md`). A cell of a nameless column, or
what stands across the table above the row, is its bare words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest.records import Span

FIELD = "; "
NAME = ": "
UNNAMED = " | "

LONGEST_VALUE = 40
"""Values that are longer, in characters, are text and no figures: they make sense without the row's name."""

_LONGEST_NAME = 200
_MOST_WORDS = 8
_PROSE_ENDS = (".", "!", "?", "。")


class CellPlace(NamedTuple):
    """The names of the row and the column of a cell; the row's text is `text[start:end]`."""

    row: str
    column: str
    start: int
    end: int


def row_in_words(row: Sequence[str], names: Sequence[str] | None, own: int | None = None) -> str:
    """The row with the names of its columns where there are as many, its cells side by side otherwise.

    `own` is the place of the cell that names the row; short values right of it are given that name as well.
    """
    if names is None or len(names) != len(row):
        return UNNAMED.join(cell for cell in row if cell)
    fields: list[str] = []
    for at, (name, cell) in enumerate(zip(names, row, strict=True)):
        if cell and name and own is not None and at > own and len(cell) <= LONGEST_VALUE:
            fields.append(f"{row[own]} {name}{NAME}{cell}")
        elif cell:
            fields.append(f"{name}{NAME}{cell}" if name else cell)
    return FIELD.join(fields)


def row_at(text: str, start: int, end: int) -> Span | None:
    """The line of the table's row in which `text[start:end]` stands; None in prose, and across two rows."""
    low, high = text.rfind("\n", 0, start) + 1, text.find("\n", start)
    high = len(text) if high < 0 else high
    if end > high:
        return None
    line, around = text[low:high], list(_lines_around(text, low, high))
    cells = line.count(UNNAMED)
    unnamed = cells > 0 and any(other.count(UNNAMED) == cells for other in around)
    if unnamed or _is_row(line, _read(line)[1], [_read(other)[1] for other in around]):
        return Span(start=low, end=high)
    return None


def cell_at(text: str, start: int, end: int) -> CellPlace | None:
    """The cell in which `text[start:end]` stands wholly; None outside the named cells of a table's row.

    Where the row's name is not told by the names of its values, it is its first cell, or the first one with
    words that the rows above and below do not say as well: cells merged over several rows name none of them.
    """
    low, high = text.rfind("\n", 0, start) + 1, text.find("\n", start)
    high = len(text) if high < 0 else high
    row, fields = _read(text[low:high])
    near = [_read(line)[1] for line in _lines_around(text, low, high)]
    if not _is_row(text[low:high], fields, near):
        return None
    found = next((f for f in fields if f.name and low + f.start <= start and end <= low + f.end), None)
    if found is None:
        return None
    said = {(field.name, field.value) for fields in near for field in fields}
    new = (f for f in fields if (f.name, f.value) not in said)
    own = next((f for f in new if f is fields[0] or any(map(str.isalpha, f.value))), fields[0])
    return CellPlace(row or own.value, found.name, low, high)


class _Field(NamedTuple):
    """One cell as it stands in its line: `line[start:end]` is the value; no name is an empty one."""

    name: str
    value: str
    start: int
    end: int


def _read(line: str) -> tuple[str, list[_Field]]:
    """The name that the row gives its values (empty if it gives none), and its cells."""
    fields = _fields(line)
    for own in fields:
        prefix = f"{own.value} "
        if any(field.name.startswith(prefix) for field in fields):
            return own.value, [f._replace(name=f.name.removeprefix(prefix)) for f in fields]
    return "", fields


def _fields(line: str) -> list[_Field]:
    fields: list[_Field] = []
    at = 0
    for part in line.split(FIELD):
        name, mark, value = part.partition(NAME)
        end = at + len(part)
        if mark and len(name) <= _LONGEST_NAME:
            fields.append(_Field(name, value, end - len(value), end))
        elif fields and fields[-1].name:  # the value before holds a semicolon
            before = fields[-1]
            fields[-1] = before._replace(value=line[before.start : end], end=end)
        else:
            fields.append(_Field("", part, at, end))
        at = end + len(FIELD)
    return fields


def _lines_around(text: str, low: int, high: int) -> Iterator[str]:
    """The lines next to `text[low:high]`, blank ones between them passed over."""
    above = re.search(r"([^\n]+)\n+\Z", text[max(0, low - 5000) : low])
    below = re.match(r"\n+([^\n]+)", text[high : high + 5000])
    yield from (match[1] for match in (above, below) if match)


def _is_row(line: str, fields: Sequence[_Field], near: Sequence[Sequence[_Field]]) -> bool:
    """Whether a line is a table's row: its neighbours name the same columns, or it looks like no prose."""
    names = {field.name for field in fields if field.name}
    if len(fields) < 2 or not names:
        return False
    if any(len(fields) > 1 and names.intersection(f.name for f in fields) for fields in near):
        return True
    short = all(len(name.split()) <= _MOST_WORDS for name in names)
    return short and not line.rstrip().endswith(_PROSE_ENDS)
