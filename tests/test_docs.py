"""The generated parts of README and `data/docs`, and whether what stands there by hand agrees with the code.

A part between `<!-- generated: NAME -->` and `<!-- end -->` is made from the code and must not be edited:

    python -m pytest tests/test_docs.py --write-docs

writes all of them again. Without the flag a test fails when one of them is out of date.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, get_args, get_type_hints

import pytest

from index.checkpoints.presets import PRESETS
from ingest.conversion.formats import FORMATS
from ui.commands.grammar import build_parser

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "index", "qa", "ui")
PAGES = [ROOT / "README.md", *sorted((ROOT / "data" / "docs").glob("*.md"))]
TEXTS = sorted(
    {*PAGES, *ROOT.glob("data/*.md"), *ROOT.glob("data/bench/*.md"), *ROOT.glob("data/models/**/*.md")}
)
NAMES = {path: path.relative_to(ROOT).as_posix() for path in TEXTS}
MOST_LINES = 160
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_SETTINGS = re.compile(r"<!-- settings: ([\w.]+) -->\n\n(.*?)\n\n", re.DOTALL)
_BUILT_IN = ("positional arguments", "options")
_COMMON = "common options"


def commands() -> str:
    """All commands with their arguments, from the grammar."""
    parser = build_parser()
    common = _common(parser)
    lines = ["## Options of every command", "", *_table(common)]
    for sub in _commands(parser):
        lines += _command(sub, common)
    return "\n".join(lines).rstrip() + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every parser that a command line can end with, in the order of the help."""
    kinds = _kinds(parser)
    if parser.get_default("command") is not None and not (kinds and kinds.required):
        yield parser
    if kinds is not None:
        for sub in kinds.choices.values():
            yield from _commands(sub)


def _kinds(parser: argparse.ArgumentParser) -> Any:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return actions[0] if actions else None


def _command(parser: argparse.ArgumentParser, common: Sequence[argparse.Action]) -> list[str]:
    own = [action for action in parser._actions if action not in common and _is_shown(action)]
    words = [parser.prog, *(_usage(action) for action in own if not action.option_strings or action.required)]
    if any(action.option_strings and not action.required for action in own):
        words.append("[OPTIONS]")
    purpose = _text(parser.description)
    if purpose.split()[0].islower():
        purpose = purpose[0].upper() + purpose[1:]
    lines = [f"## {parser.prog}", "", f"{purpose}.", "", "```", " ".join(words), "```", ""]
    groups = [group for group in parser._action_groups if group.title not in (*_BUILT_IN, _COMMON)]
    grouped = [action for group in groups for action in group._group_actions]
    lines += _table([action for action in own if action not in grouped])
    for group in groups:
        shown = [action for action in group._group_actions if action in own]
        if shown:
            lines += [f"{str(group.title).capitalize()} ({_text(group.description)}):", "", *_table(shown)]
    return lines


def _common(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    groups = [group for group in parser._action_groups if group.title == _COMMON]
    return [action for group in groups for action in group._group_actions]


def _is_shown(action: argparse.Action) -> bool:
    hidden = isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    return not hidden and action.help is not argparse.SUPPRESS


def _usage(action: argparse.Action) -> str:
    value = _value(action)
    if action.option_strings:
        return f"{action.option_strings[0]} {value}"
    return {"+": f"{value}...", "*": f"[{value}...]", "?": f"[{value}]"}.get(str(action.nargs), value)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None and action.metavar is None:
        return "|".join(str(choice) for choice in action.choices)
    return str(action.metavar or action.dest.upper())


def _table(actions: Sequence[argparse.Action]) -> list[str]:
    if not actions:
        return []
    rows = []
    for action in actions:
        *others, last = action.option_strings or ("",)
        name = ", ".join([*others, f"{last} {_value(action)}".strip()])
        rows.append(f"| `{_cell(name)}` | {_cell(_text(action.help))} |")
    return ["| argument | meaning |", "|---|---|", *rows, ""]


def _text(text: str | None) -> str:
    return (text or "").replace("%%", "%")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def formats() -> str:
    """Which files are read, with which library and in which module."""
    lines = ["| files | read with | module |", "|---|---|---|"]
    for item in FORMATS:
        extensions = ", ".join(f"`.{extension}`" for extension in item.extensions)
        module = f"ingest/parsers/{item.converter.partition(':')[0].replace('.', '/')}.py"
        lines.append(f"| {extensions} | {item.library} | `{module}` |")
    return "\n".join(lines) + "\n"


def presets() -> str:
    """The models that have a short name."""
    lines = ["| preset | what it is | encoder | reader |", "|---|---|---|---|"]
    for preset in PRESETS.values():
        encoder, reader = (
            ("bundled", "bundled") if preset.bundled else (f"`{preset.encoder}`", f"`{preset.reader}`")
        )
        lines.append(f"| `{preset.name}` | {preset.summary} | {encoder} | {reader} |")
    return "\n".join(lines) + "\n"


def all_packages() -> str:
    """All folders of code, each with its sentence."""
    return "```\n" + "\n".join(_tree()) + "\n```\n"


def _tree() -> Iterator[str]:
    for folder in _folders():
        parts = folder.relative_to(ROOT).parts
        name = f"{'  ' * (len(parts) - 1)}{parts[-1]}/"
        yield f"{name:<18} {_sentence(folder / '__init__.py')}"


def _folders() -> list[Path]:
    return [path.parent for package in PACKAGES for path in sorted((ROOT / package).rglob("__init__.py"))]


def _sentence(path: Path) -> str:
    """The first sentence of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def layers() -> str:
    """The contracts of import-linter: each block's layers from top to bottom, then the rules of libraries."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    blocks, rules = [], []
    for contract in linter["contracts"]:
        if contract["type"] == "layers":
            blocks.append(
                "\n".join([f"{contract['name']}:", *(f"    {layer}" for layer in contract["layers"])])
            )
        else:
            rules.append(f"- {contract['name']}")
    return "```\n" + "\n\n".join(blocks) + "\n```\n\n" + "\n".join(rules) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "formats": formats,
    "presets": presets,
    "all-packages": all_packages,
    "layers": layers,
}


