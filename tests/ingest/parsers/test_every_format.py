"""One small file per format, made here, and what must come out of it."""

import io
import json
import zipfile
from dataclasses import replace
from email.message import EmailMessage

import docx
import openpyxl
import pptx
import pytest
from pptx.util import Inches

from ingest.conversion.convert import document_from_text, parse_bytes
from ingest.errors import UnparsableError
from ingest.records import Document, RejectReason, Text


def _headings(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in document.headings]


def _units(document: Document) -> list[str]:
    return [document.text[unit.start : unit.end] for unit in document.units]


def _rejection(data: bytes, path: str) -> RejectReason:
    with pytest.raises(UnparsableError) as caught:
        parse_bytes(data, path)
    return caught.value.reason


def test_plain_text_keeps_its_lines_and_takes_its_title_from_the_file() -> None:
    document = parse_bytes(b"One line\r\n  and another\n\n\n\nend", "/docs/My notes.txt")
    assert document.text == "One line\n  and another\n\nend"
    assert (document.title, document.type, document.size_bytes) == ("My notes", "txt", 30)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The Ship's Log\n\nDay one. All well.", "The Ship's Log"),
        ("望海茶馆须知\r\n\r\n茶馆在码头街。", "望海茶馆须知"),
        ("A first sentence.\n\nA second one.", "log"),
        ("Two lines\nwithout a break\n\nmore", "log"),
        ("CHAPTER I\n\nwords", "log"),
        ("x = 1;\n\ny = 2", "log"),
        ("----------\n\nwords", "log"),
    ],
)
def test_a_first_line_that_looks_like_a_title_is_one(text: str, title: str) -> None:
    assert parse_bytes(text.encode(), "/d/log.txt").title == title


def test_identity_is_of_the_bytes_and_the_parser() -> None:
    one, other = parse_bytes(b"same words", "/a.txt"), parse_bytes(b"same words", "/b/c.txt")
    assert one.id == other.id
    assert one.id != parse_bytes(b"same words", "/a.md").id
    assert one.parser.startswith("txt/")


def test_nothing_to_read_is_said_so() -> None:
    assert _rejection(b"", "a.txt") is RejectReason.EMPTY
    assert _rejection(b" \n\t ", "a.md") is RejectReason.EMPTY
    assert _rejection(b"--- *** ---", "a.txt") is RejectReason.NO_TEXT
    assert _rejection(b"<html><body><script>x=1</script></body></html>", "a.html") is RejectReason.NO_TEXT


def test_markdown() -> None:
    source = """---
title: Front title
tags: [a, b]
---
# First heading

Some *soft*
wrapped `text` with a note[^1].

- one
- two
  - inner

| Name | Age |
|------|-----|
| Ada  | 36  |

```python
def f():
    return  1
```

Second
======

[^1]: The note.
"""
    document = parse_bytes(source.encode(), "a.md")
    assert document.title == "Front title"
    assert document.metadata == {"tags": "a, b"}
    assert _headings(document) == [(1, "First heading"), (1, "Second")]
    assert document.text == (
        "First heading\n\nSome soft wrapped text with a note.\n\n- one\n- two\n- inner\n\n"
        "Name: Ada; Ada Age: 36\n\n"
        "def f():\n    return  1\n\nSecond\n\n1. The note."
    )


def test_restructured_text_with_sphinx_in_it() -> None:
    source = """
Title
=====

See :func:`~os.path.join`, :ref:`the words <target>`, :pep:`8` and ``code``.

.. note:: Mind this.

.. versionadded:: 3.12
   Something :class:`new`.

.. toctree::
   :maxdepth: 2

   secret-page

Part
----

term
    Its definition.

.. code-block:: python

   x = 1

.. list-table::
   :header-rows: 1

   * - Name
     - Age
   * - Ada
     - 36

A broken `reference`_ stays readable. [1]_

.. [1] A note.
.. include:: /etc/passwd
"""
    document = parse_bytes(source.encode(), "a.rst")
    assert _headings(document) == [(1, "Title"), (2, "Part")]
    assert "See os.path.join, the words, PEP 8 and code." in document.text
    for words in (
        "Mind this.",
        "Something new.",
        "term: Its definition.",
        "x = 1",
        "Name: Ada; Ada Age: 36",
        "A note.",
    ):
        assert words in document.text
    for words in ("Unknown", "::", ":func:", "secret-page", "root:", "`"):
        assert words not in document.text


