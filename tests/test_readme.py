"""The README is the front page: what it shows must run, and its tables must be those of the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.conversion.formats import FORMATS
from ui.commands.grammar import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = [
    line
    for block in re.findall(r"```console\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.strip()
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


def commands() -> list[list[str]]:
    """Every spanwise command line that the README shows, one for each alternative (`stats | check`)."""
    found = []
    for line in CONSOLE:
        for part in re.split(r" && ", line):
            if not part.startswith("spanwise "):
                continue
            shown = re.split(r"\s{2,}", part)[0]
            alternatives = [word.strip() for word in shown.split(" | ")]
            found += [alternatives[0], *(f"spanwise {name}" for name in alternatives[1:])]
    return [shlex.split(re.sub(r"\[[^]]*\]|\.\.\.", "", line))[1:] for line in found]


def test_readme_shows_commands() -> None:
    assert len(commands()) >= 10


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_command_line_is_understood(words: list[str]) -> None:
    if words[:1] == ["eval"]:
        for kind in words[1].split("|"):
            build_parser().parse_args(["eval", kind, *words[2:]])
    else:
        build_parser().parse_args(words)


def test_table_of_formats_is_that_of_the_code() -> None:
    table = [line for line in README.splitlines() if line.startswith("| `")]
    expected = [
        f"| {', '.join(f'`.{extension}`' for extension in item.extensions)} | {item.library} |"
        for item in FORMATS
    ]
    assert table[: len(expected)] == expected


def test_files_that_are_linked_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.slow
def test_python_examples_run(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "masking.md").write_text(
        "# Masking\n\nDynamic masking was introduced by RoBERTa in 2019. Before it, masks were drawn once.\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(PYTHON)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("RoBERTa "), done.stdout
    assert any("Dynamic masking was introduced" in line for line in lines[1:])
