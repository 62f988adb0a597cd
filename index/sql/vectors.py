"""The vectors of passages in SQL, those of several encoders side by side while one replaces another.

One encoder serves (settings `encoder`, `dimension`, `fingerprint`); during a re-embedding (setting
`reembedding`) the vectors of the next one are written beside the old ones. The switch is one transaction and
counts the revision up, so that readers look for a new index.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sqlalchemy import Connection, Engine, delete, exists, func, insert, select

from index.protocols import Encoder, Ids, Vectors
from index.sql.database import batches, changing, get_setting, next_revision, set_setting
from index.sql.passages import written_after
from index.sql.schema import VECTOR, DocumentRow, PassageRow, Setting, VectorRow
from ingest.records import Passage

_REEMBEDDING = "reembedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """An encoder as a store records it."""

    encoder: str
    fingerprint: str
    dimension: int

    @classmethod
    def of(cls, encoder: Encoder) -> Encoding:
        """The record of a loaded encoder."""
        return cls(encoder=encoder.name, fingerprint=encoder.fingerprint, dimension=encoder.dimension)


class PassageVectors:
    """The table of vectors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ids(self, since: int, revision: int, fingerprint: str) -> Ids:
        """Ids (ascending) of passages with a vector, written after `since` and visible at `revision`."""
        statement = (
            select(VectorRow.passage_id)
            .join(PassageRow, PassageRow.id == VectorRow.passage_id)
            .where(written_after(since, revision), VectorRow.fingerprint == fingerprint)
            .order_by(VectorRow.passage_id)
        )
        with self._engine.connect() as connection:
            return np.array(connection.scalars(statement).all(), dtype=np.int64)

    def blocks(self, ids: Ids, fingerprint: str, dimension: int, rows: int) -> Iterator[tuple[Ids, Vectors]]:
        """The vectors of these passages (ascending ids), float32 (n, `dimension`), up to `rows` at a time.

        A vector of another width or with a NaN is left out; `check` names it.
        """
        for start in range(0, len(ids), rows):
            part = ids[start : start + rows]
            statement = (
                select(VectorRow.passage_id, VectorRow.data)
                .where(
                    VectorRow.passage_id.between(int(part[0]), int(part[-1])),
                    VectorRow.fingerprint == fingerprint,
                )
                .order_by(VectorRow.passage_id)
            )
            with self._engine.connect() as connection:
                stored = connection.execute(statement).fetchall()
            sized = [row for row in stored if len(row.data) == dimension * VECTOR.itemsize]
            passage_ids = np.array([row.passage_id for row in sized], dtype=np.int64)
            data = np.frombuffer(b"".join(row.data for row in sized), dtype=VECTOR)
            vectors = data.reshape(len(sized), dimension)
            valid = np.isin(passage_ids, part, assume_unique=True) & np.isfinite(vectors).all(axis=1)
            yield passage_ids[valid], vectors[valid].astype(np.float32)

    def record_encoder(self, encoding: Encoding) -> None:
        """Record the encoder whose vectors serve, in one transaction."""
        with changing(self._engine) as connection:
            _record(connection, encoding)

    def begin_reembedding(self, encoding: Encoding) -> None:
        """Record the encoder whose vectors are about to be written beside the present ones."""
        with changing(self._engine) as connection:
            set_setting(connection, _REEMBEDDING, json.dumps(asdict(encoding)))

    def count(self, fingerprint: str) -> int:
        """How many passages that are not deleted have a vector of an encoder."""
        statement = (
            select(func.count())
            .select_from(VectorRow)
            .join(PassageRow, PassageRow.id == VectorRow.passage_id)
            .where(VectorRow.fingerprint == fingerprint, PassageRow.deleted_revision.is_(None))
        )
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def missing(self, fingerprint: str, after: int, limit: int) -> dict[int, tuple[str, Passage]]:
        """The next passages without a vector of an encoder by id, each with its document's title."""
        has_vector = exists().where(
            VectorRow.passage_id == PassageRow.id, VectorRow.fingerprint == fingerprint
        )
        statement = (
            select(PassageRow, DocumentRow.title)
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .where(PassageRow.id > after, PassageRow.deleted_revision.is_(None), ~has_vector)
            .order_by(PassageRow.id)
            .limit(limit)
        )
        columns = [*PassageRow.__table__.columns, DocumentRow.title]
        with self._engine.connect() as connection:
            rows = connection.execute(statement.with_only_columns(*columns)).all()
        return {
            row.id: (
                row.title,
                Passage(
                    text=row.text, start=row.start, end=row.end, page=row.page, headings=tuple(row.headings)
                ),
            )
            for row in rows
        }

    def add(self, fingerprint: str, vectors: Mapping[int, Vectors]) -> None:
        """Write the vectors of an encoder in one transaction, but for passages that no longer exist."""
        with changing(self._engine) as connection:
            for part in batches(sorted(vectors)):
                existing = set(connection.scalars(select(PassageRow.id).where(PassageRow.id.in_(part))))
                present = set(
                    connection.scalars(
                        select(VectorRow.passage_id).where(
                            VectorRow.passage_id.in_(part), VectorRow.fingerprint == fingerprint
                        )
                    )
                )
                rows = [
                    {
                        "passage_id": passage_id,
                        "fingerprint": fingerprint,
                        "data": vectors[passage_id].astype(VECTOR).tobytes(),
                    }
                    for passage_id in sorted(existing - present)
                ]
                if rows:
                    connection.execute(insert(VectorRow), rows)

    def switch_encoder(self, encoding: Encoding) -> int:
        """Let the vectors of another encoder serve from now on, in one transaction; returns the revision."""
        with changing(self._engine) as connection:
            _record(connection, encoding)
            connection.execute(delete(Setting).where(Setting.name == _REEMBEDDING))
            return next_revision(connection)

    def remove(self, ids: Sequence[int], fingerprint: str) -> None:
        """Delete the vectors of these passages by one encoder, so that they are computed again."""
        with changing(self._engine) as connection:
            remove_vectors(connection, ids, fingerprint)

    def remove_unused(self) -> int:
        """Delete the vectors of encoders that neither serve nor are about to; returns how many."""
        with changing(self._engine) as connection:
            coming = _next_encoding(connection)
            used = {get_setting(connection, "fingerprint"), coming.fingerprint if coming else None}
            statement = delete(VectorRow).where(VectorRow.fingerprint.not_in([f for f in used if f]))
            return connection.execute(statement).rowcount


def remove_vectors(connection: Connection, ids: Sequence[int], fingerprint: str) -> None:
    """Delete the vectors of these passages by one encoder, in the caller's transaction."""
    for part in batches(ids):
        connection.execute(
            delete(VectorRow).where(VectorRow.passage_id.in_(part), VectorRow.fingerprint == fingerprint)
        )


def _record(connection: Connection, encoding: Encoding) -> None:
    for name, value in asdict(encoding).items():
        set_setting(connection, name, str(value))


def _next_encoding(connection: Connection) -> Encoding | None:
    value = get_setting(connection, _REEMBEDDING)
    return None if value is None else Encoding(**json.loads(value))
