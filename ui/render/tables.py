"""Records as rows under column names of the page's language, and tables as files for spreadsheets.

What a cell holds comes from documents and from people who wrote questions, and a spreadsheet takes text that
begins with = + - @ for a formula and runs it: such cells get an apostrophe in CSV, and the type of text in
XLSX.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from index.records import DocumentInfo, FileReport
from ui.render import phrasing
from ui.render.messages import Say

Row = dict[str, Any]

_LONGEST_CELL = 32_767  # characters; Excel refuses more
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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


def to_xlsx(
    title: str, names: Sequence[str], rows: Iterable[Sequence[Any]], *, widths: Sequence[int]
) -> bytes:
    """A workbook with one sheet of that title; `widths` are those of its first columns, in characters."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width

    def cell(value: Any, *, bold: bool = False) -> Any:
        made = WriteOnlyCell(sheet, value=_legal(value))
        if isinstance(value, str):
            made.data_type = "s"  # without this a text that begins with = is a formula
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([cell(name, bold=True) for name in names])
    for row in rows:
        sheet.append([cell(value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def tame(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    >>> tame("=1+1"), tame(-3), tame("plain")
    ("'=1+1", -3, 'plain')
    """
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip(" \n").startswith(_FORMULA) else value


def _legal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # What XML has no place for, and what Excel cuts off with a complaint.
    kept = "".join(char for char in value if char >= " " or char in "\t\n\r")
    kept = kept.encode(errors="replace").decode()
    return kept.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")[:_LONGEST_CELL]
