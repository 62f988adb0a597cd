"""The process of a job: `python -m ui.job FOLDER` runs the command that `job.json` there asks for.

It imports little until it holds the lock that shows that it runs. It runs with a low priority, writes its
progress at most a few times a second, and ends as with Ctrl-C when a file `cancel` appears.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import redirect_stdout, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ui.services.jobs import FileDone, JobProgress, JobState, read_json, write_end, write_json

if TYPE_CHECKING:  # a job is light until it holds its lock
    from ui.render.progress import Step

_NICE = 10
_POLL_SECONDS = 0.3
_GRACE_SECONDS = 15.0
_SECONDS_BETWEEN_WRITES = 0.3
_MOST_FILES = 200  # of an ingest, the last ones


def main(folder: Path) -> int:
    """Run the job of that folder; its exit status."""
    lock = FileLock(folder / "alive")
    try:
        lock.acquire(timeout=10)
    except Timeout:
        return 2  # it runs already
    started = time.monotonic()
    # A page that was started in the background of a shell hands on that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(AttributeError, OSError):
        os.nice(_NICE)
    threading.Thread(target=_end_when_cancelled, args=(folder, started), daemon=True).start()
    status = _run(folder)
    _record(folder, status, time.monotonic() - started)
    return status


def _run(folder: Path) -> int:
    from ui import cli
    from ui.render import progress

    job = read_json(folder / "job.json")
    if job is None:
        return 1
    progress.listen(ProgressFile(folder / "progress.json"))
    draft = folder / "output.draft"
    try:
        with draft.open("w", encoding="utf-8") as output, redirect_stdout(output):
            status = cli.main([*job["arguments"], "--json"])
    except KeyboardInterrupt:
        status = 130
    draft.replace(folder / "output.json")
    return status


def _record(folder: Path, status: int, seconds: float) -> None:
    if (folder / "cancel").exists() and status != 0:
        write_end(folder, JobState.CANCELLED, seconds)
    elif status == 0:
        write_end(folder, JobState.DONE, seconds)
    else:
        error = (read_json(folder / "output.json") or {}).get("error", {})
        write_end(
            folder,
            JobState.FAILED,
            seconds,
            message=str(error.get("message", f"the command ended with status {status}")),
            hint=str(error.get("hint", "")),
        )


def _end_when_cancelled(folder: Path, started: float) -> None:
    """Wait for the file `cancel` and end the process, by force where it does not react in time."""
    while not (folder / "cancel").exists():
        time.sleep(_POLL_SECONDS)
    # To the main thread itself: it wakes from waiting for other threads, and Python raises there.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    time.sleep(_GRACE_SECONDS)
    # The main thread does not react; what is committed is safe, as after any kill.
    write_end(folder, JobState.CANCELLED, time.monotonic() - started)
    os._exit(130)


class ProgressFile:
    """Writes how far the work is, with the rate since its stage began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stage: tuple[str, float, int] | None = None
        self._files: deque[FileDone] = deque(maxlen=_MOST_FILES)
        self._written = 0.0

    def __call__(self, step: Step) -> None:
        """Write the step, unless the last one was written a moment ago."""
        now = time.time()
        if self._stage is None or self._stage[0] != step.unit or step.done < self._stage[2]:
            self._stage = (step.unit, now, step.done)
            self._written = 0.0
        if step.path:
            self._files.appendleft(FileDone(path=step.path, reason=step.reason))
        if step.done < step.total and now - self._written < _SECONDS_BETWEEN_WRITES:
            return
        self._written = now
        _, began, first = self._stage
        progress = JobProgress(
            done=step.done,
            total=step.total,
            unit=step.unit,
            note=step.note,
            files=tuple(self._files),
            passages=step.passages,
            current=step.current,
            encoded=step.encoded,
            to_encode=step.to_encode,
            first=first,
            began=began,
            at=now,
        )
        write_json(self._path, asdict(progress))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