def test_a_python_enhancement_proposal_keeps_its_header_lines() -> None:
    document = parse_bytes(
        b"PEP: 8\nTitle: Style Guide\nAuthor: A <a@b.c>,\n        B\n\n\nIntro\n=====\n\nText.", "p.rst"
    )
    assert document.title == "Style Guide"
    assert document.text == "PEP: 8\nTitle: Style Guide\nAuthor: A <a@b.c>, B\n\nIntro\n\nText."


PAGE = """<!doctype html><html><head><title>The page</title><meta name="author" content="Ada"></head><body>
<nav><a href="/">Home</a> <a href="/about">About</a></nav>
<div class="sidebar"><p>Related things</p></div>
<main><h1>Head</h1><p>First <b>bold</b>
words<br>next line.</p><script>var x = 'no';</script>
<ol><li>one</li><li><p>two</p></li></ol>
<table><tr><th>Name</th><th>Age</th></tr><tr><td>Ada</td><td>36</td></tr><tr><td>Alan</td><td></td></tr></table>
<table><tr><th>Born</th><td>1815</td></tr><tr><th>Died</th><td>1852</td></tr></table>
<pre>  keep
    this</pre><p style="display: none">hidden</p></main>
<footer>Imprint</footer></body></html>"""


def test_a_web_page_without_its_frame() -> None:
    document = parse_bytes(PAGE.encode(), "a.html")
    assert document.title == "The page"
    assert document.metadata == {"author": "Ada"}
    assert _headings(document) == [(1, "Head")]
    assert document.text == (
        "Head\n\nFirst bold words\nnext line.\n\n1. one\n2. two\n\nName: Ada; Ada Age: 36\nName: Alan\n\n"
        "Born: 1815\nDied: 1852\n\n  keep\n    this"
    )


def test_banners_and_feet_of_a_page_are_left_out_and_content_of_such_names_is_not() -> None:
    page = b"""<html><body><div id="cookie-banner">We use cookies</div><div class="gdpr-popup">Agree</div>
<div class="content"><p>One.</p><section id="gdpr"><p>What the GDPR says.</p></section>
<section class="informed-consent"><p>Consent is asked.</p></section>
<table class="card-footer"><tr><td>Sum</td><td>3</td></tr></table></div>
<article><div class="footer"><p>Last words of the article.</p></div></article>
<div class="site-footer">Imprint</div><div id="footer"><a href="/">Home</a> Copyright</div></body></html>"""
    assert parse_bytes(page, "a.html").text == (
        "One.\n\nWhat the GDPR says.\n\nConsent is asked.\n\nSum | 3\n\nLast words of the article."
    )


def test_a_page_that_is_all_menu_is_taken_whole() -> None:
    links = "".join(f'<li><a href="/{i}">Town {i}</a></li>' for i in range(20))
    document = parse_bytes(f"<html><body><ul>{links}</ul><p>End.</p></body></html>".encode(), "a.html")
    assert "Town 7" in document.text


def test_a_page_says_its_encoding() -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Привет</p></body></html>'
    assert parse_bytes(page.encode("cp1251"), "a.html").text == "Привет"


def _word_file() -> bytes:
    document = docx.Document()
    document.add_heading("Report", level=0)
    document.add_heading("Results", level=1)
    document.add_paragraph("A paragraph.")
    document.add_paragraph("point", style="List Bullet")
    table = document.add_table(rows=3, cols=3)
    for row, cells in enumerate(
        (("Name", "Age", "Town"), ("Ada", "36", "London"), ("Alan", "41", "Wilmslow"))
    ):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    document.core_properties.author = "Ada"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_word() -> None:
    document = parse_bytes(_word_file(), "a.docx")
    assert document.title == "Report"
    assert _headings(document) == [(1, "Report"), (1, "Results")]
    assert document.metadata["author"] == "Ada"
    assert document.text == (
        "Report\n\nResults\n\nA paragraph.\n\n- point\n\nName: Ada; Ada Age: 36; Ada Town: London\n"
        "Name: Alan; Alan Age: 41; Alan Town: Wilmslow"
    )


def test_formulas_in_word_are_read() -> None:
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    formula = (
        f'<m:oMath xmlns:m="{math}"><m:r><m:t>y=</m:t></m:r><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num>'
        "<m:den><m:sSup><m:e><m:r><m:t>b</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:den>"
        "</m:f></m:oMath>"
    )
    source, changed = io.BytesIO(_word_file()), io.BytesIO()
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(changed, "w") as copy:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "word/document.xml":
                data = data.replace(b"A paragraph.</w:t></w:r>", f"Where</w:t></w:r>{formula}".encode())
            copy.writestr(name, data)
    assert "Where y=(a)/(b^(2))" in parse_bytes(changed.getvalue(), "a.docx").text


