"""The card of a trained model, in Markdown: its origin, its data, its figures and its settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def model_card(
    title: str, origin: str, sections: Mapping[str, Sequence[str]], settings: DataclassInstance
) -> str:
    """The card as it is written beside the weights; `sections` are lines of Markdown by their heading."""
    described = {
        **sections,
        "Settings": ["```json", json.dumps(asdict(settings), indent=1, ensure_ascii=False), "```"],
    }
    lines = [f"# {title}", "", origin, ""]
    for heading, body in described.items():
        lines += [f"## {heading}", *body, ""]
    return "\n".join(lines)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a table; cells of text may hold any character."""
    return [
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
        *(f"| {' | '.join(cell(value) for value in row)} |" for row in rows),
    ]


def cell(value: object) -> str:
    """A value as it stands in a table: whole numbers with commas, text in one line."""
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
