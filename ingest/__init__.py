"""From files to documents to passages: finding, parsing, normalising, language, chunking.

Names are loaded when they are first used, so that taking a record or an error from here costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.conversion.convert import document_from_text as document_from_text
    from ingest.conversion.options import ParseOptions as ParseOptions
    from ingest.conversion.parser_pool import Limits as Limits
    from ingest.conversion.parser_pool import Parser as Parser
    from ingest.conversion.parser_pool import ingest_paths as ingest_paths
    from ingest.conversion.parser_pool import sha256_of as sha256_of
    from ingest.errors import IngestError as IngestError
    from ingest.errors import SpanwiseError as SpanwiseError
    from ingest.errors import UnparsableError as UnparsableError
    from ingest.files.walk import find_files as find_files
    from ingest.records import Document as Document
    from ingest.records import Passage as Passage
    from ingest.records import Rejected as Rejected
    from ingest.records import RejectReason as RejectReason
    from ingest.records import Span as Span
    from ingest.records import Text as Text

_HOMES = {
    "Document": "records",
    "IngestError": "errors",
    "Limits": "conversion.parser_pool",
    "ParseOptions": "conversion.options",
    "Parser": "conversion.parser_pool",
    "Passage": "records",
    "RejectReason": "records",
    "Rejected": "records",
    "Span": "records",
    "SpanwiseError": "errors",
    "Text": "records",
    "UnparsableError": "errors",
    "document_from_text": "conversion.convert",
    "find_files": "files.walk",
    "ingest_paths": "conversion.parser_pool",
    "sha256_of": "conversion.parser_pool",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
