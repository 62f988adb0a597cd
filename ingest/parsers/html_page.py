"""Web pages: the content, without the navigation that every page of a site repeats.

Navigation is recognised by what its authors call it (`nav`, `aside`, roles) and by blocks that consist of
links. trafilatura was measured on the same pages: it lost tables (half of a data sheet), a third of a
Wikipedia article and whole short pages, and a page in a collection of documents must not lose content.
When pruning leaves little, the page is taken whole.
"""

from __future__ import annotations

import re

from lxml import etree

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import Element, append_tree, text_of, tree_of
from ingest.records import RejectReason
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE)
_FRAME_ROLES = frozenset(
    """
    navigation banner contentinfo search complementary menu menubar dialog
    """.split()
)
_FRAME_NAMES = re.compile(
    r"(^|[\s_-])(nav|navbar|navigation|navbox|menu|sidebar|breadcrumbs?|skip-?links?|social|share|toc|noprint|"
    r"sharing|advert\w*|pagination)($|[\s_-])",
    re.IGNORECASE,
)
# Names that only site software gives, to what no one reads.
_NEVER_CONTENT = re.compile(
    r"(^|[\s_-])(onetrust\w*|cc-window|cc-banner|mw-editsection|mw-jump-link|catlinks|printfooter|"
    r"(cookies?|consent|gdpr|ccpa)-?(banner|bar|popup|modal|notice|overlay|consent|message|law\w*))($|[\s_-])",
    re.IGNORECASE,
)
_FOOT_NAMES = frozenset(
    "footer site-footer page-footer global-footer main-footer sitefooter pagefooter".split()
)
_SKIP_LINK = re.compile(r"(skip|jump) to\b", re.IGNORECASE)
_CONTENT = ("main", "article")
_LEAST_SHARE = 0.3
_LINKED = 0.5
_LEAST_WORDS = 40
_LEAST_PROSE = 60
_LEAST_DIGITS = 5
_LEAST_SENTENCE = 4
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"\w{2,}[.!?](?:\s|$)|[。！？]")
_RIGHTS = re.compile(r"(?:©|\(c\)|copyright)[^.]*\.?|all rights reserved\.?|\b(?:19|20)\d\d\b", re.IGNORECASE)
_PANEL = re.compile(
    r"tab|panel|accordion|collaps|answer|toggle|details|expand|content|faq|spoiler", re.IGNORECASE
)
_POINTERS = ("aria-controls", "data-target", "data-bs-target", "href", "data-tab", "data-controls", "for")
_LEAST_LINKS = 4
_SHORT_LINK = 25


def decode_html(data: bytes) -> str:
    """The page's characters, by its own declaration where it is true."""
    head = data[:4096]
    match = _XML_ENCODING.search(head) or _CHARSET.search(head)
    return decode(data, match[1].decode("ascii") if match else None)


def parse_html(data: bytes, builder: TextBuilder) -> None:
    """Appends the content of an HTML or XHTML page."""
    root = tree_of(decode_html(data))
    if root is None:
        raise UnparsableError(RejectReason.NO_TEXT, "the page holds no text")
    _read_head(root, builder)
    body = root.find("body")
    if body is None:
        body = root
    etree.strip_elements(body, "script", "style", "noscript", "template", with_tail=False)
    _drop_hidden(body)
    whole = _size(body)
    pruned = tree_of(etree.tostring(body, encoding="unicode", method="html"))
    if pruned is not None:
        _prune(pruned)
        if _size(pruned) >= _LEAST_SHARE * whole:
            _warn_of_frame(body, pruned, builder)
            body = pruned
    append_tree(body, builder)


def _warn_of_frame(body: Element, pruned: Element, builder: TextBuilder) -> None:
    """Says how many words were taken for the site's frame."""
    missing = _count_words(body) - _count_words(pruned)
    if missing > 0:
        builder.warnings.append(f"{missing:,} words of the site's frame (head, foot, menus) were left out")


def _count_words(element: Element) -> int:
    return len(_WORD.findall(" ".join(map(str, element.itertext()))))


def _read_head(root: Element, builder: TextBuilder) -> None:
    title = root.find(".//head/title")
    if title is None:
        title = root.find(".//title")
    if title is not None:
        builder.title = squeeze(text_of(title))
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        content = squeeze(meta.get("content") or "")
        if content and name in ("author", "description", "keywords", "date", "article:published_time"):
            builder.metadata.setdefault(name.removeprefix("article:"), content)


def _drop_hidden(body: Element) -> None:
    """Drops what a reader never gets to see; the parts that a click opens stay."""
    opened = {
        target.lstrip("#")
        for element in body.iter("a", "button", "label", "li", "div", "span", "summary")
        for name in _POINTERS
        if (target := element.get(name)) and len(target) > 1
    }
    for element in list(body.iter()):
        if not isinstance(element.tag, str):
            continue
        style = (element.get("style") or "").replace(" ", "").lower()
        hidden = element.get("hidden")
        if ("display:none" in style or (hidden is not None and hidden != "until-found")) and not _is_panel(
            element, opened
        ):
            _drop(element)


