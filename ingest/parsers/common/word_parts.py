"""What a Word file shows beyond what its converter reads: numbers of clauses, heads, feet, comments, charts.

Before the conversion the main part is completed: every automatic number is written into its paragraph
between two marks, so that it is found again in the HTML. The other parts are given as lines of text.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from lxml import etree

from ingest.errors import UnparsableError
from ingest.parsers.common.chart_xml import chart_lines
from ingest.parsers.common.html_blocks import Element
from ingest.parsers.common.omml import formula_text, replace_formulas
from ingest.parsers.common.zip_members import parse_tree, read_member, read_xml
from ingest.text.normalise import squeeze

OPEN, CLOSE = "\ue000", "\ue001"
"""Stand around an automatic number."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BODY = "word/document.xml"
_RELATIONS = "word/_rels/document.xml.rels"
_DEEPEST_STYLE = 20
_LEVEL = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    format: str = "decimal"
    text: str = ""
    start: int = 1
    legal: bool = False


@dataclass(slots=True)
class _Numbering:
    """The lists of a file: the levels of each by `numId`, the list it counts with, and where styles point."""

    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    counted_with: dict[str, str] = field(default_factory=dict)
    restarted: dict[str, set[int]] = field(default_factory=dict)
    styles: dict[str, tuple[str, int]] = field(default_factory=dict)


