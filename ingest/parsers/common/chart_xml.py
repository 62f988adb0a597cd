"""What a chart of Word, Excel or PowerPoint shows: its title, its axes, and a line of values per series.

Read from the values that the chart keeps beside its picture; a chart that keeps none says only its title.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.parsers.common.html_blocks import Element
from ingest.parsers.common.number_format import shown
from ingest.text.normalise import squeeze

_MOST_POINTS = 2_000


def chart_lines(root: Element) -> list[str]:
    """The lines of a chart, `root` being its XML."""
    told = [
        squeeze("".join(part.text or "" for part in title.iter("{*}t"))) for title in root.iter("{*}title")
    ]
    lines = [title for title in told if title]
    for series in root.iter("{*}ser"):
        name = next(iter(_points(series, "tx").values()), "") or next(
            (value.text or "" for tx in series.iterchildren("{*}tx") for value in tx.iter("{*}v")), ""
        )
        names = _points(series, "cat") or _points(series, "xVal")
        values = _points(series, "val") or _points(series, "yVal")
        fields = (f"{names[at]}: {value}" if names.get(at) else value for at, value in values.items())
        points = "; ".join(fields)
        line = ": ".join(filter(None, (squeeze(name), points)))
        if line:
            lines.append(line)
    return lines


def _points(series: Element, part: str) -> dict[int, str]:
    """The values of one part by their place; those of several levels joined, the outer first."""
    points: dict[int, str] = {}
    for holder in series.iterchildren(f"{{*}}{part}"):
        levels = list(holder.iter("{*}lvl")) or [holder]
        for level in levels:
            code = next((str(code.text or "") for code in holder.iter("{*}formatCode")), "General")
            for at, text in _values(level, code):
                points[at] = f"{text} {points[at]}" if at in points else text
    return points


def _values(level: Element, code: str) -> Iterator[tuple[int, str]]:
    for number, point in enumerate(level.iter("{*}pt")):
        if number >= _MOST_POINTS:
            return
        value = next((value.text or "" for value in point.iter("{*}v")), "")
        place = point.get("idx") or ""
        if value and place.isdecimal() and len(place) < 9:
            yield int(place), _shown(squeeze(value), code)


def _shown(value: str, code: str) -> str:
    """A number as its format writes it; any other value as it stands."""
    try:
        number = float(value)
        return shown(int(number) if number.is_integer() else number, code) or value
    except (ValueError, OverflowError, IndexError):
        return value