def test_slides_are_pages() -> None:
    presentation = pptx.Presentation()
    for title, body in (("First", "Alpha\nBeta"), ("Second", "Gamma")):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table
    for row, cells in enumerate((("Name", "Age"), ("Ada", "36"))):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    buffer = io.BytesIO()
    presentation.save(buffer)
    document = parse_bytes(buffer.getvalue(), "a.pptx")
    assert document.text == (
        "First\n\nAlpha\nBeta\n\nSecond\n\nGamma\n\nName: Ada; Ada Age: 36\n\nNotes: Say it slowly."
    )
    assert [(page.number, document.text[page.start : page.end][:6]) for page in document.pages] == [
        (1, "First\n"),
        (2, "Second"),
    ]
    assert _headings(document) == [(1, "First"), (1, "Second")]


def test_workbooks() -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "People"
    for row in (["Our people"], [], ["Name", "Age", "Share"], ["Ada", 36, 0.5], ["Alan", 41.0, None]):
        sheet.append(row)
    workbook.create_sheet("Empty")
    buffer = io.BytesIO()
    workbook.save(buffer)
    document = parse_bytes(buffer.getvalue(), "/x/staff.xlsx")
    assert document.title == "staff"
    assert _headings(document) == [(1, "People")]
    assert (
        document.text
        == "People\n\nOur people\n\nName: Ada; Ada Age: 36; Ada Share: 0.5\nName: Alan; Alan Age: 41"
    )
    assert _units(document) == ["Name: Ada; Ada Age: 36; Ada Share: 0.5", "Name: Alan; Alan Age: 41"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('name,age\nAda,36\n"Lovelace, A.",41\n', "a.csv"),
        ('name;age\nAda;36\n"Lovelace, A.";41\n', "a.csv"),
        ("name\tage\nAda\t36\nLovelace, A.\t41\n", "a.tsv"),
        ('sep=|\nname|age\nAda|36\n"Lovelace, A."|41', "a.csv"),
    ],
)
def test_separated_values(text: str, name: str) -> None:
    document = parse_bytes(text.encode(), name)
    assert _units(document) == ["name: Ada; Ada age: 36", "name: Lovelace, A.; Lovelace, A. age: 41"]


def test_a_table_without_names_is_not_given_any() -> None:
    assert _units(parse_bytes(b"Ada,36\nAlan,41\n", "a.csv")) == ["Ada | 36", "Alan | 41"]


def test_records_of_json() -> None:
    records = [
        {"title": "One", "meta": {"lang": "en", "tags": ["a", "b"]}, "text": "Long words. " * 30, "n": None},
        {"title": "Two", "ok": True, "body": "<p>First &amp; last</p><p>Second</p>"},
    ]
    document = parse_bytes(json.dumps(records).encode(), "/d/notes.json")
    first, second = _units(document)
    assert first == "title: One\nmeta / lang: en\nmeta / tags: a, b\n\n" + ("Long words. " * 30).strip()
    assert second == "title: Two\nok: yes\n\nbody: First & last\n\nSecond"
    assert _headings(document) == [(1, "One"), (1, "Two")]
    assert all(document.text.startswith("title", heading.start) for heading in document.headings)
    assert document.title == "notes"


def test_a_json_object_is_a_document() -> None:
    value = {"name": "Chile", "Geography": {"Area": {"total": {"text": "756,102 sq km"}}, "Climate": "dry"}}
    document = parse_bytes(json.dumps(value).encode(), "ci.json")
    assert document.title == "Chile"
    assert document.text == "name: Chile\n\nGeography\n\nArea / total: 756,102 sq km\nClimate: dry"
    assert document.units == ()


def test_json_lines_survive_a_broken_one() -> None:
    document = parse_bytes(b'{"a": 1, "b": "x"}\n{"a": 2, \n{"a": 3}\n', "a.jsonl")
    assert _units(document) == ["a: 1\nb: x", "a: 3"]
    assert document.warnings == ("1 of 3 lines are no valid JSON: 2",)
    assert _rejection(b"{nothing}\n{here}", "a.jsonl") is RejectReason.CORRUPT
    assert _rejection(b'{"a": ', "a.json") is RejectReason.CORRUPT
    assert _units(parse_bytes(b'{"a": 1}\n{"a": 2}', "a.json")) == ["a: 1", "a: 2"]


def test_xml_documents() -> None:
    book = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<document xmlns="http://cnx.rice.edu/cnxml"><title>War</title><metadata><x>no</x></metadata><content>
