"""Reads the lines of an export; the form of the lines stands in `export`.

    read_export   checks the first line, and gives the others one by one, each checked

A damaged line is a value (`ImportProblem`), never an error, so that the lines around it can be imported.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from index.errors import DataError
from index.protocols import Vectors
from index.records import Feedback, FileState, ImportProblem, Label
from index.sql.schema import VECTOR
from index.store.export import CHECKED_FROM, CHECKSUM, FORMAT, STANDARD, VERSION
from ingest.conversion.document_json import layout_records
from ingest.records import Document, Passage, RejectReason, document_id

_LONGEST_LINE = 1 << 30
_BATCH_PASSAGES = 256
_UNIT_ERROR = 0.01
_HINT = "give a file written by: spanwise export"
_CALIBRATION = re.compile(r"[A-Za-z0-9_-]{1,100}\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: whose vectors the file holds, if any, and how many documents."""

    documents: int
    encoder: str | None
    reader: str | None
    fingerprint: str | None
    dimension: int
    vectors: bool

    @property
    def models(self) -> str:
        """Encoder and reader of the store it came from, as `--models` takes them."""
        return f"{self.encoder or ''},{self.reader or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A document out of an export, with the vectors that came with it by the index of the passage."""

    document: Document
    paths: tuple[tuple[str, FileState], ...]
    passages: tuple[Passage, ...]
    vectors: Mapping[int, Vectors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A file with fitted confidence, under its name."""

    name: str
    content: str


Line = Imported | Label | Feedback | tuple[str, FileState, RejectReason, str, str] | Calibration


@dataclass(slots=True)
class Export:
    """An export that is being read."""

    header: Header
    _file: IO[bytes]
    problems: list[ImportProblem] = field(default_factory=list)

    def lines(self) -> Iterator[Line]:
        """What the lines hold; those that cannot be read are noted in `problems`."""
        number, read, end = 1, 0, None
        for number, raw in self._raw_lines():
            if end is not None:
                self._note(number, "it stands after the last line")
                break
            try:
                value = _checked(raw)
                if "end" in value:
                    end = value["end"]["lines"]
                    continue
                line = _line(value, self.header)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
                self._note(number, _why(error))
            else:
                yield line
            read += 1
        if end is None:
            self._note(number + 1, f"the file ends before its last line, after {read} of its entries")
        elif end != read:
            self._note(number, f"there are {read} entries and should be {end}")

    def _raw_lines(self) -> Iterator[tuple[int, bytes]]:
        number = 1
        while True:
            number += 1
            try:
                raw = self._file.readline(_LONGEST_LINE)
            except (OSError, EOFError, zlib.error) as error:
                self._note(number, f"the file cannot be read from here on: {error}")
                return
            if not raw:
                return
            if raw.strip():
                yield number, raw

    def _note(self, line: int, detail: str) -> None:
        self.problems.append(ImportProblem(line=line, detail=detail))


@contextmanager
def read_export(source: str | Path) -> Iterator[Export]:
    """Open an export (`-` is standard input); raises DataError for any other file."""
    if str(source) == STANDARD:
        yield Export(_header(sys.stdin.buffer, "standard input"), sys.stdin.buffer)
        return
    path = Path(source).expanduser()
    try:
        raw = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", hint=_HINT) from error
    with raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
        yield Export(_header(file, str(path)), file)


def _header(file: IO[bytes], name: str) -> Header:
    try:
        value = json.loads(file.readline(1 << 20))
        if value["format"] != FORMAT:
            raise ValueError(value["format"])
        version = int(value["version"])
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} is no export of Spanwise", hint=_HINT) from error
    if version > VERSION:
        raise DataError(
            f"{name} is an export of version {version}, this version of Spanwise reads up to {VERSION}",
            hint="use a newer version of Spanwise",
        )
    return Header(
        documents=int(value.get("documents") or 0),
        encoder=value.get("encoder"),
        reader=value.get("reader"),
        fingerprint=value.get("fingerprint"),
        dimension=int(value.get("dimension") or 0),
        vectors=bool(value.get("vectors")),
    )


def _checked(raw: bytes) -> dict[str, Any]:
    """The JSON object of a line that is as it was written."""
    if raw.startswith(CHECKSUM.encode()):
        body = b"{" + raw.rstrip(b"\r\n")[CHECKED_FROM:]
        if f"{zlib.crc32(body):08x}".encode() != raw[len(CHECKSUM) : len(CHECKSUM) + 8]:
            raise ValueError("it does not match its checksum")
        raw = body
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def _line(value: dict[str, Any], header: Header) -> Line:
    if "document" in value:
        return _imported(value, header)
    if "label" in value:
        return Label(**value["label"])
    if "feedback" in value:
        return Feedback(**value["feedback"])
    if "rejection" in value:
        rejection = value["rejection"]
        state = _state(rejection["size_bytes"], rejection["modified_ns"], rejection["checked_ns"])
        reason = RejectReason(rejection["reason"])
        return str(rejection["path"]), state, reason, str(rejection["detail"]), str(rejection["readers"])
    if "calibration" in value:
        name, content = value["calibration"]["name"], value["calibration"]["content"]
        if not _CALIBRATION.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a calibration")
        json.loads(content)
        return Calibration(name=name, content=content)
    raise ValueError("it is of no known kind")


def _imported(value: dict[str, Any], header: Header) -> Imported:
    fields = value["document"]
    paths = tuple((_text(path), _state(*state)) for path, *state in value["paths"])
    if not paths:
        raise ValueError("the document has no path")
    if fields["id"] != document_id(fields["content_sha256"], fields["parser"]):
        raise ValueError("the id of the document is not that of its content and parser")
    text = _text(fields["text"])
    document = Document(
        id=fields["id"],
        content_sha256=fields["content_sha256"],
        path=paths[0][0],
        title=_text(fields["title"]),
        text=text,
        type=_text(fields["type"]),
        language=_text(fields["language"]),
        metadata={_text(name): _text(fact) for name, fact in fields["metadata"].items()},
        parser=fields["parser"],
        size_bytes=paths[0][1].size_bytes,
        modified_ns=paths[0][1].modified_ns,
        **layout_records(fields["layout"]),
    )
    passages = tuple(
        Passage(text=text[start:end], start=start, end=end, page=page, headings=tuple(map(_text, headings)))
        for start, end, page, headings in value["passages"]
    )
    return Imported(document=document, paths=paths, passages=passages, vectors=_vectors(value, header))


def _vectors(value: dict[str, Any], header: Header) -> dict[int, Vectors]:
    if not header.vectors:
        return {}
    rows = value["vectors"]
    if len(rows) != len(value["passages"]):
        raise ValueError(f"{len(rows)} vectors for {len(value['passages'])} passages")
    vectors: dict[int, Vectors] = {}
    for number, encoded in enumerate(rows):
        if encoded is None:
            continue
        vector = np.frombuffer(base64.b64decode(encoded, validate=True), dtype=VECTOR).astype(np.float32)
        if len(vector) != header.dimension or not abs(float(np.linalg.norm(vector)) - 1) < _UNIT_ERROR:
            raise ValueError(f"the vector of passage {number + 1} is no unit vector of {header.dimension}")
        vectors[number] = vector
    return vectors


def _state(size_bytes: int, modified_ns: int, checked_ns: int) -> FileState:
    return FileState(size_bytes=int(size_bytes), modified_ns=int(modified_ns), checked_ns=int(checked_ns))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} stands where a text should")
    if "\x00" in value:
        raise ValueError("a text holds a zero byte")
    return value


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, RecursionError)):
        return f"it is no JSON: {error}"
    return str(error)
