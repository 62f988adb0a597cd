"""What `.spanwiseignore` files leave out, by the rules of `.gitignore`.

Every folder may have such a file; its patterns apply to everything below. For a path, the deepest file with a
matching line decides, and in that file the last matching line; `!` includes again. Nothing inside an ignored
folder can be included again, because the folder is never opened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORE_FILE = ".spanwiseignore"
_MOST_BYTES = 1_000_000
_NO_PATTERN = (ValueError, re.error)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one folder; those of the folders above are `above`."""

    folder: str
    spec: GitIgnoreSpec
    above: Rules | None

    def leave_out(self, path: str, *, is_folder: bool) -> bool:
        """Whether `path`, which lies below the folder of these rules, is left out."""
        rules: Rules | None = self
        while rules is not None:
            relative = path[len(rules.folder) :].lstrip("/")
            verdict = rules.spec.check_file(f"{relative}/" if is_folder else relative).include
            if verdict is not None:
                return verdict
            rules = rules.above
        return False


def rules_in(folder: str, above: Rules | None) -> Rules | None:
    """The rules that count below `folder`: its own, if it has any, before those above."""
    try:
        with (Path(folder) / IGNORE_FILE).open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST_BYTES).removeprefix("\ufeff").splitlines()
    except OSError:
        return above
    return Rules(folder=folder, spec=_spec(lines), above=above)


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    """The patterns of a file; a line that is none counts for nothing, as in git."""
    # pathspec takes `b/**` for the folder b as well, git only for what lies in it.
    lines = [re.sub(r"/\*\*(\s*)$", r"/**/*\1", line) for line in lines]
    try:
        return GitIgnoreSpec.from_lines(lines)
    except _NO_PATTERN:
        return GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except _NO_PATTERN:
        return False
    return True
