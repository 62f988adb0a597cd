"""The shape of the repository: what may lie where, and that the packages tested are those here."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "index", "qa", "ui")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FRONT_DOORS = {
    "faiss": {"index/vectors.py"},
    "tantivy": {"index/lexical.py"},
    "sqlalchemy": {
        *("index/database.py", "index/schema.py", "index/catalog.py"),
        # The parts of the catalogue.
        *("index/audit.py", "index/coverage.py", "index/succession.py", "index/holdings.py"),
        *(
            "index/listing.py",
            "index/mending.py",
            "index/rejections.py",
            "index/remarks.py",
            "index/revisions.py",
        ),
        *("index/selecting.py", "index/upkeep.py", "index/copying.py", "index/tracing.py"),
        *(f"index/migrations/{name}.py" for name in ("__init__", "versions/schema_1", "versions/schema_2")),
    },
    "transformers": {"index/torch_models.py"},
    "onnxruntime": {"index/onnx_engine.py"},
    "onnx": {"index/graph.py", "index/onnx_engine.py"},
    "matplotlib": {"qa/plots.py"},
}
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


def test_no_module_shadows_a_package_or_the_standard_library() -> None:
    names = {path.stem for path in MODULES if path.stem not in ("__init__", "__main__")}
    assert not names & {*PACKAGES, *sys.stdlib_module_names}


def test_tests_are_flat_and_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_data_holds_no_python() -> None:
    assert not list((ROOT / "data").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=NAME.values())
def test_module_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").lstrip().startswith(('"""', "#!")), "no module docstring"


@pytest.mark.parametrize("library", FRONT_DOORS)
def test_library_has_one_front_door(library: str) -> None:
    importing = {
        NAME[path]
        for path in MODULES
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith((f"import {library}", f"from {library}"))
    }
    assert importing <= FRONT_DOORS[library]
