"""From an HTML tree to blocks of text: the one path of everything that can be turned into HTML.

Web pages, Markdown, Word, OpenDocument, e-books, HTML mail and HTML inside JSON all end here: headings,
paragraphs, list items on lines of their own, tables row by row, code as it is. Table cells are given the
name of their column where the table has one, because a row must make sense alone when it is found alone.
It is no renderer: style sheets, positions and forms are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement, document_fromstring

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.table_rows import names_columns, row_in_words
from ingest.records import RejectReason
from ingest.text.normalise import squeeze

Element = etree._Element

_SKIPPED = frozenset(
    """
    script style noscript template head title meta link svg canvas iframe object embed audio video
    map button input select option textarea datalist dialog
    """.split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """
    html body div p section article main header footer nav aside blockquote figure figcaption
    address form fieldset legend details summary center hr dl dt dd ul ol li menu table caption
    thead tbody tfoot tr td th pre listing h1 h2 h3 h4 h5 h6 hgroup
    """.split()
)
_BULLET = "- "
_DESCRIPTION_WORDS = 4
_SMALL = re.compile(r"[0-9]{1,6}")
_MARK = re.compile(r"^(\[?(\d{1,3}|[a-z*†‡])\]?|[↑↩\ufe0e^]+)$")


def append_html(markup: str, builder: TextBuilder, *, level: int = 0) -> None:
    """Appends everything that can be read in `markup`; `level` is added to the level of its headings."""
    root = tree_of(markup)
    if root is not None:
        append_tree(root, builder, level=level)


def tree_of(markup: str) -> HtmlElement | None:
    """The parsed tree, None when there is nothing to parse."""
    # libxml2 takes no text that declares an encoding of its own, and stops at a null character.
    markup = re.sub(r"^\s*<\?xml[^>]*\?>", "", markup).replace("\x00", "")
    if not markup.strip():
        return None
    parser = _parser()
    try:
        root = document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    check_depth(parser)
    return root


def check_depth(parser: etree.HTMLParser | etree.XMLParser) -> None:
    """libxml2 stops where elements are nested too deeply and would give the beginning for the whole."""
    if any("depth" in entry.message for entry in parser.error_log):
        raise UnparsableError(RejectReason.CORRUPT, "nested too deeply")


def append_tree(root: Element, builder: TextBuilder, *, level: int = 0) -> None:
    """Appends the readable text below `root`."""
    walker = _Walker(builder, level)
    walker.walk(root)
    walker.flush()


def text_of(element: Element) -> str:
    """All characters below an element, as they stand."""
    return "".join(str(text) for text in element.itertext())


def inline_text(element: Element) -> str:
    """All words of an element on one line."""
    walker = _Walker(TextBuilder(), 0)
    walker.walk(element)
    walker.flush()
    lines = [line for line in walker.builder.text.split("\n") if line]
    if any(line.startswith(_BULLET) for line in lines):
        return ", ".join(line.removeprefix(_BULLET) for line in lines)
    return squeeze(" ".join(lines))


def _parser() -> etree.HTMLParser:
    from lxml.html import HTMLParser

    return HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)


class _Walker:
    """Walks a tree in reading order, gathers inline text and appends it when a block ends."""

    def __init__(self, builder: TextBuilder, level: int) -> None:
        self.builder = builder
        self.level = level
        self.inline: list[str] = []
        self.prefix = ""
        self.first_in_list = True

    def walk(self, element: Element) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _SKIPPED or _is_mark(element):
            return
        if tag == "br":
            self.inline.append("\n")
        elif tag == "img":
            self.inline.append(_picture_words(element))
        elif tag in _BLOCKS:
            self.flush()
            self._block(element, tag)
            self.flush()
        else:
            self._children(element)

    def _block(self, element: Element, tag: str) -> None:
        if tag in _HEADINGS:
            self.builder.heading(self.level + _HEADINGS[tag], _plain(element))
        elif tag in ("pre", "listing"):
            self.builder.block("".join(_verbatim(element)).strip("\n"))
        elif tag == "table":
            _append_table(element, self.builder, self.level)
        elif tag in ("ul", "ol", "menu"):
            self._list(element)
        elif tag == "dl":
            self._definitions(element)
        else:
            self._children(element)

    def _children(self, element: Element) -> None:
        self.inline.append(_white(element.text))
        for child in element:
            self.walk(child)
            self.inline.append(_white(child.tail))

    def _list(self, element: Element) -> None:
        """Items stand on lines of their own; the paragraphs of a long item stay paragraphs."""
        self.flush()
        number = small_number(element.get("start"), 1)
        nested = any(
            isinstance(e.tag, str) and e.tag in ("ul", "ol", "menu") for e in element.iterancestors()
        )
        first = not nested
        for child in element:
            if child.tag != "li":
                self.walk(child)
                continue
            self.prefix = f"{number}. " if element.tag == "ol" else _BULLET
            self.first_in_list = first
            self._item(child)
            number += 1
            first = False

    def _item(self, item: Element) -> None:
        self._children(item)
        self.flush()
        self.prefix = ""

    def _definitions(self, element: Element) -> None:
        self.flush()
        term = ""
        for child in _terms(element):
            if child.tag == "dt":
                term = inline_text(child)
                continue
            self.prefix = f"{term}: " if term else ""
            self.first_in_list = True
            self._item(child)
            term = ""
        if term:
            self.builder.paragraph(term)

    def flush(self) -> None:
        """Ends the block at hand; forced line breaks inside it are kept."""
        lines = [squeeze(line) for line in "".join(self.inline).split("\n")]
        self.inline.clear()
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        if not self.prefix:
            self.builder.block(text)
        elif self.first_in_list:
            self.builder.block(self.prefix + text)
        else:
            self.builder.line(self.prefix + text.replace("\n", " "))
        self.prefix = ""


def _terms(element: Element) -> Iterator[Element]:
    """The terms and definitions of this list, also those that a page groups, not those of lists inside."""
    for child in element:
        if child.tag in ("dt", "dd"):
            yield child
        elif child.tag == "div":
            yield from _terms(child)


def small_number(text: str | None, otherwise: int) -> int:
    """The number that an attribute holds; what is no number, or a monstrous one, counts as not given."""
    return int(text) if text and _SMALL.fullmatch(text) else otherwise


def _picture_words(image: Element) -> str:
    """A description counts, the name of an icon does not."""
    words = image.get("alt") or ""
    return words if len(words.split()) >= _DESCRIPTION_WORDS else ""


def _is_mark(element: Element) -> bool:
    """Marks of footnotes and links back, which would stand in the middle of a sentence."""
    if element.tag not in ("sup", "a"):
        return False
    link = element if element.tag == "a" else element.find(".//a")
    if link is None or not (link.get("href") or "").startswith("#"):
        return False
    return bool(_MARK.match(_plain(element)))


def _white(text: str | None) -> str:
    """Line ends inside the source mean no more than spaces; only `<br>` breaks a line."""
    return text.replace("\n", " ").replace("\r", " ") if text else ""


def _plain(element: Element) -> str:
    return " ".join("".join(_verbatim(element)).split())


def _verbatim(element: Element) -> Iterator[str]:
    """Text as it stands, without scripts."""
    if not isinstance(element.tag, str) or element.tag in _SKIPPED:
        return
    if element.tag == "br":
        yield "\n"
    yield element.text or ""
    for child in element:
        yield from _verbatim(child)
        yield child.tail or ""


def _append_table(table: Element, builder: TextBuilder, level: int) -> None:
    """Rows on lines; a layout table (one column, or tables and headings inside) is read as running text."""
    if table.find(".//table") is not None or any(True for _ in table.iter("h1", "h2", "h3", "h4", "pre")):
        _append_cells(table, builder, level)
        return
    rows = [
        row for row in ([_cell(cell) for cell in line] for line in _rows(table)) if any(t for t, _ in row)
    ]
    if not rows:
        return
    if max(map(len, rows)) == 1:
        _append_cells(table, builder, level)
        return
    for caption in table.iterchildren("caption"):
        builder.paragraph(inline_text(caption))
    names = [text for text, _ in rows[0]] if _is_header(rows) else None
    for index, row in enumerate(rows[1:] if names else rows):
        text = _row(row, names)
        (builder.line if index else builder.paragraph)(text)


def _append_cells(table: Element, builder: TextBuilder, level: int) -> None:
    for child in table.iterchildren("caption"):
        builder.paragraph(inline_text(child))
    for line in _rows(table):
        for cell in line:
            walker = _Walker(builder, level)
            walker._children(cell)
            walker.flush()


def _rows(table: Element) -> Iterator[list[Element]]:
    """The rows of this table, not those of tables inside its cells."""
    for child in table:
        if child.tag == "tr":
            yield [cell for cell in child if cell.tag in ("td", "th")]
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from _rows(child)


def _cell(cell: Element) -> tuple[str, bool]:
    return inline_text(cell), cell.tag == "th"


def _is_header(rows: list[list[tuple[str, bool]]]) -> bool:
    """Whether the first row names the columns: it is marked so, or it looks so in a table of equal rows.

    Two columns without marks are more often names and values than a head and a body.
    """
    first = rows[0]
    if len(first) < 2 or len(rows) < 2:
        return False
    if all(is_name for _, is_name in first):
        return all(text for text, _ in first[1:])
    equal = all(len(row) == len(first) for row in rows)
    texts = [[text for text, _ in row] for row in rows]
    return equal and len(first) > 2 and all(texts[0]) and names_columns(texts)


def _row(row: list[tuple[str, bool]], names: list[str] | None) -> str:
    """`name: value` also where only the first cell of the row is marked as its name."""
    texts = [text for text, _ in row]
    if names is None and row[0][1] and texts[0] and len(list(filter(None, texts))) > 1 and not row[1][1]:
        return f"{texts[0]}: {row_in_words(texts[1:], None)}"
    return row_in_words(texts, names)
