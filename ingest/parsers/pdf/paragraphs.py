"""From characters with boxes to paragraphs: the geometry of a PDF page, without a PDF library.

The characters come in the order of the page's content stream, which for text made by a program is the
reading order, columns included. What the stream does not say is where a paragraph ends. Here: a wide gap, a
jump upwards or another size of type starts a block; inside a block a line break is soft when the next word
would not have fitted on the line, and meant otherwise. Wide gaps within a line are borders of cells.
It finds no tables and no headings, and does not reorder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import median
from typing import NamedTuple

from ingest.parsers.common.raised import raised
from ingest.parsers.pdf.hyphenation import HYPHEN, KnownWords
from ingest.text.normalise import NO_SOURCE

_NO_WORDS = KnownWords()
CELL = " | "
_CELL_GAP = 2.0
_WIDEST_GAP = 3.0
_LONGEST_CELL = 20
_SHORT = 40
_NARROW = 30
_LEAST_LETTERS = 8
_LEAST_GAP = 0.08  # heights of a line
_NARROWEST_GAP = 0.05
_LOOK_BACK = 40
_RAISED_SIGNS = frozenset("0123456789*†‡§")
_RAISED = re.compile(r"(?=.*[\d*†‡§])[\d+\-\N{MINUS SIGN}\N{EN DASH},;*†‡§()\[\]]{1,12}")
_BULLET = re.compile(r"[•▪■●○◦‣∙·–—*\-\uf0b7\uf0a7]\s")
_NUMBERED = re.compile(r"(\(?\d{1,3}[.)]|\(?[a-z][.)]|\[\d+\])\s")
_TERMINAL = (".", "!", "?", ":", ";", "。", "！", "？", "”", '"')
_UNSPACED = re.compile("[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


class Character(NamedTuple):
    """One character of a page, its number there, and its box with y growing upwards."""

    text: str
    number: int
    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Characters on one line; `hyphenated` when the last word goes on in the next."""

    characters: tuple[Character, ...]
    left: float
    right: float
    bottom: float
    height: float
    hyphenated: bool
    sideways: bool = False

    @property
    def text(self) -> str:
        return "".join(character.text for character in self.characters)

    @property
    def top(self) -> float:
        return self.bottom + self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Text of one block with the number of each character on the page, and the size of its type."""

    text: str
    sources: tuple[int, ...]
    height: float


def paragraphs(characters: Sequence[Character], words: KnownWords = _NO_WORDS) -> list[Paragraph]:
    """The page's paragraphs in the order of its characters."""
    lines = _joined_rows([line for line in _lines(characters) if line is not None])
    return [_paragraph(block, _edges(block, lines), words) for block in _blocks(lines)]


@dataclass(frozen=True, slots=True)
class _Edge:
    """How far to the right a line of a block may go, and whether its lines fill it up to there."""

    right: float
    filled: bool


def _edges(block: Sequence[Line], lines: Sequence[Line]) -> list[_Edge]:
    """The edge of each line: a block that goes on in the next column has one edge in each."""
    columns: list[list[Line]] = []
    for line in block:
        if columns and line.bottom <= columns[-1][-1].bottom:
            columns[-1].append(line)
        else:
            columns.append([line])
    return [edge for column in columns for edge in [_edge(column, lines)] * len(column)]


def _edge(block: Sequence[Line], lines: Sequence[Line]) -> _Edge:
    """The own edge of a filled block, else that of all lines of the page that begin at the same place."""
    right = max(line.right for line in block)
    height = block[0].height
    full = sum(line.right > right - 2 * height for line in block)
    wide = median(len(line.characters) for line in block) >= _NARROW
    if len(block) >= 4 and full >= len(block) / 2 and wide:
        return _Edge(right, filled=True)
    begin = min(line.left for line in block)
    fellows = [line.right for line in lines if abs(line.left - begin) < height / 2 and not line.sideways]
    return _Edge(max([right, *fellows]), filled=False)


def _lines(characters: Sequence[Character]) -> Iterator[Line | None]:
    current: list[Character] = []
    for character in characters:
        if character.text in "\r\n":
            yield _line(current, hyphenated=False)
            current = []
        elif character.text == HYPHEN:
            yield _line([*current, character], hyphenated=True)
            current = []
        else:
            current.append(character)
    yield _line(current, hyphenated=False)


