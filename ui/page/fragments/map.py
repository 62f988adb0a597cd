"""The map of passages as a drawing for the page: points, colours, and what a pointer shows (pure).

The form is Vega-Lite's, which Streamlit draws with a library of its own; texts get in as data, never as
markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from index.search.projection import FlatMap

_GREY = "#8a8f98"
# Each is visible on a light and on a dark ground.
_COLOURS = ("#1f9480", "#c05614", "#2e7fd6", "#b0437f", "#7d8a1c", "#8b66d9", "#b07d10", "#0e8fa8")
_SNIPPET = 160


def map_rows(flat: FlatMap, titles: Mapping[str, str], others: str) -> list[dict[str, Any]]:
    """One row for each point; `group` is its document's title for those with most passages, else `others`.

    The others come first, so that they are drawn below.
    """
    named = Counter(passage.document_id for passage in flat.passages)
    largest = {document for document, _ in named.most_common(len(_COLOURS))}
    rows = []
    for (x, y), passage in zip(flat.points.tolist(), flat.passages, strict=True):
        title = titles.get(passage.document_id, "")
        text = " ".join(passage.text.split())
        rows.append(
            {
                "x": x,
                "y": y,
                "document": title,
                "group": title if passage.document_id in largest else others,
                "passage": text if len(text) <= _SNIPPET else f"{text[:_SNIPPET]} \N{HORIZONTAL ELLIPSIS}",
            }
        )
    return sorted(rows, key=lambda row: row["group"] != others)


def map_drawing(
    rows: Sequence[Mapping[str, Any]], document: str, passage: str, others: str
) -> dict[str, Any]:
    """How the rows are drawn; `document` and `passage` name what a pointer shows."""
    groups = [str(row["group"]) for row in rows]
    named = [group for group, _ in Counter(groups).most_common() if group != others]
    domain = [*named, *([others] if others in groups else [])]
    colours = [*_COLOURS[: len(named)], _GREY][: len(domain)]
    place = {"type": "quantitative", "axis": None}
    return {
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.7},
        "height": 460,
        "encoding": {
            "x": {"field": "x", **place},
            "y": {"field": "y", **place},
            "color": {
                "field": "group",
                "type": "nominal",
                "title": document,
                "sort": domain,
                "scale": {"domain": domain, "range": colours},
                "legend": {"orient": "bottom", "columns": 2, "labelLimit": 140},
            },
            # By shape as well, so that colour is not needed.
            "shape": {"field": "group", "type": "nominal", "title": document, "scale": {"domain": domain}},
            "tooltip": [
                {"field": "document", "title": document},
                {"field": "passage", "title": passage},
            ],
        },
        "config": {"view": {"stroke": None}},
    }
