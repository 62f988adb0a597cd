"""What `--include` and `--exclude` let through, by patterns as in `.gitignore`.

A pattern counts from the path that the user gave, as in an ignore file that stands there; a full path below
it, which shells write for `~/notes/old`, means the same. No pattern opens again what an ignore file or the
rule for hidden files leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pathspec import GitIgnoreSpec

from ingest.errors import IngestError


class Globs:
    """Which of the files below `roots` a run is about; raises IngestError for what is no pattern.

    A file passes if it matches one of `include` (where there are any) and none of `exclude`. A pattern that
    matches a folder matches all below it.
    """

    def __init__(
        self, roots: Collection[str], *, include: Sequence[str] = (), exclude: Sequence[str] = ()
    ) -> None:
        self._include = {root: _spec("--include", include, root) for root in roots} if include else None
        self._exclude = {root: _spec("--exclude", exclude, root) for root in roots} if exclude else None

    def pass_file(self, path: str, root: str) -> bool:
        """Whether a file that stands below `root` passes."""
        below = _below(path, root)
        if self._include is not None and not self._include[root].match_file(below):
            return False
        return self._exclude is None or not self._exclude[root].match_file(below)

    def pass_folder(self, path: str, root: str) -> bool:
        """Whether something in a folder that stands below `root` can pass."""
        return self._exclude is None or not self._exclude[root].match_file(f"{_below(path, root)}/")


def _below(path: str, root: str) -> str:
    """The path as patterns see it; a file that is given itself has its bare name."""
    return path.rpartition("/")[2] if path == root else path[len(root) :].lstrip("/")


def _spec(flag: str, patterns: Sequence[str], root: str) -> GitIgnoreSpec:
    folder = root.rstrip("/") + "/"
    for pattern in patterns:
        try:
            compiled = GitIgnoreSpec.from_lines([pattern])
            understood = not pattern.startswith("!") and any(item.include for item in compiled.patterns)
        except (ValueError, re.error):
            understood = False
        if not understood:
            raise IngestError(
                f"{flag} {pattern!r} is no pattern",
                hint=r"write one as in .gitignore: *.md, drafts/, notes/*.txt; "
                r"\! and \# for names that begin so",
            )
    return GitIgnoreSpec.from_lines(
        f"/{pattern.removeprefix(folder)}" if pattern.startswith(folder) else pattern for pattern in patterns
    )
