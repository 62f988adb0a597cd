"""The structure of a document's text: headings, paragraphs, lists, tables, code, as consecutive blocks.

Chunking decides which blocks go together; this module only finds them and how firm the border before each
one is. It uses the text (blank lines, list markers, fences) and the headings, pages and units that the parser
recorded, and knows nothing of tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from ingest.records import Document, Heading, Page, Span

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_FENCE = re.compile(r"^[ \t]{0,3}(```|~~~)", re.MULTILINE)
_UNDERLINE = re.compile(r"\n[ \t]*([=\-~^\"*+#.`:'_])\1{2,}[ \t]*(?=\n|$)")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_CODE_LINE = re.compile(
    r"(?:\t| {2,})\S"
    r"|(?:[#$%>]|//|--|/\*|\*/|>>>|\.\.\.)(?:\s|$)"
    r"|(?:async|class|const|def|elif|else|enum|except|export|fn|for|from|func|function|if|impl|import|let|match|mod"
    r"|package|pub|return|struct|try|type|use|using|var|while|with|@\w+)\b.*[:;{}()\]=\w]$"
    r"|.*[;{}]$|[)\]}>]+[,;:]?$|[\w.\[\]\"' ,]+ (?:[-+*/|:]?=|->|=>) .*|[\w.]+\(.*\)$|#!?\["
)
_ROW = re.compile(r"\s*(?:[|>]|```|~~~|[-*+•]\s|\d{1,3}[.)]\s)|\t| {4}|.*(?:\t|\S {3,}\S|\|)")
_WIDEST_WRAP = 200
_LONGEST_QUESTION = 200


class Border(Enum):
    """What stands between a block and the one before it."""

    REGION = auto()  # a page or a unit begins: no passage crosses
    TOP_HEADING = auto()
    HEADING = auto()
    PARAGRAPH = auto()
    JOINED = auto()  # the next item of a list, or what a line ending in a colon introduces
    KEPT = auto()  # code goes on after a blank line, or a question is followed by its answer
    PIECE = auto()  # the next sentence or line of a block that was too long
    WORD = auto()  # the next words of a sentence that was too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`text[start:end]` without white space at its ends; `heading` if it is nothing but a heading's line."""

    start: int
    end: int
    border: Border
    heading: bool = False
    path: tuple[str, ...] = ()


def blocks(document: Document) -> list[Block]:
    """All blocks in order; together they hold every character that is not white space."""
    text = document.text
    headings = {heading.start: heading for heading in document.headings}
    regions, top = _region_starts(document), _top_level(document.headings)
    heading_ends = {start: _heading_end(text, start) for start in headings}
    cuts = {*regions, *headings, *heading_ends.values(), *_paragraph_starts(text)}
    paths = _Paths(document.headings)
    parts: list[Block] = []
    crossed = Border.PARAGRAPH
    for start, end in pairwise(sorted({0, *cuts, len(text)})):
        crossed = _firmer(crossed, _border(start, regions, headings, top))
        span = stripped(text, start, end)
        if span is None:
            continue
        is_heading = start in headings
        border = _joined(text, parts, *span) if crossed is Border.PARAGRAPH else crossed
        path = paths.at(start)
        parts.append(Block(start=span[0], end=span[1], border=border, heading=is_heading, path=path))
        crossed = Border.PARAGRAPH
    return parts


def lines_matter(text: str) -> bool:
    """Whether `text` is a list, a table or code, torn between lines and not between sentences."""
    rows = text.splitlines()
    if len(rows) < 2:
        return False
    return 2 * sum(_ROW.match(row) is not None for row in rows) > len(rows) or not _wrapped(rows)


def _wrapped(rows: Sequence[str]) -> bool:
    """Whether the lines end where they do because no word more would have fitted."""
    width = max(len(row.rstrip()) for row in rows)
    full = sum(
        len(row.rstrip()) + 1 + len(below.split(maxsplit=1)[0]) > width
        for row, below in pairwise(row for row in rows if row.strip())
    )
    return width <= _WIDEST_WRAP and 2 * full >= len(rows) - 1


def _is_code(text: str) -> bool:
    rows = [row for row in text.splitlines() if row.strip()]
    return 2 * sum(_CODE_LINE.match(row) is not None for row in rows) > len(rows)


def _is_question(text: str) -> bool:
    """A line of its own that asks, above what may be its answer."""
    return len(text) <= _LONGEST_QUESTION and "\n" not in text and text.endswith(("?", "？", "؟"))


class _Paths:
    """Heading paths by offset, each computed once."""

    def __init__(self, headings: tuple[Heading, ...]) -> None:
        self._starts = [heading.start for heading in headings]
        self._paths: list[tuple[str, ...]] = [()]
        stack: list[Heading] = []
        for heading in headings:
            while stack and stack[-1].level >= heading.level:
                stack.pop()
            stack.append(heading)
            self._paths.append(tuple(item.title for item in stack))

    def at(self, offset: int) -> tuple[str, ...]:
        return self._paths[bisect_right(self._starts, offset)]


def _region_starts(document: Document) -> set[int]:
    parts: tuple[Page | Span, ...] = (*document.pages, *document.units)
    return {part.start for part in parts} | {part.end for part in parts}


def _top_level(headings: tuple[Heading, ...]) -> int:
    """The highest level that divides the text: a lone title above everything else does not."""
    levels = [heading.level for heading in headings]
    return next((level for level in sorted(set(levels)) if levels.count(level) > 1), 0)


def _heading_end(text: str, start: int) -> int:
    """The end of the heading's line, and of the line of signs that underlines it."""
    end = text.find("\n", start)
    if end < 0:
        return len(text)
    underline = _UNDERLINE.match(text, end)
    return underline.end() if underline else end


def _paragraph_starts(text: str) -> Iterator[int]:
    """Where text goes on after blank lines, those inside fenced code left out."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    paired = len(fences) - len(fences) % 2
    for match in _BLANK_LINES.finditer(text):
        before = bisect_right(fences, match.start())
        if before >= paired or before % 2 == 0:
            yield match.end()


def _border(start: int, regions: set[int], headings: dict[int, Heading], top: int) -> Border:
    if start in regions:
        return Border.REGION
    if start in headings:
        return Border.TOP_HEADING if headings[start].level <= top else Border.HEADING
    return Border.PARAGRAPH


def _firmer(one: Border, other: Border) -> Border:
    return min(one, other, key=lambda border: border.value)


def _joined(text: str, found: list[Block], start: int, end: int) -> Border:
    if not found or found[-1].heading:
        return Border.PARAGRAPH
    previous = found[-1]
    before, after = text[previous.start : previous.end], text[start:end]
    if (_is_question(before) and not _is_question(after)) or (_is_code(before) and _is_code(after)):
        return Border.KEPT
    items = _LIST_ITEM.match(after) and _LIST_ITEM.match(before)
    return Border.JOINED if items or before.endswith(":") else Border.PARAGRAPH


def stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    """`text[start:end]` without the white space at its ends, None if there is nothing else."""
    part = text[start:end]
    inner = part.lstrip()
    return (end - len(inner), start + len(part.rstrip())) if inner else None
