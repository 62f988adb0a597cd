"""How much of a known text comes out of each format, in order: F1 of the longest common sequence of words.

The text is written into every format and read back; words are runs of letters and digits, every Han character
and kana for itself. Where a row names its columns, so does the text it is compared with.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from html import escape
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from rapidfuzz.distance import LCSseq
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from ingest import Document
from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "documents"
Text = tuple[str, list[str]]
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\W_\u3040-\u30ff\u3400-\u9fff]+")
_SPARE = (
    "Every ship that enters the harbour is entered in a book, with its name, its master and its cargo.",
    "The book lies open on the desk of the harbour master; whoever wishes may read in it without asking.",
    "In the year 1902 there were 1,417 ships, most of them from the north, and only three were lost.",
)
LANGUAGES = {"eng": "cp1252", "deu": "cp1252", "fra": "cp1252", "pol": "cp1250", "rus": "koi8-r",
    "ell_monotonic": "cp1253",    "tur": "cp1254", "jpn": "cp932", "cmn_hans": "gb18030"}  # fmt: skip


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _f1(expected: str, found: str) -> float:
    wanted, got = _words(expected), _words(found)
    return 2 * LCSseq.similarity(wanted, got) / max(1, len(wanted) + len(got))


def _zip(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _saved(source: object) -> bytes:
    buffer = io.BytesIO()
    source.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def _html(text: Text) -> str:
    title, paragraphs = text
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return f"<html><head><meta charset='utf-8'></head><body><h1>{escape(title)}</h1>{body}</body></html>"


def _framed_html(text: Text) -> bytes:
    menu = (
        "<nav><ul>"
        + "<li><a href='/x'>Menu item</a></li>" * 8
        + "</ul></nav><div class='cookie-banner'>Cookies?</div>"
    )
    return (
        _html(text)
        .replace("<body>", f"<body>{menu}")
        .replace("</body>", "<footer>Imprint</footer></body>")
        .encode()
    )


def _pdf(text: Text, columns: int = 1) -> bytes:
    """Set by reportlab, a running head and a page number on every page."""
    style = ParagraphStyle("text", fontName=_font("".join(text[1])), fontSize=10, leading=13, spaceAfter=8)
    style.wordWrap = "CJK" if _font("".join(text[1])) != "Parity" else None
    width = (A4[0] - 120 - 20 * (columns - 1)) / columns

    def head(canvas: object, template: object) -> None:
        canvas.drawString(60, A4[1] - 40, "Running Head")  # type: ignore[attr-defined]
        canvas.drawCentredString(A4[0] / 2, 30, str(canvas.getPageNumber()))  # type: ignore[attr-defined]

    buffer = io.BytesIO()
    frames = [
        Frame(60 + column * (width + 20), 60, width, A4[1] - 130, 0, 0, 0, 0) for column in range(columns)
    ]
    made = BaseDocTemplate(buffer, pagesize=A4, pageTemplates=[PageTemplate(frames=frames, onPage=head)])
    made.build([Paragraph(escape(part), style) for part in [text[0], *text[1]]])
    return buffer.getvalue()


def _font(text: str) -> str:
    if re.search("[\u3040-\u30ff]", text):
        name = "HeiseiMin-W3"
    elif re.search("[\u4e00-\u9fff]", text):
        name = "STSong-Light"
    else:
        name = "Parity"
    if name not in pdfmetrics.getRegisteredFontNames():
        import matplotlib

        face = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
        pdfmetrics.registerFont(TTFont(name, str(face)) if name == "Parity" else UnicodeCIDFont(name))
    return name


def _docx(text: Text) -> bytes:
    document = docx.Document()
    document.add_heading(text[0], 1)
    for paragraph in text[1]:
        document.add_paragraph(paragraph)
    return _saved(document)


def _pptx(text: Text) -> bytes:
    presentation = pptx.Presentation()
    for number, paragraph in enumerate(text[1]):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = text[0] if number == 0 else f"{number}"
        slide.placeholders[1].text = paragraph
    return _saved(presentation)


def _xlsx(text: Text) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sheet"
    for row in _rows(text):
        sheet.append(row)
    return _saved(book)


def _odt(text: Text) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text")
    )
    parts = "".join(f"<text:p>{escape(paragraph)}</text:p>" for paragraph in text[1])
    head = f'<text:h text:outline-level="1">{escape(text[0])}</text:h>'
    body = f"<office:body><office:text>{head}{parts}</office:text></office:body>"
    return _zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {spaces}>{body}</office:document-content>",
        }
    )


def _epub(text: Text) -> bytes:
    package = (
        '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    return _zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "b.opf": package,
            "a.xhtml": _html(text),
        }
    )


def _rtf(text: Text) -> bytes:
    def coded(part: str) -> str:
        units = part.encode("utf-16-le")
        codes = (int.from_bytes(units[at : at + 2], "little") for at in range(0, len(units), 2))
        return "".join(
            chr(code) if code < 128 else rf"\u{code - 65536 if code > 32767 else code}?" for code in codes
        )

    return (
        "{\\rtf1\\ansi " + "".join(f"{coded(part)}\\par\n" for part in (text[0], *text[1])) + "}"
    ).encode()


def _eml(text: Text) -> bytes:
    message = EmailMessage()
    message["Subject"] = text[0]
    message["In-Reply-To"] = "<1@example.org>"
    message.set_content(
        "\n\n".join(text[1]) + "\n\nOn Monday, Ada wrote:\n> What was said before\n> stands here again.\n"
    )
    return message.as_bytes()


def _ipynb(text: Text) -> bytes:
    cells = [{"cell_type": "markdown", "source": part} for part in (f"# {text[0]}", *text[1])]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode()


def _rows(text: Text) -> list[list[str]]:
    return [["number", "paragraph"], *([str(n), paragraph] for n, paragraph in enumerate(text[1], start=1))]


def _separated(text: Text, delimiter: str) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(_rows(text))
    return buffer.getvalue().encode()


def _plain(text: Text) -> str:
    return "\n\n".join([text[0], *text[1]])


def _told_rows(text: Text) -> str:
    return "\n".join(f"number: {n}; paragraph: {part}" for n, part in enumerate(text[1], start=1))


WRITERS: dict[str, tuple[str, Callable[[Text], bytes], Callable[[Text], str]]] = {
    **{
        f"txt {encoding}": ("txt", lambda text, encoding=encoding: _plain(text).encode(encoding), _plain)  # type: ignore[misc]
        for encoding in (
            "utf-8",
            "utf-8-sig",
            "utf-16",
            "utf-16-le",
            "utf-16-be",
            "utf-32",
            "utf-32-le",
            "utf-32-be",
        )
    },
    "md": ("md", lambda text: f"# {text[0]}\n\n".encode() + "\n\n".join(text[1]).encode(), _plain),
    "rst": (
        "rst",
        lambda text: f"{text[0]}\n{'=' * 200}\n\n".encode() + "\n\n".join(text[1]).encode(),
        _plain,
    ),
    "html": ("html", lambda text: _html(text).encode(), _plain),
    "html framed": ("html", _framed_html, _plain),
    "pdf": ("pdf", _pdf, lambda text: f"Running Head\n{_plain(text)}"),
    "pdf columns": ("pdf", lambda text: _pdf(text, 2), lambda text: f"Running Head\n{_plain(text)}"),
    "docx": ("docx", _docx, _plain),
    "pptx": (
        "pptx",
        _pptx,
        lambda text: "\n".join(f"{n or text[0]}\n{part}" for n, part in enumerate(text[1])),
    ),
    "xlsx": ("xlsx", _xlsx, lambda text: f"Sheet\n{_told_rows(text)}"),
    "odt": ("odt", _odt, _plain),
    "epub": ("epub", _epub, _plain),
    "rtf": ("rtf", _rtf, _plain),
    "eml": ("eml", _eml, lambda text: f"Subject: {_plain(text)}"),
    "ipynb": ("ipynb", _ipynb, _plain),
    "csv": ("csv", lambda text: _separated(text, ","), _told_rows),
    "tsv": ("tsv", lambda text: _separated(text, "\t"), _told_rows),
    "json": (
        "json",
        lambda text: json.dumps([{"title": text[0], "text": "\n\n".join(text[1])}]).encode(),
        lambda text: f"title: {_plain(text)}",
    ),
    "jsonl": (
        "jsonl",
        lambda text: json.dumps({"title": text[0], "text": "\n\n".join(text[1])}).encode() + b"\n",
        lambda text: f"title: {_plain(text)}",
    ),
    "xml": (
        "xml",
        lambda text: (
            f"<article><title>{escape(text[0])}</title>"
            + "".join(f"<para>{escape(part)}</para>" for part in text[1])
            + "</article>"
        ).encode(),
        _plain,
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_read(name: str) -> None:
    text: Text = ("The book of ships", [part * 2 for part in _SPARE for _ in range(3)])
    extension, write, expected = WRITERS[name]
    found = parse_bytes(write(text), f"/d/a.{extension}").text
    assert _f1(expected(text), found) >= 0.995


def _declaration(language: str) -> Text:
    """The Universal Declaration of Human Rights: its title and paragraphs."""
    archive = SHARED / "udhr2.zip"
    if not archive.exists():
        pytest.skip(f"{archive} is missing")
    with zipfile.ZipFile(archive) as opened:
        lines = opened.read(f"udhr2/{language}.txt").decode("utf-8-sig").splitlines()
    found = [" ".join(line.split()) for line in lines if line.strip()]
    return found[0], found[1:]


def _table(languages: dict[str, str]) -> dict[str, dict[str, float]]:
    """Format by language: the F1 of what came out."""
    table: dict[str, dict[str, float]] = {}
    for language, code_page in languages.items():
        text = _declaration(language)
        for name, (extension, write, expected) in WRITERS.items():
            found = parse_bytes(write(text), f"/d/a.{extension}").text
            table.setdefault(name, {})[language] = _f1(expected(text), found)
        data = _plain(text).encode(code_page, "ignore")
        found = parse_bytes(data, "/d/a.txt").text
        table.setdefault("txt code page", {})[language] = _f1(data.decode(code_page), found)
    return table


def _print(table: dict[str, dict[str, float]]) -> None:
    languages = list(next(iter(table.values())))
    print(f"\n{'':<16}", *(f"{language[:8]:>9}" for language in languages))  # noqa: T201
    for name, row in table.items():
        print(f"{name:<16}", *(f"{row[language]:9.4f}" for language in languages))  # noqa: T201


@pytest.mark.slow
def test_two_languages_in_every_format() -> None:
    for name, row in _table({language: LANGUAGES[language] for language in ("fra", "cmn_hans")}).items():
        assert min(row.values()) >= 0.98, (name, row)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_all_languages_in_every_format() -> None:
    table = _table(LANGUAGES)
    _print(table)
    for name, row in table.items():
        assert min(row.values()) >= 0.97, (name, row)


@pytest.mark.slow
def test_files_whose_text_others_have_checked(tmp_path: Path) -> None:
    archive = SHARED / "mixed.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive} is missing")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, [m for m in tar if "/markitdown/" in m.name], filter="data")
    folder = tmp_path / "mixed" / "markitdown"
    least = {"RECEIPT": 0.99, "SPARSE": 0.98, "REPAIR": 0.9, "movie": 0.87, "test": 0.97}
    for expected in sorted((folder / "expected_outputs").glob("*.md")):
        source = folder / f"{expected.stem}.pdf"
        try:
            document = parse_bytes(source.read_bytes(), source.name)
        except UnparsableError as error:
            assert (error.reason, expected.read_text()) == ("no_text", "")  # noqa: PT017
            continue
        assert isinstance(document, Document)
        value = _f1(expected.read_text(), document.text)
        print(f"{source.name:<50} {value:.4f}")  # noqa: T201
        assert value >= next(share for name, share in least.items() if source.name.startswith(name))
