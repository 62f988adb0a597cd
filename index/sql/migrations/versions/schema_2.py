"""Files that were left out, labels and verdicts; the store's id; where a document's passages begin.

Nothing is taken away and nothing new must be filled in, so that a program of the first version that has the
store open meanwhile goes on as before.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ALIVE = sa.text("deleted_revision IS NULL")


def upgrade() -> None:
    """From the first schema to the second."""
    op.add_column("documents", sa.Column("first_passage", _KEY))
    op.execute(
        "UPDATE documents SET first_passage = "
        "(SELECT min(passages.id) FROM passages WHERE passages.document_key = documents.key)"
    )
    op.create_index(
        "documents_language", "documents", ["language"], sqlite_where=_ALIVE, postgresql_where=_ALIVE
    )
    _create_tables()
    settings = sa.table("settings", sa.column("name", sa.String), sa.column("value", sa.Text))
    op.execute(sa.insert(settings).values(name="store_id", value=uuid.uuid4().hex))


def _create_tables() -> None:
    op.create_table(
        "rejections",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("readers", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("checked_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "labels",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("quote", sa.Text),
        sa.Column("start", sa.Integer),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("labels_name", "labels", ["name"])
    op.create_index("labels_content", "labels", ["content_sha256"])
    op.create_table(
        "feedback",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("content_sha256", sa.String(64)),
        sa.Column("quote", sa.Text),
        sa.Column("start", sa.Integer),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_index("feedback_content", "feedback", ["content_sha256"])
