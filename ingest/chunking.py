"""A document's text cut into passages: the pieces that are embedded, searched and read.

    Document -> blocks -> (too long: sentences or lines -> words) -> best grouping -> Passage

The budget is counted in the encoder's own tokens and holds for what the encoder is given, the passage with
the headings beside it (`embedding_text`); every result is counted again as a whole before it leaves, because
tokens of parts do not always add up. Nothing is dropped: every character that is not white space stands in
some passage. Pages and units are never crossed, headings only where a passage would be a mere stub.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

import numpy as np
from numpy.typing import NDArray

from ingest.blocks import Block, Border, blocks, lines_matter, stripped
from ingest.grouping import Atom, best_groups
from ingest.records import Document, Passage
from ingest.sentences import sentences
from ingest.tokens import TextTokenizer, Tokens

CONTEXT_BYTES = 160
_LEAST_ROOM = 16
# A run of characters that the vocabulary does not know is one token whatever its length; weighed by its
# characters, it cannot become a passage of any length.
_CHARACTERS_PER_TOKEN = 16
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSettings:
    """How large passages may become, in the encoder's tokens without special tokens.

    `max_tokens` bounds the passage together with its heading context: 240 leaves room in a window of 256.
    Passages under `min_tokens` are joined to a neighbour of the same page where that fits. `overlap`: up to
    so many tokens of whole sentences are repeated at the start of the next passage.
    """

    max_tokens: int = 240
    min_tokens: int = 48
    overlap: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < _LEAST_ROOM:
            raise ValueError(f"max_tokens is {self.max_tokens}, the least is {_LEAST_ROOM}")
        if not 0 <= self.overlap <= self.max_tokens // 2:
            raise ValueError(f"overlap is {self.overlap}, not between 0 and half of {self.max_tokens}")

    @classmethod
    def for_window(cls, window: int, *, special_tokens: int = 2) -> ChunkSettings:
        """The defaults, made to fit an encoder that takes `window` tokens, special tokens included."""
        defaults = cls()
        return replace(defaults, max_tokens=min(defaults.max_tokens, window - special_tokens))


DEFAULTS = ChunkSettings()


def split(
    document: Document, tokenizer: TextTokenizer, settings: ChunkSettings = DEFAULTS
) -> tuple[Passage, ...]:
    """The passages of `document` in order; empty for a text of white space only."""
    passages: list[Passage] = []
    for region in _regions(_atoms(document, tokenizer, settings)):
        groups = best_groups(region, settings.min_tokens)
        starts = [group[0].start for group in groups]
        if settings.overlap:
            starts = _overlapping(document, tokenizer, groups, settings.overlap)
        for start, group in zip(starts, groups, strict=True):
            passages.append(_passage(document, start, group[-1].end, _shared_path(group)))
    return tuple(_fitted(document, tokenizer, passages, settings.max_tokens))


def embedding_text(title: str, headings: Sequence[str], text: str) -> str:
    """What the encoder and the lexical index are given for a passage: a line of context, then the passage.

    A title or heading that the passage itself begins with is not repeated; the context takes at most
    `CONTEXT_BYTES` bytes, so that it cannot crowd out the passage.

    >>> embedding_text("Handbook", ["Search", "BM25"], "It ranks by words.")
    'Handbook > Search > BM25\\nIt ranks by words.'
    """
    context = _context(title, headings, text)
    return f"{context}\n{text}" if context else text


def _context(title: str, headings: Sequence[str], text: str) -> str:
    seen = {"", *(_plain(line) for line in text[:1000].split("\n")[: 2 * len(headings) + 2])}
    parts: list[str] = []
    for part in (title, *headings):
        if _plain(part) not in seen:
            seen.add(_plain(part))
            words = " ".join(part.split()).encode(errors="replace")
            parts.append(words[: CONTEXT_BYTES // 2 - 2].decode(errors="ignore"))
    while len(" > ".join(parts).encode()) > CONTEXT_BYTES:
        del parts[1]
    return " > ".join(parts)


def _plain(line: str) -> str:
    return line.strip("#=*_ \t").casefold()


def _atoms(document: Document, tokenizer: TextTokenizer, settings: ChunkSettings) -> list[Atom]:
    found = blocks(document)
    paths = sorted({block.path for block in found})
    contexts = tokenizer.encode_ids([_context(document.title, path, "") for path in paths])
    budget = settings.max_tokens - settings.overlap
    rooms = {path: max(_LEAST_ROOM, budget - len(ids)) for path, ids in zip(paths, contexts, strict=True)}
    encoded = tokenizer.encode_batch([document.text[block.start : block.end] for block in found])
    return [
        atom
        for block, tokens in zip(found, encoded, strict=True)
        for atom in _torn(document, block, tokens, rooms[block.path])
    ]


def _torn(document: Document, block: Block, tokens: Tokens, room: int) -> Iterator[Atom]:
    """The block as one atom, or in pieces that fit."""
    ruler = _Ruler(tokens, block.start, block.end)
    pieces = iter([(block.start, block.end, block.border)])
    if ruler.weight(block.start, block.end) > room:
        pieces = _pieces(document, block, ruler, room)
    for start, end, border in pieces:
        yield Atom(
            start=start,
            end=end,
            weight=ruler.weight(start, end),
            room=room,
            border=border,
            heading=block.heading,
            path=block.path,
        )


def _pieces(document: Document, block: Block, ruler: _Ruler, room: int) -> Iterator[tuple[int, int, Border]]:
    border = block.border
    for start, end in _sentences_or_lines(document, block):
        for low, high in pairwise(_word_cuts(document.text, start, end, ruler, room)):
            span = stripped(document.text, low, high)
            if span is not None:
                yield *span, border
                border = Border.WORD
        border = Border.PIECE


def _sentences_or_lines(document: Document, block: Block) -> Iterator[tuple[int, int]]:
    part = document.text[block.start : block.end]
    if lines_matter(part):
        starts = [0, *(index + 1 for index, character in enumerate(part) if character == "\n"), len(part)]
    else:
        starts = [*(span.start for span in sentences(part, document.language)), len(part)]
    for low, high in pairwise(starts):
        if part[low:high].strip():
            yield block.start + low, block.start + high


def _word_cuts(text: str, start: int, end: int, ruler: _Ruler, room: int) -> list[int]:
    """Borders from `start` to `end` with at most `room` tokens between two: at words, else at characters."""
    cuts = [start]
    while ruler.weight(cuts[-1], end) > room:
        reach = ruler.reach(cuts[-1], room)
        cuts.append(_word_border(text, cuts[-1], reach))
    return [*cuts, end]


def _word_border(text: str, start: int, reach: int) -> int:
    """The last place to cut in `text[start:reach]`: before a word, or else between whole characters."""
    for cut in range(reach, start + (reach - start) // 2, -1):
        if text[cut - 1].isspace():
            return cut
    cut = reach
    while cut > start + 1 and (unicodedata.combining(text[cut]) or _JOINERS & {text[cut], text[cut - 1]}):
        cut -= 1
    return cut


class _Ruler:
    """Weights of stretches of one block: every token's weight is spread evenly over its characters."""

    def __init__(self, tokens: Tokens, start: int, end: int) -> None:
        starts, ends = tokens.offsets[:, 0], np.maximum(tokens.offsets[:, 1], tokens.offsets[:, 0] + 1)
        lengths = ends - starts
        density = np.maximum(1, np.ceil(lengths / _CHARACTERS_PER_TOKEN)) / lengths
        change = np.zeros(end - start + 2)
        np.add.at(change, starts, density)
        np.subtract.at(change, ends, density)
        self._origin = start
        self._sums: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(np.cumsum(change))])

    def weight(self, start: int, end: int) -> int:
        """Tokens in `text[start:end]`, at least one."""
        span = self._sums[end - self._origin] - self._sums[start - self._origin]
        return max(1, math.ceil(float(span) - _ROUNDING))

    def reach(self, start: int, room: int) -> int:
        """The furthest end, at least one character on, up to which `room` suffices."""
        limit = self._sums[start - self._origin] + room + _ROUNDING
        end = int(np.searchsorted(self._sums, limit, side="right")) - 1 + self._origin
        return max(start + 1, end)


