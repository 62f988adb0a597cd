"""Files made to cost more than they are worth: each is read in bounds or refused with a reason."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import Document, Limits, Parser, Rejected, RejectReason
from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError
from ingest.files.read_stable import read_whole

_LOL = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a0 "lol lol lol">'
    + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    + "]>"
)
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{parts}</Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{to}"/>'
    "</Relationships>"
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"


def _zip(members: dict[str, str | tuple[bytes, int]]) -> bytes:
    """A zip; a member given as bytes and a count is those bytes so many times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=True) as member:
                if isinstance(content, str):
                    member.write(content.encode())
                else:
                    for _ in range(content[1]):
                        member.write(content[0])
    return buffer.getvalue()


def _docx(document: str | tuple[bytes, int]) -> bytes:
    kind = f"{_OFFICE}.wordprocessingml.document.main+xml"
    part = f'<Override PartName="/word/document.xml" ContentType="{kind}"/>'
    return _zip(
        {
            "[Content_Types].xml": _TYPES.format(parts=part),
            "_rels/.rels": _RELATIONS.format(kind="officeDocument", to="word/document.xml"),
            "word/document.xml": document,
        }
    )


def _xlsx(rows: str) -> bytes:
    parts = (
        f'<Override PartName="/xl/workbook.xml" ContentType="{_OFFICE}.spreadsheetml.sheet.main+xml"/>'
        f'<Override PartName="/xl/s.xml" ContentType="{_OFFICE}.spreadsheetml.worksheet+xml"/>'
    )
    return _zip(
        {
            "[Content_Types].xml": _TYPES.format(parts=parts),
            "_rels/.rels": _RELATIONS.format(kind="officeDocument", to="xl/workbook.xml"),
            "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{_SHEET}" xmlns:r="http://schemas.'
            'openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" '
            'r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _RELATIONS.format(kind="worksheet", to="s.xml"),
            "xl/s.xml": f'<worksheet xmlns="{_SHEET}"><dimension ref="A1"/><sheetData>{rows}</sheetData>'
            "</worksheet>",
        }
    )


def _pdf(pages: int, claimed: int) -> bytes:
    bodies = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (claimed, b"3 0 R " * pages),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
    )
    data, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        starts.append(len(data))
        data += b"%d 0 obj%sendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    return data + b"xref\n0 4\n0000000000 65535 f \n%strailer<</Size 4/Root 1 0 R>>startxref\n%d\n%%%%EOF" % (
        table,
        len(data),
    )


BOMBS: dict[str, Callable[[], bytes]] = {
    "swelling.docx": lambda: _docx((b" " * 1_000_000, 501)),
    "laughing.docx": lambda: _docx(
        f'{_LOL}<w:document xmlns:w="{_WORD}"><w:body><w:p>&a9;</w:p></w:body></w:document>'
    ),
    "laughing.odt": lambda: _zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f'{_LOL}<d xmlns:office="{_ODF}"><office:text>words &a9;</office:text></d>',
        }
    ),
    "laughing.xml": lambda: f"{_LOL}<doc><p>words &a9;</p></doc>".encode(),
    "mime.epub": lambda: _zip({"mimetype": (b" " * 1_000_000, 50), "META-INF/container.xml": "<x/>"}),
    "deep.json": lambda: b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "deep.jsonl": lambda: b"[" * 30_000 + b"\n",
    "deep.ipynb": lambda: b'{"cells":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep.xml": lambda: b"<a>" * 30_000 + b"words" + b"</a>" * 30_000,
    "deep.html": lambda: b"<html><body>" + b"<div>" * 30_000 + b"words",
    "deep.md": lambda: b">" * 20_000 + b" words\n" + b"[" * 20_000,
    "deep.rtf": lambda: b"{\\rtf1 " + b"{" * 20_000 + b"words" + b"}" * 20_000,
    "pages.pdf": lambda: _pdf(30_000, 30_000),
    "liar.pdf": lambda: _pdf(3, 2_000_000_000),
}
_EXPECTED = {
    "swelling.docx": "unpacks to 501,000,000 bytes",
    "laughing.docx": "amplification",
    "deep.json": "nested too deeply",
    "deep.jsonl": "nested too deeply",
    "deep.ipynb": "nested too deeply",
    "pages.pdf": "30,000 pages, the limit is 20,000",
}


