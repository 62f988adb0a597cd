"""Exports a store as one file of JSON lines.

    {"format": "spanwise-export", "version": 1, "documents": 12, "encoder": ..., "vectors": false, ...}
    {"crc32": "0a1b2c3d", "document": {"id", "content_sha256", "parser", "type", "title", "language",
        "metadata", "text", "layout"}, "paths": [[path, size, modified, checked]],
        "passages": [[start, end, page, headings]], "vectors": [base64 of little-endian float16, or null]}
    {"crc32": ..., "label": {...}}, {"feedback": {...}}, {"rejection": {...}}, {"calibration": {...}}
    {"end": {"documents": 12, "lines": 14}}

One document a line, so that memory is bounded by the longest one. The text of a passage is
`text[start:end]` and stands nowhere else. The checksum of a line covers it without the checksum itself; a
line written by hand may leave it out. A name that ends in `.gz` is compressed; `-` is standard output.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from index.errors import StoreError
from index.records import ExportReport
from index.sql.catalog import Catalog
from index.sql.stored_documents import StoredDocument
from index.store.folder import found_inside
from ingest.conversion.document_json import layout_of

FORMAT = "spanwise-export"
VERSION = 1
STANDARD = "-"
CHECKSUM = '{"crc32": "'
CHECKED_FROM = len(CHECKSUM) + len('01234567", ')


def export_store(
    catalog: Catalog,
    folder: Path,
    target: str | Path,
    *,
    vectors: bool,
    progress: Callable[[int, int], None] | None = None,
) -> ExportReport:
    """Export the store in `folder` at its present revision; raises StoreError for an unwritable file."""
    started = time.monotonic()
    revision = catalog.revision()
    fingerprint = catalog.settings.get("fingerprint") if vectors else None
    total = catalog.stored_documents.count(revision)
    counts = {"documents": 0, "passages": 0, "vectors": 0}
    with _writing(target) as file:
        _write_line(file, _header(catalog, folder, revision, total, fingerprint), checked=False)
        for stored in catalog.stored_documents.read(revision, fingerprint):
            _write_line(file, _document_line(stored, vectors=fingerprint is not None))
            counts["documents"] += 1
            counts["passages"] += len(stored.passages)
            counts["vectors"] += len(stored.vectors)
            if progress is not None:
                progress(counts["documents"], max(total, counts["documents"]))
        lines = counts["documents"]
        for line in _other_lines(catalog, folder):
            _write_line(file, line)
            lines += 1
        end = {"documents": counts["documents"], "lines": lines}
        _write_line(file, {"end": end}, checked=False)
    return ExportReport(**counts, revision=revision, seconds=time.monotonic() - started)


def _header(
    catalog: Catalog, folder: Path, revision: int, documents: int, fingerprint: str | None
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "store_id": catalog.settings.get("store_id"),
        "revision": revision,
        "documents": documents,
        "encoder": catalog.settings.get("encoder"),
        "reader": found_inside(folder, catalog.settings.get("reader") or "") or None,
        "fingerprint": catalog.settings.get("fingerprint"),
        "dimension": int(catalog.settings.get("dimension") or 0),
        "vectors": fingerprint is not None,
    }


def _document_line(stored: StoredDocument, *, vectors: bool) -> dict[str, Any]:
    document = stored.document
    line: dict[str, Any] = {
        "document": {
            "id": document.id,
            "content_sha256": document.content_sha256,
            "parser": document.parser,
            "type": document.type,
            "title": document.title,
            "language": document.language,
            "metadata": dict(document.metadata),
            "text": document.text,
            "layout": layout_of(document),
        },
        "paths": [
            [path, state.size_bytes, state.modified_ns, state.checked_ns] for path, state in stored.paths
        ],
        "passages": [[item.start, item.end, item.page, list(item.headings)] for item in stored.passages],
    }
    if vectors:
        rows = [stored.vectors.get(number) for number in range(len(stored.passages))]
        line["vectors"] = [
            None if row is None else base64.b64encode(row.tobytes()).decode("ascii") for row in rows
        ]
    return line


def _other_lines(catalog: Catalog, folder: Path) -> Iterator[dict[str, Any]]:
    for label in catalog.annotations.labels():
        yield {"label": asdict(label)}
    for feedback in catalog.annotations.feedback():
        yield {"feedback": asdict(feedback)}
    for rejection in catalog.rejections.all():
        yield {"rejection": asdict(rejection)}
    for path in sorted((folder / "calibration").glob("*.json")):
        yield {"calibration": {"name": path.name, "content": path.read_text(encoding="utf-8")}}


def _write_line(file: IO[bytes], line: dict[str, Any], *, checked: bool = True) -> None:
    body = json.dumps(line, ensure_ascii=False).encode()
    if checked:
        body = f'{CHECKSUM}{zlib.crc32(body):08x}", '.encode() + body[1:]
    file.write(body + b"\n")


@contextmanager
def _writing(target: str | Path) -> Iterator[IO[bytes]]:
    """The file to write to; it gets its name when it is complete and flushed to the disk."""
    if str(target) == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target).expanduser()
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed:
                    yield cast(IO[bytes], packed)
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}", hint="give another file, or make room"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
