"""Vectors to files, row by row, however many there are: NumPy's .npy with a list beside it, or Parquet.

    vectors.npy      float32 (rows, width), and vectors.jsonl: {"row", "path", "start", "end", "text"}
    vectors.parquet  path, start, end, text, vector (a list of `width` float32)

Rows are written as they come, so memory does not grow with them. The file appears under its name when it is
whole; an interrupted run leaves the file that was there before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from index.errors import DataError
from index.protocols import Vectors

FORMATS = (".npy", ".parquet")


class VectorSink(Protocol):
    """Takes rows; `places` are (path, start, end, text) of each."""

    def add(self, places: Sequence[tuple[str, int, int, str]], vectors: Vectors) -> None:
        """Rows to append, vectors of shape (len(places), width)."""
        ...


@contextmanager
def vector_file(path: Path, dimension: int) -> Iterator[VectorSink]:
    """A file that takes rows as long as the context lasts; its suffix says which kind.

    Raises DataError for another suffix and where it cannot be written.
    """
    if path.suffix not in FORMATS:
        raise DataError(f"{path} is of no known kind", hint=f"end its name in {' or '.join(FORMATS)}")
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (_npy if path.suffix == ".npy" else _parquet)(draft, dimension) as sink:
            yield sink
        if path.suffix == ".npy":
            _beside(draft).replace(path.with_suffix(".jsonl"))
        draft.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}", hint="give another file") from error
    finally:
        for leftover in (draft, _beside(draft)):
            leftover.unlink(missing_ok=True)


class _Rows:
    def __init__(self, write: Callable[[Sequence[tuple[str, int, int, str]], Vectors], None]) -> None:
        self.add = write


@contextmanager
def _npy(path: Path, dimension: int) -> Iterator[VectorSink]:
    rows = 0
    with path.open("wb") as data, _beside(path).open("w", encoding="utf-8") as names:
        _header(data, 0, dimension)
        length = data.tell()

        def write(places: Sequence[tuple[str, int, int, str]], vectors: Vectors) -> None:
            nonlocal rows
            data.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
            for number, (document, start, end, text) in enumerate(places, start=rows):
                line = {"row": number, "path": document, "start": start, "end": end, "text": text}
                names.write(json.dumps(line, ensure_ascii=False) + "\n")
            rows += len(places)

        yield _Rows(write)
        data.seek(0)
        _header(data, rows, dimension)
        if data.tell() != length:  # numpy leaves room for the number of rows to grow
            raise DataError(f"{path} has a header that did not fit", hint="write Parquet instead")


def _header(file: BinaryIO, rows: int, dimension: int) -> None:
    shape = {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
    np.lib.format.write_array_header_1_0(file, shape)


@contextmanager
def _parquet(path: Path, dimension: int) -> Iterator[VectorSink]:
    import pyarrow
    from pyarrow import parquet

    library: Any = pyarrow  # it carries no types
    vector = library.list_(library.float32(), dimension)
    kinds = [("path", library.string()), ("start", library.int64()), ("end", library.int64())]
    schema = library.schema([*kinds, ("text", library.string()), ("vector", vector)])
    with parquet.ParquetWriter(path, schema) as writer:

        def write(places: Sequence[tuple[str, int, int, str]], vectors: Vectors) -> None:
            flat = library.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
            columns = [list(column) for column in zip(*places, strict=True)] if places else [[], [], [], []]
            values = library.FixedSizeListArray.from_arrays(flat, dimension)
            arrays = [
                library.array(column, field.type) for column, field in zip(columns, schema, strict=False)
            ]
            writer.write_table(library.Table.from_arrays([*arrays, values], schema=schema))

        yield _Rows(write)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.jsonl")
