"""A cell of a spreadsheet as the sheet shows it: per cent, money, leading zeros, dates, durations.

Follows the number formats of ECMA-376, part 1, 18.8.31, as far as people use them. Colours, alignment and
conditions say nothing and are passed over; dates in the format of the reader's country are given in ISO 8601,
because the file does not say which country that is.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)" | \\(?P<escaped>.) | _. | \*. | \[\$(?P<money>[^\]-]*)(?:-[^\]]*)?\]
    | \[(?P<total>h+|m+|s+)\] | \[[^\]]*\]
    | (?P<half>AM/PM|A/P) | (?P<date>y+|m+|d+|h+|s+(?:\.0+)?|e+)
    | (?P<number>[0#?][0#?,]*(?:\.[0#?]*)?,*(?:E[+-]0+)?|\.[0#?]+)
    | (?P<general>General) | (?P<text>@) | (?P<sign>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_COUNTRY = frozenset(("mm-dd-yy", "m/d/yy h:mm", "m/d/yyyy", "m/d/yy", "yyyy-mm-dd", "yyyy-mm-dd h:mm:ss"))
_FRACTION = re.compile(r"[#0?]*\s*[#?0]+/([?#0-9]+)")
_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

Token = tuple[str, str]


def shown(value: object, code: str) -> str:
    """The value in the format `code`; a value that the format does not fit in its plain form."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(value, code)
        case dt.timedelta():
            return _duration(value, code)
        case dt.datetime() | dt.date() | dt.time():
            return _moment(value, code)
        case _:
            return str(value)


