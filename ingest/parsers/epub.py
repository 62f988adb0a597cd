"""EPUB: the chapters in the order of the book's spine, each through the HTML path.

An EPUB is a zip of XHTML pages and one list of their order. The library for it (EbookLib) is AGPL, and
reading the list takes less than adapting one.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
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
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def parse_epub(data: bytes, builder: TextBuilder) -> None:
    """Appends the chapters of an e-book in reading order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = frozenset(archive.namelist())
        if "META-INF/rights.xml" in names:
            raise UnparsableError(RejectReason.ENCRYPTED, "protected against copying (DRM)")
        package_path = _package_path(archive)
        package = read_xml(archive, package_path)
        _read_metadata(package, builder)
        # A page may stand in the spine again and again; it is read once.
        for name in dict.fromkeys(_chapters(package, posixpath.dirname(package_path))):
            if name not in names:
                builder.warnings.append(f"chapter {name} is missing inside")
                continue
            root = tree_of(decode_html(read_member(archive, name)))
            if root is not None:
                append_tree(root, builder)


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


def _chapters(package: Element, folder: str) -> Iterator[str]:
    """The paths of the pages in the spine, navigation pages aside."""
    items = {item.get("id"): item for item in _named(package, "item")}
    for reference in _named(package, "itemref"):
        item = items.get(reference.get("idref"))
        if (
            item is None
            or item.get("media-type") not in _PAGES
            or "nav" in (item.get("properties") or "").split()
        ):
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))


def _named(root: Element, name: str) -> Iterator[Element]:
    """Elements by their name, whatever the namespace: books do not agree on it."""
    return (e for e in root.iter() if isinstance(e.tag, str) and etree.QName(e).localname == name)