def _line(characters: Sequence[Character], *, hyphenated: bool) -> Line | None:
    """The characters as a line, without white space around and with single spaces, cells set apart."""
    kept: list[Character] = []
    visible = [character for character in characters if not character.text.isspace()]
    if not visible:
        return None
    height = median(character.top - character.bottom for character in visible)
    least = _word_gap(visible, height)
    space: Character | None = None
    for character in characters:
        if character.text.isspace():
            space = space or character
            continue
        if kept:
            gap = character.left - kept[-1].right
            if space is None and gap > least and _parts_words(kept[-1], character):
                kept.append(_made_up(" ", kept[-1]))
            if gap > _CELL_GAP * max(height, 1.0) and space is not None:
                kept += [_made_up(sign, kept[-1]) for sign in CELL]
            elif space is not None:
                kept.append(_as_space(space))
        space = None
        kept.append(character)
    return Line(
        characters=tuple(_with_powers(kept, height)),
        left=min(character.left for character in visible),
        right=max(character.right for character in visible),
        bottom=median(character.bottom for character in visible),
        height=height,
        hyphenated=hyphenated,
        sideways=_sideways(visible, height),
    )


def _parts_words(left: Character, right: Character) -> bool:
    """Whether a word may end and another begin here; capitals are often set apart from one another."""
    before, after = left.text[-1:], right.text[:1]
    alike = (before.isupper() and after.isupper()) or (before.isdigit() and after.isdigit())
    return before.isalnum() and after.isalnum() and not alike


def _word_gap(visible: Sequence[Character], height: float) -> float:
    """How wide a gap without a space must be to part words: some programs only move on between them.

    Letters that are set apart evenly are no words; the gaps of a line are judged by one another.
    """
    if len(visible) < _LEAST_LETTERS:
        return inf
    steps = [right.left - left.right for left, right in pairwise(visible)]
    if max(steps) <= _LEAST_GAP * height:
        return inf
    usual = max(0.0, median(steps))
    wide = [step for step in steps if step - usual > _LEAST_GAP * height]
    if not wide or _UNSPACED.search("".join(character.text for character in visible)):
        return inf
    return usual + max(_NARROWEST_GAP * height, min(0.5 * (median(wide) - usual), _LEAST_GAP * 2 * height))


def _with_powers(characters: list[Character], height: float) -> list[Character]:
    """Small raised numbers as powers or as marks of notes."""
    small = 0.85 * max(c.top - c.bottom for c in characters)
    if not any(c.top - c.bottom < small and c.text in _RAISED_SIGNS for c in characters):
        return characters
    heights = [c.top - c.bottom for c in characters if not c.text.isspace()]
    if max(heights, default=0.0) < 1.15 * min(heights, default=0.0):
        return characters
    tall = max(height, median(h for h in heights if h >= median(heights)))
    full = [c for c in characters if c.top - c.bottom > 0.85 * tall and not c.text.isspace()]
    if not full:
        return characters
    base = median(c.bottom for c in full)
    done: list[Character] = []
    at = 0
    while at < len(characters):
        end = at
        while end < len(characters) and _is_raised(characters[end], base, tall):
            end += 1
        text = "".join(character.text for character in characters[at:end])
        if not text or not done or not _RAISED.fullmatch(text):
            done += characters[at : max(end, at + 1)]
            at = max(end, at + 1)
            continue
        words = raised("".join(character.text for character in done[-_LOOK_BACK:]), text)
        if len(words) == end - at:
            done += [c._replace(text=sign) for c, sign in zip(characters[at:end], words, strict=True)]
        else:
            done.append(characters[at]._replace(text=words, right=characters[end - 1].right))
        at = end
    return done


def _is_raised(character: Character, base: float, tall: float) -> bool:
    small = character.top - character.bottom < 0.85 * tall
    return small and character.bottom > base + 0.12 * tall and not character.text.isspace()


def _sideways(characters: Sequence[Character], height: float) -> bool:
    """Stamps in the margin run up the page."""
    wide = max(character.right for character in characters) - min(character.left for character in characters)
    tall = max(character.top for character in characters) - min(character.bottom for character in characters)
    return len(characters) > 3 and tall > max(3 * height, 2 * wide)


def _made_up(text: str, near: Character) -> Character:
    return near._replace(text=text, number=NO_SOURCE, left=near.right)


def _as_space(character: Character) -> Character:
    return character._replace(text=" ")


def _joined_rows(lines: Sequence[Line]) -> list[Line]:
    """A raised figure, a change of font or a wide gap breaks a line for pdfium; the pieces are one."""
    rows: list[Line] = []
    for line in lines:
        if rows and (_goes_on(rows[-1], line) or _is_next_cell(rows[-1], line)):
            rows[-1] = _merged(rows[-1], line)
        else:
            rows.append(line)
    return rows


