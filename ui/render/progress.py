"""Progress on standard error: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tqdm import tqdm

from index.records import IngestProgress
from ui.render import phrasing

if TYPE_CHECKING:
    from index.training.loop import TrainingProgress

_SECONDS_BETWEEN_LINES = 10.0
_LINE = "{n_fmt} of {total_fmt} {unit}s, {rate_noinv_fmt}, {remaining} left{postfix}"
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`done` of `total` units are done.

    Of an ingest: the last file, the reason for which it was left out if it was (a RejectReason), and the new
    passages of all files so far; between two files that take long, `current` is the second one, of which
    `encoded` of `to_encode` passages are done (0 of 0 as long as it is being read).
    """

    done: int
    total: int
    unit: str
    note: str = ""
    path: str = ""
    reason: str = ""
    passages: int = 0
    current: str = ""
    encoded: int = 0
    to_encode: int = 0


Listener = Callable[[Step], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Report every step in this process to `listener` too, from now on."""
    _listeners.append(listener)


def say(line: str) -> None:
    """Print a line about the work on standard error."""
    print(line, file=sys.stderr)


class Progress:
    """Shows how many of `unit` are done, at what rate, and the time that remains."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._began = self._last = time.monotonic()
        self._initial: int | None = None
        self._done = 0
        self._passages = 0
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int, note: str = "", **facts: Any) -> None:
        """`done` of `total` are done; what was done before the first call does not count for the rate.

        Where `done` falls, another stage has begun. `facts` are other fields of the `Step`.
        """
        if done < self._done:  # the next stage of the same work
            self._began, self._initial = time.monotonic(), None
        self._done = done
        if self._initial is None:
            self._initial = max(done - 1, 0)
        step = Step(
            done=done,
            total=total,
            unit=self._unit,
            note=note,
            passages=self._passages,
            **facts,
        )
        for listener in _listeners:
            listener(step)
        if sys.stderr.isatty():
            self._draw(done, total, note)
        elif time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            elapsed = self._last - self._began
            line = tqdm.format_meter(
                done,
                total,
                elapsed,
                unit=self._unit,
                bar_format=_LINE,
                postfix=note or None,
                initial=self._initial,
            )
            print(line, file=sys.stderr)

    def ingest(self, progress: IngestProgress) -> None:
        """One more file is done, or one that takes long has come further."""
        self._passages += progress.passages
        note = phrasing.count(self._passages, "passage")
        if progress.to_encode:
            name = progress.current.rpartition("/")[2]
            note += f", {progress.encoded:,} of {progress.to_encode:,} of {name}"
        self(
            progress.done,
            progress.total,
            note,
            path=progress.path,
            reason="" if progress.rejected is None else progress.rejected.reason.value,
            current=progress.current,
            encoded=progress.encoded,
            to_encode=progress.to_encode,
        )

    def training(self, progress: TrainingProgress) -> None:
        """One more step is done, or the weights were judged."""
        if progress.evaluation is None:
            self(progress.step, progress.steps, f"loss {progress.loss:.3f}")
            return
        figures = ", ".join(f"{name} {value:.4g}" for name, value in progress.evaluation.figures.items())
        tqdm.write(f"step {progress.step}, {progress.evaluation.weights} weights: {figures}", file=sys.stderr)

    def _draw(self, done: int, total: int, note: str) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=total,
                initial=self._initial or 0,
                unit=self._unit,
                bar_format=_BAR,
                dynamic_ncols=True,
                leave=False,
            )
        self._bar.total = total
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)
