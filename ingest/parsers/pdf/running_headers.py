"""Running headers, footers and page numbers of a PDF: lines that every page repeats, kept once.

A line counts as running only at the very top or bottom of its page, set off from the text, with the same
words at the same height on three pages or more. Its first occurrence is kept, because a letterhead may hold
the only telephone number of the document; the others are dropped. Numbers must be equal too, unless they
count the pages: `Invoice 1001` above every page of a pile of invoices is content. Pages are never emptied.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.parsers.pdf.lines import RawLine, gaps, raw_lines
from ingest.parsers.pdf.paragraphs import Character

_LEAST_PAGES = 3
_LEAST_SHARE = 0.4
_MOST_ROWS = 4
_LEAST_DISTANCE = 0.4  # heights of a line, to the text
_SAME_HEIGHT = 3.0  # points
_CELL_GAP = 1.5
_LONGEST_NUMBER = 40
_SEPARATOR = re.compile(r"\s[|·•—–]\s|\t")
_PAGE_NUMBER = re.compile(
    r"""
    [\W_]*
    (?: (?:page|pages|seite|blatt|pagina|página|página|pág|pag|p|pp|s|стр|страница|strona|sayfa|第)\b[.:\s]*
        (?P<named>\d{1,5}) (?:\s*(?:of|von|de|di|van|из|z|/|／)\s*\d{1,5})? (?:\s*[页頁])?
      | (?P<plain>\d{1,5}) (?:\s*(?:of|von|de|di|van|из|z|/|／)\s*\d{1,5})?
      | (?P<roman>[ivxl]{1,7}) )
    [\W_]*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    """A row at the edge of a page: `lines` are numbers of its lines, `distance` its way to the next row."""

    side: str
    height: float
    lines: tuple[int, ...]
    words: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    distance: float


def without_running_heads(pages: Sequence[list[Character]]) -> list[list[Character]]:
    """The pages' characters without the lines that only repeat those of an earlier page."""
    if len(pages) < _LEAST_PAGES:
        return list(pages)
    lines = [raw_lines(page) for page in pages]
    edges = [list(_edges(page)) for page in lines]
    words, numbers = _repeated_words(edges), _page_numbers(edges)
    seen: set[tuple[str, str]] = set()
    remaining: list[list[Character]] = []
    for number, page in enumerate(pages):
        dropped: set[int] = set()
        for side in ("top", "bottom"):
            rows = [edge for edge in edges[number] if edge.side == side]
            dropped |= set(_dropped(_running(rows, number, words, numbers), seen))
        if dropped and len(dropped) < len(lines[number]):
            page = [c for at, line in enumerate(lines[number]) if at not in dropped for c in line.characters]
        remaining.append(page)
    return remaining


def _edges(lines: Sequence[RawLine]) -> Iterator[_Edge]:
    """The outermost rows of a page, from each edge inwards."""
    upright = [at for at, line in enumerate(lines) if line.right - line.left > line.height / 4]
    for side, sign in (("top", -1.0), ("bottom", 1.0)):
        order = sorted(upright, key=lambda at: sign * (lines[at].bottom + lines[at].height / 2))
        rows: list[list[int]] = []
        for at in order:
            if rows and lines[rows[-1][0]].beside(lines[at]):
                rows[-1].append(at)
            elif len(rows) > _MOST_ROWS:
                break
            else:
                rows.append([at])
        for row, inner in pairwise(rows):
            yield _edge(side, [lines[at] for at in row], row, [lines[at] for at in inner])


def _edge(side: str, row: Sequence[RawLine], numbers: Sequence[int], inner: Sequence[RawLine]) -> _Edge:
    if side == "top":
        distance = min(line.bottom for line in row) - max(line.top for line in inner)
    else:
        distance = min(line.bottom for line in inner) - max(line.top for line in row)
    cells = [list(_cells(line)) for line in row]
    counted = (_number(cell) for line in cells for cell in line)
    return _Edge(
        side=side,
        height=row[0].bottom,
        lines=tuple(numbers),
        words=tuple(tuple(cell for cell in line if _number(cell) is None) for line in cells),
        numbers=tuple(number for number in counted if number is not None),
        distance=distance / max(line.height for line in row),
    )


