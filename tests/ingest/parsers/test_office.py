"""Word, PowerPoint, OpenDocument: numbers of clauses, heads and feet, comments, every shape."""

from __future__ import annotations

import io
import zipfile

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.conversion.convert import parse_bytes
from ingest.parsers.common.word_parts import written


def _saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def _clauses() -> bytes:
    """Two levels, `1.` and `1.1`, the second heading going on after a paragraph without a number."""
    document = docx.Document()
    levels = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for at, (kind, text) in enumerate((("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)")))
    )
    numbering = document.part.numbering_part.element
    definition = parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{levels}</w:abstractNum>')
    numbering.insert(0, definition)
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>'))
    for level, words in (
        (0, "Definitions"), (1, "Rent"), (1, "Deposit"), (2, "Amount"), (None, "A remark."),
        (0, "Term"), (1, "Notice"),
    ):  # fmt: skip
        paragraph = document.add_paragraph(words)
        if level is not None:
            properties = paragraph._p.get_or_add_pPr()
            properties.append(
                parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="77"/></w:numPr>')
            )
    return _saved(document)


def test_clauses_have_the_numbers_that_the_document_shows() -> None:
    text = parse_bytes(_clauses(), "a.docx").text
    lines = [line for line in text.split("\n") if line]
    assert lines == [
        "1. Definitions", "1.1 Rent", "1.2 Deposit", "(a) Amount", "A remark.", "2. Term", "2.1 Notice"
    ]  # fmt: skip


def test_numbered_headings() -> None:
    document = docx.Document(io.BytesIO(_clauses()))
    for paragraph in document.paragraphs[:2]:
        paragraph.style = document.styles["Heading 1"]
    headings = parse_bytes(_saved(document), "a.docx").headings
    assert [heading.title for heading in headings] == ["1. Definitions", "1.1 Rent"]


@pytest.mark.parametrize(
    ("number", "format_", "text"),
    [(3, "lowerLetter", "c"), (28, "upperLetter", "BB"), (14, "lowerRoman", "xiv"), (7, "decimalZero", "07"),
     (5, "chineseCounting", "5")],
)  # fmt: skip
def test_numbers_as_word_writes_them(number: int, format_: str, text: str) -> None:
    assert written(number, format_) == text


def test_heads_feet_and_comments_of_word() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("The rent is due monthly.")
    document.sections[0].header.paragraphs[0].text = "Draft of 3 May"
    document.sections[0].footer.paragraphs[0].text = "Hollins & Sons"
    document.add_comment(paragraph.runs, text="Is this agreed?", author="Ana")
    assert parse_bytes(_saved(document), "a.docx").text.split("\n\n") == [
        "Draft of 3 May", "The rent is due monthly.", "Comment by Ana: Is this agreed?", "Hollins & Sons"
    ]  # fmt: skip


def test_heads_of_first_pages_count_only_where_there_are_any() -> None:
    document = docx.Document()
    document.add_paragraph("Words.")
    section = document.sections[0]
    section.first_page_header.paragraphs[0].text = "Only on a first page"
    assert "first page" not in parse_bytes(_saved(document), "a.docx").text
    section.different_first_page_header_footer = True
    assert "first page" in parse_bytes(_saved(document), "a.docx").text


def test_a_broken_chart_costs_no_other_shape() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Sales"
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["2022", "2023"]
    data.add_series("Boats", (1234567, 41.5))  # type: ignore[no-untyped-call]
    chart = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(4), Inches(3), data
    )
    assert "Boats: 2022: 1234567; 2023: 41.5" in parse_bytes(_saved(deck), "a.pptx").text
    slide.shapes.add_textbox(Inches(1), Inches(6), Inches(2), Inches(1)).text_frame.text = "Below the chart"
    for element in chart._element.iter():
        if element.tag.endswith("}chart"):
            element.attrib.clear()
    document = parse_bytes(_saved(deck), "a.pptx")
    assert "Below the chart" in document.text
    assert document.warnings[0].startswith("something on slide 1 could not be read")


def test_open_document_shows_all_its_parts() -> None:
    spaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "text", "table", "style", "form")
    )
    content = (
        '<office:automatic-styles><style:style style:name="up" style:family="text"><style:text-properties '
        'style:text-position="super 58%"/></style:style></office:automatic-styles><office:body><office:text>'
        '<office:forms><form:form><form:text form:name="Boat" form:current-value="Seagull"/><form:checkbox '
        'form:label="Insured" form:current-state="checked"/></form:form></office:forms>'
        '<text:p>It holds 10<text:span text:style-name="up">6</text:span> litres'
        "<office:annotation><text:p>Really?</text:p></office:annotation>.</text:p>"
        "<table:table><table:table-row><table:table-cell><text:p>Floor</text:p></table:table-cell>"
        "<table:table-cell><text:p>Room</text:p></table:table-cell><table:table-cell><text:p>Seats</text:p></table:table-cell>"
        '</table:table-row><table:table-row><table:table-cell table:number-rows-spanned="2">'
        "<text:p>Ground</text:p></table:table-cell><table:table-cell><text:p>Oak</text:p></table:table-cell><table:table-cell>"
        "<text:p>40</text:p></table:table-cell></table:table-row><table:table-row><table:covered-table-cell/>"
        "<table:table-cell><text:p>Elm</text:p></table:table-cell><table:table-cell><text:p>25</text:p>"
        "</table:table-cell></table:table-row></table:table></office:text></office:body>"
    )
    styles = (
        f"<office:document-styles {spaces}><style:header><text:p>Draft</text:p></style:header>"
        "<style:footer><text:p>Hollins</text:p></style:footer></office:document-styles>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml", f"<office:document-content {spaces}>{content}</office:document-content>"
        )
        archive.writestr("styles.xml", styles)
    lines = [line for line in parse_bytes(buffer.getvalue(), "a.odt").text.split("\n") if line]
    assert lines == [
        "Draft", "It holds 10⁶ litres [Comment: Really?] .", "Floor: Ground; Room: Oak; Oak Seats: 40",
        "Floor: Ground; Room: Elm; Elm Seats: 25", "Boat: Seagull", "[x] Insured", "Hollins",
    ]  # fmt: skip
