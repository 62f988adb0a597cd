"""The address of the page, which holds a question, where to look and how to read (pure).

    ?q=...&type=pdf&type=md&folder=/papers&since=2024-01-01&k=30&sure=60&guess=1

The same address gives the same result. Parameters that cannot be read are ignored, because an address may be
typed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from index.records import Filters, Mode

LISTS = ("folder", "type", "language", "label")
DATES = ("since", "until")
SHARED = ("q", "lang", *LISTS, *DATES, "k", "sure", "guess", "mode")
FEWEST, USUAL, MOST = 5, 20, 50

Parameters = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What an address holds beside the question: which documents, how many passages, how sure, how ranked.

    `min_confidence` is None for the fitted threshold. A folder includes everything below it.
    """

    folders: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    passages: int = USUAL
    min_confidence: float | None = None
    always_answer: bool = False
    mode: Mode = field(default=Mode.HYBRID)

    @property
    def filters(self) -> Filters:
        """The same as the retriever takes it; days are those of UTC, the last one whole."""
        return Filters(
            paths=tuple(pattern(folder) for folder in self.folders),
            types=self.types,
            languages=self.languages,
            labels=self.labels,
            since=None if self.since is None else datetime.combine(self.since, time.min, UTC),
            until=None
            if self.until is None
            else datetime.combine(self.until, time.min, UTC) + timedelta(days=1, microseconds=-1),
        )

    @property
    def restrictions(self) -> int:
        """How many filters are in force."""
        named = (self.folders, self.types, self.languages, self.labels, self.since, self.until)
        return sum(bool(value) for value in named)


def read_choices(parameters: Parameters) -> Choices:
    """What the parameters of an address mean.

    >>> read_choices({"type": ["pdf"], "k": ["7"], "since": ["soon"]}).types
    ('pdf',)
    """
    sure = _parsed(parameters, "sure", int)
    modes = [Mode(mode) for mode in parameters.get("mode", ()) if mode in set(Mode)]
    return Choices(
        folders=tuple(parameters.get("folder", ())),
        types=tuple(parameters.get("type", ())),
        languages=tuple(parameters.get("language", ())),
        labels=tuple(parameters.get("label", ())),
        since=_parsed(parameters, "since", date.fromisoformat),
        until=_parsed(parameters, "until", date.fromisoformat),
        passages=min(max(_parsed(parameters, "k", int) or USUAL, FEWEST), MOST),
        min_confidence=None if sure is None else min(max(sure, 0), 100) / 100,
        always_answer=list(parameters.get("guess", ())) == ["1"],
        mode=modes[0] if modes else Mode.HYBRID,
    )


def carried(parameters: Parameters) -> list[tuple[str, str]]:
    """What a link to another tab hands on."""
    return [(key, value) for key in SHARED for value in parameters.get(key, ())]


def pattern(folder: str) -> str:
    """A folder as a pattern that means itself, whatever signs its name has."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", folder) + "/"


def _parsed(parameters: Parameters, key: str, read: Callable[[str], Any]) -> Any | None:
    for value in parameters.get(key, ()):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def folders_of(paths: Iterable[str]) -> list[str]:
    """Every folder in which one of the paths lies, in order; texts that are no files have none.

    >>> folders_of(["/a/b.txt", "/a/c.txt", "text:n1"])
    ['/a']
    """
    return sorted({path.rpartition("/")[0] or "/" for path in paths if path.startswith("/")})
