"""Text files made of records: BibTeX entries, vCards, calendars; each entry a unit of `name: value` lines."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import vobject
from bibtexparser.entrypoint import parse_string

from ingest.conversion.text_builder import TextBuilder
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_BRACES = re.compile(r"[{}]")
_SHOWN = {
    "fn": "Name",
    "org": "Organisation",
    "title": "Title",
    "role": "Role",
    "tel": "Phone",
    "email": "E-mail",
    "adr": "Address",
    "url": "Web",
    "bday": "Birthday",
    "note": "Note",
    "summary": "Summary",
    "dtstart": "Starts",
    "dtend": "Ends",
    "due": "Due",
    "duration": "Duration",
    "rrule": "Repeats",
    "location": "Place",
    "description": "Description",
    "organizer": "Organiser",
    "attendee": "Attendee",
    "status": "Status",
    "categories": "Categories",
    "nickname": "Nickname",
    "comment": "Comment",
}


def parse_bibtex(data: bytes, builder: TextBuilder) -> None:
    """Appends a bibliography entry by entry; what is no entry is named in a warning."""
    text = decode(data)
    library = parse_string(text)
    builder.named_by_heading = False
    for entry in library.entries:
        fields = {field.key.lower(): _plain(str(field.value)) for field in entry.fields}
        with builder.unit():
            title = fields.pop("title", "")
            if title:
                builder.heading(1, title)
            builder.line(f"{entry.entry_type}: {entry.key}")
            for name, value in fields.items():
                if value:
                    builder.line(f"{name}: {value}")
    if library.failed_blocks:
        builder.warnings.append(f"{len(library.failed_blocks)} entries could not be read")
    if not len(builder):
        builder.block(text)


def _plain(value: str) -> str:
    return squeeze(_BRACES.sub("", value.replace("\\&", "&").replace("~", " ").replace("--", "\N{EN DASH}")))


def parse_cards(data: bytes, builder: TextBuilder) -> None:
    """Appends contacts or the entries of a calendar; a file in which none can be read, as it stands."""
    text = decode(data)
    builder.named_by_heading = False
    try:
        for component in vobject.readComponents(text, ignoreUnreadable=True, allowQP=True):
            for entry in _entries(component):
                _append_entry(entry, builder)
    except (vobject.base.ParseError, ValueError, AttributeError, IndexError) as error:
        builder.warnings.append(f"read as plain text from where it breaks: {squeeze(str(error))[:80]}")
    if not len(builder):
        builder.block(text)


def _entries(component: Any) -> Iterator[Any]:
    """The contact itself, or the events, tasks and notes of a calendar."""
    if component.name == "VCARD":
        yield component
        return
    for child in component.components():
        if child.name in ("VEVENT", "VTODO", "VJOURNAL"):
            yield child


def _append_entry(entry: Any, builder: TextBuilder) -> None:
    lines: list[tuple[str, str]] = []
    for line in entry.lines():
        label = _SHOWN.get(line.name.lower())
        value = _value(line)
        if label and value:
            kinds = [
                kind
                for kind in line.params.get("TYPE", [])
                if kind.lower() not in ("pref", "voice", "internet")
            ]
            lines.append((f"{label} ({', '.join(kinds).lower()})" if kinds else label, value))
    heading = next((value for label, value in lines if label in ("Name", "Summary")), "")
    with builder.unit():
        builder.heading(1, heading)
        for label, value in lines:
            if value != heading:
                builder.line(f"{label}: {value}")


def _value(line: Any) -> str:
    value = line.value
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, list):
        return ", ".join(squeeze(str(part)) for part in value if part)
    text = squeeze(str(value).replace("\\n", " ").replace("\\,", ",").replace("\\;", ";"))
    if re.fullmatch(r"\d{8}(T\d{6}Z?)?", text):
        day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
        return f"{day} {text[9:11]}:{text[11:13]}" if "T" in text else day
    return text.removeprefix("mailto:").removeprefix("MAILTO:")
