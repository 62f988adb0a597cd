"""The vectors of several encoders side by side in SQL, while one takes the place of another.

One encoder serves (settings `encoder`, `dimension`, `fingerprint`); another may be on its way in (setting
`reembedding`), its vectors written beside the old ones. The switch is one transaction and counts the revision
up, so that readers look for a new index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, delete, exists, func, insert, select

from index.protocols import Vectors
from index.sql.database import changing
from index.sql.revisions import get_setting, next_revision, set_setting
from index.sql.schema import DocumentRow, PassageRow, Setting, VectorRow
from index.sql.stored_documents import VECTOR
from ingest.records import Passage

_REEMBEDDING = "reembedding"
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """An encoder as a store records it."""

    encoder: str
    fingerprint: str
    dimension: int


class Succession:
    """The part of the catalogue that knows whose vectors there are."""

    _engine: Engine

    def coming_encoding(self) -> Encoding | None:
        """The encoder for which vectors are being made, None if none is."""
        with self._engine.connect() as connection:
            return _coming(connection)

    def begin_encoding(self, encoding: Encoding) -> None:
        """Note for which encoder vectors are being made now."""
        with changing(self._engine) as connection:
            set_setting(connection, _REEMBEDDING, json.dumps(asdict(encoding)))

    def count_living(self) -> int:
        """How many passages there are."""
        statement = select(func.count()).select_from(PassageRow).where(PassageRow.deleted_revision.is_(None))
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def count_encoded(self, fingerprint: str) -> int:
        """How many of them have a vector of an encoder."""
        statement = (
            select(func.count())
            .select_from(VectorRow)
            .join(PassageRow, PassageRow.id == VectorRow.passage_id)
            .where(VectorRow.fingerprint == fingerprint, PassageRow.deleted_revision.is_(None))
        )
        with self._engine.connect() as connection:
            return int(connection.scalar(statement) or 0)

    def unencoded(self, fingerprint: str, after: int, limit: int) -> dict[int, tuple[str, Passage]]:
        """The next passages without a vector of an encoder by id, each with its document's title."""
        encoded = exists().where(VectorRow.passage_id == PassageRow.id, VectorRow.fingerprint == fingerprint)
        statement = (
            select(PassageRow, DocumentRow.title)
            .join(DocumentRow, DocumentRow.key == PassageRow.document_key)
            .where(PassageRow.id > after, PassageRow.deleted_revision.is_(None), ~encoded)
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

    def add_vectors(self, fingerprint: str, vectors: Mapping[int, Vectors]) -> None:
        """Write vectors of an encoder, in one transaction; for passages that are gone nothing is written."""
        with changing(self._engine) as connection:
            ids = sorted(vectors)
            for start in range(0, len(ids), _CHUNK):
                part = ids[start : start + _CHUNK]
                held = set(connection.scalars(select(PassageRow.id).where(PassageRow.id.in_(part))))
                done = set(
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
                    for passage_id in sorted(held - done)
                ]
                if rows:
                    connection.execute(insert(VectorRow), rows)

    def switch_encoding(self, encoding: Encoding) -> int:
        """Let another encoder's vectors serve from now on, in one transaction. The revision."""
        with changing(self._engine) as connection:
            set_setting(connection, "encoder", encoding.encoder)
            set_setting(connection, "dimension", str(encoding.dimension))
            set_setting(connection, "fingerprint", encoding.fingerprint)
            connection.execute(delete(Setting).where(Setting.name == _REEMBEDDING))
            return next_revision(connection)

    def drop_other_vectors(self) -> int:
        """Remove the vectors of encoders that neither serve nor are on their way in; how many went."""
        with changing(self._engine) as connection:
            coming = _coming(connection)
            kept = {get_setting(connection, "fingerprint"), coming.fingerprint if coming else None}
            statement = delete(VectorRow).where(VectorRow.fingerprint.not_in([f for f in kept if f]))
            return connection.execute(statement).rowcount


def _coming(connection: Connection) -> Encoding | None:
    value = get_setting(connection, _REEMBEDDING)
    return None if value is None else Encoding(**json.loads(value))
