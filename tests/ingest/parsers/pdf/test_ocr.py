"""Passwords and pages that are pictures."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from reportlab.lib.pagesizes import A5
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest import IngestError, Rejected, RejectReason, ingest_paths
from ingest.conversion.convert import parse_bytes
from ingest.conversion.formats import is_current
from ingest.conversion.options import ParseOptions
from ingest.errors import UnparsableError
from ingest.parsers.pdf.ocr import require_tesseract

WORDS = (
    "The harbour master notes the tide at six in the morning.",
    "The lighthouse keeper paints the lamp room in spring.",
)
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def _pdf(pages: Sequence[str], *, password: str | None = None) -> bytes:
    buffer = io.BytesIO()
    locked = None if password is None else StandardEncryption(password, ownerPassword="owner")
    canvas = Canvas(buffer, pagesize=A5, encrypt=locked)
    for text in pages:
        canvas.setFont("Helvetica", 13)
        canvas.drawString(20, 400, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _scan(data: bytes, typed: frozenset[int] = frozenset()) -> bytes:
    """The same pages as pictures, but for those in `typed` (from 0)."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A5)
    document = pdfium.PdfDocument(data)
    for index, page in enumerate(document):
        if index in typed:
            canvas.drawString(20, 400, page.get_textpage().get_text_range())
        else:
            picture = ImageReader(page.render(scale=3, grayscale=True).to_pil())
            canvas.drawImage(picture, 0, 0, *A5)
        canvas.showPage()
    canvas.save()
    document.close()
    return buffer.getvalue()


def test_a_locked_pdf_opens_with_its_password() -> None:
    data = _pdf([WORDS[0]], password="sesame")
    assert parse_bytes(data, "a.pdf", options=ParseOptions(passwords=("x", "sesame"))).text == WORDS[0]
    for passwords, way in (((), "--password-file"), (("x",), "none of those given")):
        with pytest.raises(UnparsableError) as caught:
            parse_bytes(data, "a.pdf", options=ParseOptions(passwords=passwords))
        assert caught.value.reason is RejectReason.ENCRYPTED
        assert way in caught.value.detail


def test_a_password_reaches_the_process_and_no_list_of_processes(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(_pdf([WORDS[0]], password="sesame"))
    files = ingest_paths([tmp_path], options=ParseOptions(passwords=("sesame",)))
    (document,) = files
    assert not isinstance(document, Rejected)
    assert document.text == WORDS[0]


def test_a_scan_is_told_with_its_pages() -> None:
    with pytest.raises(UnparsableError) as caught:
        parse_bytes(_scan(_pdf(WORDS)), "a.pdf")
    assert caught.value.reason is RejectReason.NO_TEXT
    assert caught.value.detail.startswith("2 pages, none with text; looks scanned")
    mixed = parse_bytes(_scan(_pdf(WORDS), frozenset((1,))), "a.pdf")
    assert mixed.warnings == ("1 of 2 pages has no text: 1",)


@needs_tesseract
def test_pictures_are_read_on_their_own_pages() -> None:
    data = _scan(_pdf([WORDS[0], "Typed words stand here.", WORDS[1], ""]), frozenset((1,)))
    told: list[int] = []
    document = parse_bytes(
        data, "a.pdf", options=ParseOptions(ocr="eng"), alive=lambda: told.append(len(told))
    )
    assert [document.text[page.start : page.end] for page in document.pages] == [
        WORDS[0],
        "Typed words stand here.",
        WORDS[1],
        "",
    ]
    assert document.warnings == (
        "2 of 4 pages read by text recognition: 1, 3",
        "1 of 4 pages has no text: 4",
    )
    assert len(told) == 3
    plain = parse_bytes(data, "a.pdf")
    assert document.parser == f"{plain.parser}+ocr"
    assert document.id != plain.id
    assert is_current(document.parser)


@needs_tesseract
def test_languages_that_are_not_installed_are_named() -> None:
    require_tesseract("eng")
    with pytest.raises(IngestError, match="tlh") as caught:
        require_tesseract("eng+tlh")
    assert "tesseract-ocr-tlh" in caught.value.hint


def test_without_tesseract_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.parsers.pdf.ocr.shutil.which", lambda program: None)
    with pytest.raises(IngestError, match="tesseract") as caught:
        require_tesseract("eng")
    assert "apt install" in caught.value.hint
