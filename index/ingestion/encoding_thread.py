"""A thread that encodes documents beside the work of the main thread, which can watch and stop it.

Passages go to the encoder in batches that take about half a second: within that time the thread of a run that
is broken off ends, and the caller, who need not wait for that, sees how far a long document is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Self

from index.ingestion.embed_passages import by_document, embed
from index.protocols import Encoder, Vectors
from ingest.records import Passage

_MOST_PASSAGES = 256
_LEAST_PASSAGES = 32
_BATCH_SECONDS = 0.5


class EncodingThread:
    """Encodes what is submitted, in that order; a context manager that ends the thread.

    `batch` is the number of passages that take about half a second, `encoded` how many are done of the
    documents that are being encoded.
    """

    def __init__(self, encoder: Callable[[], Encoder]) -> None:
        self.batch = 2 * _LEAST_PASSAGES
        self.encoded = 0
        self._encoder = encoder
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="encode")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown(wait=False, cancel_futures=True)  # what it is at is done within a batch

    def submit(self, documents: Sequence[tuple[str, Sequence[Passage]]]) -> Future[list[dict[int, Vectors]]]:
        """For each (title, passages) the vectors by the passage's position, encoded in batches."""
        return self._pool.submit(self._encode, documents)

    def _encode(self, documents: Sequence[tuple[str, Sequence[Passage]]]) -> list[dict[int, Vectors]]:
        encoder = self._encoder()
        self.encoded = 0
        vectors: list[Vectors | None] = []
        waiting = [(title, passage) for title, passages in documents for passage in passages]
        while waiting:
            if self._ended.is_set():
                raise CancelledError
            part, waiting = waiting[: self.batch], waiting[self.batch :]
            began = time.monotonic()
            vectors += embed(encoder, part)
            self.encoded = len(vectors)
            in_time = _BATCH_SECONDS * len(part) / max(time.monotonic() - began, 1e-6)
            self.batch = int(min(max(in_time, _LEAST_PASSAGES), _MOST_PASSAGES))
        return by_document(vectors, documents)
