"""From files to documents to passages: finding, parsing, normalising, language, chunking.

Names are loaded when they are first used, so that taking a record or an error from here costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.errors import IngestError as IngestError
    from ingest.errors import SpanwiseError as SpanwiseError
    from ingest.options import ParseOptions as ParseOptions
    from ingest.parsing import document_from_text as document_from_text
    from ingest.pipeline import Limits as Limits
    from ingest.pipeline import Parser as Parser
    from ingest.pipeline import ingest_paths as ingest_paths
    from ingest.pipeline import sha256_of as sha256_of
    from ingest.records import Document as Document
    from ingest.records import Passage as Passage
    from ingest.records import Rejected as Rejected
    from ingest.records import RejectReason as RejectReason
    from ingest.records import Span as Span
    from ingest.records import Text as Text
    from ingest.sources import find_files as find_files

_HOMES = {
    "Document": "records",
    "IngestError": "errors",
    "Limits": "pipeline",
    "ParseOptions": "options",
    "Parser": "pipeline",
    "Passage": "records",
    "RejectReason": "records",
    "Rejected": "records",
    "Span": "records",
    "SpanwiseError": "errors",
    "Text": "records",
    "document_from_text": "parsing",
    "find_files": "sources",
    "ingest_paths": "pipeline",
    "sha256_of": "pipeline",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
