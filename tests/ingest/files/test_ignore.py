"""`.spanwiseignore` against git itself, whose rules it follows."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.files.ignore import IGNORE_FILE
from ingest.files.walk import Skipped, Walk, roots_of

_NAMES = ("a", "b", "build", "notes.txt", "x.md")
_FOLDERS = ("", "a", "a/b", "build", "a/build")
_PATTERNS = st.sampled_from(
    (
        *(
            "*.md",
            "!x.md",
            "build/",
            "/a",
            "a/b",
            "a/",
            "**/b",
            "b/**",
            "!b/",
            "*",
            "!*/",
            "!notes.txt",
            "# no",
        ),
        *("notes.*", "/build", "[ab]", "a/**/notes.txt", "", "!", "\\!x", "a b"),
    )
)


def _write(path: Path, text: str = "words") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _walked(root: Path) -> set[str]:
    return {Path(path).relative_to(root).as_posix() for path in Walk(roots_of([root]))}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@settings(max_examples=25, deadline=None)
@given(
    files=st.sets(st.tuples(st.sampled_from(_FOLDERS), st.sampled_from(_NAMES[3:])), min_size=1),
    rules=st.dictionaries(st.sampled_from(_FOLDERS), st.lists(_PATTERNS, min_size=1, max_size=3), max_size=3),
)
def test_it_takes_what_git_takes(files: set[tuple[str, str]], rules: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for place, name in files:
            _write(root / place / name)
        for place, patterns in rules.items():
            _write(root / place / IGNORE_FILE, "\n".join(patterns))
        subprocess.run(["git", "init", "-q", root], check=True, capture_output=True)
        listed = subprocess.run(
            ["git", "ls-files", "--others", f"--exclude-per-directory={IGNORE_FILE}"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        assert _walked(root) == {name for name in listed if not name.endswith(IGNORE_FILE)}


def test_all_that_lies_in_a_folder_is_not_the_folder(tmp_path: Path) -> None:
    _write(tmp_path / "b" / "x.md")
    _write(tmp_path / "b" / "y.md")
    _write(tmp_path / IGNORE_FILE, "b/**\n!x.md\n")
    assert _walked(tmp_path) == {"b/x.md"}


def test_what_is_ignored_is_counted_and_taken_when_it_is_given(tmp_path: Path) -> None:
    for name in ("a.txt", "drafts/b.txt", "drafts/c.txt", "keep/d.log", ".git/x", "e.log"):
        _write(tmp_path / name)
    _write(tmp_path / IGNORE_FILE, "\ufeffdrafts/\n*.log\n[z-a]broken\n")
    _write(tmp_path / "keep" / IGNORE_FILE, "!*.log\n")
    walk = Walk(roots_of([tmp_path]))
    assert [Path(path).name for path in walk] == ["a.txt", "d.log"]
    # The ignore files are hidden themselves; nobody looks into an ignored folder.
    assert walk.skipped == {Skipped.IGNORED: 2, Skipped.HIDDEN: 3}
    given = Walk(roots_of([tmp_path / "drafts", tmp_path / "e.log", tmp_path]))
    assert [Path(path).name for path in given] == ["b.txt", "c.txt", "e.log", "a.txt", "d.log"]
