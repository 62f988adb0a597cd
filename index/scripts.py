"""Whether an encoder's vocabulary serves the script of a text.

Unknown tokens tell of scripts that a vocabulary lacks. An English vocabulary also holds the letters of many
alphabets, and spells Arabic or Greek one letter a token: nothing is unknown, and the vectors mean nothing
(mean reciprocal rank on XQuAD with the bundled encoder: .05 in Arabic, .16 in Greek, .20 in Russian, .70 in
German; words alone give .92 to .96). Scripts without spaces are left to the unknown tokens, because tokens of
one character are usual there.
"""

from __future__ import annotations

import regex

from index import analysis
from index.ingestion import UNKNOWN_LIMIT
from index.protocols import Encoder

_SPELLED_LIMIT = 0.4
_LETTER = regex.compile(rf"[\p{{L}}--[\p{{Latin}}{analysis.UNSPACED}]]", regex.V1)


def is_served(encoder: Encoder, text: str) -> bool:
    """Whether the encoder's vector of this text says anything about it."""
    if encoder.unknown_share(text) > UNKNOWN_LIMIT:
        return False
    if text.isascii():
        return True
    letters = sum(character.isalnum() for character in text)
    spelled = sum(
        end - start == 1 and _LETTER.fullmatch(text[start]) is not None
        for start, end in encoder.tokenizer.encode(text).offsets.tolist()
    )
    return bool(spelled <= _SPELLED_LIMIT * letters)
