"""Documents and rejections as JSON, for the pipe between the parsing process and its parent.

One object a line. Offsets are lists of numbers, because a long PDF has thousands of source runs.
"""

from __future__ import annotations

from typing import Any

from ingest.records import Document, Heading, Page, Rejected, RejectReason, SourceRun, Span

ALIVE = "{}\n"
"""The line that says that the process is there, or that a file takes long but goes on."""


def to_json(result: Document | Rejected) -> dict[str, Any]:
    """The result as plain JSON values."""
    if isinstance(result, Rejected):
        return {"rejected": {"path": result.path, "reason": result.reason.value, "detail": result.detail}}
    return {
        "document": {
            "id": result.id,
            "content_sha256": result.content_sha256,
            "path": result.path,
            "title": result.title,
            "text": result.text,
            "type": result.type,
            "language": result.language,
            "pages": [[page.number, page.start, page.end] for page in result.pages],
            "headings": [[heading.level, heading.title, heading.start] for heading in result.headings],
            "units": [[unit.start, unit.end] for unit in result.units],
            "source_map": [
                [run.text_start, run.text_end, run.page, run.source_start] for run in result.source_map
            ],
            "metadata": dict(result.metadata),
            "parser": result.parser,
            "warnings": list(result.warnings),
            "size_bytes": result.size_bytes,
            "modified_ns": result.modified_ns,
        }
    }


def from_json(value: dict[str, Any]) -> Document | Rejected:
    """The result that `to_json` was given; `KeyError` or `ValueError` for anything else."""
    if "rejected" in value:
        fields = value["rejected"]
        reason = RejectReason(fields["reason"])
        return Rejected(path=fields["path"], reason=reason, detail=fields["detail"])
    fields = dict(value["document"])
    fields["pages"] = tuple(Page(number=n, start=start, end=end) for n, start, end in fields["pages"])
    fields["headings"] = tuple(Heading(level=n, title=title, start=at) for n, title, at in fields["headings"])
    fields["units"] = tuple(Span(start=start, end=end) for start, end in fields["units"])
    fields["source_map"] = tuple(
        SourceRun(text_start=start, text_end=end, page=page, source_start=source)
        for start, end, page, source in fields["source_map"]
    )
    fields["warnings"] = tuple(fields["warnings"])
    return Document(**fields)
