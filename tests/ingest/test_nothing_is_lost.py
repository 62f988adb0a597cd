"""Nothing that a file shows is lost in silence: another extraction of its words, compared with what is read.

Each extraction below is as plain as can be and shares no code with the converters: raw XML, or the library's
own plain text. A word counts as lost that the other way finds and the document does not hold anywhere; more
than two of a hundred lost, without a warning that says so, is a failure.
"""

from __future__ import annotations

import email
import email.message
import email.policy
import io
import json
import re
import tarfile
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import lxml.html
import pypdfium2
import pytest
from lxml import etree

from ingest.conversion.convert import parse_bytes
from ingest.errors import UnparsableError
from ingest.records import Document
from ingest.text.encoding import decode

DATA = Path(__file__).parents[3] / "shared" / "data" / "documents"
MOST_LOST = 0.02
FEW_LOST = 2
FILES_A_FORMAT = 40
UNSEEN = frozenset("script style noscript template head svg iframe object audio video".split())
# What a document may say of its losses: how many words are left out, or a part that cannot be read at all.
SAID = re.compile(r"^([\d,]+) words .* left out$")
UNREADABLE = re.compile(
    r"could not be read|was not read|is missing inside|only the first .* were read"
    r"|ha(?:s|ve) no text|no valid (?:YAML|JSON)|text layer"
)
UNFIT = {"all-number-table.pdf"}  # the plain text of pdfium glues its columns
URL = re.compile(r"\b(?:https?|mailto|ftp):\S+|\bwww\.\S+|data:\S+")


def _words(text: str) -> list[str]:
    text = re.sub("([⁰¹²³⁴-⁹ⁿ₀-₉]+)", r" \1 ", text)  # powers stand on lines of their own elsewhere
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
    etree.strip_elements(root, "{*}Fallback", with_tail=False)
    # The parts of a formula are written in another order and stand apart.
    lines = [" ".join(map(str, formula.itertext())) for formula in root.iter("{*}oMath")]
    etree.strip_elements(root, "{*}oMath", with_tail=False)
    for block in root.iter(f"{{*}}{paragraph}"):
        runs = block.iter(f"{{*}}{text}", "{*}tab", "{*}br")
        # A text box stands in a paragraph and has paragraphs of its own.
        own = (run for run in runs if next(run.iterancestors(f"{{*}}{paragraph}")) is block)
        lines.append("".join(run.text or " " for run in own))
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
        parent = element.getparent()
        if parent is not None and (hidden or name in UNSEEN):
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
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:100]
    data = decode(data).encode() if wide else data
    return _mail_part(email.message_from_bytes(data, policy=email.policy.compat32))


def _mail_part(part: email.message.Message) -> str:
    """What a part says; of several versions of the same the longest."""
    inner = part.get_payload()
    if isinstance(inner, list):
        texts = [_mail_part(each) for each in inner if isinstance(each, email.message.Message)]
        one = part.get_content_subtype() == "alternative"
        return max(texts, key=lambda text: len(_words(text)), default="") if one else "\n".join(texts)
    payload = part.get_payload(decode=True)
    attached = part.get_content_disposition() == "attachment" or part.get_filename()
    if not isinstance(payload, bytes) or attached or part.get_content_maintype() != "text":
        return ""
    text = decode(payload, part.get_content_charset())
    return _page(text.encode()) if part.get_content_subtype() == "html" else text


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
    text = re.sub(r"(\w+)(?:\x02|-[\r\n]+|\ufffe)(\w+)", "", text)
    # Heads and feet are on every page, but for its number, and need to be read once.
    lines = text.splitlines()
    once = {re.sub(r"\d+", "0", line): line for line in lines if re.search(r"[^\W\d]", line)}
    return "\n".join([*once.values(), *(line for line in lines if not re.search(r"[^\W\d]", line))])


