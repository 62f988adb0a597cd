"""Subtitles (SubRip, WebVTT, SubStation Alpha): what is said, cue by cue, without times and markup."""

from __future__ import annotations

import re

import pysubs2

from ingest.conversion.text_builder import TextBuilder
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", "»")
_MOST_CUES_TOGETHER = 12
_TAGS = re.compile(r"</?[a-z][^<>]{0,40}>", re.IGNORECASE)


def parse_subtitles(data: bytes, builder: TextBuilder) -> None:
    """Appends the cues of a film as running text; a file that holds none, as it stands."""
    text = decode(data)
    try:
        cues = pysubs2.SSAFile.from_string(text)
    except (pysubs2.exceptions.Pysubs2Error, ValueError):
        builder.block(text)
        return
    paragraph: list[str] = []
    for cue in cues:
        words = squeeze(_TAGS.sub("", cue.plaintext)) if not cue.is_comment else ""
        if not words or paragraph[-1:] == [words]:
            continue
        paragraph.append(words)
        # Sentences go on from cue to cue; a paragraph ends with one of them.
        if words.endswith(_ENDS) or len(paragraph) >= _MOST_CUES_TOGETHER:
            builder.paragraph(" ".join(paragraph))
            paragraph = []
    builder.paragraph(" ".join(paragraph))
    if not len(builder):
        builder.block(text)
