"""Which passages have been deleted, as one process knows it: read whole once, afterwards only what is new.

A reader asks after every commit, and the list may be long in a store that is seldom compacted. What `compact`
has purged from SQL stays listed here: ids are never used again, so a name too many hides nothing.
"""

from __future__ import annotations

import threading

import numpy as np

from index.protocols import Ids
from index.sql.catalog import Catalog


class Deletions:
    """The deleted passages of one store, up to the newest revision that was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = 0
        self._ids: Ids = np.empty(0, np.int64)

    def at(self, catalog: Catalog, revision: int) -> Ids:
        """Ids (ascending) of the passages that are deleted at a revision."""
        with self._lock:
            if revision < self._revision:
                return catalog.passages.deleted(0, revision)
            new = catalog.passages.deleted(self._revision, revision)
            if len(new):
                self._ids = np.insert(self._ids, np.searchsorted(self._ids, new), new)
            self._revision = revision
            return self._ids
