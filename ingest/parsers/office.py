"""Word, OpenDocument and RTF files.

Word goes through mammoth, which reads styles instead of looks, and the HTML path. OpenDocument text is XML
whose elements are those of HTML under other names: they are renamed and take the same path. RTF has no
headings worth the name: plain lines.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import mammoth
from lxml import etree
from striprtf.striprtf import rtf_to_text

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import Element, append_html, append_tree, small_number, text_of
from ingest.parsers.common.raised import lowered, raised
from ingest.parsers.common.word_parts import CLOSE, OPEN, beside, completed, hidden_frames
from ingest.parsers.common.zip_members import read_member, read_xml
from ingest.records import RejectReason
from ingest.text.normalise import squeeze

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Heading 7'] => h6:fresh
p[style-name='Heading 8'] => h6:fresh
p[style-name='Heading 9'] => h6:fresh
"""
_PROPERTIES = {"title": "title", "creator": "author", "subject": "subject", "keywords": "keywords"}

_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
_FORM = "urn:oasis:names:tc:opendocument:xmlns:form:1.0"
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
}
_DROPPED = (
    f"{{{_TEXT}}}tracked-changes",
    f"{{{_TEXT}}}note-citation",
    f"{{{_TEXT}}}sequence-decls",
    f"{{{_TEXT}}}bookmark",
    f"{{{_OFFICE}}}forms",
    f"{{{_TABLE}}}covered-table-cell",
    f"{{{_OFFICE}}}annotation-end",
)


def parse_docx(data: bytes, builder: TextBuilder) -> None:
    """Appends a Word document: its heads, its text with notes at the end, comments, charts, its feet."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        title = _read_core_properties(archive, builder)
        hidden = hidden_frames(archive)
        heads = list(beside(archive, "word/header", without=hidden))
        rest = [
            line
            for group in ("word/comments.", "word/charts/chart", "word/diagrams/data", "word/footer")
            for line in beside(archive, group, without=hidden)
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
        styles = read_xml(archive, "styles.xml") if "styles.xml" in names else None
    body = content.find(f".//{{{_OFFICE}}}text")
    if body is None:
        raise UnparsableError(RejectReason.CORRUPT, "an OpenDocument file without a text")
    if meta is not None:
        _read_odf_meta(meta, builder)
    for line in _frame_lines(styles, "header"):
        builder.paragraph(line)
    fields = list(_form_fields(body))
    _mark_scripts(content)
    _mark_lists(content, styles)
    append_tree(_as_html(body, _title_styles(content)), builder)
    for line in (*fields, *_frame_lines(styles, "footer")):
        builder.paragraph(line)


def _frame_lines(styles: Element | None, part: str) -> list[str]:
    """The lines of the pages' heads or feet, each once, page numbers aside."""
    if styles is None:
        return []
    told = (
        squeeze("".join(str(text) for text in paragraph.itertext()))
        for holder in styles.iter(f"{{{_STYLE}}}{part}")
        for paragraph in holder.iter(f"{{{_TEXT}}}p")
    )
    return list(dict.fromkeys(line for line in told if any(map(str.isalpha, line))))


def _form_fields(body: Element) -> Iterator[str]:
    """Label and value of the form fields."""
    for forms in body.iter(f"{{{_OFFICE}}}forms"):
        for field in forms.iter(f"{{{_FORM}}}*"):
            label = field.get(f"{{{_FORM}}}label") or field.get(f"{{{_FORM}}}name") or ""
            state = field.get(f"{{{_FORM}}}current-state")
            if etree.QName(field).localname in ("checkbox", "radio"):
                yield f"[{'x' if state == 'checked' else ' '}] {label}"
            elif value := field.get(f"{{{_FORM}}}current-value"):
                yield f"{label}: {value}"


