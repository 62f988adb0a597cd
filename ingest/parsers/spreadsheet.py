"""Tables as files: every row becomes one record that can be read, and found, on its own.

A row is written as `column: value; column: value` where the table names its columns, which is what a person
would say about it and what an encoder understands. Rows before the names, and tables below a blank row,
are handled as people write them.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from openpyxl import load_workbook

from ingest.conversion.text_builder import TextBuilder
from ingest.parsers.common.number_format import plain, shown
from ingest.parsers.common.sheet_parts import Merged, SheetParts
from ingest.parsers.common.table import Grid, combined, distinct_by_kind, filled, header_rows, lines
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

Row = list[str]

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 100
_MOST_CELLS = 1_000_000
_MOST_MERGED = 200_000
_LONGEST_SPREAD = 200
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
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for sheet in workbook.worksheets:
                # Some writers declare a wrong extent, and read-only mode believes it.
                sheet.reset_dimensions()
                parts = SheetParts.of(archive, getattr(sheet, "_worksheet_path", ""))
                rows = list(allowance.rows(_shown_rows(sheet, parts), builder, f" of {sheet.title!r}"))
                if any(any(row) for row in rows) or parts.texts:
                    builder.heading(1, sheet.title)
                    append_table(rows, builder, merged=parts.merged)
                for text in parts.texts:
                    builder.paragraph(text)
                if parts.unknown_results:
                    what = f"{parts.unknown_results:,} formulas of {sheet.title!r} have no stored result"
                    builder.warnings.append(f"{what}; open and save the file in a spreadsheet program")
        builder.metadata.update(_properties(workbook.properties.creator))
        builder.title = squeeze(workbook.properties.title or "")
    finally:
        workbook.close()


def _shown_rows(sheet: object, parts: SheetParts) -> Iterator[Row]:
    """The sheet's cells as it shows them, with the comments on them."""
    formats: dict[object, str] = {}
    for number, row in enumerate(sheet.iter_rows(), start=1):  # type: ignore[attr-defined]
        texts: Row = []
        for column, cell in enumerate(row, start=1):
            value = cell.value
            if value is None:
                text = ""
            elif isinstance(value, str):
                text = value
            else:
                style = getattr(cell, "_style_id", 0)
                if style not in formats:
                    formats[style] = cell.number_format
                text = _cell(value, formats[style])
            comment = parts.comments.get((number, column))
            texts.append(f"{text} [{comment}]".strip() if comment else text)
        yield texts


def _cell(value: object, code: str) -> str:
    """A cell in its format; in its plain form where the format is beyond what is known of them."""
    try:
        return shown(value, code)
    except (ValueError, OverflowError, IndexError, ArithmeticError):
        return plain(value) if isinstance(value, int | float) else str(value)


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


@dataclass(slots=True)
class _Names:
    """The columns that a table names, by their places in the sheet; `pending` is a lone row of names."""

    places: dict[int, str]
    pending: Row | None = None


def append_table(
    rows: Iterable[Sequence[str]], builder: TextBuilder, *, merged: Sequence[Merged] = ()
) -> None:
    """Appends rows as records, table by table; a blank row ends one unless the next goes on with it."""
    texts = [[squeeze(cell) if cell else "" for cell in row] for row in rows]
    joined = _spread(texts, merged)
    names = _Names({})
    start = 0
    for at in range(len(texts) + 1):
        if at < len(texts) and any(texts[at]):
            continue
        if at > start:
            _append_block(
                texts[start:at], {(row - start, c) for row, c in joined if start <= row < at}, builder, names
            )
        start = at + 1
    if names.pending is not None:
        _append_records(iter([" | ".join(filter(None, names.pending))]), builder)


def _spread(texts: list[Row], merged: Sequence[Merged]) -> set[tuple[int, int]]:
    """Repeats merged cells where they reach; the places that belong to the cell at their left."""
    joined: set[tuple[int, int]] = set()
    left = _MOST_MERGED
    for top, first, bottom, last in merged:
        bottom = min(bottom, len(texts) - 1)
        if top >= len(texts) or first >= len(texts[top]) or not texts[top][first]:
            continue
        text = texts[top][first]
        left -= (bottom - top + 1) * (last - first + 1)
        if left < 0:
            break
        for row in range(top, bottom + 1):
            texts[row] += [""] * (last + 1 - len(texts[row]))
            for column in range(first, last + 1):
                if row == top or len(text) <= _LONGEST_SPREAD:
                    texts[row][column] = text
                if column > first:
                    joined.add((row, column))
    return joined


def _append_block(
    block: list[Row], joined: set[tuple[int, int]], builder: TextBuilder, names: _Names
) -> None:
    """Lines above the names of the columns stay as they are, then one record per row."""
    used = _used_columns(block, joined)
    if used is None:
        _append_records((" | ".join(filter(None, row)) for row in block), builder)
        return
    place = {column: at for at, column in enumerate(used)}
    grid = Grid(
        rows=[[row[column] if column < len(row) else "" for column in used] for row in block],
        joined={(row, place[c]) for row, c in joined if c in place},
    )
    start = next((i for i in range(len(grid.rows)) if not grid.says_one_thing(i)), len(grid.rows))
    for row in grid.rows[:start]:
        builder.paragraph(" ".join(dict.fromkeys(filter(None, row))))
    body = Grid(rows=grid.rows[start:], joined={(row - start, c) for row, c in grid.joined if row >= start})
    if not body.rows:
        return
    count = header_rows(body.rows)
    carried = [names.places.get(column, "") for column in used] if names.places else []
    fits = start == 0 and bool(carried) and all(carried[1:]) and any(carried)
    if fits and (not count or names.pending is not None or not distinct_by_kind(body.rows)):
        names.pending = None
        _append_records(lines(body, guess=False, names=carried), builder)
        return
    if names.pending is not None:
        _append_records(iter([" | ".join(filter(None, names.pending))]), builder)
        names.pending = None
    names.places = {}
    if count:
        head = body.rows[:count]
        told = combined([*map(filled, head[:-1]), head[-1]])
        names.places = dict(zip(used, told, strict=True))
    elif len(body.rows) == 1 and header_rows([body.rows[0], ["0"] * len(used)]) == 1:
        names.places = dict(zip(used, body.rows[0], strict=True))
        names.pending = body.rows[0]
        return
    _append_records(lines(body), builder)


def _append_records(records: Iterator[str], builder: TextBuilder) -> None:
    for index, record in enumerate(records):
        with builder.unit():
            (builder.line if index else builder.paragraph)(record)


def _used_columns(block: list[Row], joined: set[tuple[int, int]]) -> list[int] | None:
    """The columns that say something of their own; None where padding to them would take too much."""
    used = sorted(
        {c for at, row in enumerate(block) for c, cell in enumerate(row) if cell and (at, c) not in joined}
    )
    return None if len(used) * len(block) > _BLANKS_TO_A_CELL * _MOST_CELLS else used


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


def _properties(creator: str | None) -> dict[str, str]:
    return {"author": creator} if creator and creator != "openpyxl" else {}
