"""Drawings of an evaluation (reliability, risk-coverage) and of speed, as SVG or PNG by the file's suffix.

The only module that imports matplotlib, and only its figures: nothing global is set, no window, no display.
The same report gives the same bytes. What is drawn is in the reports; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from index.errors import DataError
from index.evaluation.calibration_curves import Bin, RiskCoverage, calibration_error
from qa.evaluation.reports import AnswersReport, ReaderReport

Format = Literal["svg", "png"]

_BLUE, _RED, _GREY, _INK = "#2b6cb0", "#c53030", "#a0aec0", "#1a202c"
_POINTS = 500  # more make the file larger and the line no finer

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "spanwise",  # names inside an SVG are otherwise drawn by chance
    "svg.fonttype": "none",  # text stays text
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10.0,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def draw_answers(report: AnswersReport, folder: str | Path, *, kind: Format = "svg") -> list[Path]:
    """`reliability` and `risk-coverage` of answers over a collection; the files written.

    Raises DataError where the folder cannot be made or written to.
    """
    folder = Path(folder)
    reliability, curve = folder / f"reliability.{kind}", folder / f"risk-coverage.{kind}"
    draw_reliability(report.reliability, reliability)
    draw_risk_coverage(report.risk_coverage, curve, ranked_by="confidence")
    return [reliability, curve]


def draw_reader(report: ReaderReport, folder: str | Path, *, kind: Format = "svg") -> list[Path]:
    """`reader-risk-coverage` of a reader, which has no confidence to be reliable; as `draw_answers`."""
    curve = Path(folder) / f"reader-risk-coverage.{kind}"
    draw_risk_coverage(report.risk_coverage, curve, ranked_by="log-odds of the span against no answer")
    return [curve]


def draw_bench(record: Mapping[str, Any], folder: str | Path, *, kind: Format = "svg") -> list[Path]:
    """`bench-reading`, `bench-encoding` and `bench-growth`, as far as the record holds them; the files."""
    folder, drawn = Path(folder), []
    for part, what in (("reading", "20 passages read"), ("encoding", "passages encoded")):
        if "ways" in record.get(part, {}):
            drawn.append(folder / f"bench-{part}.{kind}")
            _draw_ways(
                record[part]["ways"], f"{what}, milliseconds (median and quartile distance)", drawn[-1]
            )
    if record.get("growth", {}).get("points"):
        drawn.append(folder / f"bench-growth.{kind}")
        _draw_growth(record["growth"]["points"], drawn[-1])
    return drawn


def _draw_ways(ways: Mapping[str, Mapping[str, float]], title: str, path: Path) -> None:
    """A bar for each way of doing the same, the fastest on top."""
    order = sorted(ways, key=lambda name: -ways[name]["ms"])
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.0, 0.8 + 0.5 * len(order)), layout="constrained")
        axes = figure.subplots()
        bars = axes.barh(
            order,
            [ways[name]["ms"] for name in order],
            xerr=[ways[name]["spread_ms"] / 2 for name in order],
            color=[_BLUE if name == "spanwise" else _GREY for name in order],
            ecolor=_INK,
        )
        axes.bar_label(bars, [f"{ways[name]['ms']:,.0f} ms" for name in order], padding=6)
        axes.margins(x=0.2)
        axes.set_title(title, loc="left", fontsize=10)
        _grid(axes)
        _save(figure, path)


def _draw_growth(points: Sequence[Mapping[str, float]], path: Path) -> None:
    """What storing a passage costs, and the memory it takes, over the size of the store."""
    sizes = [point["passages"] for point in points]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.0, 5.0), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, field, label in (
            (upper, "write_ms", "ms of processor time to store a passage"),
            (lower, "index_bytes", "bytes of memory for a passage"),
        ):
            axes.plot(sizes, [point[field] for point in points], color=_BLUE, marker="o")
            axes.set_title(label, loc="left", fontsize=10)
            axes.set_ylim(bottom=0)
            axes.set_xscale("log")
            _grid(axes)
        lower.set_xlabel("passages in the store")
        _save(figure, path)


def draw_reliability(bins: Sequence[Bin], path: str | Path) -> None:
    """Accuracy over confidence in ranges of equal width, and how many questions fall in each."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.0, 6.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        _accuracy_bars(upper, bins)
        _count_bars(lower, bins)
        upper.set_title(f"Reliability (ECE {calibration_error(bins):.3f})", loc="left", fontweight="bold")
        _save(figure, Path(path))


def _accuracy_bars(axes: Axes, bins: Sequence[Bin]) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1.2, label="perfectly calibrated")
    known = [(item, item.accuracy, item.confidence) for item in bins if item.count]
    axes.bar(
        [item.low for item, _, _ in known],
        [accuracy or 0.0 for _, accuracy, _ in known],
        width=[item.high - item.low for item, _, _ in known],
        align="edge",
        color=_BLUE,
        alpha=0.75,
        edgecolor="white",
        label="accuracy",
    )
    axes.plot(
        [confidence or 0.0 for _, _, confidence in known],
        [accuracy or 0.0 for _, accuracy, _ in known],
        color=_RED,
        marker="o",
        markersize=5,
        linestyle="none",
        label="mean confidence in the range",
    )
    axes.set_ylabel("accuracy of the best span")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="upper left", frameon=False)
    _grid(axes)


def _count_bars(axes: Axes, bins: Sequence[Bin]) -> None:
    bars = axes.bar(
        [item.low for item in bins],
        [item.count for item in bins],
        width=[item.high - item.low for item in bins],
        align="edge",
        color=_GREY,
        edgecolor="white",
    )
    axes.bar_label(bars, [f"{item.count:,}" if item.count else "" for item in bins], padding=2, fontsize=8)
    axes.set_xlabel("confidence")
    axes.set_ylabel("questions")
    axes.set_xlim(0, 1)
    axes.set_xticks([step / 10 for step in range(11)])
    axes.margins(y=0.22)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _grid(axes)


def draw_risk_coverage(curve: RiskCoverage, path: str | Path, *, ranked_by: str) -> None:
    """Accuracy among the questions answered, from the surest one to all of them."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        last = max(len(curve.accuracy) - 1, 0)
        places = np.unique(np.linspace(0, last, min(last + 1, _POINTS)).astype(int))
        coverage, accuracy = curve.coverage[places], curve.accuracy[places]
        axes.plot(coverage, accuracy, color=_BLUE, linewidth=1.8, label="accuracy")
        axes.fill_between(coverage, accuracy, 1, color=_RED, alpha=0.10, linewidth=0, label="risk")
        for share in (0.5, 1.0):
            _point(axes, share, curve.accuracy_at(share))
        axes.set_title(f"Accuracy and coverage (AURC {curve.area:.3f})", loc="left", fontweight="bold")
        axes.set_xlabel(f"share of questions answered, by {ranked_by}")
        axes.set_ylabel("accuracy among them")
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(xmax=1))
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        axes.legend(loc="lower left", frameon=False)
        _grid(axes)
        _save(figure, Path(path))


def _point(axes: Axes, share: float, accuracy: float) -> None:
    axes.plot([share], [accuracy], color=_BLUE, marker="o", markersize=6)
    below = accuracy > 0.2
    axes.annotate(
        f"{accuracy:.1%}",
        (share, accuracy),
        xytext=(0, -16 if below else 10),
        textcoords="offset points",
        ha="right" if share == 1.0 else "center",
    )


def _grid(axes: Axes) -> None:
    axes.grid(color=_GREY, alpha=0.35, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    # Without the moment and the version a drawing depends on the report alone.
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata=metadata)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error}", hint="give a folder that can be made"
        ) from error
