"""PowerPoint: one page per slide, its title as a heading, its shapes downwards, comments and notes last.

A shape that cannot be read is named in a warning and costs no other shape.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.exc import PythonPptxError
from pptx.shapes.base import BaseShape

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.chart_xml import chart_lines
from ingest.parsers.common.html_blocks import Element
from ingest.parsers.common.omml import formula_text
from ingest.parsers.common.raised import lowered, raised
from ingest.parsers.common.table import Cell, lines, spread
from ingest.parsers.common.zip_members import parse_tree
from ingest.text.normalise import squeeze

_BROKEN = (
    PythonPptxError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    IndexError,
    NotImplementedError,
    UnparsableError,
)
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_TEXT_PARTS = ("diagramData", "comments")


def parse_pptx(data: bytes, builder: TextBuilder) -> None:
    """Appends a presentation slide by slide."""
    presentation = Presentation(io.BytesIO(data))
    properties = presentation.core_properties
    if properties.author:
        builder.metadata["author"] = properties.author
    for number, slide in enumerate(presentation.slides, start=1):
        with builder.page(number):
            try:
                _append_slide(slide, builder, number)
            except _BROKEN as error:
                _warn(builder, number, error)


def _append_slide(slide: Any, builder: TextBuilder, number: int) -> None:
    title = slide.shapes.title
    if title is not None:
        builder.heading(1, " ".join(_paragraphs(title._element)))
    for shape in _in_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            _append_shape(shape, builder, number)
    # What newer programs draw stands beside a picture of it for older ones; the library passes over both.
    for choice in slide.shapes._spTree.iterchildren("{*}AlternateContent"):
        for drawn in list(choice)[:1]:
            builder.block("\n".join(_paragraphs(drawn)))
    _append_related(slide.part, builder)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text
        if notes.strip():
            builder.block(f"Notes: {notes.strip()}")


def _warn(builder: TextBuilder, number: int, error: Exception) -> None:
    builder.warnings.append(f"something on slide {number} could not be read: {squeeze(str(error))[:80]}")


def _in_order(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    """From top to bottom, then left to right; placeholders without a place of their own first."""
    return iter(sorted(shapes, key=_place))


def _place(shape: BaseShape) -> tuple[int, int]:
    try:
        return shape.top or 0, shape.left or 0
    except _BROKEN:
        return 0, 0


def _append_shape(shape: Any, builder: TextBuilder, number: int) -> None:
    try:
        if _is_group(shape):
            for member in _in_order(shape.shapes):
                _append_shape(member, builder, number)
        elif shape.has_table:
            _append_table(shape.table, builder)
        elif shape.has_chart:
            for line in chart_lines(parse_tree(shape.chart_part.blob)):
                builder.paragraph(line)
        elif shape.has_text_frame:
            builder.block("\n".join(_paragraphs(shape._element)))
    except _BROKEN as error:
        _warn(builder, number, error)


def _is_group(shape: Any) -> bool:
    try:
        return bool(shape.shape_type == MSO_SHAPE_TYPE.GROUP)
    except NotImplementedError:
        return False


def _paragraphs(element: Element) -> list[str]:
    """The lines of text in a shape."""
    told = (squeeze(_paragraph(paragraph)) for paragraph in element.iter(f"{_A}p"))
    return [line for line in told if line]


def _paragraph(paragraph: Element) -> str:
    text = ""
    for child in paragraph:
        name = etree.QName(child).localname if isinstance(child.tag, str) else ""
        if name in ("r", "fld"):
            text += _run(child, text)
        elif name == "br":
            text += " "
        elif name in ("AlternateContent", "m"):
            text += f" {formula_text(child)} "
    return text


def _run(run: Element, before: str) -> str:
    """The words of a run, raised or lowered by its baseline."""
    text = "".join(part.text or "" for part in run.iter(f"{_A}t")).replace("\v", " ")
    properties = run.find(f"{_A}rPr")
    baseline = "" if properties is None else properties.get("baseline") or ""
    if not baseline.lstrip("-").rstrip("%").isdecimal() or int(baseline.rstrip("%")) == 0:
        return text
    change = lowered if baseline.startswith("-") else raised
    return change(before[-40:], text) + (" " if text.endswith(" ") else "")


def _append_table(table: Any, builder: TextBuilder) -> None:
    rows = [
        [
            Cell(" ".join(_paragraphs(cell._tc)), False, *_spans(cell))
            for cell in row.cells
            if not cell.is_spanned
        ]
        for row in table.rows
    ]
    first = rows[0] if rows else []
    if table.first_row and len(rows) > 1 and all(cell.text for cell in first[1:]):
        depth = max(cell.rows for cell in first)
        if depth < len(rows):
            rows[:depth] = [[cell._replace(is_name=True) for cell in row] for row in rows[:depth]]
    for index, line in enumerate(lines(spread(rows))):
        (builder.line if index else builder.paragraph)(line)


def _spans(cell: Any) -> tuple[int, int]:
    return (cell.span_height, cell.span_width) if cell.is_merge_origin else (1, 1)


def _append_related(part: Any, builder: TextBuilder) -> None:
    """The words of drawn diagrams and of comments, which stand in parts of their own."""
    for relation in part.rels.values():
        kind = relation.reltype.rsplit("/", 1)[-1]
        if relation.is_external or kind not in _TEXT_PARTS:
            continue
        root = parse_tree(relation.target_part.blob)
        if kind == "diagramData":
            builder.block("\n".join(_paragraphs(root)))
            continue
        for comment in root.iter("{*}cm"):
            words = squeeze(" ".join(e.text or "" for e in comment.iter("{*}text", f"{_A}t")))
            builder.paragraph(f"Comment: {words}" if words else "")
