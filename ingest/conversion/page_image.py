"""Pages of PDF files as pictures with a span boxed; `page_image_worker` draws them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.records import Document, SourceRun

_SECONDS = 30
_WIDTH = 1600  # pixels: sharp on a dense screen, some 300 kB a page


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePicture:
    """A page as PNG, its size, and the boxes around the span (left, top, right, bottom), all in pixels."""

    png: bytes
    width: int
    height: int
    boxes: tuple[tuple[float, float, float, float], ...]


class NoPicture(Exception):
    """A page that cannot be drawn; `reason` is `changed`, `encrypted`, `damaged` or `slow`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def page_picture(
    document: Document, page: int, start: int, end: int, *, passwords: Sequence[str] = ()
) -> PagePicture:
    """A page of a document, its part of `document.text[start:end]` boxed; raises NoPicture."""
    request = {
        "path": document.path,
        "sha256": document.content_sha256,
        "page": page,
        "characters": characters(document.source_map, page, start, end),
        "width": _WIDTH,
        "passwords": list(passwords),
    }
    head, _, png = _ask(json.dumps(request).encode() + b"\n").partition(b"\n")
    try:
        reply = json.loads(head)
    except ValueError as error:
        raise NoPicture("damaged") from error  # the file took the process down
    if "error" in reply:
        raise NoPicture(reply["error"])
    return PagePicture(
        png=png,
        width=reply["width"],
        height=reply["height"],
        boxes=tuple((box[0], box[1], box[2], box[3]) for box in reply["boxes"]),
    )


def characters(runs: Sequence[SourceRun], page: int, start: int, end: int) -> list[tuple[int, int]]:
    """The converter's own character ranges, half open, of the part of [start, end) on a page."""
    ranges = []
    for run in runs:
        first, last = max(start, run.text_start), min(end, run.text_end)
        if run.page == page and first < last:
            offset = run.source_start - run.text_start
            ranges.append((first + offset, last + offset))
    return ranges


def _ask(request: bytes) -> bytes:
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ingest.conversion.page_image_worker"],
            input=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, inherited)))},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoPicture("slow") from error
    return done.stdout
