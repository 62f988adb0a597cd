"""The values that travel from a file to the store.

All offsets are half-open character positions (Unicode code points) in `Document.text`; they are defined
after normalisation and never before. The records check their own invariants, so that a wrong offset stops
where it is made and not where it is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

UNDETERMINED = "und"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A half-open range of characters."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span [{self.start}, {self.end}) is not a range of characters")

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One physical page or slide, numbered from 1, and the characters that stand on it."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading: its level (1 is the top), its words and the offset at which its line begins."""

    level: int
    title: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRun:
    """Characters that stand in the same order in the text and in the converter's own index.

    `text[text_start:text_end]` came from the converter's characters `source_start` and following, of `page`
    (None where the format has no pages). For PDF the index is pdfium's character index of that page.
    """

    text_start: int
    text_end: int
    page: int | None
    source_start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One parsed file: its normalised text and everything that is known about places in it.

    `id` depends on the bytes, the parser, its version and options only, so that one document can have many
    paths. `units` are borders that no passage crosses, given by formats made of records (rows, objects);
    empty for running text. `language` is ISO 639-1 or `und`.
    """

    id: str
    content_sha256: str
    path: str
    title: str
    text: str
    type: str
    language: str = UNDETERMINED
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    units: tuple[Span, ...] = ()
    source_map: tuple[SourceRun, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    parser: str = ""
    warnings: tuple[str, ...] = ()
    size_bytes: int = 0
    modified_ns: int = 0

    def __post_init__(self) -> None:
        size = len(self.text)
        places = [(page.start, page.end) for page in self.pages] + [(u.start, u.end) for u in self.units]
        if any(not 0 <= start <= end <= size for start, end in places):
            raise ValueError(f"{self.path}: a page or unit lies outside the text of {size} characters")
        if any(not 0 <= heading.start <= size for heading in self.headings):
            raise ValueError(f"{self.path}: a heading lies outside the text of {size} characters")

    def page_at(self, offset: int) -> int | None:
        """The number of the page on which the character at `offset` stands, None without pages."""
        number: int | None = None
        for page in self.pages:
            if page.start > offset:
                break
            number = page.number
        return number

    def headings_at(self, offset: int) -> tuple[str, ...]:
        """The heading path that is in force at `offset`, from the top level down."""
        path: list[Heading] = []
        for heading in self.headings:
            if heading.start > offset:
                break
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
        return tuple(heading.title for heading in path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a document that is searched and read as one: `text == document.text[start:end]`."""

    text: str
    start: int
    end: int
    page: int | None = None
    headings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.end - self.start != len(self.text):
            raise ValueError(f"passage [{self.start}, {self.end}) does not fit {len(self.text)} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text given from Python instead of a file; `id` is the user's own name for it."""

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class RejectReason(StrEnum):
    """Why a file was left out."""

    UNSUPPORTED = "unsupported"
    EMPTY = "empty"
    NO_TEXT = "no_text"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A file that was left out, and why, in words a person understands."""

    path: str
    reason: RejectReason
    detail: str


def document_id(content_sha256: str, parser: str) -> str:
    """The identity of a document: the bytes and the parser (with version and options) that read them."""
    return hashlib.sha256(f"{content_sha256}\n{parser}".encode()).hexdigest()
