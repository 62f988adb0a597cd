"""Columns that the page's content stream holds row by row, put one after the other.

Most programs write a column to its end before the next one, and their order is kept. Some write line by line
across the page, which would mix the sentences of both columns. Such pages have rows that leave the same strip
empty while the text on either side of it continues from row to row. The cells of a table do not continue, so
their rows are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from statistics import median

from ingest.parsers.pdf.hyphenation import HYPHEN
from ingest.parsers.pdf.lines import RawLine, gaps, raw_lines
from ingest.parsers.pdf.paragraphs import Character
from ingest.parsers.pdf.table_columns import table_rows

_LEAST_ROWS = 4
_LEAST_GUTTER = 0.7
_LEAST_WIDTH = 9.0  # heights of a line
_FARTHEST = 4.0
_LEAST_CONTINUING = 0.4
_LEAST_FILLED = 0.5
_TERMINAL = (".", "!", "?", ":", ";", "。", "！", "？", "”", '"', "»")

Strip = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What stands side by side, from left to right in the order of the stream."""

    lines: tuple[RawLine, ...]

    @property
    def visible(self) -> tuple[Character, ...]:
        return tuple(character for line in self.lines for character in line.visible)

    @property
    def bottom(self) -> float:
        return self.lines[0].bottom

    @property
    def height(self) -> float:
        return self.lines[0].height

    def gaps(self) -> list[Strip]:
        """Strips without ink; a stream that goes back and forth gives none twice."""
        strips = list(gaps(self.visible, _LEAST_GUTTER * self.height))
        if all(before[1] <= after[0] for before, after in pairwise(strips)):
            return strips
        ordered = sorted(self.visible, key=lambda character: character.left)
        reached = ordered[0].right
        strips = []
        for character in ordered:
            if character.left - reached >= _LEAST_GUTTER * self.height:
                strips.append((reached, character.left))
            reached = max(reached, character.right)
        return strips

    def free(self) -> list[Strip]:
        """Where it leaves the page empty, both margins included."""
        right = max(line.right for line in self.lines)
        return [(-inf, min(line.left for line in self.lines)), *self.gaps(), (right, inf)]


def in_reading_order(characters: Sequence[Character]) -> list[Character]:
    """The page's characters with columns one after the other; the same ones where nothing is mixed."""
    lines = raw_lines(characters)
    told = list(table_rows(lines))
    if told:
        return told
    ordered: list[Character] = []
    changed = False
    for run, gutters in _runs(_rows(lines)):
        columns = _columns(run, gutters)
        changed |= bool(columns)
        for segment in columns:
            ordered += segment
        if not columns:
            ordered += [c for row in run for line in row.lines for c in line.characters]
    return ordered if changed else list(characters)


def _rows(lines: Sequence[RawLine]) -> list[_Row]:
    rows: list[_Row] = []
    for line in lines:
        last = rows[-1].lines[-1] if rows else None
        if last is not None and last.beside(line) and line.left > last.right - 0.5 * line.height:
            rows[-1] = replace(rows[-1], lines=(*rows[-1].lines, line))
        else:
            rows.append(_Row(lines=(line,)))
    return rows


def _runs(rows: Sequence[_Row]) -> Iterator[tuple[list[_Row], list[Strip]]]:
    """Rows one below the other that leave the same strips empty, with those strips."""
    run: list[_Row] = []
    strips: list[Strip] = []
    for row in rows:
        shared = _common(strips, row) if run and _follows(run[-1], row) else []
        if run and not shared:
            yield run, strips
            run = []
        strips = shared or row.gaps()
        run.append(row)
    if run:
        yield run, strips


def _follows(above: _Row, below: _Row) -> bool:
    return 0 < above.bottom - below.bottom < _FARTHEST * above.height


def _common(strips: Sequence[Strip], row: _Row) -> list[Strip]:
    least = _LEAST_GUTTER * row.height
    free = row.free()
    both = ((max(a, c), min(b, d)) for a, b in strips for c, d in free)
    return [strip for strip in both if strip[1] - strip[0] >= least]


def _columns(run: Sequence[_Row], gutters: Sequence[Strip]) -> list[list[Character]]:
    """The lines of the run, column by column; none where it is no text in columns."""
    widest = sorted(gutters, key=lambda strip: strip[0] - strip[1])
    for chosen in (list(gutters), *([strip] for strip in widest if len(gutters) > 1)):
        cut = [_cut(row, chosen) for row in run]
        if sum(sum(map(bool, row)) > 1 for row in cut) < _LEAST_ROWS:
            continue
        columns = [[part for part in column if part] for column in zip(*cut, strict=True)]
        if all(_is_prose(column) for column in columns):
            return [line for column in columns for line in _as_lines(column)]
    return []


def _cut(row: _Row, gutters: Sequence[Strip]) -> list[list[Character]]:
    """The characters of a row in each column, from its first to its last with ink."""
    parts: list[list[Character]] = [[] for _ in range(len(gutters) + 1)]
    middles = [(strip[0] + strip[1]) / 2 for strip in gutters]
    column = 0
    for line in row.lines:
        for character in line.characters:
            if not character.text.isspace():
                column = sum(character.left > middle for middle in middles)
            elif not parts[column] or character.text in "\r\n":
                continue
            parts[column].append(character)
    return [_stripped(part) for part in parts]


def _stripped(part: list[Character]) -> list[Character]:
    while part and part[-1].text.isspace():
        part.pop()
    return part


def _is_prose(column: Sequence[Sequence[Character]]) -> bool:
    """Whether its lines are long, filled, and most of them go on in the next."""
    if len(column) < 2:
        return False
    widths = [part[-1].right - part[0].left for part in column]
    height = median(part[0].top - part[0].bottom for part in column)
    if max(widths) < _LEAST_WIDTH * max(height, 0.1):
        return False
    filled = sum(width > 0.75 * max(widths) for width in widths)
    going_on = sum(_goes_on(above, below) for above, below in pairwise(column))
    return filled >= _LEAST_FILLED * len(column) and going_on >= _LEAST_CONTINUING * (len(column) - 1)


def _goes_on(above: Sequence[Character], below: Sequence[Character]) -> bool:
    last, first = above[-1].text, below[0].text
    if last in ("-", HYPHEN):
        return True
    return last not in _TERMINAL and first.isalpha() and not first.isupper()


def _as_lines(column: Sequence[list[Character]]) -> Iterator[list[Character]]:
    """Each line with its end; a hyphen that had another column behind it is one at a line's end now."""
    for index, part in enumerate(column):
        following = column[index + 1][0].text if index + 1 < len(column) else ""
        if part[-1].text == "-" and len(part) > 1 and part[-2].text.isalpha() and following.isalpha():
            part[-1] = part[-1]._replace(text=HYPHEN)
        if part[-1].text != HYPHEN:
            part.append(part[-1]._replace(text="\n"))
        yield part