def _regions(atoms: Sequence[Atom]) -> Iterator[Sequence[Atom]]:
    """The atoms page by page and unit by unit."""
    starts = [index for index, atom in enumerate(atoms) if index == 0 or atom.border is Border.REGION]
    for first, last in pairwise([*starts, len(atoms)]):
        yield atoms[first:last]


def _shared_path(group: Sequence[Atom]) -> tuple[str, ...]:
    """The headings that hold for all that the passage says."""
    paths = [atom.path for atom in group if not atom.heading] or [group[-1].path]
    same = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    return tuple(level[0] for level in same)


def _overlapping(
    document: Document, tokenizer: TextTokenizer, groups: Sequence[Sequence[Atom]], overlap: int
) -> list[int]:
    """Where each group begins when the last sentences of the one before it are repeated."""
    starts = [groups[0][0].start]
    for before, group in pairwise(groups):
        start = group[0].start
        if not group[0].heading and before[-1].path == group[0].path:
            low = before[0].start
            for span in reversed(sentences(document.text[low:start], document.language)):
                if tokenizer.count(document.text[low + span.start : group[0].start]) > overlap:
                    break
                start = low + span.start
        starts.append(start)
    return starts


def _passage(document: Document, start: int, end: int, headings: tuple[str, ...]) -> Passage:
    text = document.text[start:end]
    return Passage(text=text, start=start, end=end, page=document.page_at(start), headings=headings)


def _fitted(
    document: Document, tokenizer: TextTokenizer, passages: Sequence[Passage], max_tokens: int
) -> Iterator[Passage]:
    """The passages, those halved that are over the budget when counted as a whole."""
    texts = [embedding_text(document.title, passage.headings, passage.text) for passage in passages]
    for passage, ids in zip(passages, tokenizer.encode_ids(texts), strict=True):
        if len(ids) <= max_tokens or len(passage.text) == 1:
            yield passage
        else:
            yield from _fitted(document, tokenizer, _halves(document, passage), max_tokens)


def _halves(document: Document, passage: Passage) -> list[Passage]:
    middle = _word_border(document.text, passage.start, passage.start + (len(passage.text) + 1) // 2)
    spans = (
        stripped(document.text, passage.start, middle),
        stripped(document.text, middle, passage.end),
    )
    return [_passage(document, *span, passage.headings) for span in spans if span is not None]
