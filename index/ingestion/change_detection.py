"""What can be said of a file without parsing it: unchanged, known under another name, refused before.

Size and times come first, the bytes only where they leave a doubt, and a file that was refused in the state
it still has is not read again. Nothing is written here: a run acts on the verdicts, a dry run counts them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from pathlib import Path

from index.records import FileState
from index.sql.catalog import Catalog
from index.sql.paths import KnownPath
from index.sql.rejections import RememberedRejection
from ingest.conversion.formats import RECOGNISED, converters, is_current
from ingest.conversion.options import ParseOptions
from ingest.conversion.parser_pool import Limits, sha256_of
from ingest.errors import UnparsableError
from ingest.files.read_stable import require_readable
from ingest.records import Rejected, RejectReason

_BLOCK = 200
# A file changed within this time of being looked at may have changed again without a new time stamp.
_RACY_NS = 2_000_000_000
# These may go away by themselves.
_PASSING = frozenset((RejectReason.TIMEOUT, RejectReason.UNREADABLE))


class Verdict(Enum):
    """What is to be done with a file."""

    UNCHANGED = auto()
    LOOKED_AT = auto()  # unchanged, but only its bytes showed it
    KNOWN = auto()  # its content is held under another path
    REJECTED = auto()
    PARSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One file and its verdict.

    `state` is the file's before anything of it was read, None if there is none any more. `held` says that
    the catalogue holds something under this path. For KNOWN: the `document_key`, and the path `gone` from
    which the file was renamed, None for a copy. `remembered` says that the rejection is an old one.
    """

    path: str
    verdict: Verdict
    state: FileState | None = None
    held: bool = False
    document_key: int = 0
    gone: str | None = None
    rejected: Rejected | None = None
    remembered: bool = False


class Settling:
    """Looks at files and says what is to be done with each."""

    def __init__(
        self, catalog: Catalog, *, limits: Limits, options: ParseOptions, retry_rejected: bool
    ) -> None:
        self._catalog = catalog
        self._limits = limits
        self._options = options
        self._retry = retry_rejected
        self.readers = _readers(limits)

    def look(self, files: Iterable[str]) -> Iterator[Look]:
        """A verdict for each file, in their order; a block of files is asked for ahead."""
        remaining = iter(files)
        while block := list(islice(remaining, _BLOCK)):
            known = self._catalog.paths.among(block)
            refused = self._catalog.rejections.among(block)
            for file in block:
                yield self._look(file, known.get(file), refused.get(file))

    def _look(self, path: str, known: KnownPath | None, refused: RememberedRejection | None) -> Look:
        held = known is not None
        looked_ns = time.time_ns()
        try:
            status = os.stat(path)  # noqa: PTH116 - a million times
        except OSError:
            # The parser meets the same trouble and says what it is.
            return Look(path=path, verdict=Verdict.PARSE, held=held)
        state = FileState(size_bytes=status.st_size, modified_ns=status.st_mtime_ns, checked_ns=looked_ns)
        if refused is not None and not self._tries_again(refused) and _surely_same(refused, status):
            rejected = Rejected(path=path, reason=refused.reason, detail=refused.detail)
            return Look(
                path=path,
                verdict=Verdict.REJECTED,
                state=state,
                held=held,
                rejected=rejected,
                remembered=True,
            )
        if known is not None and self._reads_the_same(known) and _surely_same(known, status):
            return Look(path=path, verdict=Verdict.UNCHANGED, state=state, held=held)
        try:
            require_readable(path, status, max_bytes=self._limits.max_bytes)
        except UnparsableError as error:
            rejected = Rejected(path=path, reason=error.reason, detail=error.detail)
            return Look(path=path, verdict=Verdict.REJECTED, state=state, held=held, rejected=rejected)
        return self._by_content(path, known, state)

    def _by_content(self, path: str, known: KnownPath | None, state: FileState) -> Look:
        held = known is not None
        parse = Look(path=path, verdict=Verdict.PARSE, state=state, held=held)
        if known is not None and not self._reads_the_same(known):
            return parse
        try:
            content = sha256_of(path)
        except OSError:
            return parse
        if known is not None and known.content_sha256 == content:
            return Look(path=path, verdict=Verdict.LOOKED_AT, state=state, held=held)
        holders = self._catalog.paths.of_content(content)
        alike = [h for h in holders if _suffix(h.path) == _suffix(path) and self._reads_the_same(h)]
        if not alike:
            return parse
        return Look(
            path=path,
            verdict=Verdict.KNOWN,
            state=state,
            held=held,
            document_key=alike[0].document_key,
            gone=first_gone(alike),
        )

    def _reads_the_same(self, known: KnownPath) -> bool:
        """Whether parsing the same bytes today would give the same document."""
        if not is_current(known.parser):
            return False
        if self._options.ocr is None or known.parser.endswith(RECOGNISED):
            return True
        return not self._catalog.documents.pages_without_text(known.document_key)

    def _tries_again(self, refused: RememberedRejection) -> bool:
        if self._retry or refused.reason in _PASSING or refused.readers != self.readers:
            return True
        if refused.reason is RejectReason.ENCRYPTED:
            return bool(self._options.passwords)
        return refused.reason is RejectReason.NO_TEXT and self._options.ocr is not None


def first_gone(holders: Sequence[KnownPath]) -> str | None:
    """The first of these paths whose file is gone, which makes a new path with its content a rename."""
    return next((h.path for h in holders if h.path.startswith("/") and not os.path.lexists(h.path)), None)


def _surely_same(then: KnownPath | RememberedRejection, status: os.stat_result) -> bool:
    """Whether size and times alone prove that a file holds what it held.

    The time at which the file's entry changed cannot be set back by programs, as that of its content can.
    """
    same = then.size_bytes == status.st_size and then.modified_ns == status.st_mtime_ns
    return same and then.checked_ns - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY_NS


def _readers(limits: Limits) -> str:
    """A short word for all that decides whether a file can be read."""
    said = f"{converters()} {limits.max_bytes} {limits.memory_bytes}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _suffix(path: str) -> str:
    return Path(path).suffix
