"""What the system or a library says when a store cannot be read or written, as an error with the next step.

SQLite, tantivy and FAISS each have a wording of their own for a full disk or a file that may not be written;
users get one. What is none of these is left as it is: it is a fault of ours and must not look like theirs.
"""

from __future__ import annotations

import errno

from index.errors import StoreError, StoreLocked, StoreReadOnly

_FULL = ("no space left", "database or disk is full", "file too large", "disk quota exceeded")
_READ_ONLY = ("readonly database", "read-only file system", "permission denied")
_FAILED = ("disk i/o error", "index writer was killed")
_DAMAGED = ("malformed", "file is not a database")
_BUSY = ("database is locked", "database table is locked", "database schema is locked")
_FULL_NUMBERS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_READ_ONLY_NUMBERS = (errno.EROFS, errno.EACCES, errno.EPERM)


def explained(error: BaseException, place: str) -> StoreError | None:
    """The error to raise in the place of one of a library's; None where this module does not know it.

    >>> explained(OSError(errno.ENOSPC, "No space left on device"), "/library").hint[:14]
    'free some room'
    """
    said, number = str(error).lower(), getattr(error, "errno", None)
    if number in _FULL_NUMBERS or any(words in said for words in _FULL):
        return StoreError(
            f"there is no room left to write {place}; what was committed before is kept",
            hint="free some room on the disk and run the same command again",
        )
    if number in _READ_ONLY_NUMBERS or any(words in said for words in _READ_ONLY):
        return StoreReadOnly(
            f"{place} cannot be written to", hint="check its owner and how its disk is mounted"
        )
    if any(words in said for words in _BUSY):
        return StoreLocked(
            f"another program holds the database of {place}", hint="try again when it has finished"
        )
    if any(words in said for words in _DAMAGED):
        return StoreError(
            f"the database of {place} is damaged: {str(error).splitlines()[0]}",
            hint="restore it from a backup; the documents themselves can be ingested into a new store",
        )
    if number == errno.EIO or any(words in said for words in _FAILED):
        # SQLite says so where its shared memory finds no room, tantivy where one of its threads does not.
        return StoreError(
            f"the disk failed, or has no room left, while {place} was used; what was committed is kept",
            hint="free some room or check the disk, then run the same command again",
        )
    return None
