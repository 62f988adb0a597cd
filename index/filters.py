"""Which documents a filter lets through (pure): OR within one field, AND across fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pathspec import GitIgnoreSpec

from index.records import DocumentInfo, Filters


def matching(documents: Mapping[int, DocumentInfo], filters: Filters) -> list[int]:
    """Keys of the documents that pass all fields, ascending."""
    tests = _tests(filters)
    return sorted(key for key, document in documents.items() if all(test(document) for test in tests))


def _tests(filters: Filters) -> list[Callable[[DocumentInfo], bool]]:
    tests: list[Callable[[DocumentInfo], bool]] = []
    if filters.languages:
        languages = {language.casefold() for language in filters.languages}
        tests.append(lambda document: document.language in languages)
    if filters.types:
        types = {kind.casefold().lstrip(".") for kind in filters.types}
        tests.append(lambda document: document.type in types)
    if filters.documents:
        tests.append(lambda document: document.id in filters.documents)
    if filters.paths:
        spec = GitIgnoreSpec.from_lines(_pattern(path) for path in filters.paths)
        tests.append(lambda document: any(spec.match_file(path.lstrip("/")) for path in document.paths))
    if filters.since is not None:
        since = filters.since.astimezone()
        tests.append(lambda document: document.modified >= since)
    if filters.until is not None:
        until = filters.until.astimezone()
        tests.append(lambda document: document.modified <= until)
    return tests


def _pattern(path: str) -> str:
    """A pattern over absolute paths; what names something on this disk from here is made absolute first."""
    if not path.startswith("/") and Path(path).exists():
        path = Path(path).resolve().as_posix()
    return path
