"""Checks of output files before a long piece of work begins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from index.errors import DataError


def check_writable(path: str | Path | None, *, sources: Iterable[str | Path] = ()) -> None:
    """Raises DataError where no file can be written at `path`, or where it is one of the files that are read,
    `sources`, by whatever name; None asks for nothing.
    """
    if path is None:
        return
    path = Path(path)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise DataError(
            f"{path} cannot be written: it is no file in a folder that exists",
            hint="give a file in a folder that exists",
        )
    if path.exists() and any(path.samefile(source) for source in sources if Path(source).exists()):
        raise DataError(
            f"{path} would be overwritten, and it is one of the files that are evaluated",
            hint="give another file for the result",
        )
