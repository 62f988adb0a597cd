"""Files that were uploaded to the page: safe names, and a folder of the store in which they are kept.

The same name with the same bytes is the same file; with other bytes it is kept beside the first under a name
with a number, so that no upload replaces another document unasked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePosixPath, PureWindowsPath

from ingest.errors import IngestError

LARGEST_UPLOAD = 200_000_000  # bytes
_RESERVED = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)))
)
_LONGEST_NAME = 200  # bytes; file systems stop at 255


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptUpload:
    """A file of the folder; `new` if it was written now, `earlier` is another content of the same name."""

    path: Path
    new: bool
    earlier: Path | None = None


@dataclass(frozen=True, slots=True)
class Uploads:
    """The folder of uploaded files; it is made with the first of them."""

    folder: Path

    def keep_all(self, files: Sequence[tuple[str, bytes]]) -> list[KeptUpload]:
        """Write files that were uploaded together, names and contents; IngestError before any is written."""
        for name, content in files:
            if len(content) > LARGEST_UPLOAD:
                raise IngestError(
                    f"{name} has {len(content):,} bytes, the limit for uploads is {LARGEST_UPLOAD:,}",
                    hint="take it in from its folder: `spanwise ingest FILE`",
                )
        names = [safe_name(name) for name, _ in files]
        return [self._keep(name, content) for name, (_, content) in zip(names, files, strict=True)]

    def _keep(self, name: str, content: bytes) -> KeptUpload:
        """Write a file, under a name with a number where a file of other content has its name."""
        earlier: Path | None = None
        for target in self._candidates(name):
            if target.is_symlink() or not target.exists():
                break
            if target.is_file() and target.stat().st_size == len(content) and target.read_bytes() == content:
                return KeptUpload(path=target, new=False)
            earlier = earlier or target
        target.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into its place, so that a link that lies there is replaced and never followed.
        unfinished = target.with_name(f".upload.{target.name}")
        unfinished.unlink(missing_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(target)
        return KeptUpload(path=target, new=True, earlier=earlier)

    def _candidates(self, name: str) -> Iterator[Path]:
        """`name.ext`, `name (2).ext`, ... as they are written in the folder, whatever their case."""
        files = self.folder.iterdir() if self.folder.is_dir() else ()
        present = {path.name.casefold(): path for path in files}
        first = PurePosixPath(name)
        numbered = (f"{first.stem} ({number}){first.suffix}" for number in count(2))
        for candidate in chain([name], numbered):
            yield present.get(candidate.casefold(), self.folder / candidate)

    def replace(self, earlier: Path, later: Path) -> None:
        """Put a file in the place of an earlier one of this folder; IngestError if either is gone."""
        if not all(path.parent == self.folder and path.is_file() for path in (earlier, later)):
            raise IngestError(
                f"{later.name} cannot replace {earlier.name}: one of them is gone",
                hint="upload the file again",
            )
        later.replace(earlier)


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
