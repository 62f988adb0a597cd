"""Plain text: the file's own lines, in normal form."""

from __future__ import annotations

from ingest.builder import TextBuilder
from ingest.decoding import decode


def parse_text(data: bytes, builder: TextBuilder) -> None:
    """Appends the whole text as it stands."""
    builder.block(decode(data))