def test_what_swells_or_nests_is_read_in_bounds_or_refused(tmp_path: Path) -> None:
    paths = []
    for name, make in BOMBS.items():
        (tmp_path / name).write_bytes(make())
        paths.append(str(tmp_path / name))
    began = time.monotonic()
    with Parser(Limits(seconds=30, memory_bytes=2 * 2**30)) as parser:
        results = {Path(result.path).name: result for result in parser.parse_many(paths)}
    assert time.monotonic() - began < 60
    for name, words in _EXPECTED.items():
        result = results[name]
        assert isinstance(result, Rejected), name
        assert words in result.detail, (name, result.detail)
    for name, result in results.items():
        if isinstance(result, Document):
            assert len(result.text) < 200_000, name
            assert "lol lol" not in result.text
        else:
            assert result.reason is not RejectReason.TIMEOUT, name


def test_texts_end_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.conversion.convert._MOST_CHARACTERS", 100)
    assert len(parse_bytes(b"x" * 100, "a.txt").text) == 100
    with pytest.raises(UnparsableError, match="101 characters of text, the limit is 100") as caught:
        parse_bytes(b"x" * 101, "a.txt")
    assert caught.value.reason is RejectReason.TOO_LARGE


def test_tables_end_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.parsers.spreadsheet._MOST_CELLS", 100)
    row = "<row>" + '<c t="inlineStr"><is><t>cell words</t></is></c>' * 4 + "</row>"
    for data, name in (
        (_xlsx(row * 30), "a.xlsx"),
        (b"a,b,c,d\n" * 30, "a.csv"),
        (b"a\tb\tc\td\n" * 30, "a.tsv"),
    ):
        document = parse_bytes(data, name)
        assert len(document.text.splitlines()) <= 25 + 2
        assert "only the first 25 rows" in document.warnings[0]
        assert "100 cells" in document.warnings[0]


def test_empty_cells_cost_nothing() -> None:
    far = '<row r="1"><c r="A1" t="inlineStr"><is><t>first</t></is></c></row><row r="90000">'
    data = _xlsx(far + '<c r="XFD90000" t="inlineStr"><is><t>far away</t></is></c></row>')
    document = parse_bytes(data, "a.xlsx")
    assert document.text == "S\n\nfirst\n\nfar away"
    assert document.warnings == ()


# -- reading -------------------------------------------------------------------------------------------------


def _reason(path: Path, **how: int) -> tuple[RejectReason, str]:
    with pytest.raises(UnparsableError) as caught:
        read_whole(str(path), max_bytes=how.get("max_bytes", 10**9))
    return caught.value.reason, caught.value.detail


def test_a_file_that_grows_is_read_again_until_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.files.read_stable._PAUSE_SECONDS", 0)
    file = tmp_path / "growing.txt"
    file.write_bytes(b"x")
    look, left = os.fstat, [b"y", b"z"]

    def growing(number: int) -> os.stat_result:
        if left:
            file.write_bytes(file.read_bytes() + left.pop(0))
        return look(number)

    monkeypatch.setattr("ingest.files.read_stable.os.fstat", growing)
    assert read_whole(str(file), max_bytes=100) == (b"xyz", file.stat().st_mtime_ns)


def test_a_file_that_never_stands_still_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.files.read_stable._PAUSE_SECONDS", 0)
    file = tmp_path / "log.txt"
    file.write_bytes(b"x")
    look = os.fstat

    def growing(number: int) -> os.stat_result:
        with file.open("ab") as out:
            out.write(b"x")
        return look(number)

    monkeypatch.setattr("ingest.files.read_stable.os.fstat", growing)
    reason, detail = _reason(file)
    assert reason is RejectReason.UNREADABLE
    assert "kept changing" in detail


def test_a_file_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.files.read_stable._PAUSE_SECONDS", 0)
    file, other = tmp_path / "a.txt", tmp_path / "b.txt"
    file.write_bytes(b"old")
    other.write_bytes(b"new")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    look = os.fstat
    done: list[Path] = []

    def replacing(number: int) -> os.stat_result:
        status = look(number)
        if not done:
            done.append(other.replace(file))
        return status

    monkeypatch.setattr("ingest.files.read_stable.os.fstat", replacing)
    assert read_whole(str(file), max_bytes=100)[0] == b"new"


def test_what_is_gone_large_or_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 11)
    assert _reason(tmp_path / "gone.txt") == (RejectReason.UNREADABLE, "No such file or directory")
    assert _reason(tmp_path)[0] is RejectReason.UNREADABLE
    assert _reason(tmp_path / "a.txt", max_bytes=10) == (
        RejectReason.TOO_LARGE,
        "11 bytes, the limit is 10 (--max-size)",
    )
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert _reason(tmp_path / "pipe") == (RejectReason.UNREADABLE, "neither a file nor a folder")
