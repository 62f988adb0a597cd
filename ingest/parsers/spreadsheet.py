"""Tables as files: every row becomes one record that can be read, and found, on its own.

A row is written as `column: value; column: value` where the table names its columns, which is what a person
would say about it and what an encoder understands. Rows before the names, and tables below a blank row,
are handled as people write them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from openpyxl import load_workbook

from ingest.conversion.text_builder import TextBuilder
from ingest.parsers.common.table import header_rows, names_columns, row_in_words
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

Row = list[str]

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 100
_MOST_CELLS = 1_000_000
_BLANKS_TO_A_CELL = 100

csv.field_size_limit(2**31 - 1)


def parse_csv(data: bytes, builder: TextBuilder) -> None:
    """Appends a table of separated values, whatever separates them."""
    _parse_separated(data, builder, None)


def parse_tsv(data: bytes, builder: TextBuilder) -> None:
    """Appends a table of values separated by tabs."""
    _parse_separated(data, builder, "\t")


def parse_xlsx(data: bytes, builder: TextBuilder) -> None:
    """Appends the sheets of a workbook, each under its name."""
    builder.named_by_heading = False
    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    allowance = _Allowance()
    try:
        for sheet in workbook.worksheets:
            # Some writers declare a wrong extent, and read-only mode believes it.
            sheet.reset_dimensions()
            cells = (
                ["" if value is None else _cell(value) for value in row]
                for row in sheet.iter_rows(values_only=True)
            )
            rows = list(allowance.rows(cells, builder, f" of {sheet.title!r}"))
            if any(any(row) for row in rows):
                builder.heading(1, sheet.title)
                append_table(rows, builder)
        builder.metadata.update(_properties(workbook.properties.creator))
        builder.title = squeeze(workbook.properties.title or "")
    finally:
        workbook.close()


class _Allowance:
    """How many cells of a file's tables are read: beyond a million they are data and no text."""

    def __init__(self) -> None:
        self._cells = _MOST_CELLS

    def rows(self, rows: Iterable[Row], builder: TextBuilder, of: str = "") -> Iterator[Row]:
        """The rows until the allowance is spent; a warning where rows were left out."""
        for number, row in enumerate(rows):
            self._cells -= sum(map(bool, row)) + len(row) // _BLANKS_TO_A_CELL
            if self._cells < 0:
                limit = f"the limit is {_MOST_CELLS:,} cells in a file"
                builder.warnings.append(f"only the first {number:,} rows{of} were read: {limit}")
                return
            yield row


def append_table(rows: Iterable[Sequence[str]], builder: TextBuilder) -> None:
    """Appends rows as records, table by table: a blank row ends one."""
    block: list[Row] = []
    for row in rows:
        cells = [squeeze(cell) if cell else "" for cell in row]
        if any(cells):
            block.append(cells)
        elif block:
            _append_block(block, builder)
            block = []
    if block:
        _append_block(block, builder)


def _append_block(block: list[Row], builder: TextBuilder) -> None:
    """Lines above the names of the columns stay as they are, then one record per row."""
    block = _without_empty_columns(block)
    start = next((i for i, row in enumerate(block) if sum(map(bool, row)) > 1), len(block))
    for row in block[:start]:
        builder.paragraph(" ".join(filter(None, row)))
    body = block[start:]
    if not body:
        return
    names = body[0] if names_columns(body) else None
    for index, row in enumerate(body[1:] if names else body):
        with builder.unit():
            (builder.line if index else builder.paragraph)(row_in_words(row, names))


def _without_empty_columns(block: list[Row]) -> list[Row]:
    """The rows cut to the columns that say something; as they are where padding them would take too much."""
    used = sorted({column for row in block for column, cell in enumerate(row) if cell})
    if len(used) * len(block) > _BLANKS_TO_A_CELL * _MOST_CELLS:
        return [list(filter(None, row)) for row in block]
    return [[row[column] if column < len(row) else "" for column in used] for row in block]


def _parse_separated(data: bytes, builder: TextBuilder, delimiter: str | None) -> None:
    text = decode(data)
    match = re.match(r"sep=(.)\r?\n", text)
    if match:
        delimiter, text = match[1], text[match.end() :]
    if delimiter is None or delimiter not in text[:100_000]:
        delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter)
    append_table(_Allowance().rows(_forgiving(reader, builder), builder), builder)


def _forgiving(reader: Iterator[Row], builder: TextBuilder) -> Iterator[Row]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            builder.warnings.append(f"a row could not be read and was left out: {error}")


def _delimiter(text: str) -> str:
    """The delimiter that cuts most rows into equally many columns; csv.Sniffer falls for commas in prose."""
    sample = text[:200_000].splitlines(keepends=True)[:_SAMPLE_LINES]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = (count / widths.total()) * (1 + 0.01 * min(width, 20)) if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _cell(value: object) -> str:
    """A cell as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.12g}"
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case _:
            return str(value)


def _properties(creator: str | None) -> dict[str, str]:
    return {"author": creator} if creator and creator != "openpyxl" else {}
