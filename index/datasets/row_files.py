"""Rows of the files that people label in: tables with tabs or commas, JSON lines, each also gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.errors import DataError


def file_kind(path: Path) -> str:
    """The ending that says how to read a file, such as `.csv`, without a `.gz` after it."""
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def text_of(path: Path) -> str:
    """The file's text, unpacked where it is gzip; raises DataError."""
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", hint="give the path of a file of labelled rows") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="it must be UTF-8, plain or gzip") from error


def objects(path: Path, text: str, *, hint: str) -> Iterator[tuple[str, Any]]:
    """(place, what stands there) for every line of JSON lines; raises DataError for one that is no JSON."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, {where}: not JSON ({error})", hint=hint) from error
        yield where, record


def tab_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every line; quotation marks are text."""
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.rstrip("\r").split("\t")


def comma_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(last line, fields) of every row of a CSV table; raises csv.Error."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in reader:
        yield reader.line_num, row
