"""The lock of a store's writer, and the note beside it that says who holds it and why.

The lock dies with its process (`database.writer_lock`); the note does not, and is only read by a process
that has just found the lock held.
"""

from __future__ import annotations

import json
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import Timeout

from index.errors import StoreLocked, StoreReadOnly
from index.os_errors import explained
from index.sql.database import WriterLock

_NOTE = "writer.json"
LOCK_SECONDS = 10.0


class StoreLock:
    """Keeps the writers of a store apart, threads and processes; a thread may take it more than once."""

    def __init__(self, path: Path, lock: WriterLock) -> None:
        self.writable = os.access(path, os.W_OK)
        self._path = path
        self._lock = lock
        self._threads = threading.RLock()
        self._noted = False

    @contextmanager
    def writing(self, work: str = "writing") -> Iterator[None]:
        """Hold the lock for a write; raises StoreReadOnly, or StoreLocked after ten seconds."""
        if not self.writable:
            raise StoreReadOnly(
                f"the store {self._path} cannot be written to", hint="check the folder's owner"
            )
        with self.held(LOCK_SECONDS, work):
            yield

    @contextmanager
    def held(self, wait_seconds: float, work: str) -> Iterator[None]:
        """Hold the lock; raises StoreLocked after so many seconds. Other writers are shown `work`."""
        if not self._threads.acquire(timeout=wait_seconds):
            raise locked(self._path, wait_seconds)
        try:
            try:
                self._lock.acquire(timeout=wait_seconds)
            except Timeout as error:
                raise locked(self._path, wait_seconds) from error
            except OSError as error:
                known = explained(error, str(self._path))
                if known is None:
                    raise
                raise known from error
            outermost, self._noted = not self._noted, True
            try:
                if outermost:
                    note_writer(self._path, work)
                yield
            finally:
                if outermost:
                    forget_writer(self._path)
                    self._noted = False
                self._lock.release()
        finally:
            self._threads.release()


def note_writer(folder: Path, work: str) -> None:
    """Write what this process does beside the lock, if that is possible."""
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    note = {"pid": os.getpid(), "host": platform.node(), "since": since, "work": work}
    temporary = folder / f"{_NOTE}.{os.getpid()}"
    with suppress(OSError):
        temporary.write_text(json.dumps(note), encoding="utf-8")
        temporary.replace(folder / _NOTE)


def forget_writer(folder: Path) -> None:
    """Delete the note."""
    with suppress(OSError):
        (folder / _NOTE).unlink(missing_ok=True)


def locked(folder: Path, waited_seconds: float) -> StoreLocked:
    """The error to raise: who holds the lock of a store, since when, for what, and what to do."""
    waited = f"waited {waited_seconds:.0f} s" if waited_seconds >= 1 else "did not wait"
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        since = datetime.fromisoformat(note["since"])
        pid, work, host = int(note["pid"]), str(note["work"]), str(note["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return StoreLocked(
            f"something else is writing to {folder} ({waited})",
            hint="try again when it has finished; what it commits is kept whatever happens to it",
        )
    where = "" if host == platform.node() else f" on {host}"
    return StoreLocked(
        f"something else is writing to {folder}: {work}, process {pid}{where}, "
        f"since {since:%H:%M:%S} ({waited})",
        hint=f"try again when it has finished, or end process {pid}{where}: what it has committed is kept",
    )
