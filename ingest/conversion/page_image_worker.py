"""The process that draws one page of a PDF with spans boxed: one request in, one reply out.

    {"path", "sha256", "page", "characters": [[first, last], ...], "width", "passwords"}   one line of JSON
    {"width", "height", "boxes": [[left, top, right, bottom], ...]} and the PNG behind it, or {"error": why}

`characters` are half-open ranges of pdfium's own indexes, as a document's source map keeps them; boxes are
pixels of the picture. Like parsing, it is a process of its own: a hostile file can only crash this process,
and pdfium, which is not thread-safe, is used by one thread only.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from ctypes import byref, c_int
from math import pi
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageDraw

Box = tuple[float, float, float, float]

_WIDEST_SCALE = 6.0
_EDGE = (192, 86, 20)
_FILL = (240, 180, 41, 70)
_MARGIN = 3  # pixels between the words and their box
_MOST_BYTES = 1_000_000_000
_MEMORY_BYTES = 2_000_000_000
_SECONDS = 30


def draw(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The reply to a request and the picture; ValueError with the reason where there is none."""
    path = Path(request["path"])
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise ValueError("changed")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != request["sha256"]:
        raise ValueError("changed")
    document = _open(data, request["passwords"])
    try:
        if not 1 <= request["page"] <= len(document):
            raise ValueError("damaged")
        page = document[request["page"] - 1]
        scale = min(request["width"] / max(page.get_width(), 1.0), _WIDEST_SCALE)
        picture = page.render(scale=scale).to_pil().convert("RGB")
        boxes = [_on_picture(page, picture, box) for box in _lines(page, request["characters"])]
    finally:
        document.close()
    _mark(picture, boxes)
    out = io.BytesIO()
    picture.save(out, "PNG")
    rounded = [[round(edge, 1) for edge in box] for box in boxes]
    return {"width": picture.width, "height": picture.height, "boxes": rounded}, out.getvalue()


def _open(data: bytes, passwords: Sequence[str]) -> pdfium.PdfDocument:
    for password in (None, *passwords):
        try:
            return pdfium.PdfDocument(data, password=password)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) != pdfium_c.FPDF_ERR_PASSWORD:
                raise ValueError("damaged") from error
    raise ValueError("encrypted")


def _lines(page: pdfium.PdfPage, ranges: Iterable[Sequence[int]]) -> list[Box]:
    """Boxes around the characters, one for each line of them, in the page's own measure."""
    lines: list[Box] = []
    upright = True
    for box, is_upright in _characters(page, ranges):
        if lines and is_upright == upright and _same_line(lines[-1], box, upright=upright):
            left, bottom, right, top = lines[-1]
            lines[-1] = (min(left, box[0]), min(bottom, box[1]), max(right, box[2]), max(top, box[3]))
        else:
            lines.append(box)
        upright = is_upright
    return lines


def _characters(page: pdfium.PdfPage, ranges: Iterable[Sequence[int]]) -> Iterator[tuple[Box, bool]]:
    """The box of each character with ink, and whether its line goes across the page and not up or down it."""
    text_page = page.get_textpage()
    rectangle = pdfium_c.FS_RECTF()
    try:
        for first, last in ranges:
            for index in range(max(first, 0), min(last, text_page.count_chars())):
                # Spaces that the library makes up have no height, and would cut a line at every word.
                if pdfium_c.FPDFText_IsGenerated(text_page, index) == 1:
                    continue
                if pdfium_c.FPDFText_GetLooseCharBox(text_page, index, byref(rectangle)):
                    box = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
                    quarters = round(pdfium_c.FPDFText_GetCharAngle(text_page, index) / (pi / 2))
                    if box[0] < box[2] and box[1] < box[3]:
                        yield box, quarters % 2 == 0
    finally:
        text_page.close()


def _same_line(line: Box, box: Box, *, upright: bool) -> bool:
    """Whether a character goes on a line: level with it, or above it where the text is turned, and near."""
    shared = min(line[3], box[3]) - max(line[1], box[1])
    beside = min(line[2], box[2]) - max(line[0], box[0])
    height, width = box[3] - box[1], box[2] - box[0]
    size = max(height, width, 1.0)
    if upright:
        return shared > 0.5 * min(height, line[3] - line[1]) and -beside < 3 * size
    return beside > 0.5 * min(width, line[2] - line[0]) and -shared < 3 * size


def _on_picture(page: pdfium.PdfPage, picture: Image.Image, box: Box) -> Box:
    """A box of the page in pixels, whatever way the page is turned or cut."""
    across, down = [], []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        at_x, at_y = c_int(), c_int()
        # A tenth of a pixel is the measure, so that rounding is not seen.
        size = (10 * picture.width, 10 * picture.height)
        pdfium_c.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, byref(at_x), byref(at_y))
        across.append(at_x.value / 10)
        down.append(at_y.value / 10)
    return (min(across), min(down), max(across), max(down))


def _mark(picture: Image.Image, boxes: Iterable[Box]) -> None:
    pencil = ImageDraw.Draw(picture, "RGBA")
    for left, top, right, bottom in boxes:
        edges = (left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN)
        pencil.rectangle(edges, fill=_FILL, outline=_EDGE, width=2)


def _limit() -> None:
    """Limits time and memory of this process where the system can."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, _MEMORY_BYTES), (resource.RLIMIT_CPU, _SECONDS)):
        _, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        except (ValueError, OSError):
            continue


def main() -> None:
    """Answer the one request on standard input."""
    _limit()
    try:
        reply, picture = draw(json.loads(sys.stdin.readline()))
    except ValueError as error:
        reply, picture = {"error": str(error)}, b""
    except Exception:
        reply, picture = {"error": "damaged"}, b""
    sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n" + picture)


if __name__ == "__main__":
    main()
