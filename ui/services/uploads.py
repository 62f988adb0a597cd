"""Files that were uploaded to the page: safe names, and a folder of the store in which they are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath, PureWindowsPath

from ingest.errors import IngestError

LARGEST_UPLOAD = 200_000_000  # bytes
_RESERVED = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)))
)
_LONGEST_NAME = 200  # bytes; file systems stop at 255


@dataclass(frozen=True, slots=True)
class Uploads:
    """The folder of uploaded files; it is made with the first of them."""

    folder: Path

    def keep_all(self, files: Sequence[tuple[str, bytes]]) -> list[Path]:
        """Write files that were uploaded together, names and contents; IngestError before any is written.

        Of two with the same name the second gets a number, so that neither is lost.
        """
        names = _numbered([safe_name(name) for name, _ in files])
        for name, (_, content) in zip(names, files, strict=True):
            if len(content) > LARGEST_UPLOAD:
                raise IngestError(
                    f"{name} has {len(content):,} bytes, the limit for uploads is {LARGEST_UPLOAD:,}",
                    hint="take it in from its folder: `spanwise ingest FILE`",
                )
        return [self.keep(name, content) for name, (_, content) in zip(names, files, strict=True)]

    def keep(self, name: str, content: bytes) -> Path:
        """Write an uploaded file into the folder; the same name again replaces it.

        What it replaces is put aside until `settle` says whether the new one could be read.
        """
        target = self.folder / safe_name(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into its place, so that a link that lies there is replaced and never followed.
        unfinished = target.with_name(f".upload.{target.name}")
        unfinished.unlink(missing_ok=True)
        unfinished.write_bytes(content)
        if target.exists() and not _put_aside(target).exists():
            target.replace(_put_aside(target))
        unfinished.replace(target)
        return target

    def settle(self, paths: Iterable[Path], rejected: Iterable[str]) -> None:
        """Drop uploaded files that could not be taken in, and bring back what they were to replace."""
        refused = set(rejected)
        for path in paths:
            if path.as_posix() not in refused:
                _put_aside(path).unlink(missing_ok=True)
            elif _put_aside(path).exists():
                _put_aside(path).replace(path)
            else:
                path.unlink(missing_ok=True)


def _put_aside(path: Path) -> Path:
    return path.with_name(f".before.{path.name}")  # hidden, so that no ingest takes it for a document


def safe_name(name: str) -> str:
    """The last part of an uploaded file's name, fit for any file system; IngestError where nothing is left.

    >>> safe_name("../../etc/notes.md")
    'notes.md'
    """
    last = unicodedata.normalize("NFC", PurePosixPath(PureWindowsPath(name).name).name)
    # What is invisible, or turns the direction of writing, could pass one name off as another.
    kept = "".join(char for char in last if char.isprintable()).lstrip(".").strip(" .")
    if kept.partition(".")[0].strip().upper() in _RESERVED:
        kept = f"_{kept}"
    stem, dot, suffix = kept.rpartition(".")
    room = _LONGEST_NAME - len(suffix.encode()) - 1
    short = stem.encode()[: max(room, 1)].decode(errors="ignore") if dot else ""
    kept = kept if len(kept.encode()) <= _LONGEST_NAME else f"{short}{dot}{suffix}"[:_LONGEST_NAME]
    if not kept:
        raise IngestError(f"{name!r} is no file name", hint="rename the file and upload it again")
    return kept


def _numbered(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    found: list[str] = []
    for name in names:
        path = PurePosixPath(name)
        candidates = (f"{path.stem} ({number}){path.suffix}" for number in count(2))
        chosen = name
        while chosen.casefold() in taken:
            chosen = next(candidates)
        taken.add(chosen.casefold())
        found.append(chosen)
    return found
