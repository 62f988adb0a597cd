"""The bytes of a file as they were at one moment.

A file that is being written may be read half-finished. So its size and times are compared before and after
reading; where they differ, it is read again, a few times, and then left for the next run. A file that is too
large is rejected by its size and never opened.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from ingest.errors import UnparsableError
from ingest.records import RejectReason

_TRIES = 4
_PAUSE_SECONDS = 0.1


def read_whole(path: str, *, max_bytes: int) -> tuple[bytes, int]:
    """The bytes of a file and the time of its last change, in nanoseconds.

    Raises `UnparsableError` for a file that is too large, cannot be read or does not stop changing.
    """
    try:
        for attempt in range(_TRIES):
            time.sleep(_PAUSE_SECONDS * attempt)
            before = os.stat(path)  # noqa: PTH116 - pairs with fstat
            require_readable(path, before, max_bytes=max_bytes)
            with Path(path).open("rb") as file:
                data = file.read(max_bytes + 1)
                after = os.fstat(file.fileno())
            if _same(before, after) and _same(before, os.stat(path)):  # noqa: PTH116
                return data, before.st_mtime_ns
    except OSError as error:
        raise UnparsableError(RejectReason.UNREADABLE, error.strerror or str(error)) from error
    raise UnparsableError(
        RejectReason.UNREADABLE, "it kept changing while it was read; ingest it again when it is complete"
    )


def require_readable(path: str, status: os.stat_result, *, max_bytes: int) -> None:
    """Raises `UnparsableError` for what need not be opened: too large, or no file at all."""
    if stat.S_ISDIR(status.st_mode):
        raise UnparsableError(RejectReason.UNREADABLE, _why_closed(path))
    if not stat.S_ISREG(status.st_mode):
        raise UnparsableError(RejectReason.UNREADABLE, "neither a file nor a folder")
    if status.st_size > max_bytes:
        detail = f"{status.st_size:,} bytes, the limit is {max_bytes:,} (--max-size)"
        raise UnparsableError(RejectReason.TOO_LARGE, detail)


def _why_closed(folder: str) -> str:
    try:
        next(Path(folder).iterdir(), None)
    except OSError as error:
        return f"a folder that cannot be read: {error.strerror}"
    return "a folder that could not be read"


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ino) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ino,
    )
