"""What a run that prunes may remove: stored paths below its roots whose files are gone or ignored today."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ingest.errors import IngestError
from ingest.files.globs import Globs
from ingest.files.walk import Walk, is_below


def require_readable(paths: Iterable[str | Path]) -> None:
    """Raises IngestError for a root that is missing or unreadable: all below it would look gone."""
    for root in (Path(path).expanduser().absolute() for path in paths):
        try:
            if root.is_dir():
                next(root.iterdir(), None)
            else:
                root.stat()
        except OSError as error:
            raise IngestError(
                f"{root} is missing or cannot be read, so nothing below it is removed: {error.strerror}",
                hint="make it readable, or run without --prune",
            ) from error


class PruneScope:
    """The paths that one walk yielded, eight bytes each, and by them which stored paths are gone.

    Nothing outside `roots`, outside `only` (where it is given), below `uploads` or left out by `globs` is
    ever gone: a run about some of the files says nothing about the others.
    """

    def __init__(
        self,
        walk: Walk,
        roots: Sequence[str],
        *,
        only: Collection[str] | None,
        globs: Globs,
        uploads: str,
    ) -> None:
        self._walk = walk
        self._roots = roots
        self._globs = globs
        self._only = only
        self._uploads = uploads
        self._hashes = array("q")
        self._sorted: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None

    def walked(self) -> Iterator[str]:
        """The paths of the walk, each noted when it is taken."""
        for path in self._walk:
            self._hashes.append(hash(path))
            yield path

    def is_gone(self, path: str) -> bool:
        """Whether a path of the scope was not yielded by the finished walk, or its file is gone since."""
        roots = [root for root in self._roots if is_below(path, root)]
        # A root inside another one is walked as a root of its own.
        if not roots or is_below(path, self._uploads) or not self._globs.pass_file(path, max(roots, key=len)):
            return False
        if self._only is not None and not any(is_below(path, wanted) for wanted in self._only):
            return False
        return not self._stands(path) and not any(is_below(path, closed) for closed in self._walk.closed)

    def _stands(self, path: str) -> bool:
        if self._sorted is None:
            self._sorted = np.sort(np.frombuffer(self._hashes, dtype=np.int64))
        position = int(np.searchsorted(self._sorted, hash(path)))
        seen = position < len(self._sorted) and self._sorted[position] == hash(path)
        return bool(seen) and Path(path).exists()