def _goes_on(left: Line, right: Line) -> bool:
    if left.hyphenated or left.sideways or right.sideways:
        return False
    tall, small = max(left.height, right.height), min(left.height, right.height)
    overlap = min(left.top, right.top) - max(left.bottom, right.bottom)
    gap = right.left - left.right
    return overlap > 0.3 * small and -0.5 * tall < gap < _WIDEST_GAP * tall


def _is_next_cell(left: Line, right: Line) -> bool:
    """Whether two short pieces stand far apart on one line, as the cells of a table do."""
    if left.hyphenated or left.sideways or right.sideways:
        return False
    tall = max(left.height, right.height)
    level = abs(left.bottom - right.bottom) < 0.2 * tall and min(left.height, right.height) > 0.8 * tall
    cell = left.text.rpartition(CELL)[2]
    return level and right.left > left.right and max(len(cell), len(right.text)) <= _LONGEST_CELL


def _merged(left: Line, right: Line) -> Line:
    tall = left if len(left.characters) >= len(right.characters) else right
    gap = right.left - left.right
    sign = "" if gap <= 0.2 * tall.height else " " if gap < _WIDEST_GAP * tall.height else CELL
    between = [_made_up(each, left.characters[-1]) for each in sign]
    characters = [*left.characters, *between, *right.characters]
    return Line(
        characters=tuple(_with_powers(characters, tall.height)),
        left=left.left,
        right=max(left.right, right.right),
        bottom=tall.bottom,
        height=tall.height,
        hyphenated=right.hyphenated,
    )


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    steps = [
        (above.bottom - below.bottom) / above.height
        for above, below in pairwise(lines)
        if 0 < above.bottom - below.bottom < 2.5 * above.height and _similar(above, below)
    ]
    leading = median(steps) if steps else 1.3
    block: list[Line] = []
    for line in lines:
        if block and _starts_block(block[-1], line, leading):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _similar(above: Line, below: Line) -> bool:
    return abs(above.height - below.height) < 0.15 * max(above.height, below.height)


def _starts_block(above: Line, below: Line, leading: float) -> bool:
    if above.sideways or below.sideways:
        return True
    down = above.bottom - below.bottom
    if down < -0.5 * below.height:
        # The text goes on at the top of the next column when its sentence does.
        return not (_similar(above, below) and (above.hyphenated or _runs_over(above, below)))
    if not _similar(above, below) and len(below.characters) > 3 and not above.hyphenated:
        return True
    return down > max(1.25 * leading, 1.05) * above.height


def _runs_over(above: Line, below: Line) -> bool:
    return not above.text.endswith(_TERMINAL) and below.text[:1].islower()


def _paragraph(block: Sequence[Line], edges: Sequence[_Edge], words: KnownWords) -> Paragraph:
    text: list[str] = []
    sources: list[int] = []
    for index, line in enumerate(block):
        characters = line.characters
        following = block[index + 1] if index + 1 < len(block) else None
        glue = ""
        if following is not None:
            if line.hyphenated:
                if words.keep_hyphen(line.text[:-1], following.text):
                    glue = "-"
                characters = characters[:-1]
            else:
                glue = _glue(line, following, edges[index])
        text += [character.text for character in characters]
        sources += [character.number for character in characters]
        if glue == "-":
            text.append("-")
            sources.append(line.characters[-1].number)
        else:
            text += glue
            sources += [NO_SOURCE] * len(glue)
    plain = "".join("-" if piece == HYPHEN else piece for piece in text)
    return Paragraph(
        text=plain,
        sources=tuple(s for piece, s in zip(text, sources, strict=True) for _ in piece),
        height=median(line.height for line in block),
    )


def _glue(line: Line, following: Line, edge: _Edge) -> str:
    """What stands between two lines: a space, nothing, or a line end that was meant."""
    if _BULLET.match(following.text):
        return "\n"
    first = following.text[0]
    room = edge.right - line.right
    if room > _first_word_width(following) + 0.6 * line.height:
        indented = following.left > line.left + 0.8 * line.height
        return "\n\n" if indented and line.text.endswith(_TERMINAL) else "\n"
    if line.text.endswith(_TERMINAL):
        if _NUMBERED.match(following.text):
            return "\n"
        if 0.8 * line.height < following.left - line.left < 4 * line.height:
            return "\n\n"
    if not edge.filled and len(line.characters) < _SHORT and not (first.islower() or _UNSPACED.match(first)):
        return "\n"
    if CELL in line.text and CELL in following.text:
        return "\n"
    if _UNSPACED.match(line.text[-1]) and _UNSPACED.match(first):
        return ""
    return " "


def _first_word_width(line: Line) -> float:
    for character in line.characters:
        if character.text == " " or _UNSPACED.match(character.text):
            return character.right - line.left
    return line.right - line.left
