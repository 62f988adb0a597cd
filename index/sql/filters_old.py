"""Patterns over absolute paths (pure): gitwildmatch, and where all matches must begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

_FIXED = re.compile(r"/[^*?\[\\]*")


class PathPatterns:
    """Patterns of which one must match; what names something on this disk from here is made absolute."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_absolute(pattern) for pattern in patterns]
        self._spec = GitIgnoreSpec.from_lines(self._patterns)

    def match(self, path: str) -> bool:
        """Whether an absolute POSIX path fits."""
        return self._spec.match_file(path.lstrip("/"))

    @property
    def prefixes(self) -> tuple[str, ...] | None:
        """What every path that fits begins with, one of these; None where that cannot be said.

        >>> PathPatterns(["/library/*.pdf", "!/library/old.pdf"]).prefixes
        ('/library/',)
        """
        found = []
        for pattern in self._patterns:
            if pattern.startswith("!") or not pattern.strip():
                continue
            fixed = _FIXED.match(pattern)
            if fixed is None:
                return None
            found.append(fixed.group().rstrip())
        return tuple(found)


def _absolute(path: str) -> str:
    if not path.startswith("/") and Path(path).exists():
        path = Path(path).resolve().as_posix()
    return path
