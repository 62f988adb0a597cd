"""The counts of a run and its progress.

The number of files is unknown before the walk ends, and a walk over a million takes a while: a second walk
counts them in a thread, so that the total grows for some seconds and then stays.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from index.records import IngestProgress, IngestReport
from ingest.records import Document, Rejected

# A small folder is counted before the first file is done.
_PATIENCE_SECONDS = 0.2


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts of a run.

    `renamed` holds the old paths of files that a dry run saw under a new one, `foreign` the documents by
    language that the default models would read badly, `models` the preset that was chosen in this run.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    renamed: set[str] = field(default_factory=set)
    foreign: Counter[str] = field(default_factory=Counter)
    models: str | None = None

    def reject(self, rejected: Rejected, *, held: bool) -> None:
        """Count a file that was left out; `held` says that an older version of it stays."""
        if held:
            rejected = replace(rejected, detail=f"{rejected.detail}; the version stored before is kept")
        self.rejected.append(rejected)

    def warn(self, document: Document) -> None:
        """Note the converter's warnings."""
        self.warnings += [f"{document.path}: {warning}" for warning in document.warnings]

    def report(self, *, seconds: float) -> IngestReport:
        """The counts as they are now."""
        return IngestReport(
            added=self.added,
            updated=self.updated,
            unchanged=self.unchanged,
            removed=self.removed,
            passages=self.passages,
            rejected=tuple(self.rejected),
            warnings=tuple(self.warnings),
            skipped=dict(self.skipped),
            models=self.models,
            seconds=seconds,
        )


class Totals:
    """Reports how many files are done, of how many that the walk has reached so far."""

    def __init__(
        self, files: Iterable[str] | None, callback: Callable[[IngestProgress], None] | None
    ) -> None:
        self._callback = callback
        self._done = 0
        self._walked = 0
        self._enough = threading.Event()
        self._counter: threading.Thread | None = None
        if files is not None and callback is not None:
            self._counter = threading.Thread(target=self._count, args=(files,), daemon=True)

    def __enter__(self) -> Self:
        if self._counter is not None:
            self._counter.start()
            self._counter.join(_PATIENCE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enough.set()
        if self._counter is not None:
            self._counter.join()

    def step(self, path: str, passages: int, rejected: Rejected | None = None) -> None:
        """One more file is done."""
        self._done += 1
        self._report(path=path, passages=passages, rejected=rejected)

    def within(self, path: str, encoded: int = 0, to_encode: int = 0) -> None:
        """A file is still being read, or so many of its passages are encoded."""
        self._report(path="", passages=0, current=path, encoded=encoded, to_encode=to_encode)

    def _report(self, **facts: Any) -> None:
        if self._callback is not None:
            total = max(self._walked, self._done)
            self._callback(IngestProgress(done=self._done, total=total, **facts))

    def _count(self, files: Iterable[str]) -> None:
        for _ in files:
            self._walked += 1
            if self._enough.is_set():
                return
