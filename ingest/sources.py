"""Which files there are below the paths that a user gives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.errors import IngestError

SKIPPED_FOLDERS = frozenset(("node_modules", "__pycache__", "CVS", "__MACOSX"))
_SKIPPED_FILES = frozenset(("Thumbs.db", "desktop.ini"))


def find_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """All files at and below `paths`, each once, sorted within each path, as absolute POSIX paths.

    Hidden files and folders, version control and installed packages are left out below a given path, but a
    hidden path that is given itself is taken. Links are followed, loops are not. A folder that cannot be
    read is yielded itself, so that it is reported and not lost. Raises `IngestError` for a path that does
    not exist, before anything is yielded.
    """
    # `absolute` and not `resolve`: a path keeps the name under which the user knows it.
    roots = [Path(os.path.normpath(Path(path).expanduser().absolute())) for path in paths]
    for root in roots:
        if not root.exists():
            raise IngestError(f"there is no file or folder {root}", hint="check the spelling of the path")
    return _walk_all(roots)


def _walk_all(roots: Iterable[Path]) -> Iterator[str]:
    seen: set[str] = set()
    for root in roots:
        for path in _walk(root, frozenset()):
            if path not in seen:
                seen.add(path)
                yield path


def _walk(path: Path, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """`above` holds the folders on the way here: a link back to one of them is a loop."""
    if not path.is_dir():
        yield path.as_posix()
        return
    try:
        status = path.stat()
        children = sorted(path.iterdir())
    except OSError:
        yield path.as_posix()
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    for child in children:
        if _is_wanted(child):
            yield from _walk(child, above | {identity})


def _is_wanted(path: Path) -> bool:
    """Office programs leave `~$name` beside an open file; pipes and devices would never end."""
    name = path.name
    if name.startswith((".", "~$")) or name in SKIPPED_FOLDERS or name in _SKIPPED_FILES:
        return False
    return path.is_dir() or path.is_file() or path.is_symlink()
