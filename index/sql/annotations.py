"""What people say about texts: labels, and verdicts on answers.

Both are anchored to the SHA-256 of a file and, below it, to words quoted from it, so that they outlive a
parser that cuts the text up anew; `start` only says which of several places is meant. Nothing here changes
what a search finds but for filters that name a label.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, case, delete, distinct, func, insert, select

from index.records import Feedback, Label, LabelCount
from index.sql.database import changing
from index.sql.schema import FeedbackRow, LabelRow

_ROWS = 500


class Remarks:
    """The part of the catalogue that keeps labels and verdicts."""

    _engine: Engine

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
        """Put labels in the place of all that `author` gave to the files `among`, in one transaction.

        `among` are SHA-256 of files, those of `labels` included; what others have said stays. How many are
        there now.
        """
        moment, count = time.time_ns(), 0
        files = sorted(set(among))
        with changing(self._engine) as connection:
            for first in range(0, len(files), _ROWS):
                some = files[first : first + _ROWS]
                old = delete(LabelRow).where(LabelRow.author == author, LabelRow.content_sha256.in_(some))
                connection.execute(old)
            rows = [{**asdict(label), "author": author, "created_ns": moment} for label in labels]
            for first in range(0, len(rows), _ROWS):
                connection.execute(insert(LabelRow), rows[first : first + _ROWS])
                count += len(rows[first : first + _ROWS])
        return count

    def remove_labels(self, *, name: str | None = None, author: str | None = None) -> int:
        """Take away all labels of a name, of an author, or of both together; how many went."""
        conditions = [
            column == value
            for column, value in ((LabelRow.name, name), (LabelRow.author, author))
            if value is not None
        ]
        if not conditions:
            raise ValueError("neither a name nor an author is given")
        with changing(self._engine) as connection:
            return connection.execute(delete(LabelRow).where(*conditions)).rowcount

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

    def remove_label(self, name: str, content_sha256: str) -> int:
        """Take a label off a file and off all words in it; how many went."""
        statement = delete(LabelRow).where(LabelRow.name == name, LabelRow.content_sha256 == content_sha256)
        with changing(self._engine) as connection:
            return connection.execute(statement).rowcount

    def labels(self, name: str | None = None) -> tuple[Label, ...]:
        """All labels, or those of one name, in the order in which they were given."""
        conditions = [] if name is None else [LabelRow.name == name]
        return tuple(Label(**row) for row in self._remarks(LabelRow, *conditions))

    def add_feedback(self, feedback: Feedback) -> bool:
        """Keep a verdict; False if the very same is kept already."""
        row = {**asdict(feedback), "details": dict(feedback.details)}
        same = [
            getattr(FeedbackRow, field).is_not_distinct_from(value)
            for field, value in row.items()
            if field != "details"
        ]
        with changing(self._engine) as connection:
            if connection.scalar(select(FeedbackRow.key).where(*same).limit(1)) is not None:
                return False
            connection.execute(insert(FeedbackRow).values(**row))
        return True

    def remove_feedback(self, feedback: Feedback) -> int:
        """Take a verdict back; how many went."""
        same = [
            getattr(FeedbackRow, field).is_not_distinct_from(value)
            for field, value in asdict(feedback).items()
            if field != "details"
        ]
        with changing(self._engine) as connection:
            return connection.execute(delete(FeedbackRow).where(*same)).rowcount

    def feedback(self) -> tuple[Feedback, ...]:
        """All verdicts, in the order in which they were given."""
        return tuple(Feedback(**row) for row in self._remarks(FeedbackRow))

    def remark_counts(self) -> dict[str, int]:
        """How many labels and verdicts there are."""
        with self._engine.connect() as connection:
            return {
                name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for name, table in (("labels", LabelRow), ("feedback", FeedbackRow))
            }

    def _remarks(self, table: Any, *conditions: Any) -> list[dict[str, Any]]:
        columns = [column for column in table.__table__.columns if column.name != "key"]
        statement = select(*columns).where(*conditions).order_by(table.key)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]
