"""Filters as SQL: which documents and passages they let through at a revision.

Languages, types, ids and dates are conditions of one statement. Path patterns (gitwildmatch) are no SQL: the
paths of the documents that are left are read, only those that begin as a pattern does where it begins with
fixed letters, and matched here. Passages are not read at all, because those of one document have neighbouring
ids; except for labels on words, which let through only the passages that hold those words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitwildmatch import GitWildMatchPattern
from sqlalchemy import Connection, Engine, func, or_, select

from index.protocols import Ids
from index.records import Filters
from index.sql.annotations import holds_quote
from index.sql.passages import matrix
from index.sql.schema import DocumentRow, LabelRow, PassageRow, PathRow, visible

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED = re.compile(r"/[^*?\[\\]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """Keys of the documents and ids of the passages that pass a filter, both ascending.

    `whole` says that these are all passages of these documents.
    """

    documents: Ids
    passages: Ids
    whole: bool = True


class FilterQueries:
    """Applies filters to the tables of documents and passages."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        self, connection: Connection, names: Sequence[str], rows: Ids, revision: int, chosen: Sequence[Any]
    ) -> Selected:
        """The labelled passages of the documents in `rows` (key, first passage, number of passages).

        A label on a file counts for all its passages. One on words counts for the passages that hold these
        words at the recorded position or, when the file has been parsed differently since, anywhere.
        """
        labels = (
            select(DocumentRow.key, LabelRow.key, LabelRow.quote.is_(None))
            .join(LabelRow, LabelRow.content_sha256 == DocumentRow.content_sha256)
            .where(LabelRow.name.in_(names), *chosen)
        )
        matches = matrix(connection.execute(labels), 3)
        matches = matches[np.isin(matches[:, 0], rows[:, 0])]
        on_files = rows[np.isin(rows[:, 0], matches[matches[:, 2] == 1, 0])]
        passages = [_ranges(on_files[:, 1], on_files[:, 2])]
        on_words = matches[matches[:, 2] == 0]
        on_words = on_words[~np.isin(on_words[:, 0], on_files[:, 0])]
        if len(on_words):
            quoted = self._holding(connection, names, revision, chosen)
            quoted = quoted[np.isin(quoted[:, 0], on_words[:, 1])]
            moved = np.setdiff1d(on_words[:, 1], quoted[:, 0])
            passages += [
                quoted[:, 1],
                *([_found_elsewhere(connection, moved, revision, chosen)] if len(moved) else []),
            ]
        ids = np.unique(np.concatenate(passages))
        ranges = [(int(key), int(first), int(first + count)) for key, first, count in rows]
        documents = [
            key for key, first, end in ranges if np.searchsorted(ids, first) < np.searchsorted(ids, end)
        ]
        return Selected(documents=np.array(documents, dtype=np.int64), passages=ids, whole=not len(on_words))

    def _holding(
        self, connection: Connection, names: Sequence[str], revision: int, chosen: Sequence[Any]
    ) -> Ids:
        """(label, passage) where the passage holds the label's words at their position, int64 (n, 2)."""
        statement = (
            select(LabelRow.key, PassageRow.id)
            .join(DocumentRow, DocumentRow.content_sha256 == LabelRow.content_sha256)
            .join(PassageRow, PassageRow.document_key == DocumentRow.key)
            .where(
                LabelRow.name.in_(names),
                LabelRow.quote.is_not(None),
                visible(PassageRow, revision),
                *chosen,
                holds_quote(self._engine),
            )
        )
        return matrix(connection.execute(statement), 2)

    def _beginning(self, patterns: PathPatterns, revision: int) -> Any | None:
        """A condition that every matching path at a revision meets; None if there is none."""
        if not patterns.prefixes:
            return None
        sqlite = self._engine.dialect.name == "sqlite"
        return visible(PathRow, revision) & or_(
            *(_begins(prefix, ordered=sqlite) for prefix in patterns.prefixes)
        )


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


def _found_elsewhere(connection: Connection, labels: Ids, revision: int, chosen: Sequence[Any]) -> Ids:
    """Passages that hold the words of labels which are no longer at their recorded position."""
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


def _ranges(first: Ids, counts: Ids) -> Ids:
    """The numbers from each of `first` on, as many as `counts` says, ascending."""
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1] if len(counts) else counts
    ids = np.repeat(first - starts, counts) + np.arange(int(counts.sum()), dtype=np.int64)
    return np.sort(ids)


# -- path patterns -------------------------------------------------------------------------------------------


class PathPatterns:
    """Patterns of which one must match; what names something on this disk from here is taken literally."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._stored = frozenset(patterns)
        self._patterns = [_literal(pattern) for pattern in patterns]
        self._spec = GitIgnoreSpec.from_lines(self._patterns)

    def match(self, path: str) -> bool:
        """Whether an absolute POSIX path fits, or is itself one of the patterns as given."""
        return path in self._stored or self._spec.match_file(path.lstrip("/"))

    @property
    def prefixes(self) -> tuple[str, ...] | None:
        """Prefixes of which every matching path begins with one; None if a pattern has none.

        >>> PathPatterns(["/library/*.pdf", "!/library/old.pdf"]).prefixes
        ('/library/',)
        """
        prefixes = []
        for pattern in self._patterns:
            if pattern.startswith("!") or not pattern.strip():
                continue
            fixed = _FIXED.match(pattern)
            if fixed is None:
                return None
            prefixes.append(fixed.group().rstrip())
        return tuple(prefixes)


def _literal(pattern: str) -> str:
    """What names something on this disk escaped, so that it fits that and what is below it."""
    with suppress(OSError):  # longer than a name may be
        if Path(pattern).exists():
            path = pattern if pattern.startswith("/") else Path(pattern).resolve().as_posix()
            return str(GitWildMatchPattern.escape(path))
    return pattern
