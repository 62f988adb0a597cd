"""The files of a lexical index, looked at without tantivy: whose they are, and whether they are whole.

A label beside them names store, index and the version of the analysis whose terms they hold.

tantivy ends each of its data files with a checksum of what stands before (JSON, its length, a magic number)
and compares it never. `meta.json` lists the segments of the last commit; what stands beside them has been
merged away or belongs to a commit that was never finished.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.lexical.analysis import VERSION

META = "meta.json"
EARLIER = "an earlier version made it, from other terms"
_LABEL = "spanwise.json"
_PARTS = ("fast", "fieldnorm", "idx", "pos", "store", "term")
_END = struct.Struct("<II")
_MAGIC = 1337
_BLOCK = 1 << 20


def write_label(folder: Path, store: str) -> None:
    """Say which index of which store the files in a folder are."""
    (folder / _LABEL).write_text(json.dumps(_label(folder, store)), encoding="utf-8")


def last_commit(folder: Path) -> int:
    """The number of the last commit; raises OSError or ValueError where that cannot be read."""
    return int(_meta(folder)["opstamp"])


def foreign(folder: Path, store: str) -> str | None:
    """Why the files are not those of this store with the terms of today, None if they are."""
    try:
        label = json.loads((folder / _LABEL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return EARLIER
    except (OSError, ValueError) as error:
        return f"its label cannot be read ({error})"
    if label == _label(folder, store):
        return None
    # The first versions wrote no label, and later ones none that says which analysis made the terms.
    return EARLIER if label == _label(folder, store, None) else "its label names another index"


def damages(folder: Path) -> list[str]:
    """What is missing or does not match its checksum, of the files of the last commit."""
    try:
        names = list(_names(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{META} cannot be read: {error}"]
    found = []
    for name in names:
        try:
            if not _whole(folder / name):
                found.append(f"{name} does not match its checksum")
        except OSError as error:
            found.append(f"{name} cannot be read: {error.strerror}")
    return found


def _label(folder: Path, store: str, version: int | None = VERSION) -> dict[str, str | int]:
    return {"store": store, "name": folder.name} | ({} if version is None else {"analysis": version})


def _meta(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
    return meta


def _names(folder: Path) -> Iterator[str]:
    for segment in _meta(folder)["segments"]:
        stem = segment["segment_id"].replace("-", "")
        yield from (f"{stem}.{part}" for part in _PARTS)
        if segment["deletes"]:
            yield f"{stem}.{segment['deletes']['opstamp']}.del"


def _whole(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size < _END.size:
            return False
        file.seek(size - _END.size)
        length, magic = _END.unpack(file.read(_END.size))
        body = size - _END.size - length
        if magic != _MAGIC or body < 0:
            return False
        file.seek(body)
        try:
            expected = json.loads(file.read(length))["crc"]
        except (ValueError, KeyError, TypeError):
            return False
        file.seek(0)
        found, left = 0, body
        while left and (block := file.read(min(left, _BLOCK))):
            found, left = zlib.crc32(block, found), left - len(block)
    return not left and found == expected
