"""The places in a document as plain lists, for a JSON column and for files, and back.

Offsets are lists of numbers, because a long PDF has thousands of source runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.records import Document, Heading, Page, SourceRun, Span


def layout_of(document: Document) -> dict[str, Any]:
    """Pages, headings, units, source map and the parser's warnings."""
    return {
        "warnings": list(document.warnings),
        "pages": [[page.number, page.start, page.end] for page in document.pages],
        "headings": [[heading.level, heading.title, heading.start] for heading in document.headings],
        "units": [[unit.start, unit.end] for unit in document.units],
        "source_map": [
            [run.text_start, run.text_end, run.page, run.source_start] for run in document.source_map
        ],
    }


def layout_records(layout: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Document that `layout_of` was given; KeyError or ValueError for anything else."""
    return {
        "warnings": tuple(layout.get("warnings", ())),  # stores of the first version have none
        "pages": tuple(Page(number=n, start=s, end=e) for n, s, e in layout["pages"]),
        "headings": tuple(Heading(level=n, title=t, start=s) for n, t, s in layout["headings"]),
        "units": tuple(Span(start=s, end=e) for s, e in layout["units"]),
        "source_map": tuple(
            SourceRun(text_start=s, text_end=e, page=p, source_start=c) for s, e, p, c in layout["source_map"]
        ),
    }
