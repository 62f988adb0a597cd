"""PDF: reading, and the way back from every character to pdfium's own index."""

import io
from collections.abc import Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest
from reportlab.lib import pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate

from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError
from ingest.parsers.pdf.hyphenation import HYPHEN, KnownWords
from ingest.parsers.pdf.paragraphs import Character, paragraphs
from ingest.records import Document, RejectReason


def _pdf(pages: Sequence[Sequence[str]], *, password: str | None = None, title: str = "") -> bytes:
    """One line of text below the other, page by page; `#` begins a bookmark, an empty line a paragraph."""
    buffer = io.BytesIO()
    encryption = pdfencrypt.StandardEncryption(password) if password is not None else None
    canvas = Canvas(buffer, pagesize=A4, encrypt=encryption)
    canvas.setTitle(title)
    for page in pages:
        for index, line in enumerate(page):
            if line.startswith("#"):
                canvas.bookmarkPage(line)
                canvas.addOutlineEntry(line.strip("# "), line, line.count("#") - 1)
            canvas.drawString(72, 760 - 14 * index, line.strip("# "))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _flowing(text: str) -> bytes:
    buffer = io.BytesIO()
    style = getSampleStyleSheet()["BodyText"]
    style.hyphenationLang = ""
    SimpleDocTemplate(buffer, pagesize=A4).build([Paragraph(part, style) for part in text.split("\n")])
    return buffer.getvalue()


def _assert_source_map_is_exact(document: Document, data: bytes) -> int:
    """Every mapped character is the one that pdfium has at that index; the number of them."""
    pdf = pdfium.PdfDocument(data)
    pages = [page.get_textpage() for page in pdf]
    count = 0
    for run in document.source_map:
        assert run.page is not None
        assert document.page_at(run.text_start) == run.page
        for offset in range(run.text_end - run.text_start):
            code = pdfium_c.FPDFText_GetUnicode(pages[run.page - 1], run.source_start + offset)
            kept = document.text[run.text_start + offset]
            assert chr(code) == kept or (kept == " " and chr(code).isspace()) or (kept == "-" and code == 2)
            count += 1
    for text_page in pages:
        text_page.close()
    pdf.close()
    return count


def test_pages_lines_and_paragraphs() -> None:
    words = "The quick brown fox jumps over the lazy dog while the patient cat looks on from the warm wall. "
    data = _flowing(f"{words * 6}\n{words * 4}")
    document = parse_bytes(data, "/d/fox.pdf")
    assert document.text == f"{(words * 6).strip()}\n\n{(words * 4).strip()}"
    assert [(page.number, page.start, page.end) for page in document.pages] == [(1, 0, len(document.text))]
    assert _assert_source_map_is_exact(document, data) > 900
    assert document.title == "fox"


def test_hyphens_at_line_ends_are_joined_and_still_map() -> None:
    lines = [
        "This line of text is a long one, which ends in an exam-",
        "ple of a word that was cut, while the compound word self-",
        "attention stays, as do the well-known ones like Lucene-",
        "BM25 and, since it stands elsewhere as multi-head, multi-",
        "head too.",
    ]
    data = _pdf([lines])
    document = parse_bytes(data, "a.pdf")
    assert document.text == (
        "This line of text is a long one, which ends in an example of a word that was cut, while the "
        "compound word self-attention stays, as do the well-known ones like Lucene-BM25 and, since it "
        "stands elsewhere as multi-head, multi-head too."
    )
    mapped = _assert_source_map_is_exact(document, data)
    assert mapped > 0.95 * len(document.text)
    start = document.text.index("example")
    runs = [run for run in document.source_map if run.text_start < start + 7 and run.text_end > start]
    assert len(runs) == 2


def test_page_borders_bookmarks_and_the_title() -> None:
    pages = [["#Start", "", "Text of the first page."], [], ["#Second", "##Inner part", "", "More text."]]
    data = _pdf(pages, title="The title")
    document = parse_bytes(data, "a.pdf")
    assert document.title == "The title"
    assert [(h.level, h.title) for h in document.headings] == [(1, "Start"), (1, "Second"), (2, "Inner part")]
    for heading in document.headings:
        assert document.text.startswith(heading.title, heading.start)
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert document.page_at(document.text.index("More text")) == 3
    assert document.headings_at(document.text.index("More text")) == ("Second", "Inner part")
    assert document.warnings == ("1 of 3 pages has no text: 2",)
    _assert_source_map_is_exact(document, data)


