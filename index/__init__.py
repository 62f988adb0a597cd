"""Checkpoints, vectors, the store and retrieval.

    checkpoint -> engine -> encoder     texts to vectors
    schema -> catalog -> derived        SQL, and the two indexes published from it
    ingestion -> store -> retriever     a folder of documents to the passages that bear on a question

Names are loaded when they are asked for, so that a record costs no import of a model library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.errors import (
        DataError,
        ModelError,
        ModelMismatch,
        ModelNotFound,
        StoreError,
        StoreLocked,
        StoreNotFound,
        StoreReadOnly,
        StoreVersionMismatch,
    )
    from index.models.encoder import load_encoder
    from index.models.vectorizer import Vectorizer, load_vectorizer
    from index.protocols import Encoder
    from index.records import Filters, Hit, IngestReport, Mode, SearchResult
    from index.search.retriever import Retriever
    from index.store.store import Store
    from ingest.errors import SpanwiseError
    from ingest.records import Text

_HOMES = {
    "DataError": "index.errors",
    "Encoder": "index.protocols",
    "Filters": "index.records",
    "Hit": "index.records",
    "IngestReport": "index.records",
    "Mode": "index.records",
    "ModelError": "index.errors",
    "ModelMismatch": "index.errors",
    "ModelNotFound": "index.errors",
    "Retriever": "index.search.retriever",
    "SearchResult": "index.records",
    "SpanwiseError": "ingest.errors",
    "Store": "index.store.store",
    "StoreError": "index.errors",
    "StoreLocked": "index.errors",
    "StoreNotFound": "index.errors",
    "StoreReadOnly": "index.errors",
    "StoreVersionMismatch": "index.errors",
    "Text": "ingest.records",
    "Vectorizer": "index.models.vectorizer",
    "load_encoder": "index.models.encoder",
    "load_vectorizer": "index.models.vectorizer",
}

__all__ = [
    "DataError",
    "Encoder",
    "Filters",
    "Hit",
    "IngestReport",
    "Mode",
    "ModelError",
    "ModelMismatch",
    "ModelNotFound",
    "Retriever",
    "SearchResult",
    "SpanwiseError",
    "Store",
    "StoreError",
    "StoreLocked",
    "StoreNotFound",
    "StoreReadOnly",
    "StoreVersionMismatch",
    "Text",
    "Vectorizer",
    "load_encoder",
    "load_vectorizer",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'index' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
