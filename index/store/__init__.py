"""The folder that holds a collection: opened, written, exported, backed up, repaired."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from index.store.store import Store as Store

_HOMES = {
    "Store": "index.store.store",
}

__all__ = ["Store"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
