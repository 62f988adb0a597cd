"""The page's style sheet, scripts and icon: the files of `ui/page/static`, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "static"


@cache
def static_file(name: str) -> str:
    """The text of one of the files."""
    return (_FOLDER / name).read_text(encoding="utf-8").rstrip("\n")


def style() -> str:
    """The style sheet as HTML."""
    return f"<style>\n{static_file('style.css')}\n</style>"


def script(name: str, version: int = 0) -> str:
    """A script as HTML; a browser runs it again where `version` differs. Nothing else gets into it."""
    return f"<script>\n// {version}\n{static_file(name)}\n</script>"
