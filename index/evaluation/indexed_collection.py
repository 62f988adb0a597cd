"""A judged collection in a temporary folder, indexed the way a store would be.

    unit "passage"   documents go through a store of their own, chunked as usual
    unit "document"  title + space + text as one, cut at the encoder's window (the cuts are counted)

Nothing is scored here, and no user's store is touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from index.datasets.beir import BeirDocument
from index.dense.faiss_segment import Segment, write_segment
from index.dense.vector_index import VectorIndex
from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.lexical.tantivy_index import LexicalIndex
from index.protocols import Encoder, Vectors
from index.records import LexicalEntry
from index.snapshots.publisher import Indexes
from index.store.store import Store
from ingest.records import Text
from ingest.text.language import detect_language

Unit = Literal["passage", "document"]
_LANGUAGE_SAMPLE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedCollection:
    """Indexes of a collection, and the ids of the documents that each passage stands for.

    `truncated` counts documents cut at the encoder's window.
    """

    indexes: Indexes
    documents: Mapping[int, Sequence[str]]
    truncated: int


@contextmanager
def indexed(documents: Sequence[BeirDocument], encoder: Encoder, unit: Unit) -> Iterator[IndexedCollection]:
    """The documents, indexed for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="spanwise-evaluation-") as folder:
        if unit == "document":
            yield _by_document(Path(folder), documents, encoder)
        else:
            with Store.open(Path(folder) / "store", create=True, encoder=encoder) as store:
                yield _by_passage(store, documents)


class TokensOnly:
    """An encoder whose tokens measure passages and which embeds none: words alone are searched."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.fingerprint = f"tokens of {encoder.fingerprint}"
        self.dimension = encoder.dimension
        self.max_tokens = encoder.max_tokens
        self.passage_room = encoder.passage_room
        self.tokenizer = encoder.tokenizer

    def unknown_share(self, text: str) -> float:
        """All of it, so that nobody asks for vectors."""
        return 1.0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """No rows for no texts."""
        if texts:
            raise ValueError(f"{len(texts)} texts to embed without an encoder")
        return np.zeros((0, self.dimension), dtype=np.float32)

    encode_queries = encode_passages


def _by_passage(store: Store, documents: Sequence[BeirDocument]) -> IndexedCollection:
    # Many records of the older collections are a title alone; a search must find them all the same.
    store.add(Text(id=item.id, title=item.title, text=item.text or item.title) for item in documents)
    snapshot = store.snapshot()
    ids, keys = store.catalog.passages.visible(snapshot.revision)
    names = {
        key: [path.removeprefix("text:") for path in info.paths]
        for key, info in store.catalog.documents.infos().items()
    }
    placed = {passage_id: names[key] for passage_id, key in zip(ids.tolist(), keys.tolist(), strict=True)}
    return IndexedCollection(indexes=snapshot, documents=placed, truncated=0)


def _by_document(folder: Path, documents: Sequence[BeirDocument], encoder: Encoder) -> IndexedCollection:
    language = detect_language("\n".join(item.whole for item in documents[:_LANGUAGE_SAMPLE]))
    texts = [item.whole for item in documents]
    readable = [
        number for number, text in enumerate(texts) if text and encoder.unknown_share(text) <= UNKNOWN_LIMIT
    ]
    room = encoder.passage_room
    truncated = sum(len(item) > room for item in encoder.tokenizer.encode_ids(texts))
    vectors = encoder.encode_passages([texts[number] for number in readable])
    ids = np.array(readable, dtype=np.int64)
    segments = []
    if readable:
        write_segment(folder / "vectors.faiss", ids, vectors.astype(np.float16).astype(np.float32))
        segments.append(Segment(folder / "vectors.faiss", encoder.dimension))
    lexical = LexicalIndex.create(folder / "lexical")
    lexical.update(
        (
            LexicalEntry(id=number, document_key=number, text=text, language=language)
            for number, text in enumerate(texts)
        ),
        [],
    )
    indexes = Indexes(
        vectors=VectorIndex(segments, encoder.dimension, np.empty(0, np.int64)),
        lexical=lexical.view(),
        languages=(language,),
    )
    placed = {number: (item.id,) for number, item in enumerate(documents)}
    return IndexedCollection(indexes=indexes, documents=placed, truncated=truncated)
