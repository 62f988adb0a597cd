"""EPUB: the chapters in the order of the book's spine, each through the HTML path.

An EPUB is a zip of XHTML pages and one list of their order. The library for it (EbookLib) is AGPL, and
reading the list takes less than adapting one.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import Element, append_tree, tree_of
from ingest.parsers.common.zip_members import read_member, read_xml
from ingest.parsers.html_page import decode_html
from ingest.records import RejectReason
from ingest.text.normalise import squeeze

_METADATA = {"creator": "author", "language": "language", "publisher": "publisher", "date": "date"}
_PLACES_NAMED = 5
_OTHERS = ("text/css", "application/x-dtbncx+xml", "application/javascript")
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def parse_epub(data: bytes, builder: TextBuilder) -> None:
    """Appends the chapters of an e-book in reading order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = frozenset(archive.namelist())
        package_path = _package_path(archive)
        hidden = _encrypted(archive) if "META-INF/encryption.xml" in names else frozenset()
        package = read_xml(archive, package_path)
        _read_metadata(package, builder)
        # A page may stand in the spine again and again; it is read once.
        chapters = list(dict.fromkeys(_chapters(package, posixpath.dirname(package_path), builder)))
        if chapters and hidden.issuperset(chapters):
            raise UnparsableError(RejectReason.ENCRYPTED, "protected against copying (DRM)")
        for name in chapters:
            if name in hidden:
                builder.warnings.append(f"chapter {name} is encrypted and was not read")
                continue
            if name not in names:
                builder.warnings.append(f"chapter {name} is missing inside")
                continue
            _append_chapter(archive, name, builder)


def _append_chapter(archive: zipfile.ZipFile, name: str, builder: TextBuilder) -> None:
    """One page of the book; a broken one is named and costs no other."""
    try:
        root = tree_of(decode_html(read_member(archive, name)))
        if root is not None:
            append_tree(root, builder)
    except (UnparsableError, zipfile.BadZipFile, OSError, zlib.error) as error:
        builder.warnings.append(f"chapter {name} could not be read: {squeeze(str(error))[:100]}")


def _encrypted(archive: zipfile.ZipFile) -> frozenset[str]:
    """The members that are encrypted; fonts often are, and a book can be read without them."""
    try:
        root = read_xml(archive, "META-INF/encryption.xml")
    except UnparsableError:
        return frozenset()
    return frozenset(unquote(reference.get("URI") or "") for reference in _named(root, "CipherReference"))


def _package_path(archive: zipfile.ZipFile) -> str:
    for element in _named(read_xml(archive, "META-INF/container.xml"), "rootfile"):
        path = element.get("full-path")
        if path:
            return path
    raise UnparsableError(RejectReason.CORRUPT, "an e-book without a list of its chapters")


def _read_metadata(package: Element, builder: TextBuilder) -> None:
    for metadata in _named(package, "metadata"):
        for element in metadata.iter():
            if not isinstance(element.tag, str) or not (element.text or "").strip():
                continue
            name = etree.QName(element).localname
            if name == "title" and not builder.title:
                builder.title = squeeze(element.text or "")
            elif name in _METADATA:
                builder.metadata.setdefault(_METADATA[name], element.text or "")


def _chapters(package: Element, folder: str, builder: TextBuilder) -> Iterator[str]:
    """The paths of the pages in the spine, navigation pages aside, and of those beside it.

    A page that the spine does not name is read where it stands in the package, with a warning.
    """
    items = {item.get("id"): item for item in _named(package, "item")}
    references = [reference.get("idref") or "" for reference in _named(package, "itemref")]
    unknown = [reference for reference in references if reference not in items]
    if unknown:
        named = ", ".join(map(repr, unknown[:_PLACES_NAMED]))
        builder.warnings.append(f"the order of chapters names unknown ones: {named}")
    read = [items[reference] for reference in references if reference in items]
    order = {id(item): place for place, item in enumerate(items.values())}
    pages = [item for item in items.values() if _is_page(item)]
    known = set(map(id, read))
    rest = [item for item in pages if id(item) not in known]
    if rest and read and not unknown:
        builder.warnings.append(f"the order of chapters leaves out {len(rest)} pages; they are read, too")
    # A page that no reference names goes before the first one that follows it in the package.
    for item in read:
        while rest and order[id(rest[0])] < order[id(item)]:
            yield _path(rest.pop(0), folder)
        if _is_page(item):
            yield _path(item, folder)
    yield from (_path(item, folder) for item in rest)


def _is_page(item: Element) -> bool:
    kind = (item.get("media-type") or "").lower()
    href = (item.get("href") or "").lower()
    is_page = kind in _PAGES or (kind not in _OTHERS and href.endswith((".xhtml", ".html", ".htm")))
    return is_page and "nav" not in (item.get("properties") or "").split()


def _path(item: Element, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "").split("#")[0]))


def _named(root: Element, name: str) -> Iterator[Element]:
    """Elements by their name, whatever the namespace: books do not agree on it."""
    return (e for e in root.iter() if isinstance(e.tag, str) and etree.QName(e).localname == name)
