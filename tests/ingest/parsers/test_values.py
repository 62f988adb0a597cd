"""Values as the file shows them: powers, fractions, marks of notes, number formats of sheets."""

from __future__ import annotations

import datetime as dt
import io
import json

import docx
import openpyxl
import pptx
import pytest
from openpyxl.comments import Comment

from ingest.conversion.convert import parse_bytes
from ingest.parsers.common.number_format import shown
from ingest.parsers.common.raised import lowered, raised


@pytest.mark.parametrize(
    ("before", "text", "read"),
    [
        ("at least 10", "6", "⁶"),
        ("3 x 10", "\N{MINUS SIGN}4", "⁻⁴"),
        ("250 m", "2", "²"),
        ("N/mm ", "2", "²"),
        ("kg m", "-3", "⁻³"),
        ("x", "2", "²"),
        ("Ca", "2+", "²⁺"),
        ("to the survey", "12", " [12]"),
        ("in 2019", "3", " [3]"),
        ("ended.", "4", " [4]"),
        ("Shen", "1,2", " [1,2]"),
        ("the 21", "st", "st"),
        ("le 2", "e", "e"),
        ("Brand", "TM", "™"),
        ("2", "n", "^n"),
    ],
)
def test_raised(before: str, text: str, read: str) -> None:
    assert raised(before, text) == read


def test_lowered() -> None:
    assert (lowered("CO", "2"), lowered("x", "max"), lowered("1010", "2")) == ("2", "_max", "₂")


PAGE = (
    "<p>At least 10<sup>6</sup> cells, 3 x 10<sup>-4</sup> mol on 250 m<sup>2</sup>.</p>"
    "<p>According to the survey<sup>12</sup> yields rose by 4<sup>1</sup>/<sub>2</sub> percent.</p>"
    "<p><math><msup><mi>a</mi><mn>2</mn></msup><mo>=</mo><mfrac><mn>1</mn><mn>3</mn></mfrac></math></p>"
)
READ = (
    "At least 10⁶ cells, 3 x 10⁻⁴ mol on 250 m².\n\n"
    "According to the survey [12] yields rose by 4 1/2 percent.\n\na²=1/3"
)


def test_powers_of_pages_and_what_becomes_one() -> None:
    assert parse_bytes(PAGE.encode(), "a.html").text == READ
    assert parse_bytes(f"{PAGE}\n".encode(), "a.md").text == READ
    cells = [{"cell_type": "markdown", "source": PAGE}]
    assert parse_bytes(json.dumps({"cells": cells}).encode(), "a.ipynb").text == READ


def test_powers_of_word_slides_and_rich_text() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("It holds 10")
    paragraph.add_run("6").font.superscript = True
    paragraph.add_run(" litres.")
    buffer = io.BytesIO()
    document.save(buffer)
    assert parse_bytes(buffer.getvalue(), "a.docx").text == "It holds 10⁶ litres."
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    body = slide.placeholders[1].text_frame.paragraphs[0]
    for words, baseline in (("It holds 10", None), ("6", "30000"), (" litres.", None)):
        run = body.add_run()
        run.text = words
        if baseline:
            run.font._element.set("baseline", baseline)
    buffer = io.BytesIO()
    deck.save(buffer)
    assert parse_bytes(buffer.getvalue(), "a.pptx").text == "It holds 10⁶ litres."
    assert parse_bytes(rb"{\rtf1 It holds 10{\super 6} litres.\par}", "a.rtf").text == "It holds 10⁶ litres."
    assert parse_bytes(b"It holds 10\\ :sup:`6` litres.\n", "a.rst").text == "It holds 10⁶ litres."
    book = b"<article><para>It holds 10<superscript>6</superscript> litres.</para></article>"
    assert parse_bytes(book, "a.xml").text == "It holds 10⁶ litres."


@pytest.mark.parametrize(
    ("value", "code", "read"),
    [
        (0.075, "0.0%", "7.5%"),
        (62.5, '"€" #,##0.00', "€ 62.50"),
        (1234.5, "#,##0.00\\ [$€-407]", "1,234.50 €"),
        (-1234, "$#,##0_);($#,##0)", "($1,234)"),
        (12345, "00000000", "00012345"),
        (5551234567, "(000) 000-0000", "(555) 123-4567"),
        (1.25, "# ?/?", "1 1/4"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (dt.timedelta(hours=30, minutes=15), "[hh]:mm", "30:15"),
        (dt.time(7, 45), "h:mm", "7:45"),
        (dt.datetime(2023, 4, 17), "dd.mm.yyyy", "17.04.2023"),  # noqa: DTZ001 - sheets know no zones
        (dt.datetime(2023, 4, 17, 15, 5), "d mmmm yyyy h:mm AM/PM", "17 April 2023 3:05 PM"),  # noqa: DTZ001
        (dt.datetime(2023, 4, 17), "mm-dd-yy", "2023-04-17"),  # noqa: DTZ001
        (0.1 + 0.2, "General", "0.3"),
        (True, "General", "yes"),
        (5, "nonsense;;;", "5"),
    ],
)
def test_a_cell_in_its_format(value: object, code: str, read: str) -> None:
    assert shown(value, code) == read


def test_comments_and_formulas_without_results() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Contract", "Sum"], ["Heron", "=1+1"]):
        sheet.append(row)
    sheet["A2"].comment = Comment("Six weeks' notice.", "Ada")
    buffer = io.BytesIO()
    book.save(buffer)
    document = parse_bytes(buffer.getvalue(), "a.xlsx")
    assert "Heron [Six weeks' notice.]" in document.text
    assert document.warnings == (
        "1 formulas of 'Sheet' have no stored result; open and save the file in a spreadsheet program",
    )


def test_functions_and_sums_of_word_formulas_keep_their_signs() -> None:
    from lxml import etree

    from ingest.parsers.common.omml import formula_text

    space = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    formula = (
        f"<m:oMath {space}><m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr>"
        "<m:sub><m:r><m:t>i=1</m:t></m:r></m:sub>"
        "<m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:func><m:fName><m:r><m:t>sin</m:t></m:r></m:fName>"
        "<m:e><m:r><m:t>θ</m:t></m:r></m:e></m:func></m:e></m:nary></m:oMath>"
    )
    assert formula_text(etree.fromstring(f"<a>{formula}</a>")) == "∑_(i=1)^(n) sin θ"
    assert (
        formula_text(etree.fromstring(f"<a>{formula.replace('n</m:t>', '</m:t>', 1)}</a>")) == "∑_(i=1) sin θ"
    )
    applied = f"<a><m:oMath {space}><m:r><m:t>sin\u2061θ</m:t></m:r></m:oMath></a>"
    assert formula_text(etree.fromstring(applied)) == "sin θ"
