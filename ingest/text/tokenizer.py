"""Text as token ids with character offsets: one small face over a `tokenizers.Tokenizer`.

Passages are measured, windows are cut and answers are placed with the tokens of the real checkpoint, so this
class stands in the lowest package. It never truncates, never pads and adds no special tokens by itself; how a
model wants one text or a pair framed is read from the tokenizer's own post-processor (`single`, `pair`), so
that BERT's `[CLS] A [SEP] B [SEP]` and RoBERTa's `<s> A </s></s> B </s>` need no case distinction anywhere.
Words such as `[SEP]` or `</s>` inside a text are plain text here: a document cannot forge a border.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from ingest.text.scripts import is_spelled

_SURROGATES = re.compile("[\ud800-\udfff]")
_UNKNOWN_NAMES = ("[UNK]", "<unk>")
_PART_CHARACTERS = 500_000
# Which characters are white space; none is beyond the ideographic one.
_BLANK = np.array([chr(code).isspace() for code in range(0x3002)])
_PAD_NAMES = ("[PAD]", "<pad>")
_MASK_NAMES = ("[MASK]", "<mask>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one text: `ids` of shape (n,), `offsets` of shape (n, 2), half-open characters.

    Offsets leave out the white space that some tokenizers count to a token; a token that is nothing but
    white space has an empty span.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The special ids that the model wants before, between and after its texts.

    `between` is empty for a single text. Example, RoBERTa's pair: (<s>,), (</s>, </s>), (</s>,).
    """

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many tokens the frame adds."""
        return len(self.before) + len(self.between) + len(self.after)


class TextTokenizer:
    """Counts and encodes texts with the vocabulary of one checkpoint.

    `pad_id`, `mask_id` (`pad_id` where there is no mask), `unk_id` (None where every text can be spelled),
    `cls_id` and `sep_id` are vocabulary ids; `single` and `pair` are the frames around one text and around
    two.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        padding = tokenizer.padding
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.single, self.pair = _frames(tokenizer)
        self.cls_id = self.single.before[0]
        self.sep_id = self.single.after[-1]
        self.pad_id = padding["pad_id"] if padding else _find(tokenizer, _PAD_NAMES) or 0
        mask = _find(tokenizer, _MASK_NAMES)
        self.mask_id = self.pad_id if mask is None else mask
        self.unk_id = _find(tokenizer, (getattr(tokenizer.model, "unk_token", None), *_UNKNOWN_NAMES))
        self._space = -1 if (space := tokenizer.token_to_id("▁")) is None else space
        self._spells_bytes = type(tokenizer.decoder).__name__ == "ByteLevel"
        tokenizer.encode_special_tokens = True
        added = tokenizer.get_added_tokens_decoder().items()
        self._special = np.array([index for index, token in added if token.special], dtype=np.int64)

    @classmethod
    def from_file(cls, path: Path | str) -> TextTokenizer:
        """Reads a `tokenizer.json`; raises ValueError where it does not frame its texts as encoders do."""
        return cls(Tokenizer.from_file(str(path)))

    @property
    def vocabulary_size(self) -> int:
        """How many ids there are, added tokens included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def whole_words(self) -> list[str]:
        """The words that are one token by themselves and made of letters alone, in the order of their ids."""
        pieces = sorted(self._tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
        # What a vocabulary writes for a space before a word is no part of it.
        words = dict.fromkeys(piece.lstrip("\u0120\u2581") for piece, _ in pieces)
        letters = [word for word in words if word.isalpha()]
        return [word for word, ids in zip(letters, self.encode_ids(letters), strict=True) if len(ids) == 1]

    def serialise(self) -> str:
        """The whole tokenizer as JSON, the same text for the same behaviour."""
        return str(self._tokenizer.to_str())

    def encode(self, text: str) -> Tokens:
        """The tokens of `text` without special tokens."""
        text = _without_surrogates(text)
        return self._tokens(text, self._tokenizer.encode(text, add_special_tokens=False))

    def encode_batch(self, texts: Sequence[str]) -> list[Tokens]:
        """As `encode`, for many texts at once on all cores."""
        return [
            self._tokens(text, encoding)
            for part in _parts(texts)
            for text, encoding in zip(
                part, self._tokenizer.encode_batch(part, add_special_tokens=False), strict=True
            )
        ]

    def encode_ids(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The ids alone, shape (n,) each: cheaper than `encode_batch` where no offsets are wanted."""
        return [
            self._plain(encoding)
            for part in _parts(texts)
            for encoding in self._tokenizer.encode_batch_fast(part, add_special_tokens=False)
        ]

    def count(self, text: str) -> int:
        """Tokens of `text` without special tokens."""
        return len(self.encode_ids([text])[0])

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know, 0.0 for no tokens.

        Unknown tokens without a letter or digit do not count: emoji and signs of mathematics are in no
        language. A text of nothing but such signs is unknown. A byte-level vocabulary can spell anything, so
        there the fragments of a character count as unknown; a text that is spelled letter by letter in a
        script of its own is unknown as a whole.
        """
        if text.isascii() and not self._spells_bytes:  # Latin letters need no look at their places
            ids = self.encode_ids([text])[0]
            return float((ids == self.unk_id).mean()) if len(ids) and self.unk_id is not None else 0.0
        tokens = self.encode(text)
        if not len(tokens):
            return 0.0
        if is_spelled(text, tokens.offsets):
            return 1.0
        unknown = tokens.ids == (-1 if self.unk_id is None else self.unk_id)
        # SentencePiece gives a space that begins a word the place of the word's first character.
        unknown |= _fragments(tokens.offsets, tokens.ids == self._space)
        worded = np.array(
            [_is_word(text[start:end]) for start, end in tokens.offsets.tolist()], dtype=np.bool_
        )
        if not worded.any():
            return float(unknown.mean())
        counted = worded | ~unknown
        return float(unknown[counted].mean())

    def _tokens(self, text: str, encoding: Encoding) -> Tokens:
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        return Tokens(ids=self._plain(encoding), offsets=_trimmed(text, offsets))

    def _plain(self, encoding: Encoding) -> NDArray[np.int64]:
        """The ids, with the special ones that a unigram model found in the text itself made unknown."""
        ids = np.array(encoding.ids, dtype=np.int64)
        if self.unk_id is not None:
            ids[np.isin(ids, self._special)] = self.unk_id
        return ids


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts some at a time: the library's own records of a whole book would take a gigabyte."""
    part: list[str] = []
    characters = 0
    for text in texts:
        part.append(_without_surrogates(text))
        characters += len(text)
        if characters >= _PART_CHARACTERS:
            yield part
            part, characters = [], 0
    if part:
        yield part