def _cells(line: RawLine) -> Iterator[str]:
    """The line's words, cut where a wide gap or a sign sets them apart."""
    cuts = {right for _, right in gaps(line.visible, _CELL_GAP * line.height)}
    cell = ""
    for character in line.characters:
        if character.left in cuts and not character.text.isspace():
            yield from _parts(cell)
            cell = ""
        cell += character.text
    yield from _parts(cell)


def _parts(cell: str) -> Iterator[str]:
    return (part for text in _SEPARATOR.split(cell) if (part := " ".join(text.casefold().split())))


def _number(cell: str) -> int | None:
    """The number that a cell is, with or without the word `page` and the number of all pages."""
    match = _PAGE_NUMBER.fullmatch(cell) if len(cell) <= _LONGEST_NUMBER else None
    if match is None:
        return None
    if match["roman"]:
        values = [_ROMAN[letter] for letter in match["roman"].lower()]
        following = [*values[1:], 0]
        return sum(
            value if value >= after else -value for value, after in zip(values, following, strict=True)
        )
    return int(match["named"] or match["plain"])


def _bands(height: float) -> tuple[int, int]:
    """Two overlapping bands: places that are nearly at one height share at least one."""
    band = int(height // _SAME_HEIGHT)
    return band, band + 1


def _repeated_words(edges: Sequence[Iterable[_Edge]]) -> set[tuple[str, str, int]]:
    """Words by side and band of height that stand on many of the pages they span."""
    found: defaultdict[tuple[str, str, int], list[int]] = defaultdict(list)
    for page, rows in enumerate(edges):
        for edge in rows:
            for cell in {cell for line in edge.words for cell in line}:
                for band in _bands(edge.height):
                    found[edge.side, cell, band].append(page)
    return {key for key, pages in found.items() if _is_often(pages)}


def _page_numbers(edges: Sequence[Iterable[_Edge]]) -> set[tuple[str, int, int]]:
    """Differences between a number and its page, by side and band of height, that hold on many pages."""
    found: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
    for page, rows in enumerate(edges):
        for edge in rows:
            for number in set(edge.numbers):
                for band in _bands(edge.height):
                    found[edge.side, number - page, band].append(page)
    return {key for key, pages in found.items() if _is_often(pages)}


def _is_often(pages: Sequence[int]) -> bool:
    return len(pages) >= _LEAST_PAGES and len(pages) >= _LEAST_SHARE * (pages[-1] - pages[0] + 1)


def _running(
    rows: Sequence[_Edge], page: int, words: set[tuple[str, str, int]], numbers: set[tuple[str, int, int]]
) -> list[_Edge]:
    """The rows from the edge inwards of which everything repeats, up to the last one that is set off."""
    found: list[_Edge] = []
    last = 0
    for edge in rows:
        bands = _bands(edge.height)
        same = all(
            any((edge.side, cell, band) in words for band in bands) for line in edge.words for cell in line
        )
        counts = all(
            any((edge.side, number - page, band) in numbers for band in bands) for number in edge.numbers
        )
        if not (same and counts):
            break
        found.append(edge)
        if edge.distance >= _LEAST_DISTANCE:
            last = len(found)
    return found[:last]


def _dropped(rows: Sequence[_Edge], seen: set[tuple[str, str]]) -> Iterator[int]:
    """The lines whose words stand on an earlier page, and page numbers; adds the words to `seen`."""
    for edge in rows:
        for at, cells in zip(edge.lines, edge.words, strict=True):
            keys = {(edge.side, cell) for cell in cells}
            if keys <= seen:
                yield at
            seen |= keys
