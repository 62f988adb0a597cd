"""The names of the engines, and the one that this process prefers; no model library is imported."""

from __future__ import annotations

from index.errors import ModelError

INT8, FP32, TORCH_FP32, TORCH_BF16 = "onnx-int8", "onnx-fp32", "torch-fp32", "torch-bf16"
ENGINES = (INT8, FP32, TORCH_BF16, TORCH_FP32)

_preferred: list[str] = []


def prefer(engine: str | None) -> None:
    """Let every model that this process loads from now on run on one engine; None is the fastest for each.

    Raises ModelError for a name that is no engine.
    """
    _preferred[:] = [] if engine is None else [known(engine)]


def preferred() -> str | None:
    """The engine set by `prefer`, None for the fastest."""
    return _preferred[0] if _preferred else None


def known(engine: str) -> str:
    """The same name, if it is one of `ENGINES`; else raises ModelError."""
    if engine not in ENGINES:
        raise ModelError(f"there is no engine {engine!r}", hint=f"choose one of {', '.join(ENGINES)}")
    return engine
