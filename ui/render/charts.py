"""Curves of an evaluation and figures of speed in Vega-Lite: on the page, and as SVG or PNG files.

On the page the browser draws them, with colours of text and ground from the page's theme; marks differ in
shape as well as in hue. Files are drawn by vl-convert, which fetches nothing. What is drawn is in the
reports; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from index.errors import DataError
from ui.render.messages import ENGLISH, Say

if TYPE_CHECKING:
    from qa.evaluation.reports import AnswersReport, ReaderReport

_GREEN, _BLUE, _GREY = "#1f9480", "#2e7fd6", "#8a8f98"
_WIDTH = 460  # of a file, in pixels
_POINTS = 500  # of a curve in a file; more make it larger and the line no finer

Spec = dict[str, Any]
Format = Literal["svg", "png"]


def reliability(bins: Sequence[Mapping[str, Any]], say: Say) -> Spec:
    """Accuracy over confidence in ranges of equal width; the diagonal is what they should be."""
    values = [
        {
            "low": item["low"],
            "high": item["high"],
            "confidence": item["confidence"],
            "accuracy": item["accuracy"],
            "questions": item["count"],
        }
        for item in bins
        if item.get("count")
    ]
    confidence, accuracy = say("quality.confidence"), say("quality.accuracy")
    tooltip = [
        {"field": "confidence", "title": confidence, "format": ".2f"},
        {"field": "accuracy", "title": accuracy, "format": ".2f"},
        {"field": "questions", "title": say("quality.questions")},
    ]
    x = {**_share("low", confidence), "bin": "binned"}
    return {
        "description": say("quality.reliability_text"),
        "height": 300,
        "layer": [
            {
                "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
                "mark": {"type": "line", "color": _GREY, "strokeDash": [5, 4]},
                "encoding": {"x": _quantity("x"), "y": _quantity("y")},
            },
            {
                "data": {"values": values},
                "mark": {"type": "bar", "color": _GREEN, "opacity": 0.75},
                "encoding": {
                    "x": x,
                    "x2": {"field": "high"},
                    "y": _share("accuracy", accuracy),
                    "tooltip": tooltip,
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 55, "color": _BLUE},
                "encoding": {
                    "x": _quantity("confidence"),
                    "y": _quantity("accuracy"),
                    "tooltip": tooltip,
                },
            },
        ],
    }


def risk_coverage(points: Sequence[Mapping[str, Any]], say: Say, *, dots: bool = True) -> Spec:
    """Accuracy among the questions answered, from the surest one to all of them, with or without `dots`."""
    coverage, accuracy = say("quality.coverage"), say("quality.accuracy")
    return {
        "description": say("quality.risk_text"),
        "height": 300,
        "data": {"values": [{"coverage": item["coverage"], "accuracy": item["accuracy"]} for item in points]},
        "mark": {
            "type": "line",
            "color": _GREEN,
            "strokeWidth": 2.5,
            "point": {"color": _GREEN, "size": 28} if dots else False,
        },
        "encoding": {
            "x": {**_share("coverage", coverage), "axis": {"format": "%"}},
            "y": {**_share("accuracy", accuracy), "axis": {"format": "%"}},
            "tooltip": [
                {"field": "coverage", "title": coverage, "format": ".0%"},
                {"field": "accuracy", "title": accuracy, "format": ".1%"},
            ],
        },
    }


def draw_answers(report: AnswersReport, folder: str | Path, *, kind: Format = "svg") -> list[Path]:
    """`reliability` and `risk-coverage` of answers over a collection; the files written.

    Raises DataError where the folder cannot be made or written to.
    """
    bins = [item.as_json() for item in report.reliability]
    middles = {"calculate": "(datum.low + datum.high) / 2", "as": "middle"}
    counts = {
        "height": 90,
        "width": _WIDTH,
        "data": {"values": bins},
        "transform": [{"filter": "datum.count > 0"}, middles],
        "encoding": {
            "y": {**_quantity("count"), "title": "questions", "axis": {"tickCount": 4, "tickMinStep": 1}}
        },
        "layer": [
            {
                "mark": {"type": "bar", "color": _GREY},
                "encoding": {
                    "x": {**_share("low", ENGLISH("quality.confidence")), "bin": "binned"},
                    "x2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "text", "dy": -6},
                "encoding": {"x": _quantity("middle"), "text": {"field": "count", "format": ","}},
            },
        ],
    }
    spec = {
        "title": _title(f"Reliability (ECE {report.ece:.3f})", "quality.reliability_text"),
        "vconcat": [{**reliability(bins, ENGLISH), "width": _WIDTH}, counts],
    }
    return [
        _save(spec, Path(folder) / f"reliability.{kind}"),
        _draw_curve(report, "confidence", Path(folder) / f"risk-coverage.{kind}"),
    ]


def draw_reader(report: ReaderReport, folder: str | Path, *, kind: Format = "svg") -> list[Path]:
    """`reader-risk-coverage` of a reader, which has no confidence to be reliable; as `draw_answers`."""
    ranked_by = "log-odds of the span against no answer"
    return [_draw_curve(report, ranked_by, Path(folder) / f"reader-risk-coverage.{kind}")]


def draw_bench(record: Mapping[str, Any], folder: str | Path, *, kind: Format = "svg") -> list[Path]:
    """`bench-reading`, `bench-encoding` and `bench-growth`, as far as the record holds them; the files."""
    files = []
    for part, what in (("reading", "20 passages read"), ("encoding", "passages encoded")):
        if "ways" in record.get(part, {}):
            title = f"{what}, milliseconds (median and quartile distance)"
            files.append(_save(ways(record[part]["ways"], title), Path(folder) / f"bench-{part}.{kind}"))
    if points := record.get("growth", {}).get("points"):
        files.append(_save(growth(points), Path(folder) / f"bench-growth.{kind}"))
    return files


def ways(figures: Mapping[str, Mapping[str, float]], title: str) -> Spec:
    """A bar for each way of doing the same, the fastest on top."""
    values = [
        {
            "way": way,
            "ms": figure["ms"],
            "low": figure["ms"] - figure["spread_ms"] / 2,
            "high": figure["ms"] + figure["spread_ms"] / 2,
            "label": f"{figure['ms']:,.0f} ms",
        }
        for way, figure in sorted(figures.items(), key=lambda item: item[1]["ms"])
    ]
    own = {"condition": {"test": "datum.way === 'spanwise'", "value": _GREEN}, "value": _GREY}
    return {
        "title": title,
        "width": _WIDTH,
        "height": {"step": 34},
        "data": {"values": values},
        "encoding": {"y": {"field": "way", "type": "nominal", "sort": None, "title": None}},
        "layer": [
            {
                "mark": "bar",
                "encoding": {"x": {**_quantity("ms"), "title": None, "axis": {"tickCount": 6}}, "color": own},
            },
            {"mark": "rule", "encoding": {"x": _quantity("low"), "x2": {"field": "high"}}},
            {
                "mark": {"type": "text", "align": "left", "dx": 6},
                "encoding": {"x": _quantity("high"), "text": {"field": "label"}},
            },
        ],
    }


def growth(points: Sequence[Mapping[str, float]]) -> Spec:
    """What storing a passage costs, and the memory it takes, over the size of the store."""
    panels = (
        ("write_ms", "ms of processor time to store a passage"),
        ("index_bytes", "bytes of memory for a passage"),
    )
    return {
        "data": {"values": [dict(point) for point in points]},
        "vconcat": [
            {
                "title": title,
                "width": _WIDTH,
                "height": 150,
                "mark": {"type": "line", "color": _GREEN, "point": {"color": _GREEN}},
                "encoding": {
                    "x": {
                        **_quantity("passages"),
                        "title": "passages in the store",
                        "scale": {"type": "log", "nice": False},
                        "axis": {"format": "~s"},
                    },
                    "y": {**_quantity(field), "title": None},
                },
            }
            for field, title in panels
        ],
    }


def _draw_curve(report: AnswersReport | ReaderReport, ranked_by: str, path: Path) -> Path:
    curve = report.risk_coverage
    spec = risk_coverage(curve.points(_POINTS), ENGLISH, dots=False)
    spec["encoding"]["x"]["title"] += f", by {ranked_by}"
    labels = [
        {"coverage": share, "accuracy": curve.accuracy_at(share), "label": f"{curve.accuracy_at(share):.1%}"}
        for share in (0.5, 1.0)
    ]
    encoding = {axis: spec["encoding"][axis] for axis in ("x", "y")}
    layers = [
        {key: spec[key] for key in ("data", "mark", "encoding")},
        *(
            {"data": {"values": labels}, "mark": mark, "encoding": {**encoding, "text": {"field": "label"}}}
            for mark in (
                {"type": "point", "filled": True, "size": 50, "color": _GREEN},
                {"type": "text", "dy": {"expr": "datum.accuracy > 0.2 ? 16 : -10"}, "align": "right"},
            )
        ),
    ]
    title = _title(f"Accuracy and coverage (AURC {curve.area:.3f})", "quality.risk_text")
    return _save({"title": title, "width": _WIDTH, "height": 300, "layer": layers}, path)


def _title(text: str, key: str) -> Spec:
    """A title with that line of the page below it."""
    return {"text": text, "subtitle": wrap(ENGLISH(key), 80), "subtitlePadding": 6}


def _quantity(field: str) -> Spec:
    return {"field": field, "type": "quantitative"}


def _share(field: str, title: str) -> Spec:
    """An axis from 0 to 1."""
    return {**_quantity(field), "title": title, "scale": {"domain": [0, 1]}}


def _save(spec: Spec, path: Path) -> Path:
    import vl_convert  # 80 megabytes, needed only here

    spec = {"background": "white", "config": {"title": {"anchor": "start"}}, **spec}
    drawn = (
        vl_convert.vegalite_to_svg(spec).encode()
        if path.suffix == ".svg"
        else vl_convert.vegalite_to_png(spec, scale=2)
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error}", hint="give a folder that can be made"
        ) from error
    return path
