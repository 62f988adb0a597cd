"""Decides what is to be done with a file, without parsing it.

    (stat, what is stored, what was refused, options) -> FileDecision

Size and times come first; the bytes are hashed only where those leave a doubt, and a file that was refused in
the state it still has is not read again. `decide_by_status` is pure; `ChangeDetector` asks the disk and the
catalogue for its arguments, and hashes. Nothing is written here: a run acts on the decisions, a dry run
counts them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from index.records import FileState
from index.sql.catalog import Catalog
from index.sql.paths import KnownPath
from index.sql.rejections import RememberedRejection
from ingest.batches import batched
from ingest.conversion.formats import RECOGNISED, converters, is_current
from ingest.conversion.options import ParseOptions
from ingest.conversion.parser_pool import Limits, sha256_of
from ingest.errors import UnparsableError
from ingest.files.read_stable import require_readable
from ingest.records import Rejected, RejectReason

_BLOCK = 200
# A file changed within this time before its stat may change again without a new time stamp.
_RACY_NS = 2_000_000_000
# Reasons that may go away by themselves.
_PASSING = frozenset((RejectReason.TIMEOUT, RejectReason.UNREADABLE))


class Action(Enum):
    """What is to be done with a file."""

    UNCHANGED = auto()
    TOUCHED = auto()  # unchanged, but only its bytes showed it: note the new times
    KNOWN = auto()  # its content is stored under another path
    REJECTED = auto()
    HASH = auto()  # only its bytes can tell; never leaves this module
    PARSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDecision:
    """One file and what is to be done with it.

    `state` is the file's before anything of it was read, None if it cannot be looked at. `held` says that
    something is stored under this path. For KNOWN: the `document_key`, and the path `renamed_from`, None for
    a copy. `remembered` says that the rejection is an old one.
    """

    path: str
    action: Action
    state: FileState | None = None
    held: bool = False
    document_key: int = 0
    renamed_from: str | None = None
    rejected: Rejected | None = None
    remembered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingConditions:
    """How a run reads files: a file refused under other conditions is tried again."""

    limits: Limits
    options: ParseOptions
    retry_rejected: bool
    readers: str

    @classmethod
    def today(cls, limits: Limits, options: ParseOptions, *, retry_rejected: bool) -> ReadingConditions:
        """With `readers`, a short hash of all that decides whether a file can be read."""
        conditions = f"{converters()} {limits.max_bytes} {limits.memory_bytes}"
        readers = hashlib.sha256(conditions.encode()).hexdigest()[:16]
        return cls(limits=limits, options=options, retry_rejected=retry_rejected, readers=readers)

    def retries(self, refused: RememberedRejection) -> bool:
        """Whether a file that was refused before could be read now although it is the same."""
        if self.retry_rejected or refused.reason in _PASSING or refused.readers != self.readers:
            return True
        if refused.reason is RejectReason.ENCRYPTED:
            return bool(self.options.passwords)
        return refused.reason is RejectReason.NO_TEXT and self.options.ocr is not None


class ChangeDetector:
    """Decides about files with the help of the catalogue."""

    def __init__(self, catalog: Catalog, conditions: ReadingConditions) -> None:
        self._catalog = catalog
        self._conditions = conditions

    def decide(self, files: Iterable[str]) -> Iterator[FileDecision]:
        """A decision for each file, in their order; the catalogue is asked for a block of files at once.

        Each is made when it is taken, after the caller has acted on the one before.
        """
        for block in batched(files, _BLOCK):
            known = self._catalog.paths.among(block)
            refused = self._catalog.rejections.among(block)
            for file in block:
                yield self._decide(file, known.get(file), refused.get(file))

    def _decide(
        self, path: str, known: KnownPath | None, refused: RememberedRejection | None
    ) -> FileDecision:
        looked_ns = time.time_ns()
        try:
            status = os.stat(path)  # noqa: PTH116 - a million times
        except OSError:
            # The parser meets the same trouble and reports it.
            return FileDecision(path=path, action=Action.PARSE, held=known is not None)
        decision = decide_by_status(
            path,
            status,
            looked_ns=looked_ns,
            known=known,
            stale=known is not None and not self._reads_the_same(known),
            refused=refused,
            conditions=self._conditions,
        )
        if decision.action is not Action.HASH:
            return decision
        return self._decide_by_content(decision, known)

    def _decide_by_content(self, decision: FileDecision, known: KnownPath | None) -> FileDecision:
        try:
            content = sha256_of(decision.path)
        except OSError:
            return replace(decision, action=Action.PARSE)
        if known is not None and known.content_sha256 == content:
            return replace(decision, action=Action.TOUCHED)
        suffix = Path(decision.path).suffix  # the format depends on it, too
        alike = [
            holder
            for holder in self._catalog.paths.of_content(content)
            if Path(holder.path).suffix == suffix and self._reads_the_same(holder)
        ]
        if not alike:
            return replace(decision, action=Action.PARSE)
        key, gone = alike[0].document_key, first_gone(alike)
        return replace(decision, action=Action.KNOWN, document_key=key, renamed_from=gone)

    def _reads_the_same(self, known: KnownPath) -> bool:
        """Whether parsing the same bytes today would give the same document."""
        if not is_current(known.parser):
            return False
        if self._conditions.options.ocr is None or known.parser.endswith(RECOGNISED):
            return True
        return not self._catalog.documents.pages_without_text(known.document_key)


def decide_by_status(
    path: str,
    status: os.stat_result,
    *,
    looked_ns: int,
    known: KnownPath | None,
    stale: bool,
    refused: RememberedRejection | None,
    conditions: ReadingConditions,
) -> FileDecision:
    """The decision by size and times: HASH where they are not enough.

    `looked_ns` is the time just before `status` was taken; `stale` says that the same bytes would give
    another document today than the one that is stored under this path.
    """
    state = FileState(size_bytes=status.st_size, modified_ns=status.st_mtime_ns, checked_ns=looked_ns)
    decision = FileDecision(path=path, action=Action.HASH, state=state, held=known is not None)
    if refused is not None and not conditions.retries(refused) and _surely_same(refused, status):
        rejected = Rejected(path=path, reason=refused.reason, detail=refused.detail)
        return replace(decision, action=Action.REJECTED, rejected=rejected, remembered=True)
    if known is not None and not stale and _surely_same(known, status):
        return replace(decision, action=Action.UNCHANGED)
    try:
        require_readable(path, status, max_bytes=conditions.limits.max_bytes)
    except UnparsableError as error:
        rejected = Rejected(path=path, reason=error.reason, detail=error.detail)
        return replace(decision, action=Action.REJECTED, rejected=rejected)
    return replace(decision, action=Action.PARSE) if stale else decision


def first_gone(holders: Sequence[KnownPath]) -> str | None:
    """The first of these paths whose file is gone, which makes a new path with its content a rename."""
    return next((h.path for h in holders if h.path.startswith("/") and not os.path.lexists(h.path)), None)


def _surely_same(then: KnownPath | RememberedRejection, status: os.stat_result) -> bool:
    """Whether size and times alone prove that a file has not changed.

    Programs can set back the time of the content, but not that of the directory entry (`st_ctime_ns`).
    """
    same = then.size_bytes == status.st_size and then.modified_ns == status.st_mtime_ns
    return same and then.checked_ns - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS
