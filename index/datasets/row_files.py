"""Files of labelled rows: tables with tabs or commas, JSON lines, each also gzipped, with or without a BOM.

Whatever is wrong with a file is a DataError that names the file, and the line where one is wrong.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from index.errors import DataError

_TABLES = (".csv", ".tsv", ".txt")

# (place, names of the columns there) -> the column of each field, None for a first row that is no header.
Columns = Callable[[str, Sequence[str]], Mapping[str, str] | None]


def rows(
    path: Path, columns: Columns, *, unnamed: Sequence[str], form: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(line, {field: value}) of every row that is not blank: .csv, .tsv and .txt (tabs), .jsonl, also .gz.

    `columns` finds the fields among the header's names, or among those of each JSON object; a table without
    a header has the fields `unnamed`, in this order. `form` says in errors what the file should look like.
    """
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind == ".jsonl":
        for where, record in objects(path, hint=form):
            names = list(record) if isinstance(record, Mapping) else []
            fields = columns(f"{path}, {where}", names)
            if fields is None:
                raise DataError(f"{path}, {where}: no object with names", hint=form)
            yield where, {field: record[name] for field, name in fields.items()}
    elif kind in _TABLES:
        yield from _table_rows(path, kind, columns, unnamed, form)
    else:
        raise DataError(f"{path} is of a kind that is not known here", hint=form)


def _table_rows(
    path: Path, kind: str, columns: Columns, unnamed: Sequence[str], form: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    places: dict[str, int] | None = None
    text = text_of(path)
    try:
        for number, row in _comma_rows(text) if kind == ".csv" else tab_rows(text):
            if not any(field.strip() for field in row):
                continue
            if places is None:
                names = [field.strip() for field in row]
                fields = columns(f"{path}, the first row", names)
                if fields is not None:
                    places = {field: names.index(name) for field, name in fields.items()}
                    continue
                places = {field: place for place, field in enumerate(unnamed)}
            if max(places.values()) >= len(row):
                raise DataError(f"{path}, line {number}: {len(row)} columns are too few", hint=form)
            yield f"line {number}", {field: row[place] for field, place in places.items()}
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table: {error}", hint=form) from error


def bytes_of(path: Path, *, kind: str = "a file of labelled rows") -> bytes:
    """The file's content, unpacked where it is gzip; `kind` names what was expected where there is none."""
    try:
        content = path.read_bytes()
        packed = path.suffix == ".gz" or content[:2] == b"\x1f\x8b"
        return gzip.decompress(content) if packed else content
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", hint=f"give the path of {kind}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            hint="check the file and its permissions (plain or gzip)",
        ) from error


def text_of(path: Path) -> str:
    """The file's text, unpacked where it is gzip."""
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: {error}", hint="it must be UTF-8, plain or gzip") from error


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """(place, line without its end) of every line that is not blank."""
    for number, line in enumerate(io.StringIO(text_of(path), newline="\n"), start=1):
        if line.strip():
            yield f"line {number}", line.rstrip("\r\n")


def objects(path: Path, *, hint: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of every line of JSON lines."""
    for where, line in lines(path):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, {where}: not JSON ({error})", hint=hint) from error
        yield where, record


def tab_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every line; quotation marks are text."""
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.rstrip("\r").split("\t")


def _comma_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(last line, fields) of every row of a CSV table; raises csv.Error."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in reader:
        yield reader.line_num, row
