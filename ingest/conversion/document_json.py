"""Documents and rejections as JSON values and back: for the parsing process, SQL and exports.

Offsets are lists of numbers, because a long PDF has thousands of source runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.records import Document, Heading, Page, Rejected, RejectReason, SourceRun, Span

ALIVE = "{}\n"
"""What the parsing process writes when it has started, and while a file takes long but goes on."""

_PLAIN = (
    "id", "content_sha256", "path", "title", "text", "type", "language", "parser", "size_bytes",
    "modified_ns",
)  # fmt: skip


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
    """The fields of the Document that `layout_of` was given; KeyError or ValueError for anything else."""
    return {
        "warnings": tuple(layout.get("warnings", ())),  # stores of the first version have none
        "pages": tuple(Page(number=n, start=s, end=e) for n, s, e in layout["pages"]),
        "headings": tuple(Heading(level=n, title=t, start=s) for n, t, s in layout["headings"]),
        "units": tuple(Span(start=s, end=e) for s, e in layout["units"]),
        "source_map": tuple(
            SourceRun(text_start=s, text_end=e, page=p, source_start=c) for s, e, p, c in layout["source_map"]
        ),
    }


def to_json(result: Document | Rejected) -> dict[str, Any]:
    """The result as plain JSON values."""
    if isinstance(result, Rejected):
        return {"rejected": {"path": result.path, "reason": result.reason.value, "detail": result.detail}}
    plain = {name: getattr(result, name) for name in _PLAIN}
    return {"document": {**plain, "metadata": dict(result.metadata), **layout_of(result)}}


def from_json(value: Mapping[str, Any]) -> Document | Rejected:
    """The result that `to_json` was given; KeyError or ValueError for anything else."""
    if "rejected" in value:
        fields = value["rejected"]
        reason = RejectReason(fields["reason"])
        return Rejected(path=fields["path"], reason=reason, detail=fields["detail"])
    fields = value["document"]
    return Document(**{**fields, **layout_records(fields)})
