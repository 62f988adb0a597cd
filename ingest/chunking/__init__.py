"""From a Document to its passages."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.chunking.split import ChunkSettings as ChunkSettings
    from ingest.chunking.split import split as split

_HOMES = {
    "ChunkSettings": "ingest.chunking.split",
    "split": "ingest.chunking.split",
}

__all__ = ["ChunkSettings", "split"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
