"""A cache that drops what was least recently used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """At most `entries` values under their keys; safe to share between threads.

    >>> cache = Cache[str, int](2)
    >>> for key in "abac":
    ...     cache.put(key, ord(key))
    >>> cache.get("a"), cache.get("b")
    (97, None)
    """

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._held: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value of a key, None where there is none."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value; the least recently used one makes room."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            if len(self._held) > self._entries:
                self._held.popitem(last=False)