def _mark_scripts(content: Element) -> None:
    """Spans in a raised or lowered style become `sup` and `sub`."""
    places: dict[str, str] = {}
    for style in content.iter(f"{{{_STYLE}}}style"):
        for properties in style.iter(f"{{{_STYLE}}}text-properties"):
            position = properties.get(f"{{{_STYLE}}}text-position") or ""
            if position.startswith(("super", "sub", "-")) or position[:1].isdigit():
                lower = position.startswith(("sub", "-"))
                if not position.startswith("0"):
                    places[style.get(f"{{{_STYLE}}}name") or ""] = "sub" if lower else "sup"
    for span in content.iter(f"{{{_TEXT}}}span"):
        tag = places.get(span.get(f"{{{_TEXT}}}style-name") or "")
        if tag:
            span.tag = tag


def _mark_lists(content: Element, styles: Element | None) -> None:
    """Lists in a style that counts become `ol`."""
    counting: set[tuple[str, int]] = set()
    for root in (content, *(() if styles is None else (styles,))):
        for style in root.iter(f"{{{_TEXT}}}list-style"):
            for level in style.iter(f"{{{_TEXT}}}list-level-style-number"):
                if level.get(f"{{{_STYLE}}}num-format"):
                    at = small_number(level.get(f"{{{_TEXT}}}level"), 1)
                    counting.add((style.get(f"{{{_STYLE}}}name") or "", at))
    last: dict[str, int] = {}
    for list_ in list(content.iter(f"{{{_TEXT}}}list")):
        above = [e for e in list_.iterancestors() if e.tag in ("ol", f"{{{_TEXT}}}list")]
        name = list_.get(f"{{{_TEXT}}}style-name") or next(
            (style for e in above if (style := e.get(f"{{{_TEXT}}}style-name"))), ""
        )
        if (name, len(above) + 1) not in counting:
            continue
        items = sum(child.tag == f"{{{_TEXT}}}list-item" for child in list_)
        start = (
            last.get(name, 0) + 1
            if list_.get(f"{{{_TEXT}}}continue-numbering") == "true" and not above
            else 1
        )
        if not above:
            last[name] = start + items - 1
        list_.tag = "ol"
        list_.set("start", str(start))


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
    for element in list(body.iter()):
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
        case "table-cell":
            _rename_cell(element)
        case "annotation":
            _as_comment(element)
        case "note":
            element.text = " ("
            element.tail = ")" + (element.tail or "")
        case "note-body":
            for paragraph in element.iter(f"{{{_TEXT}}}p"):
                paragraph.tag = "span"
        case _:
            element.tag = _AS_HTML.get(element.tag, element.tag)


_RAISED = re.compile(
    r"\\(super|sub)\b\s?((?:\\[a-z]+-?\d*\s?)*)([^{}\\]{1,40})(?=\}|\\nosupersub|\\plain|\\super0|\\sub0)"
)
_SET_APART = re.compile(r"<<(super|sub):([^<>]*)>>")


def _rename_cell(element: Element) -> None:
    element.tag = "td"
    for name, attribute in (("number-columns-spanned", "colspan"), ("number-rows-spanned", "rowspan")):
        if span := element.get(f"{{{_TABLE}}}{name}"):
            element.set(attribute, span)


def _as_comment(element: Element) -> None:
    """What someone wrote in the margin, in brackets where it belongs."""
    words = squeeze(" ".join(text_of(paragraph) for paragraph in element.iter(f"{{{_TEXT}}}p")))
    tail = element.tail
    for child in list(element):
        element.remove(child)
    element.tag, element.text, element.tail = "span", f" [Comment: {words}] ", tail


def parse_rtf(data: bytes, builder: TextBuilder) -> None:
    """Appends an RTF document line by line."""
    source = _RAISED.sub(r"\2 <<\1:\3>>", data.decode("latin-1"))
    text: str = rtf_to_text(source, errors="ignore")  # type: ignore[no-untyped-call]
    text = "\n\n".join(" ".join(line.split()) for line in text.split("\n"))
    while match := _SET_APART.search(text):
        before = text[max(0, match.start() - 40) : match.start()]
        change = raised if match[1] == "super" else lowered
        text = (
            text[: match.start()].removesuffix(" ")
            + change(before.removesuffix(" "), match[2])
            + text[match.end() :]
        )
    builder.block(text)
