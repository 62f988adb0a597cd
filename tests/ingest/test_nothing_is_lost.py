"""Nothing that a file shows is lost in silence: another extraction of its words, compared with what is read.

Each extraction below is as plain as can be and shares no code with the converters: raw XML, or the library's
own plain text. A word counts as lost that the other way finds and the document does not hold anywhere; more
than two of a hundred lost, without a warning that says so, is a failure.
"""

from __future__ import annotations

import email
import email.policy
import io
import json
import re
import tarfile
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import lxml.html
import pypdfium2
import pytest
from lxml import etree

from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError
from ingest.text.encoding import decode

DATA = Path(__file__).parents[3] / "shared" / "data" / "documents"
MOST_LOST = 0.02
FEW_LOST = 5
FRAME_LOST = 0.1  # of web pages: heads and feet of sites are left out, short ones without a note
FILES_A_FORMAT = 40
FRAME = frozenset("nav script style noscript template head select button svg iframe header footer".split())
URL = re.compile(r"\b(?:https?|mailto|ftp):\S+|\bwww\.\S+|data:\S+")


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", re.sub("[\x80-\x9f\u00ad]", "", text)).casefold()
    return re.findall(r"[^\W_]+", plain)


def _xml_words(data: bytes, *names: str) -> str:
    root = etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False, huge_tree=True))
    if root is None:
        return ""
    return " ".join(element.text or "" for element in root.iter() if etree.QName(element).localname in names)


def _members(data: bytes, pattern: str) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if re.fullmatch(pattern, name):
                yield archive.read(name)


def _joined_runs(data: bytes, paragraph: str, text: str) -> str:
    """Runs of one paragraph joined, because a word may be cut into several."""
    root = etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False, huge_tree=True))
    etree.strip_elements(root, "{*}oMath", with_tail=False)
    lines: list[str] = []
    for block in root.iter(f"{{*}}{paragraph}"):
        lines.append(
            "".join(element.text or " " for element in block.iter(f"{{*}}{text}", "{*}tab", "{*}br"))
        )
    return "\n".join(lines)


def _word(data: bytes) -> str:
    return "\n".join(
        _joined_runs(part, "p", "t")
        for part in _members(data, r"word/(document|footnotes|endnotes|comments)\.xml")
    )


def _slides(data: bytes) -> str:
    return "\n".join(
        _joined_runs(part, "p", "t") for part in _members(data, r"ppt/(slides|notesSlides)/[^/]+\.xml")
    )


def _sheets(data: bytes) -> str:
    return "\n".join(
        _xml_words(part, "t") for part in _members(data, r"xl/(sharedStrings|comments\d*|worksheets/.*)\.xml")
    )


def _open_text(data: bytes) -> str:
    parts = []
    for part in _members(data, r"content\.xml"):
        root = etree.fromstring(part)
        for block in root.iter("{*}p", "{*}h"):
            parts.append(" ".join(str(text) for text in block.itertext()))
    return "\n".join(parts)


def _page(data: bytes) -> str:
    if not data.strip():
        return ""
    root = lxml.html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", decode(data)))
    for element in list(root.iter()):
        name = element.tag if isinstance(element.tag, str) else "comment"
        hidden = (
            "display:none" in (element.get("style") or "").replace(" ", "") if name != "comment" else True
        )
        menu = name == "a" and not any(above.tag == "p" for above in element.iterancestors())
        parent = element.getparent()
        if parent is not None and (hidden or menu or name in FRAME):
            _drop(element, parent)
    return "\n".join(str(text) for text in root.itertext())


def _drop(element: etree._Element, parent: etree._Element) -> None:
    """Without the element, but with what follows it."""
    before = element.getprevious()
    if before is not None:
        before.tail = f"{before.tail or ''} {element.tail or ''}"
    else:
        parent.text = f"{parent.text or ''} {element.tail or ''}"
    parent.remove(element)


def _book(data: bytes) -> str:
    return "\n".join(map(_page, _members(data, r"(?!.*(?:nav|toc)).*\.x?html?")))


def _letter(data: bytes) -> str:
    parts = []
    data = decode(data).encode() if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:100] else data
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for part in message.walk():
        payload = part.get_payload(decode=True)
        attached = part.get_content_disposition() == "attachment" or part.get_filename()
        if not isinstance(payload, bytes) or attached or part.get_content_maintype() != "text":
            continue
        if part.get_content_subtype() == "html":
            parts.append(_page(decode(payload, part.get_content_charset()).encode()))
        else:
            parts.append(decode(payload, part.get_content_charset()))
    return "\n".join(parts)


