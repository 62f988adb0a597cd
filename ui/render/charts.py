"""Curves of an evaluation as Vega-Lite specifications, drawn by the browser (pure, no streamlit).

Colours of text and ground come from the page's theme, so that light and dark are both readable; marks differ
in shape as well as in hue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ui.render.messages import Say

_GREEN, _BLUE, _GREY = "#1f9480", "#2e7fd6", "#8a8f98"

Spec = dict[str, Any]


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
    return {
        "description": say("quality.reliability_text"),
        "height": 300,
        "layer": [
            {
                "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
                "mark": {"type": "line", "color": _GREY, "strokeDash": [5, 4]},
                "encoding": {
                    "x": {"field": "x", "type": "quantitative"},
                    "y": {"field": "y", "type": "quantitative"},
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "bar", "color": _GREEN, "opacity": 0.75},
                "encoding": {
                    "x": {
                        "field": "low",
                        "type": "quantitative",
                        "title": confidence,
                        "scale": {"domain": [0, 1]},
                        "bin": "binned",
                    },
                    "x2": {"field": "high"},
                    "y": {
                        "field": "accuracy",
                        "type": "quantitative",
                        "title": accuracy,
                        "scale": {"domain": [0, 1]},
                    },
                    "tooltip": tooltip,
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 55, "color": _BLUE},
                "encoding": {
                    "x": {"field": "confidence", "type": "quantitative"},
                    "y": {"field": "accuracy", "type": "quantitative"},
                    "tooltip": tooltip,
                },
            },
        ],
    }


def risk_coverage(points: Sequence[Mapping[str, Any]], say: Say) -> Spec:
    """Accuracy among the questions answered, from the surest one to all of them."""
    values = [{"coverage": item["coverage"], "accuracy": item["accuracy"]} for item in points]
    coverage, accuracy = say("quality.coverage"), say("quality.accuracy")
    return {
        "description": say("quality.risk_text"),
        "height": 300,
        "data": {"values": values},
        "mark": {"type": "line", "color": _GREEN, "strokeWidth": 2.5, "point": {"color": _GREEN, "size": 28}},
        "encoding": {
            "x": {
                "field": "coverage",
                "type": "quantitative",
                "title": coverage,
                "axis": {"format": "%"},
                "scale": {"domain": [0, 1]},
            },
            "y": {
                "field": "accuracy",
                "type": "quantitative",
                "title": accuracy,
                "axis": {"format": "%"},
                "scale": {"domain": [0, 1]},
            },
            "tooltip": [
                {"field": "coverage", "title": coverage, "format": ".0%"},
                {"field": "accuracy", "title": accuracy, "format": ".1%"},
            ],
        },
    }
