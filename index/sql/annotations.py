"""Annotations: the labels and the feedback that people gave.

Both are anchored to the SHA-256 of a file and, below it, to words quoted from it, so that they outlive a
parser that cuts the text up otherwise; `start` only says which of several places is meant. Labels change a
search only through a filter that names them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, case, delete, distinct, func, insert, select

from index.records import Feedback, Label, LabelCount
from index.sql.database import batches, changing
from index.sql.schema import DocumentRow, FeedbackRow, LabelRow, PassageRow


class Annotations:
    """The tables of labels and feedback."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_label(
        self,
        name: str,
        content_sha256: str,
        *,
        quote: str | None = None,
        start: int | None = None,
        author: str = "",
        created_ns: int | None = None,
    ) -> bool:
        """Put a label on a file, or on words quoted from it; False if it is there already."""
        row = {"name": name, "content_sha256": content_sha256, "quote": quote, "start": start}
        same = [getattr(LabelRow, field).is_not_distinct_from(value) for field, value in row.items()]
        with changing(self._engine) as connection:
            if connection.scalar(select(LabelRow.key).where(*same).limit(1)) is not None:
                return False
            moment = time.time_ns() if created_ns is None else created_ns
            connection.execute(insert(LabelRow).values(**row, author=author, created_ns=moment))
        return True

    def replace_labels(self, author: str, labels: Iterable[Label], *, among: Iterable[str]) -> int:
        """Replace all labels that `author` gave to the files `among`, in one transaction; returns how many.

        `among` are SHA-256 of files, those of `labels` included; labels of other authors stay.
        """
        moment, files = time.time_ns(), sorted(set(among))
        with changing(self._engine) as connection:
            for part in batches(files):
                old = delete(LabelRow).where(LabelRow.author == author, LabelRow.content_sha256.in_(part))
                connection.execute(old)
            rows = [{**asdict(label), "author": author, "created_ns": moment} for label in labels]
            if rows:
                connection.execute(insert(LabelRow), rows)
        return len(rows)

    def remove_labels(self, name: str, files: Iterable[str] | None = None) -> int:
        """Remove a label from files (SHA-256) and all words in them, or everywhere; returns how many."""
        statement = delete(LabelRow).where(LabelRow.name == name)
        with changing(self._engine) as connection:
            if files is None:
                return connection.execute(statement).rowcount
            return sum(
                connection.execute(statement.where(LabelRow.content_sha256.in_(part))).rowcount
                for part in batches(sorted(files))
            )

    def label_counts(self) -> tuple[LabelCount, ...]:
        """How many files and how many places in files bear each label, the commonest first."""
        on_files = func.count(distinct(case((LabelRow.quote.is_(None), LabelRow.content_sha256))))
        places = func.count(LabelRow.quote)
        statement = (
            select(LabelRow.name, on_files, places, func.count(distinct(LabelRow.content_sha256)))
            .group_by(LabelRow.name)
            .order_by(func.count().desc(), LabelRow.name)
        )
        with self._engine.connect() as connection:
            return tuple(
                LabelCount(name=name, files=files, places=quoted, documents=documents)
                for name, files, quoted, documents in connection.execute(statement)
            )

    def labels(self, name: str | None = None) -> tuple[Label, ...]:
        """All labels, or those of one name, in the order in which they were given."""
        conditions = [] if name is None else [LabelRow.name == name]
        return tuple(Label(**row) for row in self._rows(LabelRow, *conditions))

    def labels_of(self, passages: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The labels on each of these passages or on its file, sorted; () for a passage without any."""
        labels: dict[int, set[str]] = {passage: set() for passage in passages}
        statement = (
            select(PassageRow.id, LabelRow.name)
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .join(LabelRow, LabelRow.content_sha256 == DocumentRow.content_sha256)
            .where(PassageRow.id.in_(passages), LabelRow.quote.is_(None) | holds_quote(self._engine))
        )
        with self._engine.connect() as connection:
            for passage, name in connection.execute(statement):
                labels[passage].add(name)
        return {passage: tuple(sorted(names)) for passage, names in labels.items()}

    def add_feedback(self, feedback: Feedback) -> bool:
        """Store a verdict; False if the very same is stored already."""
        row, same = {**asdict(feedback), "details": dict(feedback.details)}, _same_feedback(feedback)
        with changing(self._engine) as connection:
            if connection.scalar(select(FeedbackRow.key).where(*same).limit(1)) is not None:
                return False
            connection.execute(insert(FeedbackRow).values(**row))
        return True

    def remove_feedback(self, feedback: Feedback) -> int:
        """Remove a verdict; returns how many."""
        with changing(self._engine) as connection:
            return connection.execute(delete(FeedbackRow).where(*_same_feedback(feedback))).rowcount

    def feedback(self) -> tuple[Feedback, ...]:
        """All verdicts, in the order in which they were given."""
        return tuple(Feedback(**row) for row in self._rows(FeedbackRow))

    def counts(self) -> dict[str, int]:
        """How many labels and verdicts there are."""
        with self._engine.connect() as connection:
            return {
                name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for name, table in (("labels", LabelRow), ("feedback", FeedbackRow))
            }

    def _rows(self, table: Any, *conditions: Any) -> list[dict[str, Any]]:
        columns = [column for column in table.__table__.columns if column.name != "key"]
        statement = select(*columns).where(*conditions).order_by(table.key)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]


def _same_feedback(feedback: Feedback) -> list[Any]:
    return [
        getattr(FeedbackRow, field).is_not_distinct_from(value)
        for field, value in asdict(feedback).items()
        if field != "details"
    ]


def holds_quote(engine: Engine) -> Any:
    """Condition: a passage holds the quote of a label, or lies within it, at the recorded position."""
    position = func.instr if engine.dialect.name == "sqlite" else func.strpos
    over = (PassageRow.start < LabelRow.start + func.length(LabelRow.quote)) & (
        PassageRow.end > LabelRow.start
    )
    within = (position(PassageRow.text, LabelRow.quote) > 0) | (position(LabelRow.quote, PassageRow.text) > 0)
    anywhere = LabelRow.start.is_(None) & (position(PassageRow.text, LabelRow.quote) > 0)
    return over & within | anywhere
