"""Damaged and hostile files: a document whose places hold, or a rejection with a reason, never anything else.

Small valid files of every format are cut, flipped, spliced and filled with what parsers stumble over; the
members of archives are damaged inside, so that the damage reaches the converter and not a checksum. PDF goes
through the worker process, where a crash of the library is a rejection.
"""

from __future__ import annotations

import importlib.util
import io
import os
import random
import re
import subprocess
import sys
import zipfile
from email.message import EmailMessage
from functools import cache
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from ingest import Document, Limits, Parser, Rejected
from ingest.conversion.convert import parse_bytes
from ingest.conversion.document_json import from_json, to_json
from ingest.errors import UnparsableError

TEXTS = {
    "txt": "A title\n\nWords of a text, über alles.\n",
    "md": "---\ntitle: T\n---\n# Head\n\n- *one*\n- [two](x)\n\n| a | b |\n|---|---|\n"
    "| 1 | 2 |\n\n> `code`[^1]\n\n[^1]: n\n",
    "rst": "Head\n====\n\n.. note:: A :ref:`role <x>`.\n\n* item\n\n"
    "=== ===\na   b\n=== ===\n1   2\n=== ===\n\n``x`` |s|_\n",
    "html": "<html><head><title>T</title></head><body><nav><a href=x>a</a></nav><main>"
    "<h1>H</h1><p>W &amp; w<br>x"
    "<ul><li>i</ul><table><tr><th>a<th>b<tr><td>1<td>2</table><dl><dt>t<dd>d</dl><pre> p</pre>"
    "</main></body></html>",
    "json": '{"name": "N", "items": [{"title": "a", "text": "<p>b</p>"}, '
    '{"title": "c", "n": 1.5e3}], "x": [1, "y"]}',
    "jsonl": '{"a": 1, "b": "x"}\n{"a": [1, {"c": null}]}\n',
    "ipynb": '{"cells": [{"cell_type": "markdown", "source": ["# H"]}, {"cell_type": "code", "source": "x", '
    '"outputs": [{"output_type": "stream", "text": ["1"]}]}], "metadata": {"title": "T"}, "nbformat": 4}',
    "csv": 'name;age\nAda;36\n"Lovelace; A.";41\n',
    "tsv": "name\tage\nAda\t36\n",
    "xml": '<?xml version="1.0"?><article><title>T</title><section><title>S</title>'
    "<para>Words <b>b</b>.</para>"
    "<list><item>i</item></list></section></article>",
    "rtf": r"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 A;}\f0 First {\b bold} caf\'e9 \u8364?.\par"
    r"\trowd x\cell y\cell\row}",
}
_PRINTED = r"""
< > </ <!-- ]]> <![CDATA[ &b; &#x110000; &#0; <table> <dl><dd> { } [ ] " \ \ud800 1e999 NaN - ::: ``` ~~~ |
` * _ {\ \bin99 \u-1? =?utf-8?q?= =?x?b?=?= w:val="99999" start="-1" r="XFD1048576" colspan=99999
columns-repeated="99999" 9999999999999999999999999999999999999999
"""
HOSTILE = (
    *map(str.encode, _PRINTED.split()),
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\x1b$B",
        b"\x02",
        b"\r",
        b"\t",
    ),
    *(
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
        b"\n.. include:: /etc/passwd\n",
        b"\n.. x::\n",
        b"\n====\n",
        b"\n---\n",
    ),
    b"\nContent-Type: multipart/mixed; boundary=x\n\n--x\n",
)
_Damage = st.tuples(
    st.sampled_from(["cut", "flip", "drop", "insert", "repeat", "swap"]),
    st.floats(0, 1),
    st.integers(1, 60),
    st.sampled_from(HOSTILE),
)


def _mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = (
        "Grüße",
        "Ada <a@b.org>",
        "Mon, 05 Feb 2024 10:00:00 +0100",
    )
    message.set_content("Plain words.\n\nOn Monday, Alan wrote:\n> old\n")
    message.add_alternative("<p>HTML words.</p>", subtype="html")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="r.pdf")
    return message.as_bytes()


