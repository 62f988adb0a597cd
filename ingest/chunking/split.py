"""A document's text cut into passages: the pieces that are embedded, searched and read.

    Document -> blocks -> (too long: sentences or lines -> words) -> best grouping -> Passage

The budget is counted in the encoder's own tokens and holds for what the encoder is given, the passage with
the headings beside it (`embedding_text`); every result is counted again as a whole before it leaves, because
tokens of parts do not always add up. Nothing is dropped: every character that is not white space stands in
some passage. Pages and units are never crossed, headings only where a passage would be a mere stub.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from ingest.chunking.blocks import Border, blocks, stripped
from ingest.chunking.grouping import Atom, best_groups
from ingest.chunking.split_block import torn, word_border
from ingest.records import Document, Page, Passage, Span
from ingest.text.sentences import sentences
from ingest.text.tokenizer import TextTokenizer

CONTEXT_BYTES = 160
_LEAST_ROOM = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSettings:
    """How large passages may become, in the encoder's tokens without special tokens.

    `max_tokens` bounds the passage together with its heading context: 240 leaves room in a window of 256.
    Passages under `min_tokens` are joined to a neighbour of the same page where that fits. `overlap`: up to
    so many tokens of whole sentences are repeated at the start of the next passage.

    Measurements of the defaults stand in `data/bench/chunking.md`.
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
    drafts = [
        _passage(document, group[0].start, group[-1].end, _shared_path(group))
        for region in _regions(_atoms(document, tokenizer, settings))
        for group in best_groups(region, settings.min_tokens)
    ]
    passages = tuple(_fitted(document, tokenizer, drafts, settings.max_tokens))
    return _overlapping(document, tokenizer, passages, settings) if settings.overlap else passages


def embedding_text(title: str, headings: Sequence[str], text: str) -> str:
    """What the encoder and the lexical index are given for a passage: a line of context, then the passage.

    A title or heading that the passage itself begins with is not repeated; the context takes at most
    `CONTEXT_BYTES` bytes, so that it cannot crowd out the passage. What the line of context is worth was
    measured: `data/bench/choices.md`.

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
    parts = blocks(document)
    paths = sorted({block.path for block in parts})
    contexts = tokenizer.encode_ids([_context(document.title, path, "") for path in paths])
    budget = settings.max_tokens - settings.overlap
    rooms = {path: max(_LEAST_ROOM, budget - len(ids)) for path, ids in zip(paths, contexts, strict=True)}
    encoded = tokenizer.encode_batch([document.text[block.start : block.end] for block in parts])
    return [
        atom
        for block, tokens in zip(parts, encoded, strict=True)
        for atom in torn(document, block, tokens, rooms[block.path])
    ]


def _regions(atoms: Sequence[Atom]) -> Iterator[Sequence[Atom]]:
    """The atoms page by page and unit by unit."""
    starts = [index for index, atom in enumerate(atoms) if index == 0 or atom.border is Border.REGION]
    for first, last in pairwise([*starts, len(atoms)]):
        yield atoms[first:last]


def _shared_path(group: Sequence[Atom]) -> tuple[str, ...]:
    """The headings that apply to the whole passage."""
    paths = [atom.path for atom in group if not atom.heading] or [group[-1].path]
    same = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    return tuple(level[0] for level in same)


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
    middle = word_border(document.text, passage.start, passage.start + (len(passage.text) + 1) // 2)
    spans = (
        stripped(document.text, passage.start, middle),
        stripped(document.text, middle, passage.end),
    )
    return [_passage(document, *span, passage.headings) for span in spans if span is not None]


def _overlapping(
    document: Document, tokenizer: TextTokenizer, passages: tuple[Passage, ...], settings: ChunkSettings
) -> tuple[Passage, ...]:
    """Each passage with the last sentences of the one before it, where no heading, page or unit begins."""
    parts: tuple[Page | Span, ...] = (*document.pages, *document.units)
    firm = {heading.start for heading in document.headings}
    firm.update(border for part in parts for border in (part.start, part.end))
    result = list(passages[:1])
    for before, passage in pairwise(passages):
        joined = firm.isdisjoint(range(before.end, passage.start + 1))
        result.append(_widened(document, tokenizer, before, passage, settings) if joined else passage)
    return tuple(result)


def _widened(
    document: Document, tokenizer: TextTokenizer, before: Passage, passage: Passage, settings: ChunkSettings
) -> Passage:
    widest = passage
    for sentence in reversed(sentences(before.text, document.language)[1:]):
        span = stripped(before.text, sentence.start, sentence.end)
        if span is None:
            continue
        wider = _passage(document, before.start + span[0], passage.end, passage.headings)
        repeated = document.text[wider.start : passage.start]
        whole = embedding_text(document.title, wider.headings, wider.text)
        if tokenizer.count(repeated) > settings.overlap or tokenizer.count(whole) > settings.max_tokens:
            break
        widest = wider
    return widest
