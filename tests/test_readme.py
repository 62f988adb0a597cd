"""What README and `data/docs` show must run: command lines and Python.

`test_docs.py` looks at everything else in these pages.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui.cli import main
from ui.commands.grammar import build_parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "data" / "docs").glob("*.md"))]
WITHOUT_MODELS = ("check", "compact", "delete", "export", "import", "models", "repair", "stats")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def shown_commands() -> Iterator[list[str]]:
    """The arguments of every spanwise command line that a page shows, each once."""
    lines = [line for page in PAGES for block in blocks(page, "console") for line in block.splitlines()]
    shown = [re.split(r"\s{2,}", line)[0] for line in lines if line.startswith("spanwise ")]
    for line in dict.fromkeys(shown):
        yield shlex.split(line.replace("...", ""))[1:]


COMMANDS = list(shown_commands())


def test_pages_show_commands() -> None:
    assert len(COMMANDS) >= 30


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_line_is_understood(words: list[str]) -> None:
    build_parser().parse_args(words)


def test_commands_that_need_no_model_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPANWISE_STORE", str(tmp_path / "library"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["init"]) == 0
    runs = [words for words in COMMANDS if words[0] in WITHOUT_MODELS and not {"compare", "KIND"} & {*words}]
    # What is exported first can be imported then; nothing called PATH_OR_ID is in the store.
    statuses = {" ".join(words): main(words) for words in sorted(runs)}
    assert {name for name, status in statuses.items() if status} == {"delete PATH_OR_ID"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "data/docs/vectors.md"])
def test_python_examples_run(name: str, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "masking.md").write_text(
        "# Masking\n\nDynamic masking was introduced by RoBERTa in 2019. Before it, masks were drawn once.\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks(ROOT / name, "python"))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if name == "README.md":
        assert lines[0].startswith("RoBERTa "), done.stdout
        assert any("Dynamic masking was introduced" in line for line in lines[1:])
    else:
        assert lines == ["lighthouse [ 4 14] (384,)"]
