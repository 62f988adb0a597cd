"""What a question costs in SQL: few statements, and no more of them in a larger store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from index.protocols import Encoder
from index.records import FileState, Filters
from index.search.retriever import Retriever
from index.sql.catalog import NewDocument
from index.store.store import Store
from ingest.records import Document, Passage, document_id

# The revision, the encoder and the store, the passages and their documents.
QUESTION = 5
SELECTION = {"languages": 1, "documents": 1, "since": 1, "labels": 2, "paths": 2}
FILTERS = {
    "languages": Filters(languages=("en",)),
    "documents": Filters(documents=("x",)),
    "since": Filters(since=datetime(2020, 1, 1, tzinfo=UTC)),
    "labels": Filters(labels=("read",)),
    "paths": Filters(paths=("/library/1*",)),
}


def fill(store: Store, documents: int) -> None:
    store._ready_encoder()
    for number in range(documents):
        text = f"Note {number} on the harbour.\nNote {number} on the tide."
        sha = hashlib.sha256(text.encode()).hexdigest()
        document = Document(
            id=document_id(sha, "txt/1"),
            content_sha256=sha,
            path=f"/library/{number}.txt",
            title="",
            text=text,
            type="txt",
            language="en",
            parser="txt/1",
        )
        half = text.index("\n")
        passages = (
            Passage(text=text[:half], start=0, end=half),
            Passage(text=text[half + 1 :], start=half + 1, end=len(text)),
        )
        vectors = dict(enumerate(store.encoder.encode_passages([p.text for p in passages])))
        state = FileState(size_bytes=1, modified_ns=1_700_000_000 * 10**9, checked_ns=1)
        new = NewDocument(document=document, passages=passages, vectors=vectors)
        store.catalog.write(new, document.path, state, store.encoder.fingerprint)
    store.add([])  # publishes


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(store.catalog.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(store.catalog.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("documents", [3, 40])
def test_statements_of_a_question(documents: int, tmp_path: Path, hashing_encoder: Encoder) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        fill(store, documents)
        retriever = Retriever(store)
        assert len(retriever.search("harbour 1", k=4)) == 4
        with counted(store) as statements:
            retriever.search("tide 2", k=4)
        assert len(statements) <= QUESTION, statements
        for name, filters in FILTERS.items():
            with counted(store) as statements:
                retriever.search("tide 2", k=4, filters=filters)
            assert len(statements) <= QUESTION + SELECTION[name], (name, statements)


def test_statements_of_opening_and_committing(tmp_path: Path, hashing_encoder: Encoder) -> None:
    counts = []
    for documents in (3, 40):
        folder = tmp_path / str(documents)
        with Store.open(folder, create=True, encoder=hashing_encoder) as store:
            fill(store, documents)
        with Store.open(folder, encoder=hashing_encoder) as store, counted(store) as statements:
            Retriever(store).search("harbour", k=4)
            opened = len(statements)
            store.delete(["/library/1.txt"])
            counts.append((opened, len(statements) - opened))
    assert counts[0] == counts[1]
