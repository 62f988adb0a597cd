"""What a worksheet holds beside its cells: merged ranges, comments, text in shapes, formulas without results.

openpyxl reads sheets row by row only without these; the XML beside the cells is small and read by itself.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import Element
from ingest.parsers.common.zip_members import read_member, read_xml
from ingest.text.normalise import squeeze

Merged = tuple[int, int, int, int]
"""Top row, first column, bottom row, last column, counted from 0."""

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})\"")
_NO_RESULT = re.compile(
    rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>|</(?:\w+:)?c>)"
)
_THREADED = re.compile(r"^\[Threaded comment\].*?Comment:\s*", re.DOTALL)


@dataclass(slots=True)
class SheetParts:
    """Merged ranges, comments by row and column counted from 1, and the words of shapes."""

    merged: list[Merged] = field(default_factory=list)
    comments: dict[tuple[int, int], str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    unknown_results: int = 0

    @classmethod
    def of(cls, archive: zipfile.ZipFile, path: str) -> Self:
        """The parts of the sheet at `path` inside; nothing where the file does not hold them as it should."""
        path = path.lstrip("/")
        parts = cls()
        if path not in archive.namelist():
            return parts
        source = read_member(archive, path)
        for match in _MERGED.finditer(source):
            first, top, last, bottom = range_boundaries(match[1].decode())
            if top and first and bottom and last:
                parts.merged.append((top - 1, first - 1, bottom - 1, last - 1))
        parts.unknown_results = sum(1 for _ in _NO_RESULT.finditer(source))
        for kind, target in _related(archive, path):
            if target not in archive.namelist():
                continue
            try:
                root = read_xml(archive, target)
            except UnparsableError:
                continue
            if kind == "comments":
                parts.comments.update(_comments(root))
            elif kind == "drawing":
                parts.texts += _paragraphs(root)
        return parts


def _related(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, str]]:
    folder, name = posixpath.split(path)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.namelist():
        return
    for relation in read_xml(archive, relations):
        target = relation.get("Target") or ""
        if isinstance(relation.tag, str) and relation.get("TargetMode") != "External":
            kind = (relation.get("Type") or "").rsplit("/", 1)[-1]
            yield (
                kind,
                posixpath.normpath(posixpath.join(folder, target)) if target[:1] != "/" else target[1:],
            )


def _comments(root: Element) -> Iterator[tuple[tuple[int, int], str]]:
    for comment in root.iter("{*}comment"):
        words = squeeze(_THREADED.sub("", "".join(text.text or "" for text in comment.iter("{*}t"))))
        try:
            place = coordinate_to_tuple(comment.get("ref") or "")
        except (ValueError, TypeError):
            continue
        if words:
            yield place, words


def _paragraphs(root: Element) -> list[str]:
    """The paragraphs of text boxes and shapes that lie on the sheet."""
    told = ("".join(text.text or "" for text in p.iter("{*}t")) for p in root.iter("{*}p"))
    return [words for paragraph in told if (words := squeeze(paragraph))]
