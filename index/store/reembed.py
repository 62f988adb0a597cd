"""Replaces the vectors of a store in use by those of another encoder.

Passages are encoded in batches without the writer's lock, and each batch is written in one short transaction
under it: others go on writing, and a run that was killed goes on where it stopped. Passages added meanwhile
are encoded last, under the lock, before the one transaction that switches. Until then the old vectors serve;
`compact` removes them later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from index.ingestion.embed_passages import embed
from index.protocols import Encoder
from index.records import ReembedReport
from index.sql.catalog import Catalog
from index.sql.vectors import Encoding

_BATCH_PASSAGES = 256


class Reembedding:
    """One run; used once."""

    def __init__(
        self,
        catalog: Catalog,
        encoder: Encoder,
        writing: Callable[[], AbstractContextManager[None]],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._writing = writing
        self._progress = progress
        self._encoded = 0
        self._unreadable = 0
        self._last = 0

    def run(self) -> ReembedReport:
        """Encode all passages without a vector of the new encoder, and let its vectors serve."""
        started = time.monotonic()
        encoding = Encoding.of(self._encoder)
        with self._writing():
            self._catalog.vectors.begin_reembedding(encoding)
        present = self._catalog.vectors.count(encoding.fingerprint)
        total = self._catalog.passages.count()
        while self._step(self._writing, present, total):
            pass
        with self._writing():
            while self._step(nullcontext, present, total):
                pass
            self._catalog.vectors.switch_encoder(encoding)
        return ReembedReport(
            encoder=encoding.encoder,
            encoded=self._encoded,
            kept=present,
            unreadable=self._unreadable,
            seconds=time.monotonic() - started,
        )

    def _step(self, writing: Callable[[], AbstractContextManager[None]], present: int, total: int) -> bool:
        """Encode and write the next batch; False when there is none."""
        fingerprint = self._encoder.fingerprint
        batch = self._catalog.vectors.missing(fingerprint, self._last, _BATCH_PASSAGES)
        if not batch:
            return False
        rows = dict(zip(batch, embed(self._encoder, list(batch.values())), strict=True))
        vectors = {passage_id: row for passage_id, row in rows.items() if row is not None}
        with writing():
            self._catalog.vectors.add(fingerprint, vectors)
        self._last = max(batch)
        self._encoded += len(vectors)
        self._unreadable += len(batch) - len(vectors)
        done = present + self._encoded + self._unreadable
        if self._progress is not None:
            self._progress(done, max(done, total))
        return True
