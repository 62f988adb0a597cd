"""PDF pages: columns told row by row, and what every page repeats at its edges."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest.conversion.convert import parse_bytes
from ingest.parsers.pdf.columns import in_reading_order
from ingest.parsers.pdf.paragraphs import Character
from ingest.parsers.pdf.running_headers import without_running_heads
from ingest.records import Document

WORDS = (
    "The harbour lies to the north of the old town and was opened in the year when the railway came. A "
    "ship's log records the wind, the course and the speed; whoever reads it sees that he never slept. "
    "Along the quay stand warehouses of brick, most of them empty, while the newer ones by the station serve "
    "as workshops for people who mend nets, build boats or paint the signs that hang above every door. "
).split()
Piece = tuple[float, float, str]


def _pdf(pages: Sequence[Sequence[Piece]], size: float = 10) -> bytes:
    """Pieces of text in the order in which the page tells them, each at its place."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(612, 792))
    for page in pages:
        canvas.setFont("Times-Roman", size)
        for x, y, text in page:
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _lines(words: Sequence[str], width: float) -> list[str]:
    lines = [""]
    for word in words:
        wider = f"{lines[-1]} {word}".strip()
        if stringWidth(wider, "Times-Roman", 10) > width:
            lines.append(word)
        else:
            lines[-1] = wider
    return lines


def _body(first: int = 0, top: float = 700) -> list[Piece]:
    """A paragraph of its own for each page."""
    words = WORDS[first % 40 :] + WORDS[: first % 40]
    return [(54, top - 13 * row, line) for row, line in enumerate(_lines(words, 500))]


def _assert_source_map_is_exact(document: Document, data: bytes) -> None:
    pdf = pdfium.PdfDocument(data)
    pages = [page.get_textpage() for page in pdf]
    mapped = 0
    for run in document.source_map:
        assert run.page is not None
        assert document.page_at(run.text_start) == run.page
        for offset in range(run.text_end - run.text_start):
            code = pdfium_c.FPDFText_GetUnicode(pages[run.page - 1], run.source_start + offset)
            kept = document.text[run.text_start + offset]
            assert chr(code) == kept or (kept == " " and chr(code).isspace()) or (kept == "-" and code == 2)
            mapped += 1
    assert mapped > 0.9 * len(document.text)
    for text_page in pages:
        text_page.close()
    pdf.close()


