"""Parts of letters, books and notebooks that were once passed over."""

from __future__ import annotations

import io
import json
import zipfile
from email.message import EmailMessage

import pytest

from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError


def test_the_alternative_that_says_more_is_read() -> None:
    message = EmailMessage()
    message["Subject"] = "Invoice"
    message.set_content("This message needs an HTML capable mail program.")
    message.add_alternative(
        "<p>The invoice amounts to 482.50 and is due on 28 March 2025.</p>", subtype="html"
    )
    text = parse_bytes(message.as_bytes(), "a.eml").text
    assert "482.50 and is due on 28 March" in text
    assert "capable" not in text


def test_what_is_left_out_of_a_letter_is_noted() -> None:
    message = EmailMessage()
    message["Subject"] = "Re: Lunch"
    message.set_content("At noon then.\n\nOn Monday, Ada wrote:\n> When shall we meet?\n")
    document = parse_bytes(message.as_bytes(), "a.eml")
    assert document.text.endswith("At noon then.")
    assert document.warnings == ("8 words quoted from earlier letters were left out",)


def _book(spine: str, **members: str) -> bytes:
    package = (
        "<package><metadata/><manifest>"
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/></manifest>'
        f"<spine>{spine}</spine></package>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("b.opf", package)
        for name in "ab":
            archive.writestr(f"{name}.xhtml", f"<html><body><p>Chapter {name}.</p></body></html>")
        for name, content in members.items():
            archive.writestr(f"META-INF/{name}.xml", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("spine", "warning"),
    [
        ('<itemref idref="x"/><itemref idref="b"/>', "the order of chapters names unknown ones: 'x'"),
        ('<itemref idref="b"/>', "the order of chapters leaves out 1 pages; they are read, too"),
    ],
)
def test_every_chapter_of_the_package_is_read(spine: str, warning: str) -> None:
    document = parse_bytes(_book(spine), "a.epub")
    assert document.text == "Chapter a.\n\nChapter b."
    assert document.warnings == (warning,)


def test_only_encrypted_chapters_protect_a_book() -> None:
    spine = '<itemref idref="a"/><itemref idref="b"/>'
    assert (
        parse_bytes(_book(spine, rights="<rights>Free</rights>"), "a.epub").text == "Chapter a.\n\nChapter b."
    )

    def hidden(*names: str) -> str:
        parts = "".join(f'<EncryptedData><CipherReference URI="{name}"/></EncryptedData>' for name in names)
        return f"<encryption>{parts}</encryption>"

    document = parse_bytes(_book(spine, encryption=hidden("a.xhtml", "font.ttf")), "a.epub")
    assert document.text == "Chapter b."
    assert document.warnings == ("chapter a.xhtml is encrypted and was not read",)
    with pytest.raises(UnparsableError, match="DRM"):
        parse_bytes(_book(spine, encryption=hidden("a.xhtml", "b.xhtml")), "a.epub")


def test_outputs_of_a_notebook() -> None:
    outputs = [
        {
            "output_type": "display_data",
            "data": {"text/markdown": "Held **512 newtons**.", "text/plain": "<a.B object>"},
        },
        {"output_type": "display_data", "data": {"text/html": "<p>Humidity 43 percent.</p>"}},
        {"output_type": "error", "ename": "SensorTimeout", "evalue": "no reading from probe 3"},
        {"output_type": "display_data", "data": {"text/plain": "<Figure size 640x480 with 1 Axes>"}},
        {"output_type": "stream", "text": ["done\n"]},
    ]
    cells = [{"cell_type": "code", "source": "run()", "outputs": outputs}]
    text = parse_bytes(json.dumps({"cells": cells}).encode(), "a.ipynb").text
    assert text.split("\n\n") == [
        "run()", "Held 512 newtons.", "Humidity 43 percent.", "SensorTimeout: no reading from probe 3", "done"
    ]  # fmt: skip