def completed(data: bytes) -> bytes:
    """The Word file with formulas and automatic numbers as words; the same bytes where it has none."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _BODY not in archive.namelist():
            return data
        body = read_member(archive, _BODY)
        numbering = _numbering(archive) if "word/numbering.xml" in archive.namelist() else _Numbering()
        if b"oMath" not in body and not numbering.levels:
            return data
        root = parse_tree(body)
        replace_formulas(root)
        _write_numbers(root, numbering)
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w") as copy:
            for info in archive.infolist():
                content = etree.tostring(root) if info.filename == _BODY else archive.read(info)
                copy.writestr(info.filename, content)
    return changed.getvalue()


def beside(archive: zipfile.ZipFile, *names: str, without: Collection[str] = ()) -> Iterator[str]:
    """The words of the parts whose names begin so (`word/header`), each once; `without` leaves some out."""
    said: set[str] = set()
    for name in sorted(archive.namelist()):
        if not name.startswith(names) or not name.endswith(".xml") or name in without:
            continue
        try:
            root = read_xml(archive, name)
        except UnparsableError:
            continue
        for line in _lines(root, name):
            if line not in said and any(map(str.isalpha, line)):
                said.add(line)
                yield line


def hidden_frames(archive: zipfile.ZipFile) -> set[str]:
    """Heads and feet that no page shows: those of first or even pages where these have none of their own."""
    listed = archive.namelist()
    frames = {name for name in listed if re.match(r"word/(?:header|footer)\d*\.xml$", name)}
    if not frames or _RELATIONS not in listed or _BODY not in listed:
        return set()
    targets = {
        relation.get("Id") or "": posixpath.normpath(f"word/{relation.get('Target') or ''}")
        for relation in read_xml(archive, _RELATIONS)
        if isinstance(relation.tag, str)
    }
    even = "word/settings.xml" in listed and b"evenAndOddHeaders" in read_member(archive, "word/settings.xml")
    shown: set[str] = set()
    for section in parse_tree(read_member(archive, _BODY)).iter(f"{_W}sectPr"):
        first = section.find(f"{_W}titlePg") is not None
        for reference in section.iter(f"{_W}headerReference", f"{_W}footerReference"):
            kind = reference.get(f"{_W}type") or "default"
            if kind == "default" or (kind == "first" and first) or (kind == "even" and even):
                shown.add(targets.get(reference.get(_ID) or "", ""))
    return frames - shown


def _lines(root: Element, name: str) -> Iterator[str]:
    if "chart" in name:
        yield from chart_lines(root)
    elif "comments" in name:
        for comment in root.iter(f"{_W}comment"):
            words = squeeze(" ".join(_words(paragraph) for paragraph in comment.iter(f"{_W}p")))
            author = squeeze(comment.get(f"{_W}author") or "")
            yield f"Comment by {author}: {words}" if author else f"Comment: {words}"
    elif "diagrams" in name:
        for paragraph in root.iter("{*}p"):
            yield squeeze("".join(text.text or "" for text in paragraph.iter("{*}t")))
    else:
        for paragraph in root.iter(f"{_W}p"):
            yield squeeze(_words(paragraph))


def _words(paragraph: Element) -> str:
    """The words of a paragraph; numbers of pages are no words of it."""
    words: list[str] = []
    inside = 0
    for element in paragraph.iter():
        if element.tag == f"{_W}fldChar":
            kind = element.get(f"{_W}fldCharType")
            inside += (kind == "begin") - (kind == "end")
        elif element.tag == f"{_W}t" and not inside:
            words.append(element.text or "")
        elif element.tag in (f"{_W}tab", f"{_W}br"):
            words.append(" ")
        elif isinstance(element.tag, str) and element.tag.endswith("}oMath"):
            words.append(formula_text(element))
    return "".join(words)


def _numbering(archive: zipfile.ZipFile) -> _Numbering:
    numbering = _Numbering()
    root = read_xml(archive, "word/numbering.xml")
    abstract: dict[str, dict[int, _Level]] = {}
    linked: dict[str, str] = {}
    for definition in root.iter(f"{_W}abstractNum"):
        key = definition.get(f"{_W}abstractNumId") or ""
        abstract[key] = {}
        for level in definition.iterchildren(f"{_W}lvl"):
            number = _number(level.get(f"{_W}ilvl"), 0)
            abstract[key][number] = _level(level)
            style = _value(level, "pStyle")
            if style:
                linked[style] = f"{key} {number}"
    for instance in root.iter(f"{_W}num"):
        key = instance.get(f"{_W}numId") or ""
        base = _value(instance, "abstractNumId")
        numbering.counted_with[key] = base
        numbering.levels[key] = dict(abstract.get(base, {}))
        for override in instance.iterchildren(f"{_W}lvlOverride"):
            at = _number(override.get(f"{_W}ilvl"), 0)
            for level in override.iterchildren(f"{_W}lvl"):
                numbering.levels[key][at] = _level(level)
            start = _value(override, "startOverride")
            if start:
                old = numbering.levels[key].get(at, _Level())
                numbering.levels[key][at] = _Level(old.format, old.text, _number(start, 1), old.legal)
                numbering.restarted.setdefault(key, set()).add(at)
    if "word/styles.xml" in archive.namelist():
        _read_styles(read_xml(archive, "word/styles.xml"), numbering, linked)
    return numbering


def _level(level: Element) -> _Level:
    return _Level(
        _value(level, "numFmt") or "decimal",
        _value(level, "lvlText"),
        _number(_value(level, "start"), 1),
        level.find(f"{_W}isLgl") is not None,
    )


def _read_styles(root: Element, numbering: _Numbering, linked: dict[str, str]) -> None:
    own: dict[str, tuple[str, int | None]] = {}
    above: dict[str, str] = {}
    for style in root.iter(f"{_W}style"):
        key = style.get(f"{_W}styleId") or ""
        above[key] = _value(style, "basedOn")
        properties = style.find(f"{_W}pPr/{_W}numPr")
        if properties is not None:
            at = _value(properties, "ilvl")
            own[key] = (_value(properties, "numId"), _number(at, 0) if at else None)
    for key in above:
        number, level = _inherited(key, own, above)
        if not number:
            continue
        base, _, at = linked.get(key, "").partition(" ")
        if at.isdecimal() and base == numbering.counted_with.get(number):
            level = int(at)
        numbering.styles[key] = (number, level)


def _inherited(name: str, own: dict[str, tuple[str, int | None]], above: dict[str, str]) -> tuple[str, int]:
    """The list and level of a style, from those it is based on where it says nothing itself."""
    number = ""
    level: int | None = None
    for _ in range(_DEEPEST_STYLE):
        if name in own:
            number = number or own[name][0]
            level = own[name][1] if level is None else level
        name = above.get(name, "")
    return number, level or 0


def _write_numbers(root: Element, numbering: _Numbering) -> None:
    counts: dict[str, dict[int, int]] = {}
    begun: set[tuple[str, int]] = set()
    for paragraph in root.iter(f"{_W}p"):
        key, at = _place(paragraph, numbering)
        levels = numbering.levels.get(key)
        if not levels or at not in levels:
            continue
        counted = counts.setdefault(numbering.counted_with[key], {})
        restart = at in numbering.restarted.get(key, ()) and (key, at) not in begun
        begun.add((key, at))
        counted[at] = levels[at].start if restart or at not in counted else counted[at] + 1
        for deeper in [level for level in counted if level > at]:
            del counted[deeper]
        level = levels[at]
        if level.format in ("bullet", "none") and not _LEVEL.search(level.text):
            continue
        label = _label(level, counted, levels)
        if label.strip():
            _insert(paragraph, f"{OPEN}{label.strip()}{CLOSE}")


def _label(level: _Level, counted: dict[int, int], levels: dict[int, _Level]) -> str:
    """The number as it stands before the paragraph: `%1.%2` with the counts of both levels."""
    return _LEVEL.sub(lambda match: _one(int(match[1]) - 1, counted, levels, level.legal), level.text)


def _one(at: int, counted: dict[int, int], levels: dict[int, _Level], legal: bool) -> str:
    level = levels.get(at, _Level())
    number = counted.setdefault(at, level.start)
    return written(number, "decimal" if legal else level.format)


def _insert(paragraph: Element, label: str) -> None:
    run = etree.Element(f"{_W}r")
    etree.SubElement(run, f"{_W}t").text = label
    paragraph.insert(1 if len(paragraph) and paragraph[0].tag == f"{_W}pPr" else 0, run)


def _place(paragraph: Element, numbering: _Numbering) -> tuple[str, int]:
    """The list that a paragraph belongs to, and its level there."""
    properties = paragraph.find(f"{_W}pPr")
    if properties is None:
        return "", 0
    key, at = numbering.styles.get(_value(properties, "pStyle"), ("", 0))
    own = properties.find(f"{_W}numPr")
    if own is not None:
        key = _value(own, "numId") or key
        level = _value(own, "ilvl")
        at = _number(level, 0) if level else at
    return key, at


def _value(element: Element, name: str) -> str:
    child = element.find(f"{_W}{name}")
    return "" if child is None else child.get(f"{_W}val") or ""


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else otherwise


def written(number: int, format_: str) -> str:
    """A number as Word writes it: 3, c, C, iii, III, 03, 3rd."""
    match format_:
        case "lowerLetter" | "upperLetter" if number > 0:
            letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
            return letter.upper() if format_[0] == "u" else letter
        case "lowerRoman" | "upperRoman" if 0 < number < 4000:
            return _roman(number).upper() if format_[0] == "u" else _roman(number)
        case "decimalZero":
            return f"{number:02d}"
        case "none":
            return ""
        case _:
            return str(number)


def _roman(number: int) -> str:
    text = ""
    for value, letters in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        "m cm d cd c xc l xl x ix v iv i".split(),
        strict=True,
    ):
        text += letters * (number // value)
        number %= value
    return text
