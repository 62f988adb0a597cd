"""PowerPoint: one page per slide, its title as a heading, its shapes from top to bottom, its notes last."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.shapes.base import BaseShape

from ingest.conversion.text_builder import TextBuilder
from ingest.parsers.common.table import row_in_words
from ingest.text.normalise import squeeze


def parse_pptx(data: bytes, builder: TextBuilder) -> None:
    """Appends a presentation slide by slide."""
    presentation = Presentation(io.BytesIO(data))
    properties = presentation.core_properties
    if properties.author:
        builder.metadata["author"] = properties.author
    for number, slide in enumerate(presentation.slides, start=1):
        title = slide.shapes.title
        with builder.page(number):
            if title is not None:
                builder.heading(1, title.text_frame.text)
            for shape in _in_order(slide.shapes):
                if title is None or shape.shape_id != title.shape_id:
                    _append_shape(shape, builder)
            if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
                notes = slide.notes_slide.notes_text_frame.text
                if notes.strip():
                    builder.block(f"Notes: {notes.strip()}")


def _in_order(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    """From top to bottom, then left to right; placeholders without a place of their own first."""
    return iter(sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)))


def _append_shape(shape: Any, builder: TextBuilder) -> None:
    if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
        for member in _in_order(shape.shapes):
            _append_shape(member, builder)
    elif shape.has_table:
        _append_table(shape.table, builder)
    elif shape.has_chart:
        _append_chart(shape.chart, builder)
    elif shape.has_text_frame:
        lines = (squeeze(paragraph.text.replace("\v", " ")) for paragraph in shape.text_frame.paragraphs)
        builder.block("\n".join(line for line in lines if line))


def _append_table(table: Any, builder: TextBuilder) -> None:
    rows = [[squeeze(cell.text) for cell in row.cells] for row in table.rows]
    names = rows[0] if table.first_row and len(rows) > 1 and all(rows[0]) else None
    for index, row in enumerate(rows[1:] if names else rows):
        (builder.line if index else builder.paragraph)(row_in_words(row, names))


def _append_chart(chart: Any, builder: TextBuilder) -> None:
    """The numbers of a chart, a line per series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        builder.paragraph(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        names = [str(category) for category in plot.categories]
        for series in plot.series:
            values = zip(names, series.values, strict=False)
            points = "; ".join(f"{name}: {value:g}" for name, value in values if value is not None)
            builder.paragraph(f"{series.name}: {points}" if series.name else points)
