"""A table row in words, for every file format.

`column: value; column: value` where the table names its columns: a row must make sense alone, because it
will be found alone, and an encoder understands it so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MAX_NAME = 80
_VALUE = re.compile(r"^[\s$€£¥+-]*[\d.,:/\s%-]*\d[\d.,:/\s%-]*\w{0,3}$")


def names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: words, all different, none of them repeated below."""
    first = [cell for cell in rows[0] if cell]
    if len(rows) < 2 or len(first) < max(2, len(rows[0]) - 1) or len(set(first)) < len(first):
        return False
    if any(len(cell) > _MAX_NAME or _VALUE.match(cell) or cell.endswith(":") for cell in first):
        return False
    below = {cell for row in rows[1:] for cell in row}
    return not below.intersection(first)


def row_in_words(row: Sequence[str], names: Sequence[str] | None) -> str:
    """The row with the names of its columns where there are as many, its cells side by side otherwise."""
    if names is None or len(names) != len(row):
        return " | ".join(cell for cell in row if cell)
    fields = (f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=True) if cell)
    return "; ".join(fields)
