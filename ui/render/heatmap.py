"""A matrix of weights as a small picture that needs nothing beside it: a PNG inside an SVG image (pure).

One pixel for each weight, drawn without smoothing at whatever size; 72 maps of 300 tokens stay under a
megabyte, where as many rectangles would choke a browser.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png(weights: NDArray[np.float32]) -> bytes:
    """A grey PNG, white for 0 and black for the largest weight; the root of a weight is drawn, so that small
    ones show."""
    largest = float(weights.max(initial=0.0)) or 1.0
    shade = 255 - np.rint(255 * np.sqrt(np.clip(weights / largest, 0, 1))).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in shade)
    height, width = shade.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def image(weights: NDArray[np.float32], x: float, y: float, size: float) -> str:
    """The matrix as an SVG image of `size` by `size` at (x, y)."""
    data = base64.b64encode(png(weights)).decode()
    return (
        f'<image x="{x:g}" y="{y:g}" width="{size:g}" height="{size:g}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
