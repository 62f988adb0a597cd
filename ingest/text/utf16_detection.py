"""Detects UTF-16 and UTF-32 without a byte order mark, among other text and binary data.

Zero bytes give Latin text away, but Russian has few of them and Chinese may have none. So where there are
bytes that no other text holds, each reading is tried and judged by what comes out: characters that are
assigned, spaces and line ends where they belong, and letters of few scripts. The wrong byte order, or data
that is no text, fails this soon.
It is no guess at code pages of one byte; that is `ingest.text.encoding`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

_SAMPLE = 4000
# Bytes that no text in another encoding holds, and how many of them every wide text has.
_CONTROLS = (*range(9), *range(14, 27), *range(28, 32))
_LEAST_CONTROLS = 0.005
_LEAST_PLAUSIBLE = 0.97
_LEAST_COHERENT = 0.6
_LEAST_USUAL = 0.01
_USUAL = frozenset(" \n\r\t,.:;!?-、。，：；！？「」（）・")
_ODD_CATEGORIES = frozenset(("Cc", "Cn", "Co"))
# The high bytes of scripts with many more letters than one block of 256 characters holds.
_IDEOGRAPHS = range(0x34, 0xA0)
_HANGUL = range(0xAC, 0xD8)


def wide_encoding(data: bytes) -> str | None:
    """The name of the wide encoding that `data` is in, by its first bytes; None where it is in none."""
    sample = data[:_SAMPLE]
    if len(sample) < 4 or len(data) % 2 or sum(map(sample.count, _CONTROLS)) < _LEAST_CONTROLS * len(sample):
        return None
    for encoding in ("utf-32-le", "utf-32-be"):
        if _score(sample, encoding, 4) is not None:
            return encoding
    scores = {encoding: _score(sample, encoding, 2) for encoding in ("utf-16-le", "utf-16-be")}
    found = {encoding: score for encoding, score in scores.items() if score is not None}
    return max(found, key=lambda encoding: found[encoding]) if found else None


def _score(sample: bytes, encoding: str, step: int) -> float | None:
    """How much the sample looks like text in this encoding; None when it does not."""
    whole = sample[: len(sample) - len(sample) % step]
    try:
        text = whole.decode(encoding)
    except UnicodeDecodeError as error:
        # A pair of surrogates may be cut at the end of the sample.
        if len(sample) < _SAMPLE or error.end < len(whole):
            return None
        text = whole[: error.start].decode(encoding)
    odd = sum(c not in "\n\r\t\f" and unicodedata.category(c) in _ODD_CATEGORIES for c in text)
    if not text or odd > (1 - _LEAST_PLAUSIBLE) * len(text):
        return None
    blocks = Counter(_block(ord(character)) for character in text if character.isalnum())
    if not blocks:
        return None
    # The two commonest blocks: a text in one script has names or figures in another.
    coherent = sum(count for _, count in blocks.most_common(2)) / blocks.total()
    usual = sum(character in _USUAL for character in text) / len(text)
    # Pairs of plain letters look like ideographs, but nothing among them looks like their full stop.
    if coherent < _LEAST_COHERENT or (usual < _LEAST_USUAL and blocks.most_common(1)[0][0] == _IDEOGRAPHS[0]):
        return None
    return coherent + usual


def _block(code: int) -> int:
    high = code >> 8
    return _IDEOGRAPHS[0] if high in _IDEOGRAPHS else _HANGUL[0] if high in _HANGUL else high
