"""Which passages get a vector, and their vectors: one rule for ingest, import, repair and re-embedding.

A passage with many tokens that the encoder's vocabulary does not know has no vector; only its words find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from index.protocols import Encoder, Vectors
from ingest.chunking.split import embedding_text
from ingest.records import Passage

# Share of unknown tokens above which a vector says nothing about its text.
UNKNOWN_LIMIT = 0.1


def embed(encoder: Encoder, items: Sequence[tuple[str, Passage]]) -> list[Vectors | None]:
    """A unit vector, shape (dimension,), for each (document title, passage); None for those without one."""
    vectors: list[Vectors | None] = [None] * len(items)
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
            vectors[number] = vector
    return vectors


def embed_documents(
    encoder: Encoder, documents: Sequence[tuple[str, Sequence[Passage]]]
) -> list[dict[int, Vectors]]:
    """For each (title, passages) the vectors by the passage's position, encoded together."""
    vectors = embed(encoder, [(title, passage) for title, passages in documents for passage in passages])
    return by_document(vectors, documents)


def by_document(
    vectors: Iterable[Vectors | None], documents: Sequence[tuple[str, Sequence[Passage]]]
) -> list[dict[int, Vectors]]:
    """For each (title, passages) its vectors, of one row for all passages, by the passage's position."""
    each = iter(vectors)
    return [
        {number: vector for number, vector in enumerate(next(each) for _ in passages) if vector is not None}
        for _, passages in documents
    ]
