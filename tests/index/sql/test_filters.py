"""Filters, worked out by both databases."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.protocols import Encoder
from index.records import FileState, Filters
from index.sql.catalog import Catalog, NewDocument
from index.sql.filters import PathPatterns
from index.store.store import Store
from ingest.records import Document, Passage, document_id


def write(catalog: Catalog, path: str, language: str = "en", day: int = 1) -> None:
    """A document of two passages under its path and under a copy of it."""
    sha = hashlib.sha256(path.encode()).hexdigest()
    document = Document(
        id=document_id(sha, "txt/1"),
        content_sha256=sha,
        path=path,
        title=path,
        text="one two",
        type=Path(path).suffix.lstrip("."),
        language=language,
        parser="txt/1",
    )
    passages = (Passage(text="one", start=0, end=3), Passage(text="two", start=4, end=7))
    modified = int(datetime(2026, 5, day, tzinfo=UTC).timestamp()) * 1_000_000_000
    state = FileState(size_bytes=1, modified_ns=modified, checked_ns=modified)
    catalog.write(NewDocument(document=document, passages=passages, vectors={}), path, state, "f")
    (known,) = catalog.paths.of_document(document.id)
    late = FileState(size_bytes=1, modified_ns=modified + 10**18, checked_ns=modified)
    catalog.link(known.document_key, f"/copies{path}", late)


@pytest.fixture
def three(tmp_path: Path, database: str | None, hashing_encoder: Encoder) -> Store:
    store = Store.open(tmp_path / "s", create=True, encoder=hashing_encoder, database=database)
    write(store.catalog, "/home/a/notes/gone.md")
    store.catalog.remove(["/home/a/notes/gone.md", "/copies/home/a/notes/gone.md"])
    write(store.catalog, "/home/a/notes/one.md", day=1)
    write(store.catalog, "/home/a/notes/deep/two.pdf", language="de", day=2)
    write(store.catalog, "/home/a/letters/three_100%.pdf", day=3)
    one = store.catalog.paths.get("/home/a/notes/one.md")
    assert one is not None
    store.catalog.annotations.add_label("read", one.content_sha256)
    store.catalog.annotations.add_label("gold", one.content_sha256, quote="two", start=4)
    return store


def one_id() -> str:
    return document_id(hashlib.sha256(b"/home/a/notes/one.md").hexdigest(), "txt/1")


CASES = [
    (Filters(), [1, 2, 3]),
    (Filters(languages=("DE",)), [2]),
    (Filters(languages=("de", "en"), types=("md",)), [1]),
    (Filters(types=(".pdf",)), [2, 3]),
    (Filters(types=("pdf",), languages=("en",)), [3]),
    (Filters(paths=("/home/a/notes",)), [1, 2]),
    (Filters(paths=("/home/a/note",)), []),
    (Filters(paths=("/home/a/notes/*.md", "three_100%.pdf")), [1, 3]),
    (Filters(paths=("/home/a/letters/three_100%.pdf",)), [3]),
    (Filters(paths=("/home/a/**/two.pdf",)), [2]),
    (Filters(paths=("/home/", "!/home/a/notes/")), [3]),
    (Filters(paths=("/copies/home/a/letters/",)), [3]),
    (Filters(paths=("/nowhere",)), []),
    (Filters(paths=("/home/a/notes",), languages=("en",)), [1]),
    (Filters(documents=(one_id(), "unknown")), [1]),
    (Filters(since=datetime(2026, 5, 2, tzinfo=UTC)), [2, 3]),
    (Filters(until=datetime(2026, 5, 2, tzinfo=UTC)), [1, 2]),
    (Filters(since=datetime(2026, 5, 2, tzinfo=UTC), until=datetime(2026, 5, 2, tzinfo=UTC)), [2]),
    (Filters(labels=("read",)), [1]),
    (Filters(labels=("read", "gold")), [1]),
    (Filters(labels=("other",)), []),
]


def test_or_within_a_field_and_across_fields_at_the_readers_revision(three: Store) -> None:
    with three as store:
        revision = store.catalog.revision()
        for filters, expected in CASES:
            found = store.catalog.filters.select(filters, revision)
            # The document that was removed took the first key and the first two ids.
            assert (found.documents - 1).tolist() == expected, filters
            assert found.passages.tolist() == [2 * n + part for n in expected for part in (1, 2)], filters
            if not filters.empty:
                names = {1: "one.md", 2: "two.pdf", 3: "three_100%.pdf"}
                listed = {Path(info.path).name for info in store.documents(filters)}
                assert listed == {names[n] for n in expected}
        before = store.catalog.revision()
        store.catalog.remove(["/home/a/notes/one.md", "/copies/home/a/notes/one.md"])
        store.catalog.remove(["/home/a/letters/three_100%.pdf"])
        write(store.catalog, "/home/a/notes/four.md")
        for filters, expected in CASES:
            assert (store.catalog.filters.select(filters, before).documents - 1).tolist() == expected, filters
        now = store.catalog.filters.select(Filters(paths=("/home",)), store.catalog.revision())
        assert (now.documents - 1).tolist() == [2, 4]
        ids, keys = store.catalog.passages.visible(store.catalog.revision())
        assert now.passages.tolist() == ids[np.isin(keys, now.documents)].tolist()


def test_a_label_on_words_lets_through_the_passages_that_hold_them(three: Store) -> None:
    with three as store:
        revision = store.catalog.revision()
        found = store.catalog.filters.select(Filters(labels=("gold",)), revision)
        assert (found.documents - 1).tolist() == [1]
        assert found.passages.tolist() == [4]
        assert not found.whole
        assert not len(
            store.catalog.filters.select(Filters(labels=("gold",), types=("pdf",)), revision).passages
        )
        one = store.catalog.paths.get("/home/a/notes/one.md")
        assert one is not None
        # Parsed anew, the words stand elsewhere; and words that nothing holds any more let nothing through.
        store.catalog.annotations.add_label("moved", one.content_sha256, quote="one", start=4)
        store.catalog.annotations.add_label("gone", one.content_sha256, quote="three", start=0)
        assert store.catalog.filters.select(Filters(labels=("moved",)), revision).passages.tolist() == [3]
        gone = store.catalog.filters.select(Filters(labels=("gone",)), revision)
        assert gone.passages.tolist() == gone.documents.tolist() == []
        both = store.catalog.filters.select(Filters(labels=("moved", "gold")), revision)
        assert both.passages.tolist() == [3, 4]
        counts = {
            count.name: (count.files, count.places) for count in store.catalog.annotations.label_counts()
        }
        assert counts == {"gold": (0, 1), "gone": (0, 1), "moved": (0, 1), "read": (1, 0)}


def test_relative_path_that_exists_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    patterns = PathPatterns(["notes"])
    assert patterns.match(f"{tmp_path.resolve().as_posix()}/notes/a.md")
    assert not patterns.match("/elsewhere/notes2/a.md")


@pytest.mark.parametrize(
    "name", ["plan [final].md", "[draft] (2).txt", "a*b?.md", "notes [2024]/x.md", "#1!.md"]
)
def test_path_that_exists_is_no_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    path = (tmp_path / name).resolve().as_posix()
    for given_path in (path, name, name.partition("/")[0]):
        patterns = PathPatterns([given_path])
        assert patterns.match(path)
        assert patterns.prefixes is None or path.startswith(patterns.prefixes)
        assert not patterns.match(path.replace("[", "").replace("]", "").replace("*", "_").replace("#", ""))


def test_stored_path_that_is_gone_from_the_disk_is_found_as_it_is_spelled() -> None:
    assert PathPatterns(["/gone/plan [final].md"]).match("/gone/plan [final].md")
    assert PathPatterns(["/gone/plan [final].md"]).match("/gone/plan f.md")


_PARTS = st.sampled_from(["a", "b%", "_c", "*", "**", "?", "[ab]", "\\*", " d", "e "])
_PATTERN = st.tuples(st.sampled_from(["", "/", "!", "!/"]), st.lists(_PARTS, min_size=1, max_size=4))


@given(
    patterns=st.lists(_PATTERN, min_size=1, max_size=3),
    path=st.lists(st.sampled_from(["a", "b%", "_c", "*", " d", "e", "e "]), min_size=1, max_size=4),
)
def test_whatever_fits_begins_with_a_prefix(patterns: list[tuple[str, list[str]]], path: list[str]) -> None:
    given_patterns = PathPatterns([start + "/".join(parts) for start, parts in patterns])
    prefixes, absolute = given_patterns.prefixes, "/" + "/".join(path)
    if prefixes is not None and given_patterns.match(absolute):
        assert absolute.startswith(prefixes)
