"""Which documents and passages a filter lets through at a revision, worked out by the database.

Languages, types, ids and dates are conditions of one statement. Patterns over paths are not SQL: the
paths of what is left are read (only those that begin as a pattern does, where it begins with fixed letters)
and matched here. Passages are not read at all, because those of one document have neighbouring ids; but for
labels on words, which let through the passages that hold those words and no others of the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, or_, select

from index.records import Filters
from index.sql.filters_old import PathPatterns
from index.sql.schema import DocumentRow, LabelRow, PassageRow, PathRow
from index.sql.stored_documents import visible

_IDS = NDArray[np.int64]
_AT_ONCE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What a filter leaves: keys of documents and ids of passages, both ascending.

    `whole` says that these are all passages of these documents.
    """

    documents: _IDS
    passages: _IDS
    whole: bool = True


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
        patterns = PathPatterns(filters.paths)
        beginning = self._beginning(patterns, revision)
        if beginning is not None:
            chosen.append(DocumentRow.key.in_(select(PathRow.document_key).where(beginning)))
        columns = select(DocumentRow.key, first, DocumentRow.passages)
        with self._engine.connect() as connection:
            rows = matrix(connection.execute(columns.where(*chosen).order_by(DocumentRow.key)), 3)
            if filters.paths:
                paths = (
                    select(PathRow.document_key, PathRow.path)
                    .join(DocumentRow, DocumentRow.key == PathRow.document_key)
                    .where(visible(PathRow, revision), *chosen)
                )
                matched = {key for key, path in connection.execute(paths) if patterns.match(path)}
                rows = rows[np.isin(rows[:, 0], np.fromiter(matched, np.int64, len(matched)))]
            if filters.labels:
                return self._labelled(connection, filters.labels, rows, revision, chosen)
        return Selected(documents=rows[:, 0], passages=_ranges(rows[:, 1], rows[:, 2]))

    def _labelled(
        self, connection: Connection, names: Sequence[str], rows: _IDS, revision: int, chosen: Sequence[Any]
    ) -> Selected:
        """Of the documents in `rows` (key, first passage, passages) the passages that bear a label.

        A label on a file is on all of them. One on words is on the passages that hold these words, at their
        place if it is still theirs, else wherever they stand now that the file was parsed anew.
        """
        labels = (
            select(DocumentRow.key, LabelRow.key, LabelRow.quote.is_(None))
            .join(LabelRow, LabelRow.content_sha256 == DocumentRow.content_sha256)
            .where(LabelRow.name.in_(names), *chosen)
        )
        found = matrix(connection.execute(labels), 3)
        found = found[np.isin(found[:, 0], rows[:, 0])]
        on_files = rows[np.isin(rows[:, 0], found[found[:, 2] == 1, 0])]
        passages = [_ranges(on_files[:, 1], on_files[:, 2])]
        on_words = found[found[:, 2] == 0]
        on_words = on_words[~np.isin(on_words[:, 0], on_files[:, 0])]
        if len(on_words):
            held = self._holding(connection, names, revision, chosen)
            held = held[np.isin(held[:, 0], on_words[:, 1])]
            lost = np.setdiff1d(on_words[:, 1], held[:, 0])
            passages += [
                held[:, 1],
                *([_found_again(connection, lost, revision, chosen)] if len(lost) else []),
            ]
        ids = np.unique(np.concatenate(passages))
        ranges = [(int(key), int(first), int(first + count)) for key, first, count in rows]
        documents = [
            key for key, first, end in ranges if np.searchsorted(ids, first) < np.searchsorted(ids, end)
        ]
        return Selected(documents=np.array(documents, dtype=np.int64), passages=ids, whole=not len(on_words))

    def _holding(
        self, connection: Connection, names: Sequence[str], revision: int, chosen: Sequence[Any]
    ) -> _IDS:
        """(label, passage) where the words of a label stand in the passage at their place, shape (n, 2)."""
        statement = (
            select(LabelRow.key, PassageRow.id)
            .join(DocumentRow, DocumentRow.content_sha256 == LabelRow.content_sha256)
            .join(PassageRow, PassageRow.document_key == DocumentRow.key)
            .where(
                LabelRow.name.in_(names),
                LabelRow.quote.is_not(None),
                visible(PassageRow, revision),
                *chosen,
                self._at_its_place(),
            )
        )
        return matrix(connection.execute(statement), 2)

    def labels_of(self, passages: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The labels on each of these passages, or on the file they come from, by name; none is left out."""
        found: dict[int, set[str]] = {passage: set() for passage in passages}
        statement = (
            select(PassageRow.id, LabelRow.name)
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .join(LabelRow, LabelRow.content_sha256 == DocumentRow.content_sha256)
            .where(PassageRow.id.in_(passages), LabelRow.quote.is_(None) | self._at_its_place())
        )
        with self._engine.connect() as connection:
            for passage, name in connection.execute(statement):
                found[passage].add(name)
        return {passage: tuple(sorted(names)) for passage, names in found.items()}

    def content_hashes(self, documents: Sequence[str]) -> dict[str, str]:
        """The SHA-256 of the file of each of these documents, by the document's id."""
        statement = select(DocumentRow.id, DocumentRow.content_sha256)
        found: dict[str, str] = {}
        with self._engine.connect() as connection:
            for first in range(0, len(documents), _AT_ONCE):
                part = documents[first : first + _AT_ONCE]
                rows = connection.execute(statement.where(DocumentRow.id.in_(part)))
                found |= {document: content for document, content in rows}
        return found

    def _at_its_place(self) -> Any:
        """Whether a passage holds the words of a label, or is among them, at the place that was noted."""
        place = func.instr if self._engine.dialect.name == "sqlite" else func.strpos
        over = (PassageRow.start < LabelRow.start + func.length(LabelRow.quote)) & (
            PassageRow.end > LabelRow.start
        )
        within = (place(PassageRow.text, LabelRow.quote) > 0) | (place(LabelRow.quote, PassageRow.text) > 0)
        anywhere = LabelRow.start.is_(None) & (place(PassageRow.text, LabelRow.quote) > 0)
        return over & within | anywhere

    def _beginning(self, patterns: PathPatterns, revision: int) -> Any | None:
        """What holds for a path at a revision if any pattern can fit it; None if nothing can be said."""
        if not patterns.prefixes:
            return None
        sqlite = self._engine.dialect.name == "sqlite"
        return visible(PathRow, revision) & or_(
            *(_begins(prefix, ordered=sqlite) for prefix in patterns.prefixes)
        )


def matrix(rows: Iterable[Sequence[int]], width: int) -> _IDS:
    """Rows of whole numbers as an array (numpy asks a row of a result for much that it has not)."""
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width)


