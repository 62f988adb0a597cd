"""Who writes: what is said to those who wait for the writer's lock longer than they should.

The lock itself dies with its process (see `database.writer_lock`); the note beside it does not, and is only
read by somebody who has just found the lock held.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from index.errors import StoreLocked

_NOTE = "writer.json"


def note_writer(folder: Path, work: str) -> None:
    """Leave a note of what this process is doing; where none can be left, the wait is explained less well."""
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    note = {"pid": os.getpid(), "host": platform.node(), "since": since, "work": work}
    temporary = folder / f"{_NOTE}.{os.getpid()}"
    with suppress(OSError):
        temporary.write_text(json.dumps(note), encoding="utf-8")
        temporary.replace(folder / _NOTE)


def forget_writer(folder: Path) -> None:
    """Take the note away."""
    with suppress(OSError):
        (folder / _NOTE).unlink(missing_ok=True)


def locked(folder: Path, waited_seconds: float) -> StoreLocked:
    """What to raise: who holds the lock of a store, since when, for what, and what to do."""
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
