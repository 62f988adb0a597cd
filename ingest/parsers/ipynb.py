"""Jupyter notebooks: the Markdown, the code, and the beginning of its output.

Read as JSON: only the text of the cells is needed, so a notebook that breaks the schema elsewhere can still
be searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.markdown import append_markdown
from ingest.records import RejectReason
from ingest.text.encoding import decode

_MAX_OUTPUT = 2000


def parse_ipynb(data: bytes, builder: TextBuilder) -> None:
    """Appends a notebook cell by cell."""
    notebook = json.loads(decode(data))
    cells = list(_cells(notebook))
    if not cells:
        raise UnparsableError(RejectReason.NO_TEXT, "a notebook without cells")
    title = notebook.get("metadata", {}).get("title", "")
    builder.title = title if isinstance(title, str) else ""
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") in ("markdown", "heading"):
            append_markdown(source, builder)
            continue
        builder.block(source)
        for output in cell.get("outputs", []):
            builder.block(_output(output)[:_MAX_OUTPUT])


def _cells(notebook: Any) -> Iterator[dict[str, Any]]:
    """The cells of version 4, or of the worksheets of version 3."""
    if not isinstance(notebook, dict):
        return
    sheets = notebook.get("worksheets") or [notebook]
    for sheet in sheets:
        yield from (cell for cell in sheet.get("cells", []) if isinstance(cell, dict))


def _output(output: Any) -> str:
    """The plain text of an output; pictures and widgets have none."""
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    if isinstance(data, dict):
        return _joined(data.get("text/plain", ""))
    return _joined(output.get("text", ""))


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
