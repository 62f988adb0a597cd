"""The process of a job: `python -m ui.job FOLDER` runs the command that `job.json` there asks for.

Light until it holds the lock that says it lives. It yields to whoever asks questions meanwhile, tells how far
it is at most a few times a second, and ends as with Ctrl-C when it is asked to.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from contextlib import redirect_stdout, suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from ui.services.jobs import JobProgress, JobState, read_json, write_end, write_json

_NICE = 10
_LOOK_SECONDS = 0.3
_PATIENCE_SECONDS = 15.0
_SECONDS_BETWEEN_TELLINGS = 0.3


def main(folder: Path) -> int:
    """Run the job of that folder; its exit status."""
    lock = FileLock(folder / "alive")
    try:
        lock.acquire(timeout=10)
    except Timeout:
        return 2  # it is at work already
    started = time.monotonic()
    with suppress(AttributeError, OSError):
        os.nice(_NICE)
    threading.Thread(target=_obey, args=(folder, started), daemon=True).start()
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
        said = (read_json(folder / "output.json") or {}).get("error", {})
        write_end(
            folder,
            JobState.FAILED,
            seconds,
            message=str(said.get("message", f"the command ended with status {status}")),
            hint=str(said.get("hint", "")),
        )


def _obey(folder: Path, started: float) -> None:
    """Wait for the wish to end, and see to it that it comes true."""
    while not (folder / "cancel").exists():
        time.sleep(_LOOK_SECONDS)
    _thread.interrupt_main()
    time.sleep(_PATIENCE_SECONDS)
    # Whatever it is in, it does not listen; what is committed is safe, as after any kill.
    write_end(folder, JobState.CANCELLED, time.monotonic() - started)
    os._exit(130)


class ProgressFile:
    """Writes how far the work is, with the rate since its stage began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stage: tuple[str, float, int] | None = None
        self._told = 0.0

    def __call__(self, done: int, total: int, unit: str, note: str) -> None:
        """`done` of `total` are done."""
        now = time.time()
        if self._stage is None or self._stage[0] != unit or done < self._stage[2]:
            self._stage = (unit, now, done)
            self._told = 0.0
        if done < total and now - self._told < _SECONDS_BETWEEN_TELLINGS:
            return
        self._told = now
        _, began, first = self._stage
        standing = JobProgress(done=done, total=total, unit=unit, note=note, first=first, began=began, at=now)
        write_json(self._path, asdict(standing))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
