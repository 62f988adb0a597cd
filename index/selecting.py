"""Which documents and passages a filter lets through at a revision, worked out by the database.

Languages, types, ids, dates and labels are conditions of one statement. Patterns over paths are not SQL: the
paths of what is left are read (only those that begin as a pattern does, where it begins with fixed letters)
and matched here. Passages are not read at all, because those of one document have neighbouring ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, or_, select

from index.filters import PathPatterns
from index.holdings import visible
from index.records import Filters
from index.schema import DocumentRow, LabelRow, PassageRow, PathRow

_IDS = NDArray[np.int64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What a filter leaves: keys of documents and ids of passages, both ascending."""

    documents: _IDS
    passages: _IDS


class Selecting:
    """The part of the catalogue that applies filters."""

    _engine: Engine

    def select(self, filters: Filters, revision: int) -> Selected:
        """The documents at a revision that pass all fields of a filter, and their passages."""
        first = func.coalesce(
            DocumentRow.first_passage,  # a program of the first version leaves it empty
            select(func.min(PassageRow.id))
            .where(PassageRow.document_key == DocumentRow.key)
            .correlate(DocumentRow)
            .scalar_subquery(),
            0,
        )
        chosen = [visible(DocumentRow, revision), *_conditions(filters, revision)]
        statement = (
            select(DocumentRow.key, first, DocumentRow.passages).where(*chosen).order_by(DocumentRow.key)
        )
        with self._engine.connect() as connection:
            rows = np.array(connection.execute(statement).fetchall(), dtype=np.int64).reshape(-1, 3)
            if filters.paths:
                patterns = PathPatterns(filters.paths)
                paths = (
                    select(PathRow.document_key, PathRow.path)
                    .join(DocumentRow, DocumentRow.key == PathRow.document_key)
                    .where(visible(PathRow, revision), *chosen, *self._beginnings(patterns))
                )
                matched = {key for key, path in connection.execute(paths) if patterns.match(path)}
                rows = rows[np.isin(rows[:, 0], np.fromiter(matched, np.int64, len(matched)))]
        return Selected(documents=rows[:, 0], passages=_ranges(rows[:, 1], rows[:, 2]))

    def _beginnings(self, patterns: PathPatterns) -> Iterator[Any]:
        prefixes = patterns.prefixes
        if prefixes is not None:
            sqlite = self._engine.dialect.name == "sqlite"
            yield or_(*(_begins(prefix, ordered=sqlite) for prefix in prefixes))


def _conditions(filters: Filters, revision: int) -> Iterator[Any]:
    if filters.languages:
        yield DocumentRow.language.in_([language.casefold() for language in filters.languages])
    if filters.types:
        yield DocumentRow.type.in_([kind.casefold().lstrip(".") for kind in filters.types])
    if filters.documents:
        yield DocumentRow.id.in_(filters.documents)
    if filters.labels:
        labelled = select(LabelRow.content_sha256).where(LabelRow.name.in_(filters.labels))
        yield DocumentRow.content_sha256.in_(labelled)
    if filters.since is not None or filters.until is not None:
        modified = (
            select(PathRow.modified_ns)
            .where(PathRow.document_key == DocumentRow.key, visible(PathRow, revision))
            .order_by(PathRow.key)
            .limit(1)
            .correlate(DocumentRow)
            .scalar_subquery()
        )
        if filters.since is not None:
            yield modified >= _nanoseconds(filters.since)
        if filters.until is not None:
            yield modified < _nanoseconds(filters.until) + 1000  # dates know microseconds


def _nanoseconds(moment: datetime) -> int:
    passed = moment.astimezone(UTC) - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


def _begins(prefix: str, *, ordered: bool) -> Any:
    """Whether a path begins so; by the index where paths are ordered by their characters."""
    if not ordered:
        return PathRow.path.startswith(prefix, autoescape=True)
    return (PathRow.path >= prefix) & (PathRow.path < prefix + "\U0010ffff")


def _ranges(first: _IDS, counts: _IDS) -> _IDS:
    """The numbers from each of `first` on, as many as `counts` says, ascending."""
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1] if len(counts) else counts
    ids = np.repeat(first - starts, counts) + np.arange(int(counts.sum()), dtype=np.int64)
    return np.sort(ids)
