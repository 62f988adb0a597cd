"""The characters of a PDF page as pdfium's lines, and those lines as rows of the page.

`columns` and `running_headers` use them before paragraphs are made. They move and drop whole lines, so a line
keeps all its characters, the one that ends it included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.parsers.pdf.hyphenation import HYPHEN
from ingest.parsers.pdf.paragraphs import Character

_ENDS = frozenset(("\n", HYPHEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """Characters up to a line end, that included; `visible` are those with ink."""

    characters: tuple[Character, ...]
    visible: tuple[Character, ...]
    left: float
    right: float
    bottom: float
    height: float

    @property
    def top(self) -> float:
        return self.bottom + self.height

    def beside(self, other: RawLine) -> bool:
        """Whether both stand at one height."""
        overlap = min(self.top, other.top) - max(self.bottom, other.bottom)
        return overlap > 0.5 * min(self.height, other.height)


def raw_lines(characters: Sequence[Character]) -> list[RawLine]:
    """The page's lines in the order of its characters, those without ink left out."""
    return [line for line in map(_raw_line, _split(characters)) if line is not None]


def gaps(line: Sequence[Character], least: float) -> Iterator[tuple[float, float]]:
    """The places without ink between neighbours of a line that are at least so wide."""
    for before, after in pairwise(line):
        if after.left - before.right >= least:
            yield before.right, after.left


def _split(characters: Sequence[Character]) -> Iterator[list[Character]]:
    current: list[Character] = []
    for character in characters:
        current.append(character)
        if character.text in _ENDS:
            yield current
            current = []
    if current:
        yield current


def _raw_line(characters: Sequence[Character]) -> RawLine | None:
    visible = tuple(character for character in characters if not character.text.isspace())
    if not visible:
        return None
    return RawLine(
        characters=tuple(characters),
        visible=visible,
        left=min(character.left for character in visible),
        right=max(character.right for character in visible),
        bottom=median(character.bottom for character in visible),
        height=max(median(character.top - character.bottom for character in visible), 0.1),
    )
