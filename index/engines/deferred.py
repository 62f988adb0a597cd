"""An engine that is opened when it first runs: a process that never runs it does not load its library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from index.engines.batching import Outputs
from index.protocols import Engine, TokenIds


class DeferredEngine:
    """Behind the `Engine` protocol; `opened` is called once, by whichever thread comes first."""

    def __init__(self, name: str, opened: Callable[[], Engine]) -> None:
        self.name = name
        self._opened = opened
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, Outputs]]:
        """As the engine's own; raises what opening it raises."""
        with self._opening:
            if self._engine is None:
                self._engine = self._opened()
        return self._engine.run(sequences)
