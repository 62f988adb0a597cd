"""When what a run has committed is published: early, then at a steady pace that costs it a few per cent."""

from __future__ import annotations

import time
from collections.abc import Callable

# A short run publishes once, at its end.
_FIRST_SECONDS = 2.0
_LEAST_SECONDS = 5.0
_MOST_SECONDS = 60.0
# Time between two publications, in multiples of what the last one took.
_TIMES_ITS_COST = 30.0


class PublishPace:
    """Publishes now and then during a run; the end of the run publishes the rest."""

    def __init__(self, publish: Callable[[], None]) -> None:
        self._publish = publish
        self._due = time.monotonic() + _FIRST_SECONDS
        self._waiting = False

    def committed(self) -> None:
        """Note that there is something to publish, and do so if it is time."""
        self._waiting = True
        self.publish_if_due()

    def publish_if_due(self) -> None:
        """Publish what was committed, if anything was and it is time."""
        began = time.monotonic()
        if not self._waiting or began < self._due:
            return
        self._publish()
        self._waiting = False
        ended = time.monotonic()
        self._due = ended + min(max(_TIMES_ITS_COST * (ended - began), _LEAST_SECONDS), _MOST_SECONDS)