def _conditions(filters: Filters, revision: int) -> Iterator[Any]:
    if filters.languages:
        yield DocumentRow.language.in_([language.casefold() for language in filters.languages])
    if filters.types:
        yield DocumentRow.type.in_([kind.casefold().lstrip(".") for kind in filters.types])
    if filters.documents:
        yield DocumentRow.id.in_(filters.documents)
    if filters.labels:  # which of their passages is another question
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


def _found_again(connection: Connection, labels: _IDS, revision: int, chosen: Sequence[Any]) -> _IDS:
    """Passages that hold the words of labels whose place is no longer theirs."""
    ids: set[int] = set()
    for key in labels.tolist():
        quote = connection.scalar(select(LabelRow.quote).where(LabelRow.key == key)) or ""
        texts = connection.execute(
            select(PassageRow.id, PassageRow.text)
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .join(LabelRow, LabelRow.content_sha256 == DocumentRow.content_sha256)
            .where(LabelRow.key == key, visible(PassageRow, revision), *chosen)
        )
        ids |= {passage for passage, text in texts if quote in text or text in quote}
    return np.array(sorted(ids), dtype=np.int64)


def _ranges(first: _IDS, counts: _IDS) -> _IDS:
    """The numbers from each of `first` on, as many as `counts` says, ascending."""
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1] if len(counts) else counts
    ids = np.repeat(first - starts, counts) + np.arange(int(counts.sum()), dtype=np.int64)
    return np.sort(ids)
