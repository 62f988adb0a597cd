"""What `repair` does about findings inside SQL, in one transaction, where the rows alone tell what is right.

Documents whose text or passages cannot be trusted are left to `repairing`, which reads them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, exists, func, select, update

from index.sql.audit import Fault, Finding, newest_revision
from index.sql.database import changing, get_setting, next_revision, set_setting
from index.sql.schema import ContentRow, DocumentRow, PassageRow, PathRow, VectorRow

_KEYS = 500
# In this order: what belongs to a row goes before the row.
_IN_ROWS = (
    Fault.REVISION,
    Fault.ORPHAN_VECTOR,
    Fault.ORPHAN_PASSAGE,
    Fault.ORPHAN_CONTENT,
    Fault.ORPHAN_PATH,
    Fault.GHOST_PASSAGE,
    Fault.TWIN_PATH,
    Fault.NO_PATH,
    Fault.DETAILS,
    Fault.COUNTS,
    Fault.VECTOR,
)
ANEW = (Fault.NO_CONTENT, Fault.LAYOUT, Fault.PASSAGES, Fault.LOST_PASSAGES, Fault.TWISTED)


class RowRepair:
    """Repairs rows where the rows alone tell what is right."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def repair(self, findings: Sequence[Finding]) -> list[str]:
        """Mend what the rows alone can tell; what was done, in sentences."""
        said = []
        with changing(self._engine) as connection:
            if any(finding.fault is Fault.DATABASE for finding in findings):
                said += _rebuild_sql_indexes(connection)
            for fault in _IN_ROWS:
                for finding in findings:
                    if finding.fault is fault:
                        said.append(_MENDED[fault](connection, finding.keys))
            if said:
                next_revision(connection)
        return said

    def paths_of_orphans(self, findings: Sequence[Finding]) -> list[str]:
        """Living paths without a document, to be asked for before `mend` removes them."""
        keys = [key for finding in findings if finding.fault is Fault.ORPHAN_PATH for key in finding.keys]
        with self._engine.connect() as connection:
            return [
                path
                for part in _parts(keys)
                for path in connection.scalars(
                    select(PathRow.path).where(PathRow.key.in_(part), PathRow.deleted_revision.is_(None))
                )
            ]

    def living_paths(self, key: int) -> tuple[list[str], str | None]:
        """The paths of a document, and the SHA-256 of its bytes."""
        with self._engine.connect() as connection:
            found = connection.scalars(
                select(PathRow.path)
                .where(PathRow.document_key == key, PathRow.deleted_revision.is_(None))
                .order_by(PathRow.key)
            ).all()
            content = connection.scalar(select(DocumentRow.content_sha256).where(DocumentRow.key == key))
        return list(found), content


