"""Pictures of PDF pages: the box stands where the words stand, and what cannot be drawn says why."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingest.conversion.convert import parse_bytes
from ingest.conversion.page_image import NoPicture, characters, page_picture
from ingest.records import Document, SourceRun

WORDS = "opens at seven"
LEFT, BASE, SIZE = 140, 500, 20


def write(path: Path, *, rotation: int = 0) -> Document:
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(72, 700, "A first page about nothing at all.")
    canvas.showPage()
    canvas.setPageRotation(rotation)
    canvas.setFont("Helvetica", SIZE)
    canvas.drawString(72, 700, "The town of Ellery has a gate.")
    canvas.drawString(72, BASE, "It now ")
    canvas.drawString(LEFT, BASE, WORDS)
    canvas.save()
    document = parse_bytes(path.read_bytes(), str(path), modified_ns=0)
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize("rotation", [0, 90])
def test_the_box_is_around_the_words(tmp_path: Path, rotation: int) -> None:
    document = write(tmp_path / "gate.pdf", rotation=rotation)
    start = document.text.index(WORDS)
    picture = page_picture(document, 2, start, start + len(WORDS))
    image = Image.open(io.BytesIO(picture.png))
    assert image.size == (picture.width, picture.height)
    (box,) = picture.boxes
    scale = picture.width / A4[0]  # reportlab turns the sheet with its page
    # where the words were drawn, in pixels: on a page turned by a quarter the first line is on the right
    wide = SIZE * len(WORDS) * 0.45 * scale
    if rotation == 0:
        wanted = (LEFT * scale, (A4[1] - BASE - SIZE) * scale, LEFT * scale + wide, (A4[1] - BASE) * scale)
    else:
        wanted = (BASE * scale, LEFT * scale, (BASE + SIZE) * scale, LEFT * scale + wide)
    assert box == pytest.approx(wanted, abs=SIZE * scale * 0.6)
    colours = image.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3]))).getcolors(1_000_000)
    assert colours is not None
    most = max(colours)[1]
    assert isinstance(most, tuple)
    assert most[2] < most[0], "the ground within the box is yellow"
    assert image.getpixel((5, 5)) == (255, 255, 255)


def test_only_what_stands_on_the_page_is_asked_for() -> None:
    runs = (
        SourceRun(text_start=0, text_end=10, page=1, source_start=0),
        SourceRun(text_start=11, text_end=20, page=2, source_start=5),
    )
    assert characters(runs, 1, 8, 15) == [(8, 10)]
    assert characters(runs, 2, 8, 15) == [(5, 9)]


def test_a_page_that_cannot_be_drawn_says_why(tmp_path: Path) -> None:
    document = write(tmp_path / "gate.pdf")
    with pytest.raises(NoPicture, match="damaged"):
        page_picture(document, 9, 0, 1)
    (tmp_path / "gate.pdf").write_bytes(b"%PDF-1.4 another file")
    with pytest.raises(NoPicture, match="changed"):
        page_picture(document, 1, 0, 1)
    (tmp_path / "gate.pdf").unlink()
    with pytest.raises(NoPicture, match="changed"):
        page_picture(document, 1, 0, 1)