def test_lists_and_short_lines_keep_their_line_ends() -> None:
    lines = ["Report: 17", "Place: Harbour", "", "• first point", "• second point", "1. one.", "2. two."]
    text = parse_bytes(_pdf([lines]), "a.pdf").text
    assert text == "Report: 17\nPlace: Harbour\n\n• first point\n• second point\n1. one.\n2. two."


def test_cells_are_set_apart() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    for row, cells in enumerate((("Name", "Age"), ("Ada", "36"))):
        canvas.drawString(72, 700 - 14 * row, cells[0])
        canvas.drawString(300, 700 - 14 * row, cells[1])
    canvas.save()
    assert parse_bytes(buffer.getvalue(), "a.pdf").text == "Name | Age\nAda | 36"


@pytest.mark.parametrize("angle", [0, 90, 180])
def test_text_set_sideways_is_read(angle: int) -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.translate(300, 400)
    canvas.rotate(angle)
    for index, line in enumerate(
        ("A line that is clearly the longest of all", "of them, and a second one", "third")
    ):
        canvas.drawString(0, -14 * index, line)
    canvas.save()
    text = parse_bytes(buffer.getvalue(), "a.pdf").text
    assert text.split() == "A line that is clearly the longest of all of them, and a second one third".split()


def test_columns_are_read_one_after_the_other() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    left = [
        "The left column of the page is filled",
        "with lines of nearly the same length",
        "so that the text runs over and into the",
    ]
    right = ["right one, where it simply goes on as", "if nothing at all had happened to it."]
    for x, lines in ((60, left), (320, right)):
        for index, line in enumerate(lines):
            canvas.drawString(x, 700 - 14 * index, line)
    canvas.save()
    assert parse_bytes(buffer.getvalue(), "a.pdf").text == " ".join(left + right)


def test_locked_scanned_and_broken_files_are_refused() -> None:
    for data, reason, words in (
        (_pdf([["secret"]], password="x"), RejectReason.ENCRYPTED, "password"),
        (_pdf([[], [], []]), RejectReason.NO_TEXT, "3 pages, none with text"),
        (_pdf([["text"]])[:200], RejectReason.CORRUPT, "damaged"),
    ):
        with pytest.raises(UnparsableError) as caught:
            parse_bytes(data, "a.pdf")
        assert caught.value.reason is reason
        assert words in caught.value.detail


def test_an_empty_password_does_not_lock_a_file() -> None:
    assert parse_bytes(_pdf([["Open words here"]], password=""), "a.pdf").text == "Open words here"


def _characters(text: str) -> list[Character]:
    """Each character in a box of its own, 10 high and 6 wide, a line end starting the next line."""
    characters: list[Character] = []
    x, y = 0.0, 500.0
    for number, character in enumerate(text):
        characters.append(Character(character, number, x, y, x + 6, y + 10))
        x += 6
        if character in ("\n", HYPHEN):
            x, y = 0.0, y - 12
    return characters


def test_a_hyphen_is_judged_by_the_rest_of_the_document() -> None:
    text = "a long line of text with cross and mul\x02tilingual words of some kind\n"
    (joined,) = paragraphs(_characters(text))
    assert "multilingual" in joined.text
    (kept,) = paragraphs(_characters(text), KnownWords.of("Mul-tilingual"))
    assert "mul-tilingual" in kept.text
    for paragraph in (joined, kept):
        for character, source in zip(paragraph.text, paragraph.sources, strict=True):
            assert source == -1 or text[source] in (character, HYPHEN, "\n")


def test_chinese_lines_are_joined_without_a_space() -> None:
    first = "人人生而自由在尊严和权利上一律平等他们赋有理性"
    (paragraph,) = paragraphs(_characters(f"{first}\n和良心并应以兄弟"))
    assert paragraph.text == f"{first}和良心并应以兄弟"


@pytest.mark.parametrize(
    ("document", "before", "after", "keep"),
    [
        ("", "an exam", "ple", False),
        ("", "the state-of-the", "art", True),
        ("", "a Lucene", "BM25", True),
        ("", "GPT4", "based", True),
        ("", "self", "attention", True),
        ("we chat; optimized it", "and chat", "optimized", True),
        ("we chat; optimized it; chatoptimized", "and chat", "optimized", False),
        ("to stand under it", "we under", "stand", False),
        (f"a multi{HYPHEN}lingual model is multi and lingual", "multi", "lingual", True),
        (f"a multi{HYPHEN}lingual model", "multi", "lingual", False),
    ],
)
def test_which_hyphens_stay(document: str, before: str, after: str, keep: bool) -> None:
    assert KnownWords.of(document).keep_hyphen(before, after) is keep
