"""Files that a long piece of work writes its result into: what cannot be written is said before it begins."""

from __future__ import annotations

from pathlib import Path

from index.errors import DataError


def check_writable(path: str | Path | None) -> None:
    """Raises DataError where no file can be written at `path`; None asks for nothing."""
    if path is None:
        return
    path = Path(path)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise DataError(
            f"{path} cannot be written: it is no file in a folder that exists",
            hint="give a file in a folder that exists",
        )
