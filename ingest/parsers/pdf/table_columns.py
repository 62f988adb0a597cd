"""Tables that a page's content stream tells column by column, put back into rows.

Some programs write all dates of a table, then all names. Columns of a table are short lines at the same
heights side by side; columns of text are long lines that run on and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from ingest.parsers.pdf.lines import RawLine
from ingest.parsers.pdf.paragraphs import Character

_LEAST_COLUMNS = 2
_LEAST_ROWS = 3
_LONGEST_CELL = 32
_SHORT_CELL = 20


def table_rows(lines: Sequence[RawLine]) -> Iterator[Character]:
    """The page's characters with such tables row by row; nothing where there is none."""
    groups = _columns(lines)
    tables: list[tuple[int, int]] = []
    start = 0
    while start < len(groups):
        end = start + 1
        while end < len(groups) and _fits(groups[start:end], groups[end]):
            end += 1
        if end - start >= _LEAST_COLUMNS and _is_table(groups[start:end]):
            tables.append((start, end))
        start = end
    if not tables:
        return
    at = 0
    for start, end in tables:
        for group in groups[at:start]:
            yield from (character for line in group for character in line.characters)
        yield from _by_rows(groups[start:end])
        at = end
    for group in groups[at:]:
        yield from (character for line in group for character in line.characters)


def _columns(lines: Sequence[RawLine]) -> list[list[RawLine]]:
    """Lines that follow one another downwards at one left or right edge."""
    groups: list[list[RawLine]] = []
    for line in lines:
        last = groups[-1][-1] if groups else None
        if last is not None and line.top <= last.bottom + 0.3 * last.height and _aligned(last, line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _aligned(above: RawLine, below: RawLine) -> bool:
    near = 0.5 * max(above.height, below.height)
    middle = abs((above.left + above.right) - (below.left + below.right)) / 2
    return abs(above.left - below.left) < near or abs(above.right - below.right) < near or middle < near


def _fits(columns: Sequence[Sequence[RawLine]], column: Sequence[RawLine]) -> bool:
    """Whether a column stands to the right of the others, its lines at the heights of theirs."""
    first = columns[0]
    if len(column) < _LEAST_ROWS or len(column) != len(first):
        return False
    right = max(line.right for line in columns[-1])
    level = all(abs(a.bottom - b.bottom) < 0.4 * a.height for a, b in zip(first, column, strict=True))
    return level and min(line.left for line in column) > right


def _is_table(columns: Sequence[Sequence[RawLine]]) -> bool:
    cells = [len(line.visible) for column in columns for line in column]
    return (
        max(cells) <= 2 * _LONGEST_CELL
        and median(cells) <= _SHORT_CELL
        and all(median(len(line.visible) for line in column) <= _LONGEST_CELL for column in columns)
    )


def _by_rows(columns: Sequence[Sequence[RawLine]]) -> Iterator[Character]:
    for row in zip(*columns, strict=True):
        for at, line in enumerate(row):
            if at:
                before = row[at - 1].visible[-1]
                yield before._replace(text=" ", left=before.right)
            yield from (c for c in line.characters if c.text not in "\r\n")
        yield row[-1].visible[-1]._replace(text="\n")
