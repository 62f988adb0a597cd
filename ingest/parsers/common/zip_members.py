"""Members of zip packages (Office, OpenDocument, EPUB), read with care.

An archive is small and can hold gigabytes; XML can name files of the reader's machine. So a member is read
up to a limit and XML without entities, networks and document types.
"""

from __future__ import annotations

import zipfile

from lxml import etree

from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import Element, check_depth
from ingest.records import RejectReason

MAX_MEMBER_BYTES = 500_000_000


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member; `UnparsableError` when it is missing, protected or swells beyond measure."""
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise UnparsableError(RejectReason.CORRUPT, f"{name} is missing inside") from error
    if info.file_size > MAX_MEMBER_BYTES:
        raise UnparsableError(RejectReason.TOO_LARGE, f"{name} inside unpacks to {info.file_size:,} bytes")
    if info.flag_bits & 1:
        raise UnparsableError(RejectReason.ENCRYPTED, "protected by a password; save it without one")
    return archive.read(info)


def parse_tree(data: bytes, *, recover: bool = True) -> Element:
    """The root of an XML document, entities and networks off; `UnparsableError` when there is none."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=recover,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnparsableError(RejectReason.CORRUPT, f"damaged XML: {error}") from error
    check_depth(parser)
    if root is None:
        raise UnparsableError(RejectReason.CORRUPT, "damaged XML: no element in it")
    return root


def read_xml(archive: zipfile.ZipFile, name: str) -> Element:
    """A member parsed as XML."""
    return parse_tree(read_member(archive, name))
