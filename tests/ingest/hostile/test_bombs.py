"""Files made to cost more than they hold: each is read or refused at once, and none silently cut."""

from __future__ import annotations

import io
import json
import time
import zipfile

import openpyxl
import pytest

from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError

MANY = 50_000
ALIASES = b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(8))
ENTITIES = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(10))
LAUGHS = f'<!DOCTYPE x [<!ENTITY a "lol">{ENTITIES}]>'


def _zip(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _odt(content: str, before: str = "") -> bytes:
    spaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "text", "table")
    )
    body = f"<office:body><office:text>{content}</office:text></office:body>"
    return _zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"{before}<office:document-content {spaces}>{body}</office:document-content>",
        }
    )


def _sheet(rows: str) -> bytes:
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    members["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    )
    return _zip(members)


def _cell(place: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>word</t></is></c>'


READ = {
    "spaces.txt": b"a" + b" " * 500_000 + b"b",
    "indented.txt": b" " * 500_000 + b"words",
    "comments.txt": b"<!---->" * 140 + b" words",
    "marks.txt": ("a" + "\u0301\u0323" * MANY).encode(),
    "start.html": b'<ol start="' + b"9" * 5000 + b'"><li>one</ol><ol start="\xc2\xb2"><li>two</ol>',
    "span.html": b"<table><tr><td colspan=999999999 rowspan=999999999>a<td>b</table>",
    "aliases.md": b"---\na: &a [x]\n" + ALIASES + b"title: *i\n---\nwords",
    "digits.json": b'{"a": ' + b"9" * 5000 + b', "b": "words"}',
    "header.eml": b"To: " + b"a@b, " * 20_000 + b"\nSubject: x\n\nwords",
    "type.eml": b"Content-Type: text/plain" + b"; a=b" * 5_000 + b"\nSubject: x\n\nwords",
    "field.csv": b"a,b\n" + b"word " * 40_000 + b",c\n",
    "ragged.csv": b"," * 50_000 + b"x\n" + b"a,b\n" * 2_000,
    "repeated.odt": _odt(
        '<table:table><table:table-row table:number-rows-repeated="1000000"><table:table-cell '
        'table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>'
        '</table:table><text:p>a<text:s text:c="999999999"/>b</text:p>'
        '<text:h text:outline-level="\N{SUPERSCRIPT TWO}">c</text:h>'
    ),
    "laughs.odt": _odt("<text:p>words &j;</text:p>", LAUGHS),
    "laughs.xml": f"{LAUGHS}<x><p>words</p><p>&j;</p></x>".encode(),
    "far.xlsx": _sheet("".join(f'<row r="{row}">{_cell(f"XFD{row}")}</row>' for row in range(1, 100))),
    "spine.epub": _zip(
        {
            "META-INF/container.xml": '<container><rootfile full-path="b.opf"/></container>',
            "b.opf": '<package><item id="a" href="a.html" media-type="text/html"/>'
            + '<itemref idref="a"/>' * 20_000
            + "</package>",
            "a.html": "<p>words</p>",
        }
    ),
    "included.rst": b".. include:: /etc/passwd\n\n.. csv-table::\n   :file: /etc/passwd\n\nwords\n",
}
REFUSED = {
    "div.html": b"<div>" * MANY + b"words",
    "lists.html": b"<ul><li>" * MANY + b"words",
    "table.html": b"<table><tr><td>" * MANY + b"words",
    "deep.xml": b"<a>" * MANY + b"words" + b"</a>" * MANY,
    "deep.json": b"[" * MANY + b"]" * MANY,
    "deep.odt": _odt("<text:section>" * MANY + "<text:p>words</text:p>" + "</text:section>" * MANY),
}


@pytest.mark.parametrize("name", READ)
def test_what_looks_costly_is_read(name: str) -> None:
    begun = time.perf_counter()
    document = parse_bytes(READ[name], f"/d/{name}")
    # In seconds or not at all: what takes the square of its length takes minutes here.
    assert time.perf_counter() - begun < 20
    assert len(document.text) <= 2 * len(READ[name]) + 1000
    assert "root:" not in document.text
    assert json.dumps(document.text)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_nested_too_deeply_is_refused_and_not_cut(name: str) -> None:
    with pytest.raises(UnparsableError) as caught:
        parse_bytes(REFUSED[name], f"/d/{name}")
    assert (caught.value.reason, caught.value.detail) == ("corrupt", "nested too deeply")


def test_an_archive_that_swells_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.conversion.formats._MOST_UNPACKED", 100_000)
    for name in ("a.docx", "a.xlsx", "a.pptx", "a.epub", "a.odt"):
        with pytest.raises(UnparsableError) as caught:
            parse_bytes(_zip({"word/document.xml": b" " * 200_000}), name)
        assert caught.value.reason == "too_large"


def test_lists_inside_definitions_are_said_once() -> None:
    page = b"<dl><dt>a<dd>one<dl><dt>b<dd>two</dl></dd><div><dt>c<dd>three</div></dl>"
    assert parse_bytes(page, "a.html").text.split() == "a: one b: two c: three".split()
