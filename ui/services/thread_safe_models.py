"""Models that many threads share: each is used by one thread at a time, and threads get it in turn.

Streamlit runs every session in a thread of its own, and models are not safe to share. Passages are encoded in
slices, so that a question asked during a long upload waits for a moment and not for the upload.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from index.protocols import Encoder, Vectors
from qa.protocols import Question, Reader, ReaderWrapper
from qa.records import SpanCandidate

_SLICE = 32  # passages: well under a second of the bundled encoder on two cores


class Turns:
    """A lock that threads get in turn: a thread that lets go queues behind those that wait."""

    def __init__(self) -> None:
        self._next = threading.Lock()
        self._held = threading.Lock()

    def __enter__(self) -> None:
        with self._next:
            self._held.acquire()

    def __exit__(self, *_: object) -> None:
        self._held.release()


class OneAtATimeEncoder:
    """An encoder that one thread at a time may use; its tokenizer changes nothing, so many threads may."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._turns = Turns()
        self.name = encoder.name
        self.fingerprint = encoder.fingerprint
        self.dimension = encoder.dimension
        self.max_tokens = encoder.max_tokens
        self.passage_room = encoder.passage_room
        self.tokenizer = encoder.tokenizer
        self.unknown_share = encoder.unknown_share

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit-length float32 rows, shape (len(texts), dimension); other threads get in between slices."""
        slices = [texts[first : first + _SLICE] for first in range(0, len(texts), _SLICE)] or [texts]
        return np.concatenate([self._encode_slice(part) for part in slices])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit-length float32 rows, shape (len(texts), dimension)."""
        with self._turns:
            return self._encoder.encode_queries(texts)

    def _encode_slice(self, texts: Sequence[str]) -> Vectors:
        with self._turns:
            return self._encoder.encode_passages(texts)


class OneAtATimeReader(ReaderWrapper):
    """A reader that one thread at a time may use."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._turns = Turns()

    def read_many(self, asked: Sequence[Question]) -> list[list[SpanCandidate]]:
        with self._turns:
            return super().read_many(asked)
