"""Text as it stands, where Streamlit would read Markdown in it (pure).

Labels of buttons and links are Markdown: signs in a question or a name must not become emphasis, links,
formulas, colours or pictures.
"""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&\"'/@])")
_LONGEST = 200


def plain_label(text: str) -> str:
    """`text` as Markdown that shows it, on one line, cut where it is very long.

    >>> plain_label("*a*  :red[b]")
    '\\\\*a\\\\* \\\\:red\\\\[b\\\\]'
    """
    line = " ".join(text.split())
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    return _SIGNS.sub(r"\\\1", line)
