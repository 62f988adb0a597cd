"""From bytes to a `Document`: recognise the format, convert, take the title, detect the language.

Runs in the caller's process and trusts nothing about the file. `ingest.conversion.parser_pool` runs it in a
child process with limits, because converters are large C libraries and files can be broken.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Callable
from pathlib import PurePath

from ingest.conversion.formats import RECOGNISED, Format, detect_format
from ingest.conversion.options import ParseOptions
from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.records import Document, RejectReason, Text, document_id
from ingest.text.language import detect_language
from ingest.text.normalise import squeeze

MAX_TITLE = 200
_MOST_CHARACTERS = 20_000_000
_TEXT_PARSER = "text/1"
_READABLE = re.compile(r"\w")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse_bytes(
    data: bytes,
    path: str,
    *,
    modified_ns: int = 0,
    options: ParseOptions | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Document:
    """The document that these bytes hold; `path` gives the extension and the last resort of a title.

    `alive` is called now and then by what takes long by its nature (see `TextBuilder`). Raises
    `UnparsableError` with the reason for a file that gives no document.
    """
    if not data.strip():
        raise UnparsableError(
            RejectReason.EMPTY, "the file is empty" if not data else "nothing but white space"
        )
    format_ = detect_format(data, path)
    builder = TextBuilder(options, alive=alive)
    _convert(format_, data, builder)
    if len(builder) > _MOST_CHARACTERS:
        detail = f"{len(builder):,} characters of text, the limit is {_MOST_CHARACTERS:,}; cut it into parts"
        raise UnparsableError(RejectReason.TOO_LARGE, detail)
    if not _READABLE.search(builder.text):
        raise UnparsableError(RejectReason.NO_TEXT, "no text found in it")
    return _document(
        builder,
        content_sha256=hashlib.sha256(data).hexdigest(),
        path=path,
        type_=format_.name,
        parser=f"{format_.parser}{RECOGNISED}" if builder.recognised else format_.parser,
        fallback_title=PurePath(path).stem,
        size_bytes=len(data),
        modified_ns=modified_ns,
    )


def document_from_text(text: Text, *, language: str | None = None) -> Document:
    """A text given from Python as a document with the path `text:<id>`; its characters stay where they are.

    `language` skips the detection, which takes minutes for thousands of short texts.

    Offsets of answers are offsets into the caller's own string, so it is not brought into the normal form.
    Only what no database takes (NUL, halves of surrogate pairs) is replaced, one character by one.
    """
    content = _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text.text)
    title = squeeze(text.title)[:MAX_TITLE] or squeeze(text.id)
    metadata = {squeeze(key): squeeze(value) for key, value in text.metadata.items()}
    data = json.dumps([title, content, sorted(metadata.items())]).encode()
    content_sha256 = hashlib.sha256(data).hexdigest()
    return Document(
        id=document_id(content_sha256, _TEXT_PARSER),
        content_sha256=content_sha256,
        path=f"text:{text.id}",
        title=title,
        text=content,
        type="text",
        language=detect_language(content) if language is None else language,
        metadata=metadata,
        parser=_TEXT_PARSER,
        size_bytes=len(content.encode()),
    )


def _convert(format_: Format, data: bytes, builder: TextBuilder) -> None:
    """Runs the converter; whatever a library raises over a broken file means a broken file."""
    convert = format_.load()
    try:
        # Libraries warn of what they forgive; what a user should know is in `builder.warnings`.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            convert(data, builder)
    except (UnparsableError, MemoryError):
        raise
    except RecursionError as error:
        raise UnparsableError(RejectReason.CORRUPT, "nested too deeply") from error
    except Exception as error:
        detail = squeeze(str(error))[:200] or type(error).__name__
        raise UnparsableError(RejectReason.CORRUPT, f"not readable as {format_.name}: {detail}") from error


def _document(
    builder: TextBuilder,
    *,
    content_sha256: str,
    path: str,
    type_: str,
    parser: str,
    fallback_title: str,
    size_bytes: int,
    modified_ns: int,
) -> Document:
    text = builder.text
    return Document(
        id=document_id(content_sha256, parser),
        content_sha256=content_sha256,
        path=path,
        title=_title(builder) or squeeze(fallback_title),
        text=text,
        type=type_,
        language=detect_language(text),
        pages=tuple(builder.pages),
        headings=tuple(builder.headings),
        units=tuple(builder.units),
        source_map=tuple(builder.source_map),
        metadata={squeeze(key): squeeze(value) for key, value in builder.metadata.items()},
        parser=parser,
        warnings=tuple(builder.warnings),
        size_bytes=size_bytes,
        modified_ns=modified_ns,
    )


def _title(builder: TextBuilder) -> str:
    """What the document calls itself, or else its first heading of the highest level.

    In a collection of records every record has a heading, and none of them names the whole.
    """
    if squeeze(builder.title):
        return squeeze(builder.title)[:MAX_TITLE]
    if not builder.headings or not builder.named_by_heading:
        return ""
    top = min(heading.level for heading in builder.headings)
    return next(heading.title for heading in builder.headings if heading.level == top)[:MAX_TITLE]
