"""Taking documents in, in a thread of the page's process that every session sees (no streamlit).

A refreshed page, or another one, finds the same run: how far it is, at what rate, what it refused. One runs
at a time, because a store has one writer; it shares the models that are loaded already. Ending it early
loses nothing, since every file is committed by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from index.records import IngestProgress, IngestReport
from ingest.errors import SpanwiseError

_LOG = logging.getLogger(__name__)
_REMEMBERED = 200

Work = Callable[[Callable[[IngestProgress], None]], IngestReport]


class TakingEnded(SpanwiseError):
    """Somebody asked for the end of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file that is done, and the new passages of the run so far."""

    path: str
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run stands: `done` of `total` files, what is known of the last, and how it ended if it has.

    `report` is None while it runs and where it failed; `message` and `hint` say why it failed.
    """

    title: str
    began: float
    running: bool = True
    ending: bool = False
    done: int = 0
    total: int = 0
    passages: int = 0
    recent: tuple[Taken, ...] = ()
    report: IngestReport | None = None
    message: str = ""
    hint: str = ""
    cancelled: bool = False

    @property
    def share(self) -> float:
        """How much of what has been found is done, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def rate(self, now: float) -> float | None:
        """Files a second, None while none is done."""
        seconds = now - self.began
        return self.done / seconds if self.done and seconds > 0 else None

    def remaining_seconds(self, now: float) -> float | None:
        """How long the files found so far will take at that rate."""
        rate = self.rate(now)
        return None if not rate else (self.total - self.done) / rate


class Taking:
    """The runs of one page's process, one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: Standing | None = None
        self._recent: deque[Taken] = deque(maxlen=_REMEMBERED)

    @property
    def standing(self) -> Standing | None:
        """The run that is at work, else the last one; None before the first."""
        return self._standing

    @property
    def running(self) -> bool:
        """Whether one is at work."""
        return self._standing is not None and self._standing.running

    def start(self, title: str, work: Work) -> bool:
        """Begin `work`; False while another run is at work."""
        with self._lock:
            if self.running:
                return False
            self._recent.clear()
            self._standing = Standing(title=title, began=time.time())
        threading.Thread(target=self._run, args=(work,), name="taking", daemon=True).start()
        return True

    def cancel(self) -> None:
        """Ask the run to end after the file it is at."""
        with self._lock:
            if self._standing is not None and self._standing.running:
                self._standing = replace(self._standing, ending=True)

    def dismiss(self) -> None:
        """Forget a run that is over."""
        with self._lock:
            if not self.running:
                self._standing = None

    def wait(self, seconds: float = 60.0) -> Standing | None:
        """The run when it is over, for those who cannot go on without it."""
        until = time.monotonic() + seconds
        while self.running and time.monotonic() < until:
            time.sleep(0.02)
        return self._standing

    def _run(self, work: Work) -> None:
        try:
            report = work(self._note)
        except TakingEnded:
            self._end(cancelled=True)
        except SpanwiseError as error:
            self._end(message=str(error), hint=error.hint)
        except Exception as error:  # the edge of the thread: whatever it is, somebody waits for a word
            _LOG.exception("taking in failed")
            self._end(message=f"{type(error).__name__}: {error}")
        else:
            self._end(report=report)

    def _note(self, progress: IngestProgress) -> None:
        with self._lock:
            standing = self._standing
            if standing is None or standing.ending:
                raise TakingEnded("ended on request")
            self._recent.appendleft(Taken(path=progress.path, passages=progress.passages))
            self._standing = replace(
                standing,
                done=progress.done,
                total=progress.total,
                passages=standing.passages + progress.passages,
                recent=tuple(self._recent),
            )

    def _end(
        self,
        *,
        report: IngestReport | None = None,
        message: str = "",
        hint: str = "",
        cancelled: bool = False,
    ) -> None:
        with self._lock:
            if self._standing is not None:
                self._standing = replace(
                    self._standing,
                    running=False,
                    report=report,
                    message=message,
                    hint=hint,
                    cancelled=cancelled,
                )
