"""The tables of a store; everything else in it can be rebuilt from them.

Rows are immutable once committed but for `deleted_revision`: a row is visible at revision R when
`created_revision <= R` and it is not deleted at R, so that readers of an older revision keep a whole view
while a writer works. Passage ids are handed out by the database and never reused.

Texts stand apart from the documents table so that listing documents does not read them. Passage texts are
stored although they are slices of the document's text, because a question reads twenty passages out of twenty
documents and must not load twenty whole books for it. The passages of a document have neighbouring ids, so
that a filter that lets ten thousand documents through reads ten thousand rows and not every passage.

Labels and feedback are anchored to the SHA-256 of the file and to quoted words, so that they are found again
when the file is parsed differently. Stores of earlier schemas are migrated to this one (`migrations`); every
change of this module needs a new migration.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, or_, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 2
VECTOR = np.dtype("<f2")  # of the bytes in the table of vectors

# SQLite gives out row ids only for a column declared INTEGER; other databases want 64 bits.
Key = BigInteger().with_variant(Integer, "sqlite")
_ALIVE = text("deleted_revision IS NULL")


class Base(DeclarativeBase):
    """All tables of a store."""


class Setting(Base):
    """One fact about the store: its id, schema version, revision counter, models."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class DocumentRow(Base):
    """One content, under any number of paths."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("documents_id", "id"),
        Index("documents_content", "content_sha256"),
        Index("documents_language", "language", sqlite_where=_ALIVE, postgresql_where=_ALIVE),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(64))
    content_sha256: Mapped[str] = mapped_column(String(64))
    parser: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    characters: Mapped[int] = mapped_column(Integer)
    passages: Mapped[int] = mapped_column(Integer)
    attributes: Mapped[dict[str, str]] = mapped_column(JSON)
    created_revision: Mapped[int] = mapped_column(Key)
    deleted_revision: Mapped[int | None] = mapped_column(Key)
    first_passage: Mapped[int | None] = mapped_column(Key)


class ContentRow(Base):
    """The text of a document and the places in it: pages, headings, units, source map (as compact JSON).

    The layout also keeps what the converter warned of.
    """

    __tablename__ = "contents"

    document_key: Mapped[int] = mapped_column(Key, ForeignKey("documents.key"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    layout: Mapped[dict[str, Any]] = mapped_column(JSON)


class PathRow(Base):
    """Where a content was found, and the state of the file when it was read."""

    __tablename__ = "paths"
    __table_args__ = (
        Index("paths_path", "path"),
        Index("paths_document", "document_key"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    path: Mapped[str] = mapped_column(Text)
    document_key: Mapped[int] = mapped_column(Key, ForeignKey("documents.key"))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    checked_ns: Mapped[int] = mapped_column(BigInteger)
    created_revision: Mapped[int] = mapped_column(Key)
    deleted_revision: Mapped[int | None] = mapped_column(Key)


class PassageRow(Base):
    """A piece of a document."""

    __tablename__ = "passages"
    __table_args__ = (
        Index("passages_document", "document_key"),
        Index("passages_created", "created_revision"),
        Index("passages_deleted", "deleted_revision"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    document_key: Mapped[int] = mapped_column(Key, ForeignKey("documents.key"))
    text: Mapped[str] = mapped_column(Text)
    start: Mapped[int] = mapped_column(Integer)
    end: Mapped[int] = mapped_column(Integer)
    page: Mapped[int | None] = mapped_column(Integer)
    headings: Mapped[list[str]] = mapped_column(JSON)
    created_revision: Mapped[int] = mapped_column(Key)
    deleted_revision: Mapped[int | None] = mapped_column(Key)


class VectorRow(Base):
    """The vector of a passage by one encoder: little-endian float16, unit length.

    A passage that the encoder cannot read (too many unknown tokens) has none and is searched lexically.
    """

    __tablename__ = "vectors"

    passage_id: Mapped[int] = mapped_column(Key, ForeignKey("passages.id"), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class RejectionRow(Base):
    """A file that could not be ingested, its state then, and a digest of the parsers that tried it."""

    __tablename__ = "rejections"

    path: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text)
    readers: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    checked_ns: Mapped[int] = mapped_column(BigInteger)


class LabelRow(Base):
    """A label on a file, or on the words `quote` in it, those nearest to `start`."""

    __tablename__ = "labels"
    __table_args__ = (Index("labels_name", "name"), Index("labels_content", "content_sha256"))

    key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(200))
    content_sha256: Mapped[str] = mapped_column(String(64))
    quote: Mapped[str | None] = mapped_column(Text)
    start: Mapped[int | None] = mapped_column(Integer)
    author: Mapped[str] = mapped_column(String(200))
    created_ns: Mapped[int] = mapped_column(BigInteger)


class FeedbackRow(Base):
    """A verdict on the answer to a question; without `content_sha256` it is about "no answer in here"."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_content", "content_sha256"),)

    key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=True)
    question: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(String(32))
    content_sha256: Mapped[str | None] = mapped_column(String(64))
    quote: Mapped[str | None] = mapped_column(Text)
    start: Mapped[int | None] = mapped_column(Integer)
    author: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[dict[str, str]] = mapped_column(JSON)


def visible(table: Any, revision: int) -> Any:
    """Condition: a row of documents, paths or passages is there at a revision."""
    return (table.created_revision <= revision) & or_(
        table.deleted_revision.is_(None), table.deleted_revision > revision
    )
