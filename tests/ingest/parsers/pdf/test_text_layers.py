"""What PDF files do with letters: old fonts, words only set apart, tables by columns, form fields."""

from __future__ import annotations

import io
import time

import pytest
from reportlab.pdfgen.canvas import Canvas

from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError


def _drawn(*pieces: tuple[float, float, str], size: float = 10) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.setFont("Helvetica", size)
    for x, y, words in pieces:
        canvas.drawString(x, y, words)
    canvas.save()
    return buffer.getvalue()


def _in_a_font_without_letters(content: bytes, letters: bytes = b"") -> bytes:
    """A page in a Type 3 font whose glyphs have numbers for names, as fonts of old TeX do.

    `letters` says what they stand for (lines of a `ToUnicode` table).
    """
    codes = (*range(11, 16), *range(32, 127), *range(160, 256))
    names = " ".join(f"{code} /g{code}" for code in codes)
    glyphs = " ".join(f"/g{code} 5 0 R" for code in codes)
    table_of_letters = (
        b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange "
        b"%d beginbfchar\n%s\nendbfchar endcmap" % (letters.count(b"\n") + 1, letters)
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 6 0 R >> >> "
        b"/Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Length 37 >>\nstream\n500 0 0 0 450 700 d1 0 0 400 600 re f\nendstream",
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 500 700] /FontMatrix [0.001 0 0 0.001 0 0] "
        b"/FirstChar 11 /LastChar 255 /Widths [%s] /Encoding << /Type /Encoding /Differences [ %s ] >> "
        b"/CharProcs << %s >> /Resources << >> %s>>"
        % (b"500 " * 245, names.encode(), glyphs.encode(), b"/ToUnicode 7 0 R " if letters else b""),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(table_of_letters), table_of_letters),
    ]
    data = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        data
        + b"xref\n0 8\n0000000000 65535 f \n%strailer << /Size 8 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
        % (
            table,
            len(data),
        )
    )


def test_ligatures_of_old_fonts() -> None:
    words = rb"The o\016cer \014rst measured the \015ow and the e\013ect was signi\014cant in tra\016c."
    data = _in_a_font_without_letters(b"BT /F1 12 Tf 72 740 Td (" + words + b") Tj ET")
    text = parse_bytes(data, "a.pdf").text
    assert text == "The officer first measured the flow and the effect was significant in traffic."


def test_ligatures_that_run_from_right_to_left() -> None:
    letters = b"<41> <0627>\n<42> <0644>\n<43> <06440627>\n<44> <0633>\n<45> <0645>\n<46> <FEFB>"
    shown = b"BT /F1 12 Tf 300 740 Td (ECDBA) Tj ET BT /F1 12 Tf 300 700 Td (EFDBA) Tj ET"
    text = parse_bytes(_in_a_font_without_letters(shown, letters), "a.pdf").text
    assert text.split() == ["السلام", "السلام"]


def test_an_unreadable_text_layer_is_no_text() -> None:
    plain = b"The day shift leaves at nine and comes back at noon; every boat is checked before it goes. " * 4
    key = {code: 160 + (code * 37) % 90 for code in range(33, 127)}
    line = bytes(key.get(code, code) for code in plain)
    data = _in_a_font_without_letters(b"BT /F1 8 Tf 40 740 Td (" + line + b") Tj ET")
    with pytest.raises(UnparsableError, match="text layer unreadable"):
        parse_bytes(data, "a.pdf")


@pytest.mark.parametrize("gap", [-160, -120])
def test_words_that_are_only_set_apart(gap: int) -> None:
    words = "Each disk block of the archive is written twice".split()
    shown = f" {gap} ".join(f"({word})" for word in words)
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas._code.append(f"BT /F1 10 Tf 72 700 Td [{shown}] TJ ET")
    canvas.save()
    assert parse_bytes(buffer.getvalue(), "a.pdf").text == " ".join(words)


def test_letters_that_are_set_apart_are_no_words() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    text = canvas.beginText(72, 700)
    text.setCharSpace(1.5)
    text.textLine("Annual report of the harbour")
    canvas.drawText(text)
    canvas.save()
    assert parse_bytes(buffer.getvalue(), "a.pdf").text == "Annual report of the harbour"


def test_a_table_told_by_columns_is_read_by_rows() -> None:
    columns = {72: ("Date", "06/22", "06/30", "07/01"), 180: ("Company", "Alder", "Birch", "Cedar")}
    pieces = [(x, 700 - 16 * at, cell) for x, cells in columns.items() for at, cell in enumerate(cells)]
    assert parse_bytes(_drawn(*pieces), "a.pdf").text == (
        "Date | Company\n06/22 | Alder\n06/30 | Birch\n07/01 | Cedar"
    )


def test_columns_of_prose_stay_columns() -> None:
    left = (
        "the boats were taken out of",
        "the water before the ice came",
        "and stood in the shed until",
        "the end of April of that year",
    )
    right = (
        "nobody had thought of the oars",
        "which lay on the jetty under the",
        "snow and were found again when",
        "the first guests came in May",
    )
    pieces = [
        (x, 700 - 14 * at, line) for x, lines in ((60, left), (320, right)) for at, line in enumerate(lines)
    ]
    text = parse_bytes(_drawn(*pieces), "a.pdf").text
    assert "the water before the ice came and stood" in text


def test_raised_numbers_are_powers_or_marks() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    text = canvas.beginText(72, 700)
    for words, size, rise in (
        ("It holds 10", 12, 0),
        ("6", 7, 5),
        (" litres, says the survey", 12, 0),
        ("3", 7, 5),
    ):
        text.setFont("Helvetica", size)
        text.setRise(rise)
        text.textOut(words)
    canvas.drawText(text)
    canvas.save()
    assert parse_bytes(buffer.getvalue(), "a.pdf").text == "It holds 10⁶ litres, says the survey [3]"


def test_values_of_form_fields_stand_behind_their_labels() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.setFont("Helvetica", 11)
    for y, label in ((700, "Name of the boat:"), (670, "Insured:"), (640, "The office answers soon.")):
        canvas.drawString(72, y, label)
    canvas.acroForm.textfield(name="boat", value="Seagull of Kotka", x=200, y=694, width=200, height=18)
    canvas.acroForm.checkbox(name="insured", checked=True, x=200, y=666, size=14)
    canvas.save()
    text = parse_bytes(buffer.getvalue(), "a.pdf").text
    assert "Name of the boat: Seagull of Kotka" in text
    assert "Insured: [x]" in text


def test_words_drawn_twice_are_read_once() -> None:
    pieces = [(72.0, 700.0, "Bold difference"), (72.3, 700.0, "Bold difference")]
    assert parse_bytes(_drawn(*pieces), "a.pdf").text == "Bold difference"


def test_rows_of_tallies_do_not_double_the_work() -> None:
    pieces: list[tuple[float, float, str]] = []
    for row in range(40):
        y = 800 - 18 * row
        pieces += [
            (60, y, f"CANDIDATE {row}"),
            (300, y, "NO"),
            (180, y, str(100 + 7 * row)),
            (400, y, str(row)),
        ]
    data = _drawn(*pieces)
    started = time.process_time()
    assert "CANDIDATE 39" in parse_bytes(data, "a.pdf").text
    assert time.process_time() - started < 3
