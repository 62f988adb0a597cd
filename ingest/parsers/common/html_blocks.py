"""From an HTML tree to blocks of text: the one path of everything that can be turned into HTML.

Web pages, Markdown, Word, OpenDocument, e-books, HTML mail and HTML inside JSON all end here: headings,
paragraphs, list items on lines of their own, tables row by row, code as it is. Table cells are given the
name of their column where the table has one, because a row must make sense alone when it is found alone.
It is no renderer: style sheets, positions and forms are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lxml import etree
from lxml.html import HtmlElement, document_fromstring

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.raised import lowered, numerator, raised
from ingest.parsers.common.table import Cell, lines, spread
from ingest.records import RejectReason
from ingest.text.normalise import squeeze

Element = etree._Element

_SKIPPED = frozenset(
    """
    script style noscript template head title meta link canvas iframe object embed audio video
    map datalist annotation annotation-xml
    """.split()
)
_SCRIPTS = frozenset(("sup", "sub"))
_FORMULAS = frozenset("msup msub msubsup mfrac msqrt mroot".split())
_FIELDS = frozenset("input select textarea meter progress".split())
_TYPED = frozenset(
    ("", "text", "number", "email", "tel", "url", "date", "time", "month", "week", "datetime-local")
)
_DISCLOSES = re.compile(r"accordion|dropdown|collaps|toggle|disclos|expand|faq|question|\btab", re.IGNORECASE)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """
    html body div p section article main header footer nav aside blockquote figure figcaption
    address form fieldset legend details summary center hr dl dt dd ul ol li menu table caption dialog
    thead tbody tfoot tr td th pre listing h1 h2 h3 h4 h5 h6 hgroup
    """.split()
)
_ROW_GROUPS = frozenset("thead tbody tfoot form".split())  # old pages put forms around rows
_BULLET = "- "
_DESCRIPTION_WORDS = 4
_LOOK_BACK = 40
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
        self.heading_level = level

    def walk(self, element: Element) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _SKIPPED or _is_mark(element):
            return
        if tag == "dialog" and element.get("open") is None:
            return
        inline = _INLINE.get(tag)
        if inline is not None:
            inline(self, element)
        elif tag in _BLOCKS:
            self.flush()
            self._caption(element, tag)
            self._block(element, tag)
            self.flush()
        else:
            self._children(element)

    def walk_all(self, element: Element) -> None:
        """Everything below an element, whatever it is itself."""
        self._children(element)
        self.flush()

    def _block(self, element: Element, tag: str) -> None:
        if tag in _HEADINGS:
            self.heading_level = self.level + _HEADINGS[tag]
            self.builder.heading(self.heading_level, _inside(element))
        elif element.get("role") == "heading" and tag == "div":
            self.heading_level = self.level + min(6, max(1, small_number(element.get("aria-level"), 2)))
            self.builder.heading(self.heading_level, _inside(element))
        elif tag == "summary" and _inside(element):
            self.builder.heading(self.heading_level + 1, _inside(element))
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

    def _caption(self, element: Element, tag: str) -> None:
        """What book makers write into tags of their own, such as `<Listing number="10-1" caption="...">`."""
        caption, number = element.get("caption"), element.get("number")
        if caption:
            self.builder.paragraph(f"{tag.title()} {number}: {caption}" if number else caption)

    def _children(self, element: Element) -> None:
        self.inline.append(_white(element.text))
        for child in element:
            self.walk(child)
            self.inline.append(_white(child.tail))

    def _break(self, _: Element) -> None:
        self.inline.append("\n")

    def _picture(self, element: Element) -> None:
        self.inline.append(_picture_words(element))

    def _field(self, element: Element) -> None:
        self.inline.append(_field_words(element))

    def _script(self, element: Element) -> None:
        before, text = self._before(), _plain(element)
        if element.tag == "sub":
            self.inline.append(lowered(before, text))
        elif _is_numerator(element):
            self.inline.append(numerator(before, text))
        elif _is_note_mark(element, text):
            self.inline.append(raised("note", text))
        else:
            self.inline.append(raised(before, text))

    def _formula(self, element: Element) -> None:
        """MathML on one line: a power as a power, a fraction as (a)/(b)."""
        parts = [_inside(part) or _plain(part) for part in element if isinstance(part.tag, str)]
        match element.tag, parts:
            case "msup", [base, up]:
                self.inline.append(base + raised(base if len(base) < 3 else f"{base} )", up).lstrip())
            case "msub", [base, down]:
                self.inline.append(base + lowered(base, down))
            case "msubsup", [base, down, up]:
                self.inline.append(base + lowered(base, down) + raised(")", up))
            case "mfrac", [upper, lower]:
                simple = upper.isalnum() and lower.isalnum()
                self.inline.append(f"{upper}/{lower}" if simple else f"({upper})/({lower})")
            case "mroot", [base, degree]:
                self.inline.append(f"{degree}√({base})")
            case "msqrt", _:
                self.inline.append(f"√({''.join(parts) or _plain(element)})")
            case _:
                self._children(element)

    def _button(self, element: Element) -> None:
        """A button that opens a part of the page is the heading of that part; others only act."""
        words = _inside(element)
        above = element.getparent()
        if above is not None and _is_only_child(element, above) and _inside_heading(above):
            self._children(element)
        elif words and _opens(element):
            self.flush()
            self.builder.heading(self.heading_level + 1, words)

    def _drawing(self, element: Element) -> None:
        """The words written in a drawing, such as the labels of a chart."""
        words = [_plain(text) for text in element.iter("text", "{*}text")]
        if any(words):
            self.flush()
            self.inline.append("; ".join(filter(None, words)))
            self.flush()

    def _before(self) -> str:
        """The end of the line so far."""
        text = ""
        for piece in reversed(self.inline):
            text = piece + text
            if len(text) > _LOOK_BACK:
                break
        return text

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
            own = child.get("data-number")
            number = small_number(child.get("value"), number)
            self.prefix = f"{own} " if own else f"{number}. " if element.tag == "ol" else _BULLET
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


_INLINE: dict[str, Callable[[_Walker, Element], None]] = {
    "br": _Walker._break,
    "img": _Walker._picture,
    "button": _Walker._button,
    "svg": _Walker._drawing,
    **dict.fromkeys(_SCRIPTS, _Walker._script),
    **dict.fromkeys(_FORMULAS, _Walker._formula),
    **dict.fromkeys(_FIELDS, _Walker._field),
}


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


def _is_numerator(element: Element) -> bool:
    """Whether a raised number is the upper half of a fraction."""
    following = element.getnext()
    return (
        (element.tail or "").strip() in ("/", "\N{FRACTION SLASH}")
        and following is not None
        and following.tag == "sub"
    )


def _is_note_mark(element: Element, text: str) -> bool:
    """Whether the page itself calls a raised number a note."""
    names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('role') or ''}".lower()
    return bool(re.search(r"foot-?note|\bfn|reference|noteref|\bcite", names)) and bool(_MARK.match(text))


def _field_words(element: Element) -> str:
    """What a form field shows: its value, the chosen option, whether a box is ticked."""
    tag = element.tag
    kind = (element.get("type") or "").lower()
    if tag == "input" and kind in ("checkbox", "radio"):
        if element.get("role") == "button" or _DISCLOSES.search(element.get("class") or ""):
            return ""
        return "[x] " if element.get("checked") is not None else "[ ] "
    if tag == "input":
        return f" {element.get('value') or ''} " if kind in _TYPED else ""
    if tag == "select":
        chosen = [text_of(option) for option in element.iter("option") if option.get("selected") is not None]
        return f" {', '.join(chosen)} "
    return f" {text_of(element)} "


def _opens(button: Element) -> bool:
    """Whether a button shows or hides a part of the page."""
    if button.get("aria-haspopup") not in (None, "false"):
        return False
    if any(button.get(name) is not None for name in ("aria-expanded", "data-bs-toggle", "data-toggle")):
        return True
    if button.get("role") == "tab" or button.get("aria-controls") is not None:
        return True
    return bool(_DISCLOSES.search(button.get("class") or ""))


def _inside_heading(element: Element) -> bool:
    around = (element, *element.iterancestors())
    return any(e.tag in _HEADINGS or e.tag in ("summary", "dt") or e.get("role") == "heading" for e in around)


def _is_only_child(element: Element, above: Element) -> bool:
    """Whether the words of a heading stand in this button, and not beside it."""
    rest = [text_of(child) for child in above if child is not element]
    own = [above.text or "", *(child.tail or "" for child in above)]
    return not any(character.isalnum() for character in "".join((*own, *rest)))


def _inside(element: Element) -> str:
    """The words below an element on one line, raised and lowered ones in their places."""
    walker = _Walker(TextBuilder(), 0)
    walker.walk_all(element)
    return squeeze(walker.builder.text)


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
    marked = any(True for _ in table.iter("th", "thead"))
    if table.find(".//table") is not None or (
        not marked and any(True for _ in table.iter("h1", "h2", "h3", "h4", "pre"))
    ):
        _Walker(builder, level).walk_all(table)
        return
    rows = [[_cell(cell) for cell in line] for line in _rows(table)]
    rows = [row for row in rows if any(cell.text for cell in row) or any(cell.rows > 1 for cell in row)]
    if max(map(len, rows), default=1) == 1:
        _Walker(builder, level).walk_all(table)
        return
    walker = _Walker(builder, level)
    _append_loose(table, walker)
    walker.flush()
    for caption in table.iterchildren("caption"):
        builder.paragraph(inline_text(caption))
    for index, line in enumerate(lines(spread(rows), guess=_may_have_names(rows))):
        (builder.line if index else builder.paragraph)(line)


def _may_have_names(rows: list[list[Cell]]) -> bool:
    """Whether a table that marks no names may have some: two columns are more often names and values."""
    widths = {sum(cell.columns for cell in row) for row in rows}
    merged = any(cell.rows > 1 for row in rows for cell in row)
    return (len(widths) == 1 or merged) and max(widths) > 2


def _append_loose(container: Element, walker: _Walker) -> None:
    """What stands between the cells of a table instead of in them comes before it, as browsers show it."""
    walker.inline.append(_white(container.text))
    for child in container:
        if child.tag in _ROW_GROUPS or child.tag == "tr":
            _append_loose(child, walker)
        elif child.tag not in ("td", "th", "caption"):
            walker.walk(child)
        walker.inline.append(_white(child.tail))


def _rows(table: Element) -> Iterator[list[Element]]:
    """The rows of this table, not those of tables inside its cells."""
    for child in table:
        if child.tag == "tr":
            yield [cell for cell in child if cell.tag in ("td", "th")]
        elif child.tag in _ROW_GROUPS:
            yield from _rows(child)


def _cell(cell: Element) -> Cell:
    above = cell.getparent()
    head = above.getparent() if above is not None else None
    return Cell(
        inline_text(cell),
        cell.tag == "th" or (head is not None and head.tag == "thead"),
        _span(cell.get("rowspan")),
        _span(cell.get("colspan")),
    )


def _span(text: str | None) -> int:
    return max(1, small_number((text or "").strip(), 1))
