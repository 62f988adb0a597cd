import io
import zipfile

import pytest

from ingest.conversion.formats import BY_EXTENSION, FORMATS, detect_format
from ingest.errors import UnparsableError
from ingest.records import RejectReason

PDF = b"%PDF-1.7\n..."
HTML = b"<!DOCTYPE html><html><body>Hello</body></html>"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
ENCRYPTED = OLE + "EncryptedPackage".encode("utf-16-le")


def _zip(*names: str, kind: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if kind:
            archive.writestr("mimetype", kind)
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def test_every_format_of_the_table_has_its_converter() -> None:
    for format_ in FORMATS:
        assert callable(format_.load())
    assert sum(len(format_.extensions) for format_ in FORMATS) == len(BY_EXTENSION)


@pytest.mark.parametrize(
    ("data", "path", "name"),
    [
        (b"words", "a.txt", "txt"),
        (b"words", "A.MD", "md"),
        (PDF, "a.txt", "pdf"),
        (PDF, "scan", "pdf"),
        (HTML, "a.txt", "html"),
        (HTML, "a.pdf", "html"),
        (HTML, "page.aspx", "html"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html><html/>', "a.xml", "xml"),
        (b"<html> in markdown", "a.md", "md"),
        (_zip("word/document.xml"), "a.pdf", "docx"),
        (_zip("ppt/presentation.xml"), "a.docx", "pptx"),
        (_zip("xl/workbook.xml"), "a.bin", "xlsx"),
        (_zip("content.xml", kind="application/vnd.oasis.opendocument.text"), "a.zip", "odt"),
        (_zip("META-INF/container.xml", kind="application/epub+zip"), "a.epub", "epub"),
        (b"{\\rtf1 hello}", "a.doc", "rtf"),
        (b"just words", "a.pdf", "txt"),
        (b"LICENSE of this", "LICENSE", "txt"),
        ("wide".encode("utf-16-le"), "a.csv", "csv"),
    ],
)
def test_content_corrects_the_extension(data: bytes, path: str, name: str) -> None:
    assert detect_format(data, path).name == name


@pytest.mark.parametrize(
    ("data", "path", "reason", "words"),
    [
        (OLE, "a.doc", RejectReason.UNSUPPORTED, "save it as .docx"),
        (OLE, "a.xls", RejectReason.UNSUPPORTED, "save it as .xlsx"),
        (OLE, "a.msg", RejectReason.UNSUPPORTED, ".eml"),
        (ENCRYPTED, "a.docx", RejectReason.ENCRYPTED, "password"),
        (_zip("readme.txt"), "a.zip", RejectReason.UNSUPPORTED, "unpack"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a.png", RejectReason.UNSUPPORTED, "text"),
        (bytes(range(256)) * 8, "a.bin", RejectReason.UNSUPPORTED, "binary"),
        (bytes(range(256)) * 8, "a.txt", RejectReason.UNSUPPORTED, "binary"),
        (bytes(range(256)) * 8, "a.pdf", RejectReason.CORRUPT, "not a pdf"),
        (b"PK\x03\x04 broken", "a.docx", RejectReason.CORRUPT, "archive"),
        (b"print(1)", "a.lock", RejectReason.UNSUPPORTED, "for programs"),
        (b"var a=function(){return b};" * 200, "a.js", RejectReason.UNSUPPORTED, "for programs"),
        (b"word " * 1_000_001, "a.dump", RejectReason.UNSUPPORTED, "5,000,005 bytes"),
    ],
)
def test_what_is_refused_says_why(data: bytes, path: str, reason: RejectReason, words: str) -> None:
    with pytest.raises(UnparsableError) as caught:
        detect_format(data, path)
    assert caught.value.reason is reason
    assert words in caught.value.detail