def _notebook(data: bytes) -> str:
    def texts(value: object) -> Iterator[str]:
        if isinstance(value, list):
            yield "".join(map(str, value))
        elif isinstance(value, str):
            yield value

    parts: list[str] = []
    for cell in json.loads(data).get("cells", []):
        parts += texts(cell.get("source"))
        for output in cell.get("outputs", []):
            parts += texts(output.get("text"))
            parts += texts(output.get("data", {}).get("text/markdown"))
    return "\n".join(parts)


def _pdf(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    return re.sub(r"(\w+)(?:\x02|-[\r\n]+|\ufffe)(\w+)", "", text)


def _markdown(data: bytes) -> str:
    text = re.sub(r"\A---\n.*?\n---\n", "", decode(data), flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(
        r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|\]\[[^\]]*\]|^\s*\[[^\]]+\]:.*$", " ", text, flags=re.MULTILINE
    )
    return re.sub(r"<[^<>]*>|^\s*(?:```|~~~).*$|&\w+;", " ", text, flags=re.MULTILINE)


def _restructured(data: bytes) -> str:
    text = re.sub(r"^\s*\.\. .*(?:\n[ \t]+:.*)*", " ", decode(data), flags=re.MULTILINE)
    return re.sub(
        r":[\w:+.-]+:`|<[^<>]*>`|\[[#\w]+\]_|^\s*:[\w-]+:|<[^<>]*>|^[A-Z][\w-]+:\s*$",
        " ",
        text,
        flags=re.MULTILINE,
    )


def _plain(data: bytes) -> str:
    return decode(data)


def _cnxml(data: bytes) -> str:
    root = etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False))
    for name in ("metadata", "annotation", "annotation-xml"):
        for element in list(root.iter(f"{{*}}{name}")):
            element.getparent().remove(element)
    return " ".join(str(text) for text in root.itertext())


EXTRACTIONS: dict[str, Callable[[bytes], str]] = {
    "docx": _word,
    "pptx": _slides,
    "xlsx": _sheets,
    "odt": _open_text,
    "html": _page,
    "epub": _book,
    "eml": _letter,
    "ipynb": _notebook,
    "pdf": _pdf,
    "md": _markdown,
    "rst": _restructured,
    "csv": _plain,
    "tsv": _plain,
    "txt": _plain,
    "cnxml": _cnxml,
}


def lost_words(name: str, data: bytes, text: str) -> tuple[list[str], int]:
    """The words of a file that `text` holds nowhere, and how many words it has."""
    found = _words(URL.sub(" ", EXTRACTIONS[name](data)))
    held = set(_words(text))
    glued = "".join(_words(text))
    return [word for word in found if word not in held and not (len(word) > 5 and word in glued)], len(found)


def _files(extension: str) -> Iterator[tuple[str, bytes]]:
    for archive in sorted(DATA.glob("*.tar.gz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                held = tar.extractfile(member) if member.name.endswith(f".{extension}") else None
                if held is not None and "/." not in member.name:
                    yield member.name, held.read()


def _check(extension: str, most: int | None) -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is missing")
    files = list(_files(extension))
    chosen = files[:: max(1, len(files) // most)][:most] if most else files
    faults: list[str] = []
    counts: dict[str, int] = defaultdict(int)
    for name, data in chosen:
        try:
            document = parse_bytes(data, name)
            lost, words = lost_words(
                extension, data, f"{document.text}\n{document.title}\n{document.metadata}"
            )
        except (UnparsableError, pypdfium2.PdfiumError, etree.ParserError, ValueError, zipfile.BadZipFile):
            counts["rejected"] += 1
            continue
        counts["read"] += 1
        share = FRAME_LOST if extension == "html" else MOST_LOST
        if len(lost) > max(FEW_LOST, share * words) and not document.warnings:
            faults.append(f"{name}: {len(lost)} of {words} words lost, such as {lost[:8]}")
    assert counts["read"] or not chosen
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize("extension", EXTRACTIONS)
def test_nothing_is_lost_in_a_sample(extension: str) -> None:
    _check(extension, FILES_A_FORMAT)


@pytest.mark.full
@pytest.mark.parametrize("extension", EXTRACTIONS)
def test_nothing_is_lost(extension: str) -> None:
    _check(extension, None)


def test_a_loss_is_told() -> None:
    lost, words = lost_words("html", b"<p>One two</p><p>three</p>", "one two")
    assert (lost, words) == (["three"], 3)