@pytest.mark.parametrize("gutter", [12, 20, 40])
@pytest.mark.parametrize("count", [2, 3])
def test_columns_written_row_by_row_are_read_one_after_the_other(gutter: int, count: int) -> None:
    width = (504 - gutter * (count - 1)) / count
    lines = _lines(WORDS * 3, width)
    # A word cut at the end of the first column's third line goes on in that column.
    lines[2] = f"{lines[2].rsplit(' ', 2)[0]} work-"
    lines[3] = f"shops {lines[3].split(' ', 1)[1]}"
    rows = -(-len(lines) // count)
    page: list[Piece] = [(54, 740, "A title above both of the columns")]
    for row in range(rows):
        for column in range(count):
            if column * rows + row < len(lines):
                line = lines[column * rows + row]
                page.append((54 + column * (width + gutter), 700 - 13 * row, line))
    data = _pdf([page])
    document = parse_bytes(data, "a.pdf")
    expected = " ".join(lines).replace("work- shops", "workshops")
    assert document.text.split() == f"A title above both of the columns {expected}".split()
    _assert_source_map_is_exact(document, data)


def test_rows_of_a_table_stay_rows() -> None:
    left = [
        "Opening of the harbour",
        "Arrival of the railway",
        "First school of the town",
        "Bridge across the bay",
    ]
    right = [
        "In spring, after the ice had gone",
        "Two years later, from the south",
        "With the money of the fishermen",
        "Still the longest of its kind",
    ]
    page = [(x, 700 - 13 * row, text) for row in range(4) for x, text in ((54, left[row]), (300, right[row]))]
    assert parse_bytes(_pdf([page]), "a.pdf").text == "\n".join(
        map(" | ".join, zip(left, right, strict=True))
    )


def test_running_heads_are_said_once_and_page_numbers_never() -> None:
    pages = [
        [
            (54, 760, "Harbour Board"),
            (470, 760, "Call 555-0199"),
            *_body(number),
            (280, 30, f"Page {number} of 6"),
        ]
        for number in range(1, 7)
    ]
    data = _pdf(pages)
    document = parse_bytes(data, "a.pdf")
    bodies = [" ".join(line for _, _, line in _body(number)) for number in range(1, 7)]
    assert document.text == "\n\n".join(["Harbour Board | Call 555-0199", *bodies])
    assert [document.text[page.start : page.end] for page in document.pages[1:]] == bodies[1:]
    _assert_source_map_is_exact(document, data)


def test_heads_that_change_with_the_chapter_and_the_side() -> None:
    pages = []
    for number in range(12):
        chapter = "The sea" if number < 6 else "The land"
        head = f"{number + 17} · {chapter}" if number % 2 else f"{chapter} · {number + 17}"
        pages.append([(54 if number % 2 else 500, 760, head), *_body(number)])
    text = parse_bytes(_pdf(pages), "a.pdf").text
    assert text.count("The sea") == 1
    assert text.count("The land") == 1
    assert "22" not in text


@pytest.mark.parametrize(
    ("heads", "count"),
    [
        (["Invoice 1001", "Invoice 1002", "Invoice 1003", "Invoice 1004"], 4),  # numbers that name their page
        (["Problem 1", "Problem 2", "Problem 3", "Problem 4"], 4),
        (["Total 20", "Total 70", "Total 90", "Total 30"], 4),
        (["Harbour Board", "Harbour Board"], 2),  # two pages prove nothing
    ],
)
def test_content_at_the_edge_of_a_page_is_kept(heads: list[str], count: int) -> None:
    pages = [[(54, 760, head), *_body(number)] for number, head in enumerate(heads)]
    text = parse_bytes(_pdf(pages), "a.pdf").text
    assert sum(text.count(head) for head in sorted(set(heads))) == count


def test_a_table_that_goes_on_keeps_the_names_of_its_columns() -> None:
    # No space between the first row and the next: it belongs to the table.
    pages = [
        [(54, 700, "Name"), (300, 700, "Age")]
        + [
            (x, 688 - 12 * row, f"{word}{page}{row}")
            for row in range(20)
            for x, word in ((54, "n"), (300, "a"))
        ]
        for page in range(4)
    ]
    assert parse_bytes(_pdf(pages), "a.pdf").text.count("Name | Age") == 4


def _page(rows: Sequence[tuple[float, str]]) -> list[Character]:
    characters: list[Character] = []
    for y, text in rows:
        for x, character in enumerate(f"{text}\n"):
            characters.append(Character(character, len(characters), 6.0 * x, y, 6.0 * x + 6, y + 10))
    return characters


_ROWS = st.lists(
    st.tuples(
        st.sampled_from([700.0, 740.0, 760.0, 400.0, 388.0, 376.0, 40.0, 20.0]),
        st.sampled_from(
            ["Acme Report", "Acme Report   7", "3", "Page 3 of 9", "iv", "Invoice 12", "a   b   c"]
        )
        | st.text("abc  12-|", min_size=1, max_size=12),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_ROWS, max_size=6))
def test_nothing_is_lost_but_what_was_said_and_numbers(rows: list[list[tuple[float, str]]]) -> None:
    pages = [in_reading_order(_page(page)) for page in rows]
    kept = without_running_heads(pages)
    said: set[str] = set()
    for before, after in zip(pages, kept, strict=True):
        numbers = [character.number for character in after]
        assert numbers == [c.number for c in before if c.number in set(numbers)]
        words = "".join(c.text for c in before).split()
        left = "".join(c.text for c in after).split()
        assert bool(words) == bool(left)
        lost = set(words) - set(left)
        assert all(word in said or not word.isalpha() or word in ("Page", "of", "iv") for word in lost)
        said |= set(words)
