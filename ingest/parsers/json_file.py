"""JSON: the text in it, as records or as a document.

An array of objects, or a file of one object a line, is a collection of records: one unit each, short fields
as `name: value` lines, long text as running text. One large object is a document: its outer names become
headings. HTML inside strings is read as HTML. Unreadable content (long strings without a space) is left
out.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.html_blocks import append_html
from ingest.records import RejectReason
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_MARKUP = re.compile(
    r"</?(?:p|br|div|span|b|i|em|strong|a|ul|ol|li|h[1-6]|table|sup|sub|code|pre|blockquote)\b[^<>]*>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6}|#x[\da-f]{1,5});", re.IGNORECASE)
# Names that say "here is the text" and nothing about it.
_BARE = frozenset("text content body value #text _text html markdown description_html".split())
_TITLES = ("title", "name", "headline", "subject", "question")
_LONG = 200
_OPAQUE = 500
_MAX_WARNINGS = 5


def parse_json(data: bytes, builder: TextBuilder) -> None:
    """Appends a JSON document; objects one after another are taken, too."""
    text = decode(data)
    try:
        value = json.loads(text, parse_int=_integer)
    except json.JSONDecodeError as error:
        if "Extra data" not in error.msg:
            raise UnparsableError(RejectReason.CORRUPT, f"damaged JSON: {error}") from error
        parse_jsonl(data, builder)
        return
    if isinstance(value, list):
        _append_records(value, builder)
    elif isinstance(value, dict):
        builder.title = _title(value)
        builder.named_by_heading = False
        _append_document(value, builder)
    else:
        _append_field((), value, builder)


def parse_jsonl(data: bytes, builder: TextBuilder) -> None:
    """Appends one record a line; a broken line is a warning."""
    broken: list[int] = []
    lines = [line for line in decode(data).splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line, parse_int=_integer)
        except json.JSONDecodeError:
            broken.append(number)
            continue
        _append_records(value if isinstance(value, list) else [value], builder)
    if broken and len(broken) == len(lines):
        raise UnparsableError(RejectReason.CORRUPT, "no line of it is valid JSON")
    if broken:
        named = ", ".join(map(str, broken[:_MAX_WARNINGS])) + (", ..." if len(broken) > _MAX_WARNINGS else "")
        builder.warnings.append(f"{len(broken)} of {len(lines)} lines are no valid JSON: {named}")


def _integer(digits: str) -> int | str:
    """A number of thousands of digits is kept as it stands: Python would refuse the whole file for it."""
    return int(digits) if len(digits) < _LONG else digits


def _append_records(values: list[Any], builder: TextBuilder) -> None:
    builder.named_by_heading = False
    for value in values:
        with builder.unit():
            start = len(builder)
            headings = len(builder.headings)
            _append_value((), value, builder)
            title = _title(value) if isinstance(value, dict) else ""
            if title and len(builder) > start:
                del builder.headings[headings:]
                builder.mark_heading(1, title, start + 2 if start else 0)


def _append_document(value: Mapping[str, Any], builder: TextBuilder) -> None:
    """The outer names of one large object are its headings; a list of objects in it is a collection."""
    nested = {name: inner for name, inner in value.items() if isinstance(inner, dict | list) and inner}
    for name, inner in value.items():
        if name not in nested:
            _append_field((name,), inner, builder, together=True)
    for name, inner in nested.items():
        if isinstance(inner, list) and sum(isinstance(item, dict) for item in inner) > 1:
            builder.heading(1, name)
            _append_records(inner, builder)
        elif isinstance(inner, dict):
            builder.heading(1, name)
            _append_value((), inner, builder)
        else:
            _append_value((name,), inner, builder)


def _append_value(path: tuple[str, ...], value: Any, builder: TextBuilder) -> None:
    """Fields that say something short come before the running text."""
    fields = [(names, leaf) for names, leaf in _leaves(path, value) if _readable(leaf)]
    fields.sort(key=lambda field: _is_running(*field))
    for index, (names, leaf) in enumerate(fields):
        _append_field(names, leaf, builder, together=index > 0)


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every readable value with the names that lead to it; a list of short values is one value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves((*path, squeeze(str(name))), inner)
    elif isinstance(value, list):
        if all(not isinstance(item, dict | list) for item in value):
            short = all(len(str(item)) < _LONG for item in value)
            texts = [_words(item) for item in value if _readable(item)]
            yield from ((path, text) for text in ([", ".join(texts)] if short else texts))
        else:
            for item in value:
                yield from _leaves(path, item)
    else:
        yield path, value


def _is_running(path: tuple[str, ...], value: Any) -> bool:
    return len(path) == 1 and path[0].lower() in _BARE and isinstance(value, str) and len(value) > _LONG


def _append_field(path: tuple[str, ...], value: Any, builder: TextBuilder, *, together: bool = False) -> None:
    """One value under its names; `together` puts a short one right below the one before."""
    if not _readable(value):
        return
    names = [name for index, name in enumerate(path) if not (index and name.lower() in _BARE)]
    label = " / ".join(name.strip(" :") for name in names)
    blocks = _blocks(value)
    if not blocks:
        return
    if _is_running(path, value):
        label = ""
    first = f"{label}: {blocks[0]}" if label else blocks[0]
    if together and len(first) <= _LONG and len(blocks) == 1:
        builder.line(first)
    else:
        builder.block(first)
    for block in blocks[1:]:
        builder.block(block)


def _blocks(value: Any) -> list[str]:
    """The paragraphs of a value, HTML resolved."""
    if isinstance(value, str) and _MARKUP.search(value):
        inner = TextBuilder()
        append_html(value, inner)
        return [block for block in inner.text.split("\n\n") if block.strip()]
    return [block for block in re.split(r"\n\s*\n", _words(value)) if block.strip()]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return html.unescape(text) if _ENTITY.search(text) else text


def _readable(value: Any) -> bool:
    if value is None or value == "":
        return False
    return not (
        isinstance(value, str)
        and len(value) > _OPAQUE
        and not re.search(r"\s", value[:_OPAQUE])
        and value.isascii()
    )


def _title(value: Mapping[str, Any]) -> str:
    for key in _TITLES:
        title = value.get(key)
        if isinstance(title, str) and 0 < len(title.strip()) <= _LONG:
            return squeeze(_words(title))
    return ""
