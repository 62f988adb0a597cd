"""The processor and memory of this machine; no model library is imported."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "i8mm",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The processor: its name, the cores that this process may use, and the instructions that matter."""

    processor: str
    cores: int
    instructions: tuple[str, ...]

    @property
    def multiplies_bytes(self) -> bool:
        """Whether products of int8 are summed in 32 bits by one instruction, without saturation."""
        return bool({"avx512_vnni", "avx_vnni", "amx_int8", "asimd"} & set(self.instructions))

    @property
    def multiplies_bfloat16(self) -> bool:
        """Whether bfloat16 is faster than float32."""
        return bool({"avx512_bf16", "amx_bf16"} & set(self.instructions))

    def has_accelerator(self) -> bool:
        """Whether PyTorch is worth asking for a GPU: there is a driver, or it is Apple silicon."""
        apple = sys.platform == "darwin" and platform.machine() == "arm64"
        return apple or shutil.which("nvidia-smi") is not None


@cache
def this_machine() -> Machine:
    """The machine that this process runs on."""
    name, flags = platform.processor() or platform.machine(), frozenset[str]()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = frozenset(value.split())
    except OSError:  # not Linux
        flags = frozenset({"asimd"}) if platform.machine() in ("arm64", "aarch64") else flags
    return Machine(
        processor=name, cores=_cores(), instructions=tuple(flag for flag in _FLAGS if flag in flags)
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resident_bytes() -> int:
    """The memory that this process holds now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    # Linux counts in kilobytes, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
