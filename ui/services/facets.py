"""How many documents there are for each value of a filter, given the other filters (pure).

The count of a value is the number of documents left if it were chosen: the choices of the other filters
narrow it, those of its own filter do not. Passages of the present result are counted as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from posixpath import commonpath

from index.records import DocumentInfo, Hit
from ui.services.url_state import LISTS, Choices, folders_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """For each filter its values with counts, most frequent first; `passing` documents pass all filters.

    `found` counts in the same way the passages of the present result.
    """

    values: Mapping[str, Mapping[str, int]]
    found: Mapping[str, Mapping[str, int]]
    passing: int


def facets(
    documents: Sequence[DocumentInfo],
    labelled: Mapping[str, frozenset[str]],
    choices: Choices,
    hits: Iterable[Hit] = (),
) -> Facets:
    """Counts for all filters. `labelled` gives the ids of the documents of each label."""
    root = common_folder(folders_of(path for document in documents for path in document.paths))
    labels: dict[str, list[str]] = {}
    for name, ids in labelled.items():
        for key in ids:
            labels.setdefault(key, []).append(name)
    read: dict[str, Callable[[DocumentInfo], Iterable[str]]] = {
        "folder": lambda document: _folders_above(document, root),
        "type": lambda document: (document.type,),
        "language": lambda document: (document.language,),
        "label": lambda document: labels.get(document.id, ()),
    }
    chosen = {
        "folder": frozenset(choices.folders),
        "type": frozenset(choices.types),
        "language": frozenset(choices.languages),
        "label": frozenset(choices.labels),
    }
    counts: dict[str, Counter[str]] = {name: Counter(dict.fromkeys(chosen[name], 0)) for name in LISTS}
    passing = 0
    for document in documents:
        if not _in_time(document, choices.since, choices.until):
            continue
        has = {name: tuple(read[name](document)) for name in LISTS}
        failed = [name for name in LISTS if chosen[name] and chosen[name].isdisjoint(has[name])]
        passing += not failed
        for name in LISTS:
            if not failed or failed == [name]:
                counts[name].update(has[name])
    values = {name: dict(sorted(each.items(), key=lambda x: (-x[1], x[0]))) for name, each in counts.items()}
    found: dict[str, Counter[str]] = {name: Counter() for name in LISTS}
    for hit in hits:
        for name in LISTS:
            found[name].update(read[name](hit.document))
    return Facets(values=values, found=found, passing=passing)


def common_folder(folders: Iterable[str]) -> str:
    """The lowest folder that all of them are or lie in, "" without any.

    >>> common_folder(["/home/me/papers/2024", "/home/me/papers"])
    '/home/me/papers'
    """
    given = list(folders)
    return commonpath(given) if given else ""


def _folders_above(document: DocumentInfo, root: str) -> Iterable[str]:
    """The folders that a document lies in, up to the one that holds everything."""
    least = len(PurePosixPath(root).parts)
    paths = (PurePosixPath(path) for path in document.paths)
    return {
        parent.as_posix()
        for path in paths
        if path.is_absolute()
        for parent in path.parents
        if len(parent.parts) >= least
    }


def _in_time(document: DocumentInfo, since: date | None, until: date | None) -> bool:
    day = document.modified.date()
    return (since is None or day >= since) and (until is None or day <= until)