def _rebuild_sql_indexes(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    connection.exec_driver_sql("REINDEX")
    return ["the database's own indexes were built anew"]


def _mend_revision(connection: Connection, keys: Sequence[int]) -> str:
    newest = newest_revision(connection)
    set_setting(connection, "revision", str(newest))
    return f"the revision counter was set to {newest}"


def _drop_orphan_vectors(connection: Connection, keys: Sequence[int]) -> str:
    for part in _parts(keys):
        connection.execute(delete(VectorRow).where(VectorRow.passage_id.in_(part)))
    return f"vectors of {len(keys)} passages that are not there were removed"


def _drop_orphan_passages(connection: Connection, keys: Sequence[int]) -> str:
    for part in _parts(keys):
        connection.execute(delete(VectorRow).where(VectorRow.passage_id.in_(part)))
        connection.execute(delete(PassageRow).where(PassageRow.id.in_(part)))
    return f"{len(keys)} passages without a document were removed"


def _drop_orphan_contents(connection: Connection, keys: Sequence[int]) -> str:
    for part in _parts(keys):
        connection.execute(delete(ContentRow).where(ContentRow.document_key.in_(part)))
    return f"{len(keys)} texts without a document were removed"


def _drop_orphan_paths(connection: Connection, keys: Sequence[int]) -> str:
    for part in _parts(keys):
        connection.execute(delete(PathRow).where(PathRow.key.in_(part)))
    return f"{len(keys)} paths without a document were removed"


def _end_ghosts(connection: Connection, keys: Sequence[int]) -> str:
    gone = select(DocumentRow.deleted_revision).where(DocumentRow.key == PassageRow.document_key)
    for part in _parts(keys):
        connection.execute(
            update(PassageRow).where(PassageRow.id.in_(part)).values(deleted_revision=gone.scalar_subquery())
        )
    return f"{len(keys)} passages of documents that were deleted were deleted too"


def _end_twins(connection: Connection, keys: Sequence[int]) -> str:
    for part in _parts(keys):
        connection.execute(delete(PathRow).where(PathRow.key.in_(part)))
    return f"{len(keys)} older entries of paths that were listed twice were removed"


def _give_path_back(connection: Connection, keys: Sequence[int]) -> str:
    """The last path of each document, unless another document stands there; else the document goes."""
    revision, revived = int(get_setting(connection, "revision") or 0) + 1, 0
    for key in keys:
        row = connection.execute(
            select(PathRow.key, PathRow.path).where(PathRow.document_key == key).order_by(PathRow.key.desc())
        ).first()
        taken = row is None or connection.scalar(
            select(exists().where(PathRow.path == row.path, PathRow.deleted_revision.is_(None)))
        )
        if row is not None and not taken:
            connection.execute(update(PathRow).where(PathRow.key == row.key).values(deleted_revision=None))
            revived += 1
            continue
        for table, column in ((DocumentRow, DocumentRow.key), (PassageRow, PassageRow.document_key)):
            connection.execute(
                update(table)
                .where(column == key, table.deleted_revision.is_(None))
                .values(deleted_revision=revision)
            )
    gone = len(keys) - revived
    return f"{revived} documents got their last path back" + (f", {gone} without one went" if gone else "")


def _empty_details(connection: Connection, keys: Sequence[int]) -> str:
    for part in _parts(keys):
        connection.execute(update(DocumentRow).where(DocumentRow.key.in_(part)).values(attributes={}))
    return f"lost: the details (metadata) of {len(keys)} documents"


def _count_again(connection: Connection, keys: Sequence[int]) -> str:
    characters = select(func.length(ContentRow.text)).where(ContentRow.document_key == DocumentRow.key)
    first = select(func.min(PassageRow.id)).where(PassageRow.document_key == DocumentRow.key)
    values: dict[str, Any] = {
        "characters": characters.scalar_subquery(),
        "first_passage": first.scalar_subquery(),
    }
    for part in _parts(keys):
        connection.execute(update(DocumentRow).where(DocumentRow.key.in_(part)).values(**values))
    return f"{len(keys)} documents were counted again"


def _drop_vectors(connection: Connection, keys: Sequence[int]) -> str:
    fingerprint = get_setting(connection, "fingerprint")
    for part in _parts(keys):
        connection.execute(
            delete(VectorRow).where(VectorRow.passage_id.in_(part), VectorRow.fingerprint == fingerprint)
        )
    return f"{len(keys)} vectors that could not be right were removed"


def _parts(keys: Sequence[int]) -> list[Sequence[int]]:
    return [keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS)]


_MENDED: dict[Fault, Callable[[Connection, Sequence[int]], str]] = {
    Fault.REVISION: _mend_revision,
    Fault.ORPHAN_VECTOR: _drop_orphan_vectors,
    Fault.ORPHAN_PASSAGE: _drop_orphan_passages,
    Fault.ORPHAN_CONTENT: _drop_orphan_contents,
    Fault.ORPHAN_PATH: _drop_orphan_paths,
    Fault.GHOST_PASSAGE: _end_ghosts,
    Fault.TWIN_PATH: _end_twins,
    Fault.NO_PATH: _give_path_back,
    Fault.DETAILS: _empty_details,
    Fault.COUNTS: _count_again,
    Fault.VECTOR: _drop_vectors,
}
