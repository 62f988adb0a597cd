"""Plain text: the file's own lines, in normal form, and its title where the first line looks like one."""

from __future__ import annotations

import re

from ingest.conversion.text_builder import TextBuilder
from ingest.text.encoding import decode

# A short line that ends no sentence, alone above a blank line, with nothing in it that programs write.
_TITLE = re.compile(
    r"(?!(?:chapter|part|section|contents)\b)(?=[^\n]*[^\W\d_])"
    r"([^\n=;{}<>|]{3,100}(?<![.,:。，：、!?！？-]))[ \t]*\n[ \t]*\n",
    re.IGNORECASE,
)
_FIRST_LINES = 1000


def parse_text(data: bytes, builder: TextBuilder) -> None:
    """Appends the whole text as it stands."""
    text = decode(data)
    builder.block(text)
    match = _TITLE.match(text.lstrip("\ufeff").lstrip()[:_FIRST_LINES].replace("\r\n", "\n"))
    if match:
        builder.title = match[1]
