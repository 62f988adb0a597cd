"""The vectors of passages, less those that the encoder cannot read; the one rule for all that stores vectors.

A passage of which the vocabulary does not know much has no vector and is searched by its words alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from index.ingestion.run import UNKNOWN_LIMIT
from index.protocols import Encoder, Vectors
from ingest.chunking.split import embedding_text
from ingest.records import Passage


def embed(encoder: Encoder, items: Sequence[tuple[str, Passage]]) -> list[Vectors | None]:
    """A unit vector for each passage with its document's title, None for those that cannot be read."""
    found: list[Vectors | None] = [None] * len(items)
    readable = [
        number
        for number, (_, passage) in enumerate(items)
        if encoder.unknown_share(passage.text) <= UNKNOWN_LIMIT
    ]
    if readable:
        texts = [
            embedding_text(title, passage.headings, passage.text)
            for title, passage in (items[number] for number in readable)
        ]
        for number, vector in zip(readable, encoder.encode_passages(texts), strict=True):
            found[number] = vector
    return found