def _markdown(data: bytes) -> str:
    text = re.sub(r"\A---\n.*?\n---\n", "", decode(data), flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    links = r"!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)|\]\[[^\]]*\]|^\s*\[[^\]]+\]:.*$"
    text = re.sub(links, " ", text, flags=re.MULTILINE)
    text = re.sub(r"""<\w[^<>]*?\bcaption="([^"]*)"(?:[^<>"]|"[^"]*")*>""", r" \1 ", text)
    tags = r"""</?\w(?:[^<>"]|"[^"]*")*>|<[^<>\n]*>|^\s*(?:```|~~~).*$|&\w+;"""
    return re.sub(tags, " ", text, flags=re.MULTILINE)


def _restructured(data: bytes) -> str:
    # A comment: two dots, then neither a directive nor a footnote, a target or a substitution.
    comment = r"^\.\.(?:[ \t]+(?![\[_|]|[\w:+.-]+::)\S.*)?[ \t]*\n(?:[ \t]+.*\n|[ \t]*\n(?=[ \t]+\S))*"
    text = re.sub(comment, "", decode(data), flags=re.MULTILINE)
    text = re.sub(
        r"^(\s*)\.\. (?:note|tip|warning|important|caution|rubric|admonition)::",
        r"\1",
        text,
        flags=re.MULTILINE,
    )
    text = re.sub(r"^\s*\.\. .*(?:\n[ \t]+:.*)*", " ", text, flags=re.MULTILINE)
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
    """The words of a file that stand in `text` less often than in the file, and how many words it has."""
    found = Counter(_words(URL.sub(" ", EXTRACTIONS[name](data))))
    held = Counter(_words(text))
    glued = "".join(held)
    missing = found - held
    lost = [word for word in missing.elements() if held[word] or not (len(word) > 5 and word in glued)]
    return lost, found.total()


def too_many(name: str, data: bytes, document: Document) -> str | None:
    """What is wrong if a file loses more words than it may and its warnings say; None if it does not."""
    lost, words = lost_words(name, data, f"{document.text}\n{document.title}\n{document.metadata}")
    said = 0
    for warning in document.warnings:
        if UNREADABLE.search(warning):
            return None
        if match := SAID.match(warning):
            said += int(match[1].replace(",", ""))
    if len(lost) <= max(FEW_LOST, MOST_LOST * words) + said:
        return None
    return f"{document.path}: {len(lost)} of {words} words lost, such as {lost[:8]}"


def _files(extension: str) -> Iterator[tuple[str, bytes]]:
    for archive in sorted(DATA.glob("*.tar.gz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                held = tar.extractfile(member) if member.name.endswith(f".{extension}") else None
                if held is not None and "/." not in member.name and Path(member.name).name not in UNFIT:
                    yield member.name, held.read()


def _check(extension: str, most: int | None) -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is missing")
    files = list(_files(extension))
    chosen = files[:: max(1, len(files) // most)][:most] if most else files
    faults: list[str | None] = []
    for name, data in chosen:
        try:
            faults.append(too_many(extension, data, parse_bytes(data, name)))
        except (UnparsableError, pypdfium2.PdfiumError, etree.ParserError, ValueError, zipfile.BadZipFile):
            continue
    assert len(faults) >= len(chosen) / 2
    told = list(filter(None, faults))
    assert not told, "\n".join(told)


@pytest.mark.slow
@pytest.mark.parametrize("extension", EXTRACTIONS)
def test_nothing_is_lost_in_a_sample(extension: str) -> None:
    _check(extension, FILES_A_FORMAT)


@pytest.mark.full
@pytest.mark.parametrize("extension", EXTRACTIONS)
def test_nothing_is_lost(extension: str) -> None:
    _check(extension, None)


def _document(text: str, *warnings: str) -> Document:
    return replace(parse_bytes(text.encode(), "a.txt"), warnings=warnings)


def test_a_loss_is_told() -> None:
    page = b"<p>One two</p><p>three four five</p>"
    assert too_many("html", page, _document("one two three four")) is None
    fault = too_many("html", page, _document("one two"))
    assert fault is not None
    assert "3 of 5 words lost, such as ['three', 'four', 'five']" in fault


def test_a_warning_excuses_no_more_than_it_says() -> None:
    page = ("<p>" + " ".join(f"word{number}" for number in range(100)) + "</p>").encode()
    kept = " ".join(f"word{number}" for number in range(90))
    said = "{} words of the site's frame (head, foot, menus) were left out"
    assert too_many("html", page, _document(kept, "attachments are not searched: a.png")) is not None
    assert too_many("html", page, _document(kept, said.format(7))) is not None
    assert too_many("html", page, _document(kept, said.format(8))) is None
    assert too_many("html", page, _document(kept, "chapter 3 could not be read: broken")) is None
