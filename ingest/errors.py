"""Every error that a user can correct, as one tree.

    SpanwiseError                 exit status 2, one line and a hint
      IngestError                 a path or a file cannot be taken in at all
      StoreError   (index.errors) what can be wrong with a store
      ModelError   (index.errors) what can be wrong with a checkpoint
      DataError    (index.errors) what can be wrong with a question or judgement file

A single bad file inside a folder is not an error but a value (`records.Rejected`), made of the
`UnparsableError` that its converter raised.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.records import RejectReason


class SpanwiseError(Exception):
    """Something the user can mend: `str(error)` names the thing and its value, `hint` the next step."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class IngestError(SpanwiseError):
    """A path given by the user does not exist or cannot be read."""


class UnparsableError(Exception):
    """A converter cannot make a document of these bytes; becomes a `Rejected` value."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@contextmanager
def exit_with_message() -> Iterator[None]:
    """For modules that are run by `python -m`: such an error ends the process with its message and hint."""
    try:
        yield
    except (SpanwiseError, OSError) as error:
        hint = getattr(error, "hint", "")
        sys.exit(f"{error}\n  {hint}" if hint else str(error))