<para>First <emphasis>great</emphasis> words &secret;.</para>
<section><title>Causes</title><para>Second.</para>
<list><item>one</item><item>two</item></list></section></content></document>"""
    document = parse_bytes(book, "a.cnxml")
    assert document.title == "War"
    assert _headings(document) == [(1, "War"), (2, "Causes")]
    assert document.text == "War\n\nFirst great words .\n\nCauses\n\nSecond.\n\n- one\n- two"


def test_xml_records_and_feeds() -> None:
    data = b"<all><c><name>Chile</name><area unit='km2'>756,102</area></c><c><name>Peru</name></c></all>"
    assert _units(parse_bytes(data, "a.xml")) == [
        "name: Chile\narea / unit: km2\narea: 756,102",
        "name: Peru",
    ]
    feed = b"""<rss><channel><title>News</title><item><title>One</title><pubDate>Today</pubDate>
<description>&lt;p&gt;It &lt;b&gt;happened&lt;/b&gt;.&lt;/p&gt;</description></item></channel></rss>"""
    document = parse_bytes(feed, "a.xml")
    assert document.title == "News"
    assert _units(document) == ["One\npubDate: Today\n\nIt happened."]


def test_mail() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["From"] = "Ada <ada@example.org>"
    message["To"] = "alan@example.org"
    message["Date"] = "Mon, 05 Feb 2024 10:00:00 +0100"
    message.set_content("Plain words.\n")
    message.add_alternative("<p>HTML words.</p>", subtype="html")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="report.pdf")
    document = parse_bytes(message.as_bytes(), "a.eml")
    assert document.title == "Grüße"
    assert document.text == (
        "Subject: Grüße\nFrom: Ada <ada@example.org>\nTo: alan@example.org\nDate: 2024-02-05 10:00:00+01:00"
        "\n\n"
        "Plain words."
    )
    assert document.metadata["from"] == "Ada <ada@example.org>"
    assert document.warnings == ("attachments are not searched: report.pdf",)


def test_mail_of_html_only() -> None:
    message = EmailMessage()
    message["Subject"] = "S"
    message.set_content("<h1>Hello</h1><p>World</p>", subtype="html")
    assert parse_bytes(message.as_bytes(), "a.eml").text == "Subject: S\n\nHello\n\nWorld"


def test_notebooks() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Head\n", "Some *words*."]},
            {
                "cell_type": "code",
                "source": "print(1)",
                "outputs": [{"output_type": "stream", "text": ["1\n"]}],
            },
        ],
        "nbformat": 4,
    }
    document = parse_bytes(json.dumps(notebook).encode(), "a.ipynb")
    assert document.text == "Head\n\nSome words.\n\nprint(1)\n\n1"
    assert _headings(document) == [(1, "Head")]


def _open_document(content: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "text", "table", "style")
    )
    body = (
        f"<office:document-content {spaces}><office:body><office:text>{content}</office:text></office:body>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", f"{body}</office:document-content>")
    return buffer.getvalue()


def test_open_document() -> None:
    content = (
        '<text:h text:outline-level="2">Part</text:h><text:p>Two<text:s/>words'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>a note</text:p>"
        "</text:note-body>"
        "</text:note>.</text:p><text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell>"
        "<text:p>b</text:p></table:table-cell></table:table-row></table:table>"
    )
    document = parse_bytes(_open_document(content), "a.odt")
    assert document.text == "Part\n\nTwo words (a note).\n\n- one\n\na | b"
    assert _headings(document) == [(2, "Part")]


def test_rich_text() -> None:
    data = rb"{\rtf1\ansi{\fonttbl\f0 Arial;}\f0 First {\b bold} caf\'e9.\par Second.\par}"
    assert parse_bytes(data, "a.rtf").text == "First bold café.\n\nSecond."


def test_books_follow_their_spine() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="o/b.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "o/b.opf",
            '<package><metadata xmlns:dc="d"><dc:title>Book</dc:title><dc:creator>Ada</dc:creator></metadata>'
            "<manifest>"
            + "".join(
                f'<item id="{i}" href="{i}%20x.html" media-type="application/xhtml+xml"/>'
                for i in ("a", "b", "c")
            )
            + '</manifest><spine><itemref idref="b"/><itemref idref="a"/><itemref idref="c"/></spine>'
            "</package>",
        )
        for name in "ab":
            archive.writestr(
                f"o/{name} x.html", f"<html><body><h1>Chapter {name}</h1><p>Words.</p></body></html>"
            )
    document = parse_bytes(buffer.getvalue(), "a.epub")
    assert (document.title, document.metadata["author"]) == ("Book", "Ada")
    assert document.text == "Chapter b\n\nWords.\n\nChapter a\n\nWords."
    assert document.warnings == ("chapter o/c x.html is missing inside",)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.epub", "a.odt"])
def test_archives_with_nothing_right_inside_are_corrupt(name: str) -> None:
    buffer = io.BytesIO()
    members = {
        "docx": "word/x",
        "pptx": "ppt/x",
        "xlsx": "xl/x",
        "epub": "META-INF/container.xml",
        "odt": "x",
    }
    with zipfile.ZipFile(buffer, "w") as archive:
        if name == "a.odt":
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(members[name.split(".")[1]], "<x/>")
    assert _rejection(buffer.getvalue(), name) is RejectReason.CORRUPT


def test_deeply_nested_files_do_not_end_the_process() -> None:
    assert _rejection(b"[" * 100_000 + b"]" * 100_000, "a.json") is RejectReason.CORRUPT
    deep = "<div>" * 3000 + "words" + "</div>" * 3000
    assert _rejection(deep.encode(), "a.html") is RejectReason.CORRUPT


def test_texts_from_python_become_documents() -> None:
    document = document_from_text(
        Text(id="n1", text=" Some\r\n\twords", title="A title", metadata={"team": "ops"})
    )
    assert (document.path, document.title, document.text) == ("text:n1", "A title", " Some\r\n\twords")
    assert document.metadata == {"team": "ops"}
    assert document_from_text(Text(id="n2", text="Some\nwords")).title == "n2"


def test_texts_from_python_keep_their_offsets() -> None:
    text = "a\0b\ud800c\u200b  d\N{COMBINING ACUTE ACCENT}"
    kept = document_from_text(Text(id="n", text=text)).text
    assert len(kept) == len(text)
    assert kept == text.replace("\0", "\ufffd").replace("\ud800", "\ufffd")


def test_text_with_other_metadata_is_another_document() -> None:
    plain = Text(id="n", text="Some words")
    assert document_from_text(plain).id != document_from_text(replace(plain, metadata={"a": "b"})).id
    assert document_from_text(plain).id != document_from_text(replace(plain, title="T")).id


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("Yes, at noon.\n\nOn Mon, 5 Feb 2024, Ada <a@b.org> wrote:\n> When?\n>> Old.\n", "Yes, at noon."),
        (
            "Ja, gern.\n\nAm 5. Februar 2024 um 10:00 schrieb\nAda Lovelace <a@b.org>:\n\n> Wann?\n",
            "Ja, gern.",
        ),
        ("The clause says:\n\n> Two cats or one dog.\n> And no birds.\n", None),
        ("Prices:\n\n| elbow | 4.15 |\n| flange | 18.90 |\n", None),
        ("The landlord wrote:\n> The deposit is 350.\n", None),
        (
            "I agree with it.\n\n-----Original Message-----\nFrom: Ada\nSent: Monday\n\nThe old words.\n",
            "I agree with it.",
        ),
        ("> When?\nAt noon.\n> Where?\nAt sea.\n", None),
        ("On Monday, Ada wrote:\n> When?\n\nAt noon, as ever.\n", None),
        ("> Everything is quoted.\n", None),
        ("FYI\n\n---------- Forwarded message ---------\nFrom: Ada\n\n> kept\n", None),
        ("A line\n\n-----Original Message-----\nis a heading here.\n", None),
    ],
)
def test_what_a_letter_repeats_at_its_end_is_left_out(body: str, kept: str | None) -> None:
    message = EmailMessage()
    message["Subject"] = "S"
    message.set_content(body)
    text = parse_bytes(message.as_bytes(), "a.eml").text.removeprefix("Subject: S\n\n")
    assert text == (body.strip().replace("-- \n", "--\n") if kept is None else kept)


def test_what_an_html_letter_repeats_is_left_out() -> None:
    quotes = (
        '<div class="gmail_quote">On Monday Ada wrote:<blockquote>Old words</blockquote></div>',
        '<blockquote type="cite"><p>Old words</p></blockquote>',
    )
    for quote in quotes:
        for page, kept in (
            (f"<p>My own words.</p>{quote}", "My own words."),
            (f"<p>Hello there:</p>{quote}<p>An answer.</p>", None),
            (quote, None),
        ):
            message = EmailMessage()
            message["Subject"] = "Re: S"
            message.set_content(page, subtype="html")
            text = parse_bytes(message.as_bytes(), "a.eml").text.removeprefix("Subject: Re: S\n\n")
            assert (text == kept) if kept else ("Old words" in text)
