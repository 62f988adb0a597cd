"""The first schema. Never edited: it says what stores of the first version hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("parser", sa.String(200), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("characters", sa.Integer, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("created_revision", _KEY, nullable=False),
        sa.Column("deleted_revision", _KEY),
        sqlite_autoincrement=True,
    )
    op.create_index("documents_id", "documents", ["id"])
    op.create_index("documents_content", "documents", ["content_sha256"])
    op.create_table(
        "contents",
        sa.Column("document_key", _KEY, sa.ForeignKey("documents.key"), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("layout", sa.JSON, nullable=False),
    )
    op.create_table(
        "paths",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("document_key", _KEY, sa.ForeignKey("documents.key"), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("checked_ns", sa.BigInteger, nullable=False),
        sa.Column("created_revision", _KEY, nullable=False),
        sa.Column("deleted_revision", _KEY),
        sqlite_autoincrement=True,
    )
    op.create_index("paths_path", "paths", ["path"])
    op.create_index("paths_document", "paths", ["document_key"])
    op.create_table(
        "passages",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("document_key", _KEY, sa.ForeignKey("documents.key"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("headings", sa.JSON, nullable=False),
        sa.Column("created_revision", _KEY, nullable=False),
        sa.Column("deleted_revision", _KEY),
        sqlite_autoincrement=True,
    )
    op.create_index("passages_document", "passages", ["document_key"])
    op.create_index("passages_created", "passages", ["created_revision"])
    op.create_index("passages_deleted", "passages", ["deleted_revision"])
    op.create_table(
        "vectors",
        sa.Column("passage_id", _KEY, sa.ForeignKey("passages.id"), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