def _office() -> dict[str, bytes]:
    word, slides, book = docx.Document(), pptx.Presentation(), openpyxl.Workbook()
    word.add_heading("Head", 1)
    word.add_paragraph("Words.", style="List Bullet")
    word.add_table(1, 2).cell(0, 0).text = "cell"
    slide = slides.slides.add_slide(slides.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Title", "Alpha\nBeta"
    sheet = book.active
    assert sheet is not None
    for row in (["Name", "Age"], ["Ada", 36], ["Alan", 41.5]):
        sheet.append(row)
    files = {}
    for name, source in (("docx", word), ("pptx", slides), ("xlsx", book)):
        buffer = io.BytesIO()
        source.save(buffer)
        files[name] = buffer.getvalue()
    return files


def _zip(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@cache
def seeds() -> dict[str, bytes]:
    """A small valid file of every format but PDF."""
    odf = "urn:oasis:names:tc:opendocument:xmlns"
    odt = (
        f'<o:document-content xmlns:o="{odf}:office:1.0" xmlns:text="{odf}:text:1.0" '
        f'xmlns:table="{odf}:table:1.0">'
        '<o:body><o:text><text:h text:outline-level="1">H</text:h><text:p>W<text:s/>w</text:p><table:table>'
        "<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row></table:table>"
        "</o:text></o:body></o:document-content>"
    )
    epub = (
        '<package><metadata><title>B</title></metadata><manifest><item id="a" href="a.html" '
        'media-type="text/html"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    return {
        **{name: text.encode() for name, text in TEXTS.items()},
        **_office(),
        "eml": _mail(),
        "odt": _zip({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": odt}),
        "epub": _zip(
            {
                "mimetype": "application/epub+zip",
                "META-INF/container.xml": '<container><rootfile full-path="b.opf"/></container>',
                "b.opf": epub,
                "a.html": TEXTS["html"],
            }
        ),
    }


def damaged(data: bytes, damages: list[tuple[str, float, int, bytes]]) -> bytes:
    """The data after each damage in turn; of an archive, one member after it."""
    for kind, place, size, sign in damages:
        at = int(place * len(data))
        piece = data[at : at + size]
        match kind:
            case "cut":
                data = data[:at]
            case "flip":
                data = data[:at] + bytes(byte ^ (1 << size % 8) for byte in piece[:2]) + data[at + 2 :]
            case "drop":
                data = data[:at] + data[at + size :]
            case "insert":
                data = data[:at] + sign * (1 if size < 50 else 300) + data[at:]
            case "repeat":
                data = data[:at] + piece * size + data[at:]
            case _:
                data = data[at:] + data[:at]
    return data


def damaged_inside(data: bytes, damages: list[tuple[str, float, int, bytes]], which: int) -> bytes:
    """The archive with one of its members damaged and its checksums right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as copy:
        names = [name for name in archive.namelist() if name.endswith((".xml", ".html", ".opf", ".rels"))]
        chosen = names[which % len(names)]
        for name in archive.namelist():
            content = archive.read(name)
            copy.writestr(name, damaged(content, damages) if name == chosen else content)
    return buffer.getvalue()


def assert_parses_or_refuses(data: bytes, path: str) -> None:
    """No other exception, no place outside the text, nothing that cannot be stored or sent."""
    try:
        document = parse_bytes(data, path)
    except UnparsableError as error:
        reason = error.detail
    else:
        reason = ""
    if reason:
        return
    size = len(document.text)
    assert size
    document.text.encode()
    places = [(page.start, page.end) for page in document.pages]
    places += [(unit.start, unit.end) for unit in document.units]
    assert all(0 <= start <= end <= size for start, end in places)
    assert all(0 <= heading.start <= size and heading.title for heading in document.headings)
    assert all(0 <= run.text_start < run.text_end <= size for run in document.source_map)
    assert [place.start for place in document.pages] == sorted(place.start for place in document.pages)
    assert from_json(to_json(document)) == document


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([*sorted(TEXTS), "eml"]), st.lists(_Damage, min_size=1, max_size=6))
def test_damaged_text_files(kind: str, damages: list[tuple[str, float, int, bytes]]) -> None:
    assert_parses_or_refuses(damaged(seeds()[kind], damages), f"/d/a.{kind}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["docx", "pptx", "xlsx", "odt", "epub"]),
    st.lists(_Damage, min_size=1, max_size=4),
    st.integers(0, 30),
    st.booleans(),
)
def test_damaged_archives(
    kind: str, damages: list[tuple[str, float, int, bytes]], which: int, inside: bool
) -> None:
    data = seeds()[kind]
    data = damaged_inside(data, damages, which) if inside else damaged(data, damages)
    assert_parses_or_refuses(data, f"/d/a.{kind}")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([*TEXTS, "eml", "docx", "xlsx", "pdf", "epub", ""]))
def test_any_bytes_under_any_name(data: bytes, kind: str) -> None:
    assert_parses_or_refuses(data, f"/d/a.{kind}")


def _pdfs() -> list[bytes]:
    files = []
    for compressed in (0, 1):
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pageCompression=compressed)
        canvas.bookmarkPage("a")
        canvas.addOutlineEntry("Start", "a")
        for page in range(2):
            canvas.drawString(72, 700, f"Words of page {page}, long enough to be read.")
            canvas.showPage()
        canvas.save()
        files.append(buffer.getvalue())
    return files


def _fuzz_pdfs(folder: Path, sources: list[bytes], count: int, seed: int) -> list[Document | Rejected]:
    draw = random.Random(seed)
    signs = (
        b"9999999999",
        b"<<",
        b">>",
        b"R",
        b"stream",
        b"endstream",
        b"obj",
        b"/Kids",
        b"/Length -1",
        b"(",
        b"\x00",
    )
    paths = []
    for number in range(count):
        data = draw.choice(sources)
        kinds = draw.choices(
            ["cut", "flip", "drop", "insert", "repeat"], [1, 6, 3, 3, 2], k=draw.choice((1, 3, 12))
        )
        damages = [(kind, draw.random(), draw.randrange(1, 60), draw.choice(signs)) for kind in kinds]
        paths.append(folder / f"{number}.pdf")
        paths[-1].write_bytes(b"%PDF-1.4\n" + damaged(data, damages))
    with Parser(Limits(seconds=20)) as parser:
        return list(parser.parse_many(map(str, paths)))


def test_damaged_pdfs_never_take_the_parser_down(tmp_path: Path) -> None:
    results = _fuzz_pdfs(tmp_path, _pdfs(), 60, seed=5)
    assert len(results) == 60
    assert sum(isinstance(result, Document) for result in results) > 10
    assert all(result.detail for result in results if isinstance(result, Rejected))


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_damaged_files_at_length(tmp_path: Path) -> None:
    draw = random.Random(11)
    for _ in range(20_000):
        kind = draw.choice(sorted(seeds()))
        kinds = draw.choices(
            ["cut", "flip", "drop", "insert", "repeat", "swap"], [1, 3, 3, 6, 2, 1], k=draw.randrange(1, 9)
        )
        damages = [(name, draw.random(), draw.randrange(1, 60), draw.choice(HOSTILE)) for name in kinds]
        data = seeds()[kind]
        if data.startswith(b"PK") and draw.random() < 0.8:
            data = damaged_inside(data, damages, draw.randrange(30))
        else:
            data = damaged(data, damages)
        assert_parses_or_refuses(data, f"/d/a.{kind}")
    shared = Path(__file__).parents[4] / "shared" / "data" / "documents"
    real = [path.read_bytes() for path in sorted(shared.rglob("*.pdf")) if path.stat().st_size < 300_000]
    assert len(_fuzz_pdfs(tmp_path, _pdfs() + real, 3000, seed=7)) == 3000


# libFuzzer keeps what reaches new lines of ours and changes that further; it needs a process of its own.
GUIDED = """
import importlib.util, sys
import atheris
with atheris.instrument_imports(include=["ingest"]):
    import ingest.conversion.convert
    from ingest.conversion.formats import detect_format
spec = importlib.util.spec_from_file_location("fuzz", sys.argv[1])
fuzz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fuzz)
names = sorted(fuzz.seeds())
for name in names:
    detect_format(fuzz.seeds()[name], f"/d/a.{name}").load()
def one(data):
    if data:
        fuzz.assert_parses_or_refuses(data[1:], f"/d/a.{names[data[0] % len(names)]}")
atheris.Setup([sys.argv[0], sys.argv[2], f"-max_total_time={sys.argv[3]}", "-timeout=60", "-max_len=20000",
               "-rss_limit_mb=6000", f"-artifact_prefix={sys.argv[2]}/found-"], one)
atheris.Fuzz()
"""


def guided(folder: Path, seconds: int) -> int:
    """Fuzz every converter but PDF, guided by the lines reached; how many inputs were tried."""
    for number, name in enumerate(sorted(seeds())):
        (folder / f"seed-{name}").write_bytes(bytes([number]) + seeds()[name])
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GUIDED, __file__, str(folder), str(seconds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    tried = re.search(r"Done (\d+) runs", done.stderr)
    assert tried is not None, done.stderr[-3000:]
    return int(tried[1])


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_damage_guided_by_what_is_reached(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install atheris")
    tried = guided(tmp_path, int(os.environ.get("SPANWISE_FUZZ_SECONDS", "600")))
    print(f"tried {tried:,} inputs")  # noqa: T201
    assert tried > 1000
