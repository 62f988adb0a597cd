"""Records as rows of tables, under the names of the page's language (pure, no streamlit)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from index.records import DocumentInfo, FileReport
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.questionnaire import tame

Row = dict[str, Any]


def document_rows(documents: Iterable[DocumentInfo], say: Say) -> list[Row]:
    """A row for each document."""
    return [
        {
            say("collection.column_title"): document.title,
            say("collection.column_language"): phrasing.language_name(document.language, say),
            say("collection.column_type"): document.type,
            say("collection.column_passages"): document.passages,
            say("collection.column_characters"): document.characters,
            say("collection.column_modified"): document.modified,
            say("collection.column_path"): document.path,
        }
        for document in documents
    ]


def coverage_rows(files: Iterable[FileReport], say: Say) -> list[Row]:
    """A row for each file that was taken in."""
    return [
        {
            say("collection.column_path"): file.path,
            say("collection.column_type"): file.type,
            say("collection.column_language"): phrasing.language_name(file.language, say),
            say("collection.column_pages"): f"{file.pages_with_text}/{file.pages}" if file.pages else "–",
            say("collection.column_characters"): file.characters,
            say("collection.column_passages"): file.passages,
            say("collection.column_notes"): "; ".join(file.warnings),
        }
        for file in files
    ]


def rejected_rows(files: Iterable[FileReport], say: Say) -> list[Row]:
    """A row for each file that was left out."""
    return [
        {
            say("collection.column_path"): file.path,
            say("collection.column_reason"): say(f"rejected.{file.rejected.reason.value}"),
            say("collection.column_detail"): file.rejected.detail,
        }
        for file in files
        if file.rejected is not None
    ]


def coverage_csv(files: Sequence[FileReport], say: Say) -> bytes:
    """Every file of a report, with why it was left out if it was."""
    taken = [file for file in files if file.rejected is None]
    left_out = [file for file in files if file.rejected is not None]
    rows = [*coverage_rows(taken, say), *rejected_rows(left_out, say)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return to_csv(names, [[row.get(name, "") for name in names] for row in rows])


def to_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows below their names as CSV that spreadsheets open in any language and run nothing of."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([tame(value) for value in row] for row in rows)
    return ("\N{ZERO WIDTH NO-BREAK SPACE}" + out.getvalue()).encode(errors="replace")
