"""A reader that chooses another one by language: a small one for the languages it knows, else a multilingual.

    en=pocket;multilingual     English question, English passages -> pocket; anything else -> multilingual

The language is that of `ingest.text.language`. One reader reads all passages of a question, because the
scores of two cannot be compared: the first serves only where question and passages are all in its languages.
A text mistaken for another language goes to the multilingual one, which knows them all. A reader is loaded
when it is first needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.errors import ModelError
from ingest.text.language import detect_language, short_language
from qa.protocols import Question, Reader
from qa.records import SpanCandidate

BETWEEN, GIVES, AND = ";", "=", "+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A reader and the languages (ISO 639-1) it is for; none: all that no other route takes."""

    reader: str
    languages: frozenset[str] = frozenset()


def is_routed(name: str) -> bool:
    """Whether a reader's name is a choice between several by language."""
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
    """The one reader that `name` means for this question and these texts, `name` itself for one reader."""
    return _route(parse_routes(name), question, contexts).reader if is_routed(name) else name


def _route(routes: Sequence[Route], question: str, contexts: Sequence[str]) -> Route:
    """The first whose languages are those of the question and of every text, else the last."""
    language = short_language(question)
    for route in routes[:-1]:
        if language in route.languages and all(_language(text) in route.languages for text in contexts):
            return route
    return routes[-1]


class LanguageRouter(Reader):
    """Several readers behind one; `load` opens a reader by its name."""

    def __init__(self, name: str, load: Callable[[str], Reader]) -> None:
        self._routes = parse_routes(name)
        self._load = load
        self._readers: dict[str, Reader] = {}
        self._name = name

    @property
    def name(self) -> str:
        """The routes as they were given."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """Hash of the routes and of all their readers, which are loaded for it."""
        digest = hashlib.sha256(self._name.encode())
        for route in self._routes:
            digest.update(self._reader(route).fingerprint.encode())
        return digest.hexdigest()

    def unknown_share(self, text: str) -> float:
        """That of the reader for all other languages."""
        return self._reader(self._routes[-1]).unknown_share(text)

    def read_many(self, asked: Sequence[Question]) -> list[list[SpanCandidate]]:
        """Each question by its own reader; questions of one reader are read together."""
        by_route: dict[Route, list[int]] = {}
        for number, (question, contexts) in enumerate(asked):
            by_route.setdefault(_route(self._routes, question, contexts), []).append(number)
        spans: list[list[SpanCandidate]] = [[] for _ in asked]
        for route, numbers in by_route.items():
            read = self._reader(route).read_many([asked[number] for number in numbers])
            for number, candidates in zip(numbers, read, strict=True):
                spans[number] = candidates
        return spans

    def _reader(self, route: Route) -> Reader:
        if route.reader not in self._readers:
            self._readers[route.reader] = self._load(route.reader)
        return self._readers[route.reader]


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    language = detect_language(text)
    return short_language(text) if language == "und" else language