def _without_surrogates(text: str) -> str:
    """The tokenizer refuses lone surrogates; one replacement character for each keeps the offsets."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _find(tokenizer: Tokenizer, names: Sequence[str | None]) -> int | None:
    for name in names:
        found = None if name is None else tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    return None


def _frames(tokenizer: Tokenizer) -> tuple[Frame, Frame]:
    """What the post-processor puts around `a` and around `a`, `b`."""
    single, pair = _frame(tokenizer.encode("a")), _frame(tokenizer.encode("a", "b"))
    if not (single.before and single.after and pair.between):
        raise ValueError("the tokenizer has no post-processor that frames texts as an encoder's input")
    return single, pair


def _frame(encoding: Encoding) -> Frame:
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    sides = encoding.sequence_ids
    last = max(index for index, side in enumerate(sides) if side is not None)
    first = sides.index(0)
    for index, (token, side) in enumerate(zip(encoding.ids, sides, strict=True)):
        if side is None:
            parts[0 if index < first else 2 if index > last else 1].append(token)
    return Frame(before=tuple(parts[0]), between=tuple(parts[1]), after=tuple(parts[2]))


def _trimmed(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Offsets without white space at either end of a token (byte-level vocabularies count it in)."""
    characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    blank = np.append(_BLANK[np.minimum(characters, len(_BLANK) - 1)], False)
    starts, ends = offsets[:, 0].copy(), offsets[:, 1].copy()
    while (moving := (starts < ends) & blank[starts]).any():
        starts[moving] += 1
    while (moving := (starts < ends) & blank[np.maximum(ends - 1, 0)]).any():
        ends[moving] -= 1
    return np.stack([starts, ends], axis=1)


def _is_word(token: str) -> bool:
    return any(character.isalnum() for character in token)


def _fragments(offsets: NDArray[np.int64], spaces: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which tokens share their character with a neighbour, where neither is a space."""
    same = (offsets[1:] == offsets[:-1]).all(axis=1) & (offsets[1:, 0] < offsets[1:, 1])
    same &= ~(spaces[1:] | spaces[:-1])
    padded = np.concatenate([[False], same, [False]])
    return np.asarray(padded[1:] | padded[:-1], dtype=bool)