@pytest.mark.parametrize("page", PAGES, ids=[NAMES[page] for page in PAGES])
def test_generated_parts_are_current(page: Path, request: pytest.FixtureRequest) -> None:
    shown = page.read_text(encoding="utf-8")
    made = _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}{part[4]}", shown)
    if request.config.getoption("--write-docs"):
        page.write_text(made, encoding="utf-8")
    else:
        assert shown == made, "run python -m pytest tests/test_docs.py --write-docs"


def test_every_generator_is_used() -> None:
    used = {name for page in PAGES for _, name, _, _ in _PART.findall(page.read_text(encoding="utf-8"))}
    assert used == set(PARTS)


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_readme_names_the_folders_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme[readme.index("ingest/  ") :].partition("```")[0]
    left, right = zip(*((line[:52], line[52:]) for line in tree.splitlines()), strict=True)
    shown, package = [], ""
    for name in re.findall(r"^( *\w+)/ ", "\n".join([*left, *right]), re.MULTILINE):
        package = package if name.startswith(" ") else name
        shown.append(name if name == package else f"{package}/{name.strip()}")
    names = [folder.relative_to(ROOT).as_posix() for folder in _folders()]
    assert sorted(shown) == sorted(name for name in names if name.count("/") < 2)


def test_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"(data/docs/{page.name})" not in readme] == []


@pytest.mark.parametrize("page", TEXTS, ids=NAMES.values())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#") for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)]
    missing = [path for path, _, _ in links if path and not (page.parent / path).exists()]
    assert missing == []
    for path, _, anchor in links:
        target = page.parent / path if path else page
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target.read_text(encoding="utf-8")), f"{target.name} has no #{anchor}"


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS, ids=NAMES.values())
def test_places_in_the_code_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w/.-])(?:ingest|index|qa|ui|tests|data)/[\w/.-]*\w/?", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    for name in re.findall(r"`((?:ingest|index|qa|ui)(?:\.\w+)+)`", text):
        resolve_name(name)


def test_settings_are_those_of_the_code() -> None:
    text = (ROOT / "data" / "docs" / "training.md").read_text(encoding="utf-8")
    tables = _SETTINGS.findall(text)
    assert tables
    for name, table in tables:
        rows = [[cell.strip().strip("`") for cell in row.split("|")[1:3]] for row in table.splitlines()[2:]]
        assert rows == [[field.name, _default(field)] for field in dataclasses.fields(resolve_name(name))], (
            name
        )


def test_every_kind_of_settings_is_described() -> None:
    text = (ROOT / "data" / "docs" / "training.md").read_text(encoding="utf-8")
    described = {name for name, _ in _SETTINGS.findall(text)}
    missing = []
    for kind in map(resolve_name, sorted(described)):
        for annotation in get_type_hints(kind).values():
            for part in (annotation, *get_args(annotation)):
                name = f"{part.__module__}.{part.__qualname__}" if isinstance(part, type) else ""
                if dataclasses.is_dataclass(part) and name not in described:
                    missing.append(name)
    assert missing == []


def _default(field: dataclasses.Field[Any]) -> str:
    """A field's default as a settings file writes it."""
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    elif field.default is dataclasses.MISSING:
        return "needed"
    else:
        value = field.default
    if dataclasses.is_dataclass(value):
        plain = type(value)() if not isinstance(value, type) else value
        changed = [
            f"{item.name} = {getattr(value, item.name)}"
            for item in dataclasses.fields(value)
            if getattr(value, item.name) != getattr(plain, item.name)
        ]
        return ", ".join(changed) or "see below"
    if value is None or value in ((), {}):
        return "none"
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else _toml(value)


def _toml(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
