"""The tables: SQL is the one truth, everything else in a store can be rebuilt from it.

Rows are immutable once committed but for `deleted_revision`: a row is visible at revision R when
`created_revision <= R` and it is not deleted at R, so that readers of an older revision keep a whole view
while a writer works. Passage ids are handed out by the database and never reused.

Texts stand apart from the documents table so that listing documents does not read them. Passage texts are
stored although they are slices of the document's text, because a question reads twenty passages out of twenty
documents and must not load twenty whole books for it.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 1

# SQLite gives out row ids only for a column declared INTEGER; other databases want 64 bits.
Key = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables of a store."""


class Setting(Base):
    """One fact about the store: schema version, revision counter, models."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class DocumentRow(Base):
    """One content, under any number of paths."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("documents_id", "id"),
        Index("documents_content", "content_sha256"),
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


class ContentRow(Base):
    """The text of a document and the places in it: pages, headings, units, source map (as compact JSON)."""

    __tablename__ = "contents"

    document_key: Mapped[int] = mapped_column(Key, ForeignKey("documents.key"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    layout: Mapped[dict[str, list[list[object]]]] = mapped_column(JSON)


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
