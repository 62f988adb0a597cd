"""Word, OpenDocument and RTF files.

Word goes through mammoth, which reads styles instead of looks, and the HTML path. OpenDocument text is XML
whose elements are those of HTML under other names: they are renamed and take the same path. RTF has no
headings worth the name: plain lines.
"""

from __future__ import annotations

import io
import re
import zipfile

import mammoth
from lxml import etree
from striprtf.striprtf import rtf_to_text

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import Element, append_html, append_tree, small_number
from ingest.parsers.common.word_parts import CLOSE, OPEN, beside, completed
from ingest.parsers.common.zip_members import read_member, read_xml
from ingest.records import RejectReason

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Heading 7'] => h6:fresh
p[style-name='Heading 8'] => h6:fresh
p[style-name='Heading 9'] => h6:fresh
comment-reference =>
"""
_PROPERTIES = {"title": "title", "creator": "author", "subject": "subject", "keywords": "keywords"}

_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
_AS_HTML = {
    f"{{{_TEXT}}}p": "p",
    f"{{{_TEXT}}}list": "ul",
    f"{{{_TEXT}}}list-item": "li",
    f"{{{_TEXT}}}list-header": "li",
    f"{{{_TEXT}}}line-break": "br",
    f"{{{_TEXT}}}section": "div",
    f"{{{_TABLE}}}table": "table",
    f"{{{_TABLE}}}table-header-rows": "thead",
    f"{{{_TABLE}}}table-rows": "tbody",
    f"{{{_TABLE}}}table-row": "tr",
    f"{{{_TABLE}}}table-cell": "td",
    f"{{{_TABLE}}}covered-table-cell": "td",
}
_DROPPED = (
    f"{{{_TEXT}}}tracked-changes",
    f"{{{_TEXT}}}note-citation",
    f"{{{_TEXT}}}sequence-decls",
    f"{{{_TEXT}}}bookmark",
    f"{{{_OFFICE}}}annotation",
    f"{{{_OFFICE}}}forms",
)


def parse_docx(data: bytes, builder: TextBuilder) -> None:
    """Appends a Word document: its heads, its text with notes at the end, comments, charts, its feet."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        title = _read_core_properties(archive, builder)
        heads = list(beside(archive, "word/header"))
        rest = [
            line
            for group in ("word/comments.", "word/charts/chart", "word/diagrams/data", "word/footer")
            for line in beside(archive, group)
        ]
    result = mammoth.convert_to_html(
        io.BytesIO(completed(data)),
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda image: {}),
        ignore_empty_paragraphs=True,
    )
    for line in heads:
        builder.paragraph(line)
    append_html(_with_numbers(result.value), builder)
    for line in rest:
        builder.paragraph(line)
    # Word fills its title property from the first words of some early draft: headings are better witnesses.
    if not builder.headings:
        builder.title = title


_ITEM = re.compile(rf"<li>((?:<(?!/)[^>]*>)*){OPEN}([^{CLOSE}]*){CLOSE}")
_NUMBER = re.compile(rf"{OPEN}([^{CLOSE}]*){CLOSE}")


def _with_numbers(markup: str) -> str:
    """Automatic numbers as those of list items, or before the words of a heading or paragraph."""
    markup = _ITEM.sub(lambda match: f'<li data-number="{match[2]}">{match[1]}', markup)
    return _NUMBER.sub(lambda match: f"{match[1]} ", markup)


def _read_core_properties(archive: zipfile.ZipFile, builder: TextBuilder) -> str:
    """Puts author, subject and keywords into the metadata and gives the title."""
    title = ""
    if "docProps/core.xml" not in archive.namelist():
        return title
    for element in read_xml(archive, "docProps/core.xml").iter():
        name = _PROPERTIES.get(etree.QName(element).localname) if isinstance(element.tag, str) else None
        value = (element.text or "").strip()
        if name == "title":
            title = value
        elif name and value:
            builder.metadata[name] = value
    return title


def parse_odt(data: bytes, builder: TextBuilder) -> None:
    """Appends an OpenDocument text."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names and b"encryption-data" in read_member(
            archive, "META-INF/manifest.xml"
        ):
            raise UnparsableError(RejectReason.ENCRYPTED, "protected by a password; save it without one")
        content = read_xml(archive, "content.xml")
        meta = read_xml(archive, "meta.xml") if "meta.xml" in names else None
    body = content.find(f".//{{{_OFFICE}}}text")
    if body is None:
        raise UnparsableError(RejectReason.CORRUPT, "an OpenDocument file without a text")
    if meta is not None:
        _read_odf_meta(meta, builder)
    append_tree(_as_html(body, _title_styles(content)), builder)


def _read_odf_meta(meta: Element, builder: TextBuilder) -> None:
    for element in meta.iter():
        name = _PROPERTIES.get(etree.QName(element).localname) if isinstance(element.tag, str) else None
        if name == "title":
            builder.title = element.text or ""
        elif name and (element.text or "").strip():
            builder.metadata[name] = element.text or ""


def _title_styles(content: Element) -> frozenset[str]:
    """The names of the styles that stand for the title: `Title` itself and what is derived from it."""
    names = {"Title"}
    for style in content.iter(f"{{{_STYLE}}}style"):
        if style.get(f"{{{_STYLE}}}parent-style-name") == "Title":
            names.add(style.get(f"{{{_STYLE}}}name") or "")
    return frozenset(names)


def _as_html(body: Element, titles: frozenset[str]) -> Element:
    """Renames the elements; what has no name in HTML keeps its own and counts as inline."""
    etree.strip_elements(body, *_DROPPED, with_tail=False)
    for element in body.iter():
        if isinstance(element.tag, str):
            _rename(element, titles)
    body.tag = "body"
    for head in body.iter("thead"):
        for cell in head.iter("td"):
            cell.tag = "th"
    return body


def _rename(element: Element, titles: frozenset[str]) -> None:
    match etree.QName(element).localname:
        case "h":
            element.tag = f"h{min(6, max(1, small_number(element.get(f'{{{_TEXT}}}outline-level'), 1)))}"
        case "p" if element.get(f"{{{_TEXT}}}style-name") in titles:
            element.tag = "h1"
        case "s" | "tab" if element.tag.startswith(f"{{{_TEXT}}}"):
            element.text = " "
        case "note":
            element.text = " ("
            element.tail = ")" + (element.tail or "")
        case "note-body":
            for paragraph in element.iter(f"{{{_TEXT}}}p"):
                paragraph.tag = "span"
        case _:
            element.tag = _AS_HTML.get(element.tag, element.tag)


def parse_rtf(data: bytes, builder: TextBuilder) -> None:
    """Appends an RTF document line by line."""
    text: str = rtf_to_text(data.decode("latin-1"), errors="ignore")  # type: ignore[no-untyped-call]
    builder.block("\n\n".join(" ".join(line.split()) for line in text.split("\n")))
