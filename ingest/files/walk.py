"""Which files there are below the paths that a user gives.

A walk streams: it holds the folders above its position and one block of names, never all files, so that a
million files cost no memory. It counts what it skips and names the folders that it could not open. The only
files it reads are `.spanwiseignore`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from ingest.errors import IngestError
from ingest.files.globs import Globs
from ingest.files.ignore import Rules, rules_in

SKIPPED_FOLDERS = frozenset(("node_modules", "__pycache__", "CVS", "__MACOSX"))
_SKIPPED_FILES = frozenset(("Thumbs.db", "desktop.ini"))
_BLOCK = 10_000

_Identity = tuple[int, int]


class Skipped(StrEnum):
    """Why a file or folder below a given path was passed over."""

    HIDDEN = "hidden"
    IGNORED = "ignored"
    EXCLUDED = "excluded"
    SPECIAL = "special"
    LOOP = "loop"


def find_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """All files at and below `paths`, each once, sorted within each folder, as absolute POSIX paths.

    Hidden files and folders, version control, installed packages and what `.spanwiseignore` names are left
    out below a given path, but a path that is given itself is taken. Links are followed, each linked folder
    once, loops are not. A folder that cannot be read is yielded itself, so that it is reported and not
    lost. Raises `IngestError` for a path that does not exist, before anything is yielded.
    """
    return iter(Walk(roots_of(paths)))


def roots_of(paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    """The given paths, absolute, each once; raises `IngestError` for one that does not exist."""
    # `absolute` and not `resolve`: a path keeps the name under which the user knows it.
    roots = [Path(os.path.normpath(Path(path).expanduser().absolute())) for path in paths]
    for root in roots:
        if not os.path.lexists(root):
            raise IngestError(f"there is no file or folder {root}", hint="check the spelling of the path")
    return tuple(dict.fromkeys(root.as_posix() for root in roots))


def is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it; both absolute POSIX."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


class Walk:
    """One pass over the files at and below `roots` (from `roots_of`); iterated once.

    `without` are folders that are no part of it although they lie there. `only` restricts the pass to these
    paths and what lies below them; hidden names and rules count as they do in a whole pass. `globs`, made for
    the same roots, say which files count, those that are given themselves included. A root inside
    another one is walked as a root of its own. `skipped` counts files and folders that were passed over by
    reason, `closed` the folders that could not be read, `unnamable` what has a name that is no UTF-8, its odd
    bytes spelled out; all are complete when the iteration is.
    """

    def __init__(
        self,
        roots: Collection[str],
        *,
        without: Collection[str] = (),
        only: Collection[str] | None = None,
        globs: Globs | None = None,
    ) -> None:
        self.skipped: Counter[Skipped] = Counter()
        self.closed: list[str] = []
        self.unnamable: list[str] = []
        self._roots = roots
        self._globs = globs or Globs(roots)
        self._elsewhere = frozenset(roots) | frozenset(without)
        self._only = None if only is None else frozenset(only)
        self._on_the_way = frozenset(
            parent.as_posix() for path in self._only or () for parent in Path(path).parents
        )
        self._linked: set[_Identity] = set()

    def __iter__(self) -> Iterator[str]:
        for root in self._roots:
            if not self._is_named(root):
                continue
            part = self._part(root, whole=self._only is None)
            if part is not None:
                yield from self._below(root, whole=part)

    def _part(self, path: str, *, whole: bool) -> bool | None:
        """Whether all of `path` is wanted (True), something below it perhaps (False), or nothing (None)."""
        if whole or self._only is None or path in self._only:
            return True
        if path in self._on_the_way:
            return False
        # A root below one of the wanted paths.
        return True if any(is_below(path, wanted) for wanted in self._only) else None

    def _is_named(self, path: str) -> bool:
        """Whether the path can be written down; notes it where it cannot."""
        if path.isascii():
            return True
        try:
            path.encode()
        except UnicodeEncodeError:
            self.unnamable.append(os.fsencode(path).decode("utf-8", "backslashreplace"))
            return False
        return True

    def _below(self, root: str, *, whole: bool) -> Iterator[str]:
        if not Path(root).is_dir():
            if self._globs.pass_file(root, root):
                yield root
            else:
                self.skipped[Skipped.EXCLUDED] += 1
            return
        stack: list[_Folder] = []
        if not self._enter(root, stack, None, whole=whole, linked=False):
            yield root
        while stack:
            folder = stack[-1]
            try:
                entry = next(folder.entries, None)
            except OSError:
                entry = None
                self.closed.append(folder.path)
                yield folder.path
            if entry is None:
                stack.pop()
                continue
            path = f"{folder.path.rstrip('/')}/{entry.name}"
            if not self._is_named(path):
                continue
            part = self._part(path, whole=folder.whole)
            if part is None or path in self._elsewhere:
                continue
            kind = self._kind(entry, path, folder, root)
            if kind == "file" or (
                kind == "folder"
                and not self._enter(path, stack, folder.rules, whole=part, linked=entry.is_symlink())
            ):
                yield path

    def _kind(self, entry: os.DirEntry[str], path: str, folder: _Folder, root: str) -> str | None:
        """`file`, `folder` or None for what is passed over."""
        is_folder = _holds(entry.is_dir)
        if not is_folder and not _holds(entry.is_file) and not _holds(entry.is_symlink):
            reason = Skipped.SPECIAL
        elif is_hidden(entry.name):
            reason = Skipped.HIDDEN
        elif folder.rules is not None and folder.rules.leave_out(path, is_folder=is_folder):
            reason = Skipped.IGNORED
        elif not (self._globs.pass_folder if is_folder else self._globs.pass_file)(path, root):
            reason = Skipped.EXCLUDED
        else:
            return "folder" if is_folder else "file"
        self.skipped[reason] += 1
        return None

    def _enter(
        self, path: str, stack: list[_Folder], above: Rules | None, *, whole: bool, linked: bool
    ) -> bool:
        """Puts a folder on the stack unless it is a loop; False if it cannot be read."""
        try:
            status = os.stat(path)  # noqa: PTH116 - a million times
            identity = (status.st_dev, status.st_ino)
            if any(folder.identity == identity for folder in stack) or (linked and identity in self._linked):
                self.skipped[Skipped.LOOP] += 1
                return True
            entries = _entries(path)
        except OSError:
            self.closed.append(path)
            return False
        if linked:
            self._linked.add(identity)
        rules = rules_in(path, above)
        stack.append(_Folder(path=path, identity=identity, rules=rules, whole=whole, entries=entries))
        return True


@dataclass(slots=True, kw_only=True)
class _Folder:
    """A folder in which the walk is: how far it got, and whether all of it is wanted."""

    path: str
    identity: _Identity
    rules: Rules | None
    whole: bool
    entries: Iterator[os.DirEntry[str]]


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """What stands in a folder, sorted block by block; `OSError` at once where it cannot be read."""
    listing = os.scandir(folder)
    try:
        first = _block(listing)
    except OSError:
        listing.close()
        raise
    if len(first) < _BLOCK:
        listing.close()
        return iter(first)
    return _and_more(first, listing)


def _and_more(block: list[os.DirEntry[str]], listing: os._ScandirIterator[str]) -> Iterator[os.DirEntry[str]]:
    with listing:
        while block:
            yield from block
            block = _block(listing)


def _block(listing: Iterator[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    return sorted(islice(listing, _BLOCK), key=lambda entry: entry.name)


def _holds(test: Callable[[], bool]) -> bool:
    """An answer about an entry that may be gone, or point to itself, by now."""
    try:
        return test()
    except OSError:
        return False


def is_hidden(name: str) -> bool:
    """Whether files and folders of this name are passed over unless they are given themselves."""
    # Office programs leave `~$name` beside an open file.
    return name.startswith((".", "~$")) or name in SKIPPED_FOLDERS or name in _SKIPPED_FILES
