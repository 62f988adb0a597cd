"""The table of formats and their converters, and how the format of a file is recognised.

The first bytes of a file overrule its extension: a PDF named `.txt` is a PDF, a Word file named `.pdf` is a
Word file. A file of any other name is accepted when its bytes are text; generated files (minified code, lock
files, data above 5 MB) are rejected as unsupported.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.records import RejectReason
from ingest.text.normalise import NORMAL_FORM
from ingest.text.utf16_detection import wide_encoding

Converter = Callable[[bytes, TextBuilder], None]

RECOGNISED = "+ocr"
"""Stands behind the parser of a document whose text was partly read from pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One document format: its extensions, the function that reads it and the library that does the work.

    `version` must be raised whenever the converter's output changes, however little: it is part of every
    document's identity. Without that, stored documents keep their old text and stores differ by when a file
    was ingested; with it, the next run parses every file of the format again.
    """

    name: str
    extensions: tuple[str, ...]
    converter: str
    library: str
    version: int = 1

    @property
    def parser(self) -> str:
        """Name and version of the converter together with that of the normal form."""
        return f"{self.name}/{NORMAL_FORM}.{self.version}"

    def load(self) -> Converter:
        """Imports the converter; only now its library is loaded."""
        module, function = self.converter.split(":")
        converter: Converter = getattr(import_module(f"ingest.parsers.{module}"), function)
        return converter


FORMATS = (
    Format(
        name="txt",
        extensions=("txt", "text", "log", "org", "yaml", "yml", "toml", "asc"),
        converter="txt:parse_text",
        library="charset-normalizer",
        version=2,
    ),
    Format(
        name="md",
        extensions=("md", "markdown", "mdown", "mkd", "mdx"),
        converter="markdown:parse_markdown",
        library="markdown-it-py",
        version=4,
    ),
    Format(
        name="rst",
        extensions=("rst", "rest"),
        converter="rst:parse_rst",
        library="docutils",
        version=4,
    ),
    Format(
        name="html",
        extensions=("html", "htm", "xhtml", "xht"),
        converter="html_page:parse_html",
        library="lxml",
        version=4,
    ),
    Format(
        name="pdf", extensions=("pdf",), converter="pdf.document:parse_pdf", library="pypdfium2", version=4
    ),
    Format(
        name="docx", extensions=("docx", "docm"), converter="office:parse_docx", library="mammoth", version=3
    ),
    Format(
        name="pptx",
        extensions=("pptx", "pptm", "ppsx"),
        converter="pptx:parse_pptx",
        library="python-pptx",
        version=3,
    ),
    Format(
        name="xlsx",
        extensions=("xlsx", "xlsm"),
        converter="spreadsheet:parse_xlsx",
        library="openpyxl",
        version=4,
    ),
    Format(name="epub", extensions=("epub",), converter="epub:parse_epub", library="lxml", version=4),
    Format(name="odt", extensions=("odt", "ott"), converter="office:parse_odt", library="lxml", version=4),
    Format(name="rtf", extensions=("rtf",), converter="office:parse_rtf", library="striprtf", version=2),
    Format(
        name="eml",
        extensions=("eml",),
        converter="eml:parse_eml",
        library="email (standard library)",
        version=4,
    ),
    Format(
        name="ipynb",
        extensions=("ipynb",),
        converter="ipynb:parse_ipynb",
        library="markdown-it-py",
        version=4,
    ),
    Format(
        name="csv",
        extensions=("csv",),
        converter="spreadsheet:parse_csv",
        library="csv (standard library)",
        version=4,
    ),
    Format(
        name="tsv",
        extensions=("tsv", "tab"),
        converter="spreadsheet:parse_tsv",
        library="csv (standard library)",
        version=4,
    ),
    Format(
        name="json",
        extensions=("json", "geojson"),
        converter="json_file:parse_json",
        library="json (standard library)",
        version=4,
    ),
    Format(
        name="jsonl",
        extensions=("jsonl", "ndjson"),
        converter="json_file:parse_jsonl",
        library="json (standard library)",
        version=4,
    ),
    Format(
        name="xml",
        extensions=("xml", "cnxml", "rss", "atom", "dbk", "docbook", "tei", "fb2"),
        converter="xml_file:parse_xml",
        library="lxml",
        version=4,
    ),
    Format(
        name="subtitles",
        extensions=("srt", "vtt", "ass", "ssa"),
        converter="text_files.subtitles:parse_subtitles",
        library="pysubs2",
    ),
    Format(
        name="tex",
        extensions=("tex", "latex", "ltx"),
        converter="text_files.markup:parse_latex",
        library="pylatexenc",
    ),
    Format(
        name="adoc",
        extensions=("adoc", "asciidoc"),
        converter="text_files.markup:parse_asciidoc",
        library="re",
    ),
    Format(name="man", extensions=("man",), converter="text_files.markup:parse_man", library="re"),
    Format(
        name="bib", extensions=("bib",), converter="text_files.records:parse_bibtex", library="bibtexparser"
    ),
    Format(
        name="cards", extensions=("vcf", "ics"), converter="text_files.records:parse_cards", library="vobject"
    ),
)
BY_NAME = {format_.name: format_ for format_ in FORMATS}
BY_EXTENSION = {extension: format_ for format_ in FORMATS for extension in format_.extensions}

_OLD_OFFICE = {"doc": "docx", "dot": "docx", "ppt": "pptx", "pps": "pptx", "xls": "xlsx", "xlt": "xlsx"}
_ADVICE = {
    "msg": "Outlook message; save it as .eml",
    "zip": "archive; unpack it first",
    "gz": "archive; unpack it first",
    "7z": "archive; unpack it first",
    "rar": "archive; unpack it first",
    "tar": "archive; unpack it first",
    "ods": "OpenDocument spreadsheet; save it as .xlsx or .csv",
    "odp": "OpenDocument presentation; save it as .pptx or .pdf",
    "mobi": "Kindle book; convert it to .epub",
    "djvu": "scanned book; convert it to a .pdf with a text layer",
}
_MEDIA = frozenset(
    """
    png jpg jpeg gif bmp tif tiff webp svg ico mp3 mp4 wav ogg flac avi mov mkv webm heic
    """.split()
)
_MARKUP_NAMES = frozenset(("html", "xml", "epub", "eml", "md"))
_HTML_START = re.compile(r"(<\?xml[^>]*\?>\s*)?(<!--(?:(?!-->).)*-->\s*)*<(!doctype html|html)\b", re.DOTALL)
_MOST_UNPACKED = 1_000_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OOXML = "EncryptedPackage".encode("utf-16-le")


def is_current(parser: str) -> bool:
    """Whether a document that was read by `parser` ("pdf/1.1") would be read the same way today.

    A document that came from no file has no converter that could have changed.
    """
    format_ = BY_NAME.get(parser.split("/")[0])
    return format_ is None or format_.parser == parser.removesuffix(RECOGNISED)


def converters() -> str:
    """All converters with their versions, as one short name that changes when one of them does."""
    names = " ".join(format_.parser for format_ in FORMATS)
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def detect_format(data: bytes, path: str) -> Format:
    """The format of a file, by its extension and its first bytes; `UnparsableError` when none serves it."""
    extension = PurePath(path).suffix.lower().lstrip(".")
    named = BY_EXTENSION.get(extension)
    by_content = _by_content(data, extension)
    if by_content is not None and not _agrees(named, by_content):
        return BY_NAME[by_content]
    if named is None:
        if extension in _KNOWN_OTHERS or not looks_like_text(data):
            raise UnparsableError(RejectReason.UNSUPPORTED, _why_unsupported(data, extension))
        return _text_format(data, path, extension)
    if named.name in _BINARY:
        if by_content == named.name:
            return named
        if looks_like_text(data):
            return BY_NAME["txt"]
        raise UnparsableError(RejectReason.CORRUPT, f"not a {named.name} file, whatever its name says")
    if not looks_like_text(data):
        raise UnparsableError(RejectReason.UNSUPPORTED, f"binary data in a file named .{extension}")
    return named


def _text_format(data: bytes, path: str, extension: str) -> Format:
    """How a text file is read whose name says nothing: by its first lines, by the suffix before, or plainly.

    Raises `UnparsableError` for what programs wrote for programs.
    """
    head = data[:_HEAD_BYTES].decode("latin-1").replace("\x00", "").lstrip("\xef\xbb\xff\xfe\xbf \t\r\n")
    for name, start in _STARTS:
        if start.match(head):
            return BY_NAME[name]
    inner = BY_EXTENSION.get(PurePath(PurePath(path).stem).suffix.lower().lstrip("."))
    if inner is not None and inner.name not in _BINARY and extension:
        return inner
    if extension and len(data) > _MOST_UNNAMED_BYTES:
        limit = f"the limit for files that are no known documents is {_MOST_UNNAMED_BYTES:,}"
        raise UnparsableError(
            RejectReason.UNSUPPORTED, f"{len(data):,} bytes of data (.{extension}); {limit}"
        )
    if extension in _GENERATED or _is_minified(data):
        raise UnparsableError(RejectReason.UNSUPPORTED, f"written by a program for programs (.{extension})")
    return BY_NAME["txt"]


def _is_minified(data: bytes) -> bool:
    """Lines far longer than people write, with hardly a space in them."""
    sample = data[: _HEAD_BYTES * 16]
    lines = [line for line in sample.splitlines() if line.strip()]
    if not lines or len(sample) < _LONGEST_LINE:
        return False
    spaces = sum(line.count(b" ") for line in lines)
    return len(sample) / len(lines) > _LONGEST_LINE and spaces < 0.08 * len(sample)


_HEAD_BYTES = 4096
_LONGEST_LINE = 400
_MOST_UNNAMED_BYTES = 5_000_000
_STARTS = (
    ("cards", re.compile(r"BEGIN:(VCARD|VCALENDAR)\b", re.IGNORECASE)),
    ("subtitles", re.compile(r"WEBVTT\b|1\s*\r?\n\d\d:\d\d:\d\d[,.]\d{3} --> ")),
    ("man", re.compile(r"(?:[.']\\\"[^\n]*\n|\s*\n)*[.'](?:TH|Dd|SH)\s")),
    ("tex", re.compile(r"(?:%[^\n]*\n|\s*\n)*\\documentclass\b")),
)
_GENERATED = frozenset("map lock sum pem crt key csr pub p7s min snap".split())
_KNOWN_OTHERS = frozenset((*_OLD_OFFICE, *_ADVICE, *_MEDIA))
_BINARY = frozenset(("pdf", "docx", "pptx", "xlsx", "epub", "odt", "rtf"))


def _agrees(named: Format | None, by_content: str) -> bool:
    """Whether the extension says the same, or something more exact, than the first bytes."""
    if named is None:
        return False
    if named.name == by_content:
        return True
    # Markdown and mail may begin with HTML, and any text may quote it; a binary container cannot be quoted.
    return by_content in ("html", "xml") and (
        named.name in _MARKUP_NAMES or named.name not in ("txt", *_BINARY)
    )


def _by_content(data: bytes, extension: str) -> str | None:
    head = data[:1024]
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(_OLE):
        _reject_ole(data, extension)
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(data)
    start = head.decode("latin-1").replace("\x00", "").lstrip("\xef\xbb\xff\xfe\xbf \t\r\n").lower()
    return "html" if _HTML_START.match(start) else None


def _reject_ole(data: bytes, extension: str) -> None:
    """Old Office files and encrypted new ones share one container."""
    if _ENCRYPTED_OOXML in data:
        raise UnparsableError(RejectReason.ENCRYPTED, "protected by a password; save it without one")
    new = _OLD_OFFICE.get(extension)
    if new is not None:
        detail = f"old binary Office format (.{extension}); save it as .{new}"
    elif extension == "msg":
        detail = _ADVICE["msg"]
    else:
        detail = "old binary Office format; save it as .docx, .xlsx or .pptx"
    raise UnparsableError(RejectReason.UNSUPPORTED, detail)


def _in_zip(data: bytes) -> str | None:
    """Which document the archive is; None for a plain archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive)
            names = frozenset(archive.namelist())
            kind = _first_bytes(archive, "mimetype") if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise UnparsableError(RejectReason.CORRUPT, f"damaged archive: {error}") from error
    if kind.startswith("application/epub") or "META-INF/container.xml" in names:
        return "epub"
    if kind.startswith("application/vnd.oasis.opendocument.text"):
        return "odt"
    for prefix, name in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if any(member.startswith(prefix) for member in names):
            return name
    return None


