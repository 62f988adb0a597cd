import os
from pathlib import Path

import pytest

from ingest import IngestError, find_files


def _tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")


def _names(root: Path, *given: Path) -> list[str]:
    return [Path(path).relative_to(root).as_posix() for path in find_files(given)]


def test_files_come_sorted_and_without_what_is_no_document(tmp_path: Path) -> None:
    wanted = ("a.txt", "b/c.txt", "b/d/e.md", "f.txt")
    _tree(tmp_path, *wanted, ".hidden", ".git/config", "node_modules/m.md", "b/__pycache__/x.txt", "~$a.docx")
    assert _names(tmp_path, tmp_path) == list(wanted)


def test_a_hidden_path_that_is_given_is_taken(tmp_path: Path) -> None:
    _tree(tmp_path, ".notes/a.txt", ".notes/.b.txt", ".c.txt")
    assert _names(tmp_path, tmp_path / ".notes", tmp_path / ".c.txt") == [".notes/a.txt", ".c.txt"]


def test_each_file_comes_once(tmp_path: Path) -> None:
    _tree(tmp_path, "a/b.txt", "c.txt")
    assert _names(tmp_path, tmp_path / "a", tmp_path, tmp_path / "c.txt") == ["a/b.txt", "c.txt"]


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    _tree(tmp_path, "real/a.txt", "docs/b.txt")
    (tmp_path / "docs" / "more").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "real" / "back").symlink_to(tmp_path / "docs", target_is_directory=True)
    assert _names(tmp_path, tmp_path / "docs") == ["docs/b.txt", "docs/more/a.txt"]


def test_paths_are_absolute_and_keep_the_users_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tree(tmp_path, "real/a.txt")
    (tmp_path / "alias").symlink_to(tmp_path / "real", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    assert list(find_files(["alias/../alias"])) == [(tmp_path / "alias" / "a.txt").as_posix()]


def test_a_missing_path_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="nowhere") as caught:
        find_files([tmp_path, tmp_path / "nowhere"])
    assert caught.value.hint


def test_a_dangling_link_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "missing.txt")
    assert _names(tmp_path, tmp_path) == ["gone.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    _tree(tmp_path, "a.txt")
    assert _names(tmp_path, tmp_path) == ["a.txt"]