def _is_panel(element: Element, opened: set[str]) -> bool:
    if element.tag == "dialog" or (element.get("role") or "").lower() in ("dialog", "menu", "alertdialog"):
        return False
    if (element.get("role") or "").lower() == "tabpanel" or (element.get("id") or "") in opened:
        return True
    return bool(_PANEL.search(f"{element.get('id') or ''} {element.get('class') or ''}"))


def _prune(body: Element) -> None:
    """Drops what is frame by its own name, then menus that are none by name but consist of short links."""
    for element in list(body.iter()):
        if isinstance(element.tag, str) and element.tag not in ("html", "body") and _is_frame(element):
            _drop(element)
    content = _content_places(body)
    for place, element in enumerate(body.iter()):
        if place in content and element.tag in ("ul", "ol", "div", "table", "section", "p"):
            element.set(_KEPT, "")
    for element in list(body.iter("ul", "ol", "div", "table", "section", "p")):
        if element.get(_KEPT) is None and _is_link_block(element):
            _drop(element)
    for link in list(body.iter("a")):
        if (link.get("href") or "").startswith("#") and _SKIP_LINK.match(squeeze(text_of(link))):
            _drop(link)


_KEPT = "data-kept"


def _content_places(body: Element) -> range:
    """The places, in the order of the page, between its first heading and its last paragraph of prose."""
    first, last = None, -1
    for place, element in enumerate(body.iter()):
        if first is None and element.tag in ("h1", "h2"):
            first = place
        if element.tag == "p" and first is not None and _unlinked(element) >= _LEAST_PROSE:
            last = place
    return range(first if first is not None else 0, last + 1)


def _is_frame(element: Element) -> bool:
    """Whether an element is navigation, head or foot of the site by its name, and says nothing of its own."""
    names = f"{element.get('id') or ''} {element.get('class') or ''}"
    role = (element.get("role") or "").lower()
    if _NEVER_CONTENT.search(names) and not _holds_content(element):
        return True
    if element.tag == "nav" or role in ("navigation", "search", "menu", "menubar", "dialog"):
        return not _says_something(element, least=4 * _LEAST_WORDS)
    if role in _FRAME_ROLES or element.tag in ("header", "footer"):
        return not _is_inside_content(element) and not _says_something(element)
    if element.tag == "aside":
        return not _says_something(element, least=1)
    if element.tag in ("div", "ul", "ol", "section", "table", "span", "p"):
        if _FOOT_NAMES.intersection(names.lower().split()) and not _is_inside_content(element):
            return not _holds_content(element) and not _says_something(element)
        return (
            bool(_FRAME_NAMES.search(names)) and not _holds_content(element) and not _says_something(element)
        )
    return False


def _says_something(element: Element, *, least: int = _LEAST_WORDS) -> bool:
    """Whether it holds words of its own beside links and rights: a sentence, an address, a number to call."""
    if _holds_content(element):
        return True
    own = _RIGHTS.sub(" ", _unlinked_text(element))
    if len("".join(own.split())) < _LINKED * _size(element) and len("".join(own.split())) < 4 * least:
        return False
    if len(own.split()) >= _LEAST_SENTENCE and _SENTENCE.search(own):
        return True
    return sum(map(str.isalpha, own)) >= least or sum(map(str.isdigit, own)) >= _LEAST_DIGITS


def _unlinked(element: Element) -> int:
    return len("".join(_unlinked_text(element).split()))


def _unlinked_text(element: Element) -> str:
    """The words below an element that stand in no link, button or choice."""
    if element.tag in ("a", "button", "select", "option", "label") or not isinstance(element.tag, str):
        return ""
    parts = [element.text or ""]
    for child in element:
        parts += (_unlinked_text(child), child.tail or "")
    return "".join(parts)


def _is_inside_content(element: Element) -> bool:
    return any(isinstance(above.tag, str) and above.tag in _CONTENT for above in element.iterancestors())


def _holds_content(element: Element) -> bool:
    """Classes such as `has-sidebar` stand on wrappers of the whole page, too."""
    return any(True for _ in element.iter("main", "article", "h1"))


def _is_link_block(element: Element) -> bool:
    links = [link for link in element.iter("a") if link.get("href")]
    if len(links) < _LEAST_LINKS or any(
        True for _ in element.iter("h1", "h2", "h3", "article", "main", "pre")
    ):
        return False
    if _is_inside_content(element):
        return False
    text = _size(element)
    linked = sum(map(_size, links))
    return linked > 0.85 * text and text < _SHORT_LINK * len(links)


def _size(element: Element) -> int:
    """How many characters can be read below an element, spaces aside."""
    return len("".join(text_of(element).split()))


def _drop(element: Element) -> None:
    """Removes an element but not the text after it."""
    parent = element.getparent()
    if parent is None:
        return
    tail = element.tail or ""
    previous = element.getprevious()
    if previous is not None:
        previous.tail = f"{previous.tail or ''} {tail}"
    else:
        parent.text = f"{parent.text or ''} {tail}"
    parent.remove(element)