def _first_bytes(archive: zipfile.ZipFile, name: str) -> str:
    """The beginning of a member, not all of it: it may unpack to gigabytes."""
    with archive.open(name) as member:
        return member.read(80).decode("ascii", "replace")


def _check_size(archive: zipfile.ZipFile) -> None:
    """Rejects archives that would unpack to too much; zipfile enforces the sizes that they declare."""
    size = sum(info.file_size for info in archive.infolist())
    if size > _MOST_UNPACKED:
        raise UnparsableError(RejectReason.TOO_LARGE, f"it unpacks to {size:,} bytes")


def looks_like_text(data: bytes) -> bool:
    """Whether there are no control characters that no text holds, wide encodings aside."""
    sample = data[:8192]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return True
    odd = sum(sample.count(code) for code in (*range(1, 9), *range(14, 27), *range(28, 32)))
    return (odd <= 0.01 * len(sample) and 0 not in sample) or wide_encoding(data) is not None


def _why_unsupported(data: bytes, extension: str) -> str:
    if extension in _ADVICE:
        return _ADVICE[extension]
    if extension in _OLD_OFFICE:
        return f"old binary Office format (.{extension}); save it as .{_OLD_OFFICE[extension]}"
    if extension in _MEDIA:
        return f"picture, sound or film (.{extension}); only text can be searched"
    if not looks_like_text(data):
        return f"unknown binary format{f' (.{extension})' if extension else ''}"
    return f"a file named .{extension} that is no document"
