"""The ids of deleted passages as one process knows them: read once, afterwards only the new ones.

They are needed after every commit, and the list may be long in a store that is seldom compacted. Passages
that `compact` has purged from SQL stay listed: ids are never reused, so that a stale one is harmless.
"""

from __future__ import annotations

import threading

import numpy as np

from index.protocols import Ids
from index.sql.catalog import Catalog


class DeletedPassages:
    """The deleted passages of one store, up to the newest revision asked for so far."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._revision = 0
        self._ids: Ids = np.empty(0, np.int64)

    def at(self, revision: int) -> Ids:
        """Ids (ascending) of the passages that are deleted at a revision."""
        with self._lock:
            if revision < self._revision:
                return self._catalog.passages.deleted(0, revision)
            new = self._catalog.passages.deleted(self._revision, revision)
            if len(new):
                self._ids = np.insert(self._ids, np.searchsorted(self._ids, new), new)
            self._revision = revision
            return self._ids
