"""The protocols: what a model, an engine or an index must offer, and nothing about how it does it.

Tests pass ten-line fakes; an engine or an index can be replaced without a change to its callers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.text.tokenizer import TextTokenizer

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
TokenIds = NDArray[np.int64]


class Engine(Protocol):
    """Runs one checkpoint: integer arrays in, float arrays out, nothing of the model library in between."""

    @property
    def name(self) -> str:
        """What it is called, such as `onnx-int8`."""
        ...

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, tuple[NDArray[np.float32], ...]]]:
        """(index in `sequences`, the model's outputs for it) for every sequence, in any order.

        Sequences are framed and not empty; how they are batched and padded is the engine's business. An
        encoder gives (hidden,) with shape (length, width); a reader gives (start_logits, end_logits), each
        of shape (length,).
        """
        ...


class Encoder(Protocol):
    """Texts to unit vectors."""

    @property
    def name(self) -> str:
        """What the user calls it: a preset, a hub id or a folder."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer, pooling and prefixes; vectors of two fingerprints never mix."""
        ...

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """The window in tokens, special tokens included."""
        ...

    @property
    def passage_room(self) -> int:
        """Tokens of the window that are left for a passage beside special tokens and prefix."""
        ...

    @property
    def tokenizer(self) -> TextTokenizer:
        """What cuts text into this encoder's tokens; chunking counts with it."""
        ...

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know, 0.0 for no tokens."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit-length float32 rows, shape (len(texts), dimension)."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit-length float32 rows, shape (len(texts), dimension)."""
        ...
