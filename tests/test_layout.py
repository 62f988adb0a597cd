"""The shape of the repository: what may lie where, and that the packages tested are those here."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "index", "qa", "ui")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
MOST_MODULES = 13
NAME = {path: path.relative_to(ROOT).as_posix() for path in MODULES}


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_the_one_of_this_checkout(package: str) -> None:
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).parent == ROOT / package


def test_top_level_holds_only_what_belongs_there() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    allowed = {"pyproject.toml", "README.md", *PACKAGES, "tests", "data"}
    assert {name for name in top if not name.startswith(".")} <= allowed


def test_nothing_beside_the_page_shadows_a_package_or_the_standard_library() -> None:
    # `streamlit run ui/app.py` puts the folder ui/ first on the path.
    names = {path.stem for path in (ROOT / "ui").iterdir()}
    assert not names & {*PACKAGES, *sys.stdlib_module_names}


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_wheel_lists_every_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in MODULES if path.stem == "__init__"}
    assert set(settings["packages"]) == {*packages, "spanwise_data"}


def test_the_wheel_takes_along_every_file_that_is_no_module() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    carried = {
        path
        for package, patterns in settings["package-data"].items()
        if package != "spanwise_data"
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    files = {path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    assert {path for path in files if path.suffix not in (".py", ".pyc")} == carried


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_folder_is_small_enough_to_be_read_at_a_glance(folder: Path) -> None:
    assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) <= MOST_MODULES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_folder_says_in_one_sentence_what_it_holds(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    first = docstring.split("\n\n")[0]
    assert re.fullmatch(r"[^.\n]{10,110}\.", first.replace("\n", " ")), first


@pytest.mark.parametrize("area", PACKAGES)
def test_tests_mirror_the_folders(area: str) -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests" / area).rglob("test_*.py")}
    # What is tested as a whole has a folder of its own.
    assert {folder for folder in folders if not (ROOT / folder).is_dir()} <= {Path("ingest/hostile")}


def test_data_holds_no_python() -> None:
    assert not list((ROOT / "data").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=NAME.values())
def test_module_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").lstrip().startswith(('"""', "#!")), "no module docstring"
