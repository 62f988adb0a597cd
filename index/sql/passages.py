"""Passages out of SQL: by id, and those that were written or deleted between two revisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from sqlalchemy import Engine, func, select

from index.protocols import Ids
from index.records import LexicalEntry, StoredPassage
from index.sql.database import batches
from index.sql.schema import DocumentRow, PassageRow, visible
from ingest.chunking.split import embedding_text


class Passages:
    """The table of passages."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, ids: Sequence[int], revision: int) -> dict[int, tuple[StoredPassage, int]]:
        """Those of these passages that are visible at a revision, by id, each with its document's key."""
        passages: dict[int, tuple[StoredPassage, int]] = {}
        with self._engine.connect() as connection:
            for part in batches(ids):
                statement = (
                    select(*PassageRow.__table__.columns, DocumentRow.id.label("document"))
                    .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
                    .where(PassageRow.id.in_(part), visible(PassageRow, revision))
                )
                for row in connection.execute(statement):
                    passage = StoredPassage(
                        id=row.id,
                        document_id=row.document,
                        text=row.text,
                        start=row.start,
                        end=row.end,
                        page=row.page,
                        headings=tuple(row.headings),
                    )
                    passages[row.id] = (passage, row.document_key)
        return passages

    def visible(self, revision: int) -> tuple[Ids, Ids]:
        """Ids (ascending) of all passages visible at a revision, and the keys of their documents."""
        statement = (
            select(PassageRow.id, PassageRow.document_key)
            .where(visible(PassageRow, revision))
            .order_by(PassageRow.id)
        )
        with self._engine.connect() as connection:
            rows = matrix(connection.execute(statement), 2)
        return rows[:, 0], rows[:, 1]

    def deleted(self, since: int, revision: int) -> Ids:
        """Ids (ascending) of passages deleted after `since` and up to `revision`."""
        statement = (
            select(PassageRow.id)
            .where(PassageRow.deleted_revision > since, PassageRow.deleted_revision <= revision)
            .order_by(PassageRow.id)
        )
        with self._engine.connect() as connection:
            return np.array(connection.scalars(statement).all(), dtype=np.int64)

    def count(self) -> int:
        """How many passages there are, deleted ones left out."""
        statement = select(func.count()).select_from(PassageRow).where(PassageRow.deleted_revision.is_(None))
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def lexical_entries(self, since: int, revision: int) -> Iterator[LexicalEntry]:
        """Entries of the lexical index for passages written after `since` and visible at `revision`."""
        statement = (
            select(
                PassageRow.id,
                PassageRow.document_key,
                PassageRow.text,
                PassageRow.headings,
                DocumentRow.title,
                DocumentRow.language,
            )
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .where(written_after(since, revision))
            .order_by(PassageRow.id)
        )
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(statement):
                yield LexicalEntry(
                    id=row.id,
                    document_key=row.document_key,
                    text=embedding_text(row.title, tuple(row.headings), row.text),
                    language=row.language,
                )


def written_after(since: int, revision: int) -> Any:
    """Condition: a passage was written after `since` and is visible at `revision`."""
    return (PassageRow.created_revision > since) & visible(PassageRow, revision)


def matrix(rows: Iterable[Sequence[int]], width: int) -> Ids:
    """Rows of whole numbers as int64, shape (n, `width`)."""
    # By way of an iterator, because numpy asks each row of a result for attributes that it has not.
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width)
