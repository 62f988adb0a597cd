"""Language routing: a small reader for the languages it knows, a multilingual one for all others.

    en=pocket;multilingual     English question, English passages -> pocket; anything else -> multilingual

By langdetect (`ingest.text.language`). One reader reads all passages of a question, because the scores of two
cannot be compared: the first serves only where question and passages are all in its languages. What it takes
for another language by mistake is read by the multilingual one, which knows them all. A reader is loaded when
it is first needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.errors import ModelError
from ingest.text.language import detect_language, short_language
from qa.protocols import Reader
from qa.records import SpanCandidate

BETWEEN, GIVES, AND = ";", "=", "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A reader and the languages (ISO 639-1) it is for; none: all that no other route takes."""

    reader: str
    languages: frozenset[str] = frozenset()


def is_routed(name: str) -> bool:
    """Whether a reader's name is a choice of several by language."""
    return BETWEEN in name and GIVES in name.partition(BETWEEN)[0]


def parse_routes(name: str) -> tuple[Route, ...]:
    """The routes of a name such as `en=pocket;multilingual`; raises ModelError.

    >>> [(route.reader, sorted(route.languages)) for route in parse_routes("en+de=a;b")]
    [('a', ['de', 'en']), ('b', [])]
    """
    routes = []
    for part in name.split(BETWEEN):
        languages, gives, reader = part.partition(GIVES)
        if not gives:
            languages, reader = "", part
        known = frozenset(language.strip().lower() for language in languages.split(AND) if language.strip())
        routes.append(Route(reader=reader.strip(), languages=known))
    *special, rest = routes
    if rest.languages or not rest.reader or not all(route.languages and route.reader for route in special):
        raise ModelError(
            f"{name!r} is no choice of readers by language",
            hint="name languages for all but the last: en=pocket;multilingual",
        )
    return tuple(routes)


def chosen_reader(name: str, question: str, contexts: Sequence[str]) -> str:
    """The one reader that `name` means for this question and these texts, itself if it is no choice."""
    return _route(parse_routes(name), question, contexts).reader if is_routed(name) else name


def _route(routes: Sequence[Route], question: str, contexts: Sequence[str]) -> Route:
    """The first whose languages are those of the question and of every text, else the last."""
    asked = short_language(question)
    for route in routes[:-1]:
        if asked in route.languages and all(_language(text) in route.languages for text in contexts):
            return route
    return routes[-1]


class RoutedReader:
    """Several readers behind one; `load` opens a reader by its name."""

    def __init__(self, name: str, load: Callable[[str], Reader]) -> None:
        self._routes = parse_routes(name)
        self._load = load
        self._readers: dict[str, Reader] = {}
        self.name = name

    @property
    def fingerprint(self) -> str:
        """Hash of the routes and of all their readers, which are loaded for it."""
        digest = hashlib.sha256(self.name.encode())
        for route in self._routes:
            digest.update(self._reader(route).fingerprint.encode())
        return digest.hexdigest()

    def unknown_share(self, text: str) -> float:
        """What the reader for all other languages does not know."""
        return self._reader(self._routes[-1]).unknown_share(text)

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        """As the reader for this question and these texts reads them."""
        return self.read_many([(question, contexts)])[0]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        """Each question by its own reader; questions of one reader are read together."""
        places: dict[Route, list[int]] = {}
        for place, (question, contexts) in enumerate(asked):
            places.setdefault(_route(self._routes, question, contexts), []).append(place)
        found: list[list[SpanCandidate]] = [[] for _ in asked]
        for route, some in places.items():
            read = self._reader(route).read_many([asked[place] for place in some])
            for place, candidates in zip(some, read, strict=True):
                found[place] = candidates
        return found

    def _reader(self, route: Route) -> Reader:
        if route.reader not in self._readers:
            self._readers[route.reader] = self._load(route.reader)
        return self._readers[route.reader]


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    found = detect_language(text)
    return short_language(text) if found == "und" else found