def plain(value: float) -> str:
    """A number without a format."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


@lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[tuple[Token, ...], ...]:
    """The parts of a format for positive, negative and zero, each as its tokens."""
    parts: list[list[Token]] = [[]]
    for match in _TOKEN.finditer(code):
        kind = match.lastgroup
        if kind == "sign" and match[0] == ";":
            parts.append([])
        elif kind == "quoted" or kind == "escaped" or kind == "money":
            parts[-1].append(("sign", match[kind]))
        elif kind is not None:
            parts[-1].append((kind, match[0].strip("[]")))
    return tuple(tuple(part) for part in parts)


def _number(value: float, code: str) -> str:
    if code in ("General", "@", ""):
        return plain(value)
    sections = _sections(code)
    which = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    tokens = sections[which]
    kinds = {kind for kind, _ in tokens}
    if "date" in kinds or "total" in kinds:
        return plain(value)
    if "number" not in kinds:
        signs = "".join(text for kind, text in tokens if kind == "sign")
        return signs.strip() if "general" not in kinds and signs.strip() else plain(value)
    if _FRACTION.search(code.split(";")[which]):
        return _fraction(value, code.split(";")[which])
    if sum(kind == "number" for kind, _ in tokens) > 1:
        return _patterned(value, tokens)
    percent = sum(text.count("%") for kind, text in tokens if kind == "sign")
    amount = abs(value) * 100**percent if which == 1 else value * 100**percent
    written = [_digits(abs(amount), text) if kind == "number" else text for kind, text in tokens]
    return ("-" if amount < 0 else "") + "".join(written).strip()


def _digits(amount: float, pattern: str) -> str:
    """`#,##0.00` for one amount; a comma at the end divides by a thousand, `E+00` is scientific."""
    body, _, power = pattern.upper().partition("E")
    while body.endswith(","):
        body, amount = body[:-1], amount / 1000
    whole, _, decimals = body.partition(".")
    if power:
        return f"{amount:.{len(decimals)}E}"
    places = len(decimals)
    # Sheets round halves up as people do; a float just below its half counts as it.
    text = f"{amount + 1e-9 * 10**-places:.{places}f}"
    integer, _, fraction = text.partition(".")
    least = decimals.count("0")
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    integer = integer.zfill(whole.count("0")) if whole.count("0") else integer.lstrip("0")
    if "," in whole:
        integer = f"{int(integer or 0):,}"
    return (integer or "0" if whole else integer) + (f".{fraction}" if fraction else "")


def _patterned(value: float, tokens: tuple[Token, ...]) -> str:
    """`000-00-0000`: the digits are laid into the pattern from its end."""
    slots = sum(sum(c in "0#?" for c in text) for kind, text in tokens if kind == "number")
    digits = list(f"{abs(round(value)):0{slots}d}")
    first = len(digits) - slots
    written: list[str] = []
    for kind, text in tokens:
        if kind == "number":
            take = sum(c in "0#?" for c in text) + first
            first = 0
            written.append("".join(digits[:take]))
            del digits[:take]
        else:
            written.append(text)
    return ("-" if value < 0 else "") + "".join(written).strip()


def _fraction(value: float, code: str) -> str:
    """`# ?/?`: whole number and fraction."""
    from fractions import Fraction

    match = _FRACTION.search(code)
    below = match[1] if match else "?"
    if below.isdigit() and int(below):
        part = Fraction(round(abs(value) * int(below)), 1) / int(below)
    else:
        part = Fraction(abs(value)).limit_denominator(10 ** len(below) - 1)
    whole, rest = divmod(part, 1)
    words = [str(whole)] if whole or not rest else []
    if rest:
        words.append(f"{rest.numerator}/{rest.denominator}")
    return ("-" if value < 0 else "") + " ".join(words)


def _duration(value: dt.timedelta, code: str) -> str:
    """Hours beyond a day stay hours: 30:15."""
    tokens = _sections(code)[0]
    if not any(kind == "total" for kind, _ in tokens):
        code = "[h]:mm:ss"
        tokens = _sections(code)[0]
    seconds = round(abs(value.total_seconds()))
    left = {"h": seconds // 3600, "m": seconds // 60, "s": seconds}
    rest = {"h": seconds // 3600 % 24, "m": seconds // 60 % 60, "s": seconds % 60}
    written: list[str] = []
    for kind, text in tokens:
        if kind in ("total", "date"):
            unit = text[0].lower()
            amount = (left if kind == "total" else rest).get(unit, 0)
            written.append(str(amount).zfill(min(2, len(text.split(".")[0]))))
        else:
            written.append(text)
    return ("-" if value.total_seconds() < 0 else "") + "".join(written).strip()


def _moment(value: dt.datetime | dt.date | dt.time, code: str) -> str:
    tokens = _sections(code)[0]
    kinds = {kind for kind, _ in tokens}
    if code in _COUNTRY or "date" not in kinds or "total" in kinds:
        return _iso(value)
    # `m` means minutes right behind hours or before seconds.
    units = [text[0].lower() if kind == "date" else "" for kind, text in tokens]
    dates = [at for at, unit in enumerate(units) if unit]
    for place, at in enumerate(dates):
        before = units[dates[place - 1]] if place else ""
        after = units[dates[place + 1]] if place + 1 < len(dates) else ""
        if units[at] == "m" and len(tokens[at][1]) < 3 and (before in ("h", "i") or after == "s"):
            units[at] = "i"
    half = any(kind == "half" for kind, _ in tokens)
    if isinstance(value, dt.time) and any(unit in ("y", "d", "m") for unit in units):
        return _iso(value)
    written = [
        _unit(value, unit, len(text.split(".")[0]), half=half) if unit else _sign(value, kind, text)
        for (kind, text), unit in zip(tokens, units, strict=True)
    ]
    return " ".join("".join(written).split())


def _sign(value: dt.datetime | dt.date | dt.time, kind: str, text: str) -> str:
    if kind == "half":
        return "AM" if getattr(value, "hour", 0) < 12 else "PM"
    return "" if kind == "text" else text


def _unit(value: dt.datetime | dt.date | dt.time, unit: str, length: int, *, half: bool) -> str:
    match unit:
        case "y" | "e" if isinstance(value, dt.date):
            return f"{value.year:04d}" if length > 2 or unit == "e" else f"{value.year % 100:02d}"
        case "m" if isinstance(value, dt.date):
            name = _MONTHS[value.month - 1]
            return (str(value.month), f"{value.month:02d}", name[:3], name, name[:1])[min(length, 5) - 1]
        case "d" if isinstance(value, dt.date):
            name = _DAYS[value.weekday()]
            return (str(value.day), f"{value.day:02d}", name[:3], name)[min(length, 4) - 1]
        case "h":
            hour = getattr(value, "hour", 0)
            return str((hour % 12 or 12) if half else hour).zfill(min(2, length))
        case "i":
            return str(getattr(value, "minute", 0)).zfill(min(2, length))
        case "s":
            return str(getattr(value, "second", 0)).zfill(min(2, length))
        case _:
            return ""


def _iso(value: dt.datetime | dt.date | dt.time) -> str:
    if isinstance(value, dt.datetime):
        if value.time() == dt.time():
            return value.date().isoformat()
        return value.isoformat(sep=" ", timespec="minutes")
    return value.isoformat()
