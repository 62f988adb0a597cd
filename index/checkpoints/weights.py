"""A checkpoint's tensors, and the user's cache for what is derived from them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
from numpy.typing import NDArray

from index.checkpoints.compact import WeightsFile

_LOG = logging.getLogger(__name__)
# Temporary folders that live as long as this process.
_PROCESS_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


class Weights(Mapping[str, NDArray[Any]]):
    """The tensors of a checkpoint's safetensors files, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        files = [WeightsFile(path) for path in sorted(folder.glob("model*.safetensors"))]
        self._homes = {name: file for file in files for name in file.names()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._homes[name].read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of a tensor, None for one that is not there."""
        return self._homes[name].shape(name) if name in self._homes else None


def cache_folder() -> Path:
    """Where derived files of this user lie."""
    return platformdirs.user_cache_path("spanwise", appauthor=False)


def cached_folder(place: str, complete: str, make: Callable[[Path], None]) -> Path:
    """The folder `place` of the cache; `make` fills it if it is not there yet.

    `make` is given a path that does not exist and writes the file `complete` of it last. The folder appears
    whole, by a rename, or not at all. Where the cache cannot be written to, it is made for this process
    alone, in a temporary folder.
    """
    target = cache_folder() / place
    if (target / complete).is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=target.parent) as scratch:
            draft = Path(scratch) / target.name
            make(draft)
            with suppress(OSError):  # another process was as quick
                draft.rename(target)
        if (target / complete).is_file():
            return target
        raise FileNotFoundError(f"there is no {target / complete}")
    except OSError as error:
        _LOG.info("nothing can be kept in %s (%s); it is made for this process", target.parent, error)
        own = tempfile.TemporaryDirectory(prefix="spanwise-cache-")
        _PROCESS_FOLDERS.append(own)
        folder = Path(own.name) / target.name
        make(folder)
        return folder
