import os
from pathlib import Path

import pytest

from ingest import IngestError, find_files
from ingest.files.globs import Globs
from ingest.files.walk import Skipped, Walk, roots_of


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


def test_overlapping_roots_give_each_file_once_in_any_order(tmp_path: Path) -> None:
    _tree(tmp_path, "a/b/c.txt", "a/d.txt", "e.txt")
    roots = [tmp_path / "a", tmp_path, tmp_path / "a" / "b", tmp_path, tmp_path / "a" / "d.txt"]
    for given in (roots, roots[::-1]):
        assert sorted(_names(tmp_path, *given)) == ["a/b/c.txt", "a/d.txt", "e.txt"]


def test_folders_that_link_to_each_other_do_not_multiply(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(9)]
    for folder in folders:
        _tree(folder, "a.txt")
        for other in folders:
            if other is not folder:
                (folder / f"to{other.name}").symlink_to(other, target_is_directory=True)
    walk = Walk(roots_of([tmp_path]))
    names = list(walk)
    assert len(names) == len(set(names)) <= 2 * len(folders)
    assert {Path(name).relative_to(tmp_path).as_posix() for name in names} >= {f"{n}/a.txt" for n in range(9)}
    assert walk.skipped[Skipped.LOOP] > 0


def test_a_link_to_itself_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(tmp_path / "self")
    _tree(tmp_path, "a.txt")
    assert _names(tmp_path, tmp_path) == ["a.txt", "self"]


def test_folders_may_lie_deeper_than_programs_call(tmp_path: Path) -> None:
    folder = tmp_path
    depth = (3800 - len(str(tmp_path))) // 2
    try:
        for _ in range(depth):
            folder /= "d"
            folder.mkdir()
        (folder / "a.txt").write_text("text")
        assert _names(tmp_path, tmp_path) == ["d/" * depth + "a.txt"]
    finally:
        # From the inside: what clears temporary folders away later calls itself once a level.
        (folder / "a.txt").unlink(missing_ok=True)
        for _ in range(depth):
            folder.rmdir()
            folder = folder.parent


def test_large_folders_are_listed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.files.walk._BLOCK", 3)
    wanted = [f"{number}.txt" for number in range(10)]
    _tree(tmp_path, *wanted)
    assert sorted(_names(tmp_path, tmp_path)) == wanted


def test_a_pass_can_be_restricted_to_what_changed(tmp_path: Path) -> None:
    _tree(tmp_path, "a/b/c.txt", "a/b/d.txt", "a/e.txt", "f.txt", ".h/i.txt", "j/k.txt")
    (tmp_path / "a" / ".spanwiseignore").write_text("d.txt")

    def walked(*only: str) -> list[str]:
        wanted = [(tmp_path / name).as_posix() for name in only]
        walk = Walk(roots_of([tmp_path, tmp_path / "j"]), only=wanted)
        return [Path(path).relative_to(tmp_path).as_posix() for path in walk]

    assert walked("a/b") == ["a/b/c.txt"]
    assert walked("a/b/d.txt", "f.txt", ".h/i.txt", "gone.txt") == ["f.txt"]
    assert walked("j/k.txt") == ["j/k.txt"]
    assert walked("") == ["a/b/c.txt", "a/e.txt", "f.txt", "j/k.txt"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tree(tmp_path, "a/b.txt", "c/d.txt")
    listing = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr("ingest.files.walk.os.scandir", refusing)
    walk = Walk(roots_of([tmp_path]))
    assert [Path(path).relative_to(tmp_path).as_posix() for path in walk] == ["a", "c/d.txt"]
    assert walk.closed == [(tmp_path / "a").as_posix()]


def test_a_name_that_is_not_utf8_ends_no_walk(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    try:
        with open(odd, "wb") as file:  # noqa: PTH123 - a name that no Path is made of
            file.write(b"words")
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    (tmp_path / "good.txt").write_text("words")
    walk = Walk(roots_of([tmp_path]))
    assert list(walk) == [f"{tmp_path.as_posix()}/good.txt"]
    assert walk.unnamable == [f"{tmp_path.as_posix()}/caf\\xe9.txt"]


def test_patterns_choose_among_the_files(tmp_path: Path) -> None:
    _tree(tmp_path, "a.md", "b.adoc", "c.txt", "old/d.md", "new/old/e.md", "new/f.md", ".g.md", "notes/h.txt")
    (tmp_path / ".spanwiseignore").write_text("new/f.md")

    def walked(*, include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), below: str = "") -> list[str]:
        roots = roots_of([tmp_path / below])
        walk = Walk(roots, globs=Globs(roots, include=include, exclude=exclude))
        names = [Path(path).relative_to(tmp_path).as_posix() for path in walk]
        assert len(names) == 6 or walk.skipped[Skipped.EXCLUDED] > 0
        return names

    assert len(walked()) == 6
    assert walked(include=("*.md",)) == ["a.md", "new/old/e.md", "old/d.md"]
    assert walked(include=("*.md", "notes/"), exclude=("old/",)) == ["a.md", "notes/h.txt"]
    assert walked(include=("*.md",), exclude=("/old",)) == ["a.md", "new/old/e.md"]
    assert walked(exclude=(f"{tmp_path}/new/old", "*.txt", "b.*")) == ["a.md", "old/d.md"]
    assert walked(include=("new/**",)) == ["new/old/e.md"]  # what is ignored stays so
    assert walked(below="c.txt", include=("*.md",)) == []
    assert walked(below="c.txt", exclude=("*.txt",)) == []


@pytest.mark.parametrize("pattern", ["", "# notes", "!keep.md", "a**["])
def test_what_is_no_pattern_is_named(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(IngestError, match="--exclude") as caught:
        Globs([tmp_path.as_posix()], exclude=[pattern])
    assert repr(pattern) in str(caught.value)
    assert "gitignore" in caught.value.hint
