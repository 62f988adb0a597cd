"""Fixtures for all tests; nothing is imported from here.

An area's fixtures stand under a line with its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from index.protocols import Vectors
from index.store import Store
from ingest.tokens import TextTokenizer

ROOT = Path(__file__).parents[1]

# -- stores ---------------------------------------------------------------------------------------------------


class HashingEncoder:
    """Words hashed to signed axes: texts that share words are near, and a reader can work out why."""

    name = "hashing"
    fingerprint = "hashing-1"
    dimension = 64
    max_tokens = 256
    passage_room = 254

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self.tokenizer = tokenizer
        self.encoded = 0

    def unknown_share(self, text: str) -> float:
        """As the pocket vocabulary sees it."""
        return self.tokenizer.unknown_share(text)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """One row for each text."""
        self.encoded += len(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, 64), np.float32)

    encode_queries = encode_passages

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self.dimension, np.float32)
        for word in text.lower().split():
            digest = hashlib.sha256(word.strip(".,;:!?").encode()).digest()
            vector[digest[0] % self.dimension] += 1.0 if digest[1] % 2 else -1.0
        length = float(np.linalg.norm(vector))
        if not length:
            vector[0] = length = 1.0
        return vector / np.float32(length)


@pytest.fixture(scope="session")
def pocket_tokenizer() -> TextTokenizer:
    """The tokenizer of the bundled models."""
    return TextTokenizer.from_file(ROOT / "data/models/pocket/encoder/tokenizer.json")


@pytest.fixture
def hashing_encoder(pocket_tokenizer: TextTokenizer) -> HashingEncoder:
    """A quick encoder whose vectors can be worked out by hand."""
    return HashingEncoder(pocket_tokenizer)


@pytest.fixture
def store(tmp_path: Path, hashing_encoder: HashingEncoder) -> Iterator[Store]:
    """An empty store with the hashing encoder."""
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as opened:
        yield opened
