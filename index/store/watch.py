"""Watches folders: ingests them whole first, then the files that the operating system reports as changed.

Changes are gathered until nothing has happened for a moment; one run ingests the changed files and removes
the deleted ones. A run that failed, because another process writes or the disk is full, is repeated with the
next. The system reports nothing for folders behind links, nor always for network drives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from watchfiles import Change, watch

from index.records import IngestReport
from index.store.store import Store
from ingest.errors import IngestError, SpanwiseError
from ingest.files.ignore import IGNORE_FILE
from ingest.files.walk import is_below, is_hidden, roots_of

_QUIET_MS = 300
_AT_MOST_MS = 3000
_TICK_MS = 1000
_RETRY_SECONDS = 10.0
# More changes than the system's queue may hold: some were lost, so that everything is looked at.
_FLOOD = 5000


def watch_folders(
    store: Store,
    paths: Iterable[str | Path],
    *,
    first: Callable[[Sequence[str]], IngestReport],
    reported: Callable[[IngestReport], None],
    failed: Callable[[SpanwiseError], None],
    stop: threading.Event | None = None,
    **how: Any,
) -> None:
    """Ingest folders whenever something in them changes, until `stop` is set or the user interrupts.

    `first` ingests all of them, once the system has begun to watch; `reported` is called with its report and
    with those of all later runs that did something, `failed` with the error of a run that will be repeated.
    `how` goes to `Store.ingest`. Raises IngestError for a path that is no folder, for a folder that is
    removed, and where the system cannot watch.
    """
    roots = roots_of(paths)
    for root in roots:
        if not Path(root).is_dir():
            raise IngestError(f"{root} is no folder, and only folders are watched", hint="give its folder")
    behind: set[str] | None = None
    tried = 0.0
    for changed in _changes(roots, store.path.as_posix(), stop):
        if behind is None:
            reported(first(roots))
            behind = set()
        behind |= changed
        if not behind or (not changed and time.monotonic() - tried < _RETRY_SECONDS):
            continue
        _require_present(roots)
        tried = time.monotonic()
        only = None if len(behind) > _FLOOD else frozenset(behind)
        try:
            report = store.ingest(roots, prune=True, only=only, **how)
        except SpanwiseError as error:
            failed(error)
            continue
        behind = set()
        if report.added or report.updated or report.removed or report.rejected:
            reported(report)


def _changes(roots: Sequence[str], store: str, stop: threading.Event | None) -> Iterator[set[str]]:
    """What has changed, every second at least; the first set comes when everything is being watched."""

    def counts(_change: Change, path: str) -> bool:
        if is_below(path, store):
            return False
        inner = next((path[len(root) :] for root in roots if is_below(path, root)), path)
        return all(name == IGNORE_FILE or not is_hidden(name) for name in inner.split("/") if name)

    try:
        for changes in watch(
            *roots,
            watch_filter=counts,
            debounce=_AT_MOST_MS,
            step=_QUIET_MS,
            rust_timeout=_TICK_MS,
            yield_on_timeout=True,
            stop_event=stop,
        ):
            paths = (Path(path) for _, path in changes)
            yield {(path.parent if path.name == IGNORE_FILE else path).as_posix() for path in paths}
    except (OSError, RuntimeError) as error:
        raise IngestError(
            f"the system cannot watch {', '.join(roots)}: {error}",
            hint="raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1 to look every second",
        ) from error


def _require_present(roots: Sequence[str]) -> None:
    for root in roots:
        if not Path(root).is_dir():
            raise IngestError(
                f"{root} is gone; its documents are kept in the store", hint="start again when it is back"
            )
