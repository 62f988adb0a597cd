"""Jupyter notebooks: what is told in Markdown, the code, and what it showed: text, tables, pages, errors.

Read as JSON: only the text of the cells is needed, so a notebook that breaks the schema elsewhere can still
be searched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import append_html
from ingest.parsers.markdown import append_markdown
from ingest.records import RejectReason
from ingest.text.encoding import decode

_MAX_OUTPUT = 2000
_MAX_SHOWN = 20_000
_REPRESENTATION = re.compile(r"<[\w.]+ object(?: at 0x[\da-f]+)?>|<(?:Figure|Axes)\b[^>]*>")
_COLOURS = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def parse_ipynb(data: bytes, builder: TextBuilder) -> None:
    """Appends a notebook cell by cell."""
    notebook = json.loads(decode(data))
    cells = list(_cells(notebook))
    if not cells:
        raise UnparsableError(RejectReason.NO_TEXT, "a notebook without cells")
    metadata = notebook.get("metadata")
    title = metadata.get("title", "") if isinstance(metadata, dict) else ""
    builder.title = title if isinstance(title, str) else ""
    shortened = 0
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") in ("markdown", "heading"):
            append_markdown(source, builder)
            continue
        builder.block(source)
        cut = [
            _append_output(output, builder)
            for output in cell.get("outputs") or []
            if isinstance(output, dict)
        ]
        shortened += sum(cut)
    if shortened:
        builder.warnings.append(
            f"{shortened} long outputs were cut to their first {_MAX_OUTPUT:,} characters"
        )


def _cells(notebook: Any) -> Iterator[dict[str, Any]]:
    """The cells of version 4, or of the worksheets of version 3."""
    if not isinstance(notebook, dict):
        return
    sheets = notebook.get("worksheets") or [notebook]
    for sheet in sheets:
        yield from (cell for cell in sheet.get("cells", []) if isinstance(cell, dict))


def _append_output(output: dict[str, Any], builder: TextBuilder) -> bool:
    """Appends what an output shows, in the richest form that is text; whether it was cut."""
    data = output.get("data", output)
    if not isinstance(data, dict):
        return False
    markdown, page = (_joined(data.get(kind) or "") for kind in ("text/markdown", "text/html"))
    if markdown.strip():
        append_markdown(markdown[:_MAX_SHOWN], builder, level=1)
        return len(markdown) > _MAX_SHOWN
    before = len(builder)
    if page.strip():
        append_html(page[:_MAX_SHOWN], builder, level=1)
        if len(builder) > before:
            return len(page) > _MAX_SHOWN
    if output.get("output_type") in ("error", "pyerr"):
        text = ": ".join(filter(None, (str(output.get("ename") or ""), str(output.get("evalue") or ""))))
    else:
        text = _joined(data.get("text/plain") or data.get("text/latex") or output.get("text") or "")
    text = _COLOURS.sub("", text)
    if not _REPRESENTATION.fullmatch(text.strip()):
        builder.block(text[:_MAX_OUTPUT])
    return len(text) > _MAX_OUTPUT


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
