"""Collects what converters find: blocks of text, and the positions of headings, pages, units and source runs.

A converter appends blocks in reading order and never sees an offset: the builder normalises each piece, joins
the pieces, and records the positions in the joined text. Blocks are separated by a blank line, lines by a
line end. Line ends never compose with other characters, so the whole is in normal form when its pieces are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from ingest.conversion.options import ParseOptions
from ingest.records import Heading, Page, SourceRun, Span
from ingest.text.normalise import NO_SOURCE, normalise, normalise_mapped, squeeze

BLOCK = "\n\n"
LINE = "\n"


class TextBuilder:
    """The text of one document while it is being put together.

    `options` say how to read it; `alive` is called by what takes long by its nature, page by page, so that
    the time limit of a file counts from there. `recognised` says that some of the text was read from
    pictures, which makes it another document than the one without.
    """

    def __init__(
        self, options: ParseOptions | None = None, *, alive: Callable[[], None] = lambda: None
    ) -> None:
        self.options = options or ParseOptions()
        self.alive = alive
        self.recognised = False
        self.title = ""
        self.named_by_heading = True
        self.metadata: dict[str, str] = {}
        self.warnings: list[str] = []
        self.headings: list[Heading] = []
        self.pages: list[Page] = []
        self.units: list[Span] = []
        self.source_map: list[SourceRun] = []
        self._pieces: list[str] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def block(self, text: str) -> Span:
        """Appends lines of text as they are, after a blank line."""
        return self._append(normalise(text), BLOCK)

    def paragraph(self, text: str) -> Span:
        """Appends running text in which white space means nothing, after a blank line."""
        return self._append(squeeze(text), BLOCK)

    def line(self, text: str) -> Span:
        """Appends one line right below what stands there: a list item, a row of a table."""
        return self._append(squeeze(text), LINE)

    def heading(self, level: int, title: str) -> None:
        """Appends a heading on a line of its own; an empty one is left out."""
        span = self.paragraph(title)
        if span:
            self.mark_heading(level, title, span.start)

    def mark_heading(self, level: int, title: str, start: int) -> None:
        """Records a heading whose words stand at `start` already, or that has no words of its own there."""
        title = squeeze(title)
        if title:
            self.headings.append(Heading(level=max(1, level), title=title, start=start))

    def mapped(self, text: str, sources: Sequence[int], page: int | None, *, separator: str = BLOCK) -> Span:
        """Appends text whose characters are known to the converter by the numbers in `sources`."""
        normal, numbers = normalise_mapped(text, sources)
        span = self._append(normal, separator)
        offset = span.start
        # Within a run, source minus position stays the same: that is what groups neighbours.
        for key, group in groupby(
            enumerate(numbers), key=lambda item: None if item[1] == NO_SOURCE else item[1] - item[0]
        ):
            run = list(group)
            if key is None:
                continue
            first, source = run[0]
            self.source_map.append(
                SourceRun(
                    text_start=offset + first,
                    text_end=offset + first + len(run),
                    page=page,
                    source_start=source,
                )
            )
        return span

    @contextmanager
    def page(self, number: int) -> Iterator[None]:
        """What is appended inside stands on this page or slide."""
        pieces = len(self._pieces)
        yield
        start, end = self._extent(pieces)
        self.pages.append(Page(number=number, start=start, end=end))

    @contextmanager
    def unit(self) -> Iterator[None]:
        """What is appended inside is one record: no passage crosses its borders."""
        pieces = len(self._pieces)
        yield
        start, end = self._extent(pieces)
        if end > start:
            self.units.append(Span(start=start, end=end))

    def _append(self, text: str, separator: str) -> Span:
        if not text:
            return Span(start=self._size, end=self._size)
        if self._size:
            self._pieces.append(separator)
            self._size += len(separator)
        start = self._size
        self._pieces.append(text)
        self._size += len(text)
        return Span(start=start, end=self._size)

    def _extent(self, pieces: int) -> tuple[int, int]:
        """Where the text appended since there were so many pieces stands, without the separator before it."""
        added = sum(map(len, self._pieces[pieces:]))
        start = self._size - added
        if added and pieces:
            start += len(self._pieces[pieces])
        return start, self._size
