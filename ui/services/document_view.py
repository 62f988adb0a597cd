"""What the viewer shows of a document: a part in blocks, and the other places of the same words (pure)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.records import Document, Heading, Span

WINDOW = 40_000  # characters shown at once, some fifteen pages
_MOST_OCCURRENCES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, or a heading with its level; as a span of the document's text."""

    start: int
    end: int
    level: int = 0
    page: int | None = None  # the number of a page that begins here


def occurrences(text: str, words: str) -> list[Span]:
    """Where words occur in a text, whatever their case and the white space between them.

    >>> [span.start for span in occurrences("Ellery. In ellery", "Ellery")]
    [0, 11]
    """
    parts = [re.escape(part) for part in words.split()]
    if not parts:
        return []
    # Letters and digits at an end must not go on: "2" is not in "2019".
    left = r"(?<!\w)" if words.strip()[0].isascii() and words.strip()[0].isalnum() else ""
    right = r"(?!\w)" if words.strip()[-1].isascii() and words.strip()[-1].isalnum() else ""
    form = re.compile(left + r"\s+".join(parts) + right, re.IGNORECASE)
    spans = (Span(start=match.start(), end=match.end()) for match in form.finditer(text))
    return [span for span, _ in zip(spans, range(_MOST_OCCURRENCES), strict=False)]


def window(document: Document, start: int, end: int) -> Span:
    """The part of the text to show for a span: all of it, or what lies around it up to whole paragraphs."""
    text = document.text
    if len(text) <= WINDOW:
        return Span(start=0, end=len(text))
    middle = (start + min(end, start + WINDOW)) // 2
    first = min(max(0, middle - WINDOW // 2), len(text) - WINDOW)
    before = text.rfind("\n\n", 0, first) + 2 if first else 0
    begin = before if first - before < WINDOW // 8 else first
    after = text.find("\n\n", first + WINDOW)
    last = after if 0 <= after < first + WINDOW + WINDOW // 8 else min(first + WINDOW, len(text))
    return Span(start=min(begin, start), end=max(last, min(end, len(text))))


def blocks(document: Document, part: Span) -> Iterator[Block]:
    """The paragraphs and headings of a part of a document, in order."""
    headings = {heading.start: heading for heading in document.headings}
    pages = {page.start: page.number for page in document.pages}
    for start, end in _paragraphs(document.text, part, (*headings, *pages)):
        heading = headings.get(start)
        page = pages.get(start)
        if heading is not None and (line := _heading_line(document.text, heading, end)) is not None:
            yield Block(start=start, end=line, level=heading.level, page=page)
            start, page = line, None
        if document.text[start:end].strip():
            yield Block(start=start, end=end, page=page)


def _paragraphs(text: str, part: Span, borders: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Cuts at empty lines and at the given borders."""
    cuts = {match.end() for match in re.compile(r"\n[ \t]*\n+").finditer(text, part.start, part.end)}
    cuts |= {border for border in borders if part.start < border < part.end}
    edges = [part.start, *sorted(cuts - {part.start, part.end}), part.end]
    yield from itertools.pairwise(edges)


def _heading_line(text: str, heading: Heading, end: int) -> int | None:
    """The end of a heading's own line, if its words are there (those of PDF bookmarks may not be)."""
    stop = text.find("\n", heading.start, end)
    line = text[heading.start : end if stop < 0 else stop]
    words = re.findall(r"\w+", heading.title.casefold())
    if words != re.findall(r"\w+", line.casefold())[-len(words) :]:
        return None
    return heading.start + len(line)
