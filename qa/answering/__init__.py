"""From the spans of all passages to one cited answer."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.answering.answerer import Answerer as Answerer

_HOMES = {
    "Answerer": "qa.answering.answerer",
}

__all__ = ["Answerer"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
