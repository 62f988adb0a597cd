"""XML: documents as paragraphs, feeds as entries, data as records.

What kind it is shows in the elements. A document format (DocBook, CNXML, TEI, FictionBook, ...) has
paragraphs: its elements are given the HTML names of what they are and take the HTML path. A feed has items.
Everything else is data: an element whose children hold only text is a record, written as `name: value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from ingest.conversion.text_builder import TextBuilder
from ingest.parsers.common.html_blocks import Element, append_html, append_tree, text_of
from ingest.parsers.common.zip_members import parse_tree
from ingest.text.normalise import squeeze

_PARAGRAPHS = frozenset("p para simpara paragraph formalpara ab".split())
_SECTIONS = frozenset(
    """
    section sect1 sect2 sect3 sect4 sect5 chapter part appendix article book document div body front
    back preface glossary bibliography example note exercise problem solution figure table sidebar
    abstract refsect1 refsect2 simplesect topic concept content text
    """.split()
)
_CONTAINERS = frozenset("content text body front back".split())
_AS_HTML = {
    "para": "p",
    "simpara": "p",
    "paragraph": "p",
    "ab": "p",
    "caption": "p",
    "list": "ul",
    "itemizedlist": "ul",
    "orderedlist": "ol",
    "item": "li",
    "listitem": "li",
    "variablelist": "dl",
    "programlisting": "pre",
    "screen": "pre",
    "literallayout": "pre",
    "tgroup": "tbody",
    "row": "tr",
    "entry": "td",
    "newline": "br",
    "lb": "br",
    "superscript": "sup",
    "subscript": "sub",
}
# Names that mean the same in HTML and MathML.
_SAME = frozenset("sup sub msup msub msubsup mfrac msqrt mroot annotation".split())
_INLINE = frozenset(
    """
    emphasis term link xref ref code literal hi quote foreign cite sup sub i b em strong a span cn
    math mi mo mn mrow msup msub mfrac msqrt mtext mspace mstyle mfenced semantics footnote-ref
    style
    """.split()
)
_DROPPED = frozenset("metadata teiheader description binary stylesheet info docinfo label-only".split())
_FEED_ITEMS = frozenset(("item", "entry"))
_FEED_SHOWN = ("title", "author", "creator", "pubDate", "published", "updated", "category")
_FEED_BODY = ("encoded", "content", "description", "summary")


def parse_xml(data: bytes, builder: TextBuilder) -> None:
    """Appends an XML file by what it is."""
    root = parse_tree(data)
    names = {_name(element) for element in root.iter()}
    if _name(root) in ("rss", "feed", "RDF") and names & _FEED_ITEMS:
        _append_feed(root, builder)
    elif names & _PARAGRAPHS:
        _append_document(root, builder)
    else:
        _append_data(root, builder)


def _name(element: Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _append_feed(root: Element, builder: TextBuilder) -> None:
    """Entries are records with their title as heading and their body read as HTML."""
    channel = next((element for element in root.iter() if _name(element) == "channel"), root)
    for child in channel:
        if _name(child) == "title":
            builder.title = squeeze(child.text or "")
        elif _name(child) in ("description", "subtitle"):
            builder.paragraph(child.text or "")
    for item in root.iter():
        if _name(item) not in _FEED_ITEMS:
            continue
        fields: dict[str, str] = {}
        for child in item:
            fields.setdefault(_name(child), text_of(child))
        with builder.unit():
            builder.heading(1, fields.get("title", ""))
            for name in _FEED_SHOWN[1:]:
                if fields.get(name, "").strip():
                    builder.line(f"{name}: {fields[name]}")
            body = next((fields[name] for name in _FEED_BODY if fields.get(name, "").strip()), "")
            append_html(body, builder)


def _append_document(root: Element, builder: TextBuilder) -> None:
    title = next((child for child in root.iter() if _name(child) in ("title", "book-title")), None)
    if title is not None:
        builder.title = squeeze(text_of(title))
    for element in list(root.iter()):
        if _name(element).lower() in _DROPPED and element.getparent() is not None:
            _drop(element)
    _rename(root, 0)
    root.tag = "body"
    append_tree(root, builder)


def _drop(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        element.tail = None
        parent.remove(element)


def _rename(element: Element, depth: int) -> bool:
    """Gives HTML names to the tree below; whether the element is a block."""
    name = _name(element)
    lower = name.lower()
    alt = element.get("alt")
    if alt and lower in ("media", "image", "graphic"):
        element.text = alt
    deeper = depth + (lower in _SECTIONS and lower not in _CONTAINERS)
    blocks = [_rename(child, deeper) for child in element if isinstance(child.tag, str)]
    element.tag = _html_name(element, lower, depth, any(blocks))
    return element.tag not in _INLINE and element.tag not in _SAME and not element.tag.startswith("x-")


def _html_name(element: Element, name: str, depth: int, holds_blocks: bool) -> str:
    parent = element.getparent()
    above = _name(parent).lower() if parent is not None else ""
    if name == "title":
        return f"h{max(1, min(6, depth))}" if above in _SECTIONS and above not in ("figure", "table") else "p"
    if name == "entry" and parent is not None:
        _set_spans(element)
        head = parent.getparent()
        return "th" if head is not None and _name(head) == "thead" else "td"
    if name == "code" and element.get("display") == "block":
        return "pre"
    if name in _AS_HTML:
        return _AS_HTML[name]
    if name in _SAME:
        return name
    if name in ("p", "table", "thead", "tbody", "tfoot", "pre", "ul", "ol", "li", "tr", "td", "th"):
        return name
    if holds_blocks or name in _SECTIONS or name in ("media", "equation", "quote-block", "blockquote"):
        return "div"
    # A leaf right inside a section is a block of its own, inside a paragraph it is inline.
    return "p" if above in _SECTIONS and name not in _INLINE else "x-inline"


def _set_spans(entry: Element) -> None:
    """The spans of a cell in the table model of DocBook, whose columns are named by numbers."""
    more = entry.get("morerows") or ""
    if more.isdecimal() and len(more) < 5:
        entry.set("rowspan", str(int(more) + 1))
    ends = [re.search(r"(\d{1,3})$", entry.get(name) or "") for name in ("namest", "nameend")]
    if ends[0] is not None and ends[1] is not None:
        entry.set("colspan", str(max(1, int(ends[1][1]) - int(ends[0][1]) + 1)))


def _append_data(root: Element, builder: TextBuilder) -> None:
    """Records as units; leaves that stand alone as lines."""
    for element in _records(root):
        lines = list(_fields(element, ""))
        if not lines:
            continue
        with builder.unit():
            builder.block("\n".join(lines))


def _records(element: Element) -> Iterator[Element]:
    """The elements that hold leaves, outermost first."""
    children = [child for child in element if isinstance(child.tag, str)]
    if not children or any(len(child) == 0 for child in children):
        yield element
        return
    for child in children:
        yield from _records(child)


def _fields(element: Element, path: str) -> Iterator[str]:
    """`name: value` for every leaf and attribute below, names of inner elements before theirs."""
    for name, value in ((str(name), squeeze(str(value))) for name, value in element.items()):
        if value and not name.startswith("{"):
            yield f"{path}{name}: {value}"
    children = [child for child in element if isinstance(child.tag, str)]
    own = squeeze(element.text or "")
    if own:
        yield f"{path.removesuffix(' / ') or _name(element)}: {own}"
    for child in children:
        yield from _fields(child, f"{path}{_name(child)} / ")
        tail = squeeze(child.tail or "")
        if tail:
            yield tail
