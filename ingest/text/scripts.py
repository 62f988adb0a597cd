"""Scripts that write no spaces, and texts that a vocabulary only spells.

An English vocabulary holds the letters of many alphabets and spells Arabic or Greek one letter a token:
no token is unknown, but the model's output means nothing (measured in `data/docs/measured.md`). Scripts
without spaces are left to the share of unknown tokens, because tokens of one character are usual there.
"""

from __future__ import annotations

import numpy as np
import regex
from numpy.typing import NDArray

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_SPELLED_LIMIT = 0.4
_LETTER = regex.compile(rf"[\p{{L}}--[\p{{Latin}}{UNSPACED}]]", regex.V1)


def is_spelled(text: str, offsets: NDArray[np.int64]) -> bool:
    """Whether tokens at `offsets`, shape (n, 2), spell much of the text one foreign letter at a time."""
    if text.isascii():
        return False
    alone = offsets[offsets[:, 1] - offsets[:, 0] == 1, 0]
    spelled = sum(_LETTER.fullmatch(text[start]) is not None for start in alone.tolist())
    return spelled > _SPELLED_LIMIT * sum(character.isalnum() for character in text)
