"""Evaluations as a person reads them in a terminal: a figure a line under its JSON name, then small tables.

Pure: a report in, text out. The JSON forms are the reports' own, the drawings are in `charts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # these modules load numerics, this one must not
    from index.evaluation.calibration_curves import Bin, RiskCoverage
    from index.evaluation.retrieval_report import RetrievalComparison
    from qa.benchmarks.engines import SpeedReport
    from qa.evaluation.reports import AnswersReport, ReaderReport

_STAGES = {
    "not_retrieved": "no passage with the answer among the first 100",
    "not_read": "among the first 100, but not among those read",
    "out_scored": "read, but another span came out first",
    "wrongly_refused": "the right span came out first and was not given",
    "wrongly_answered": "there is no answer, and one was given",
}


def figures_text(figures: Mapping[str, Any]) -> str:
    """The flat figures, one a line; beside those with an interval what that is. Tables are left out."""
    intervals = figures.get("intervals", {})
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict | list | tuple):
            continue
        line = f"{name:<20} {_figure(value)}"
        if name in intervals:
            low, high = intervals[name]
            line = f"{line:<32}95 %: {_figure(low)} to {_figure(high)}"
        lines.append(line)
    return "\n".join(lines)


def reader_text(report: ReaderReport) -> str:
    """The figures of a reader and its curve."""
    return "\n".join([figures_text(report.as_json()), "", *_curve(report.risk_coverage, "log-odds")])


def retrieval_text(report: RetrievalComparison) -> str:
    """The figures of one mode; of several, a column for each, and how sure their differences are."""
    if len(report.reports) == 1:
        return figures_text(report.as_json())
    columns = [item.as_json() for item in report.reports]
    lines = [f"{name:<12}" + "".join(f"{_figure(item[name]):>12}" for item in columns) for name in columns[0]]
    lines += ["", "nDCG@10                   difference             95 %        p  better  equal  worse"]
    for pair in report.differences:
        gain = pair.ndcg_at_10
        interval = f"{gain.interval.low:+.4f} to {gain.interval.high:+.4f}"
        lines.append(
            f"{f'{pair.mode} - {pair.against}':<24}{gain.mean:>+12.4f}  {interval}{gain.p:>9.4f}"
            f"{gain.better:>8,}{gain.equal:>7,}{gain.worse:>7,}"
        )
    return "\n".join(lines)


def answers_text(report: AnswersReport) -> str:
    """The figures of answers over a collection, their calibration, their curve and what was lost where."""
    lines = [figures_text(report.as_json()), "", *_bins(report.reliability)]
    lines += ["", *_curve(report.risk_coverage, "confidence"), ""]
    wrong, asked = sum(report.failures.values()), report.decided.total
    lines.append(f"{wrong:,} of {asked:,} questions decided wrongly")
    for stage, count in report.failures.items():
        lines.append(f"  {stage.value:<17}{count:>6,} {count / asked:>7.1%}  {_STAGES[stage.value]}")
    return "\n".join(lines)


def engines_text(measured: SpeedReport) -> str:
    """Each engine's times, the fastest reader first, and how its results compare with float32."""
    versions = ", ".join(f"{name} {number}" for name, number in measured.machine["versions"].items())
    lines = [
        f"{measured.machine['processor']}, {measured.machine['cores']} cores; {versions}",
        f"{measured.passages} passages, {measured.tokens:,} tokens; medians of {measured.rounds} rounds",
        "",
        "engine         read ms  spread   times  encode ms   times  same answers   cosine",
    ]
    lines += [
        f"{item.engine:<12}{item.read_ms:>10.0f}{item.read_spread_ms:>8.0f}{item.read_ratio:>8.2f}"
        f"{item.encode_ms:>11.0f}{item.encode_ratio:>8.2f}{item.same_answers:>14.1%}{item.cosine:>9.4f}"
        for item in measured.engines
    ]
    return "\n".join(lines)


def _bins(bins: Sequence[Bin]) -> list[str]:
    lines = ["confidence    questions    mean  accuracy"]
    for item in bins:
        if item.confidence is not None and item.accuracy is not None:
            edges = f"{item.low:.1f} to {item.high:.1f}"
            lines.append(f"{edges:<12}{item.count:>11,}{item.confidence:>8.3f}{item.accuracy:>10.3f}")
    return lines


def _curve(curve: RiskCoverage, score: str) -> list[str]:
    lines = [f"answered    accuracy  from {score}"]
    for point in curve.points(steps=10):
        threshold = "" if point["threshold"] is None else f"{point['threshold']:.3f}"
        lines.append(f"{point['coverage']:>8.0%}{point['accuracy']:>12.3f}  {threshold:>{len(score) + 5}}")
    return lines


def _figure(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
