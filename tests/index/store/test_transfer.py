"""Export, import and copies: what goes out comes back, damaged lines cost themselves only."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import DataError, StoreError
from index.protocols import Encoder, Vectors
from index.records import Feedback, FileState
from index.search.retriever import Retriever
from index.sql.catalog import NewDocument
from index.sql.schema import VECTOR
from index.sql.stored_documents import StoredDocument
from index.store import export, read_export
from index.store.read_export import Header, Imported
from index.store.store import Store
from ingest.records import (
    Document,
    Heading,
    Page,
    Passage,
    RejectReason,
    SourceRun,
    Span,
    Text,
    document_id,
)

Lines = list[str]
QUESTIONS = ("harbour tide noon", "dynamic masking", "Bus Kiel", "lighthouse keeper")


MANUAL = "Masking\n\nMasks are drawn anew, which is called dynamic masking.\n\nBERT masks once."
GERMAN = "Der Bus nach Kiel fährt um acht Uhr ab. 😀\u2028Und 你好世界 zurück."


def manual() -> NewDocument:
    """A document with everything that a converter can say about places in it."""
    sha, parser = hashlib.sha256(b"a manual").hexdigest(), "pdf/1.1"
    document = Document(
        id=document_id(sha, parser),
        content_sha256=sha,
        path="/library/manual.pdf",
        title="Masking",
        text=MANUAL,
        type="pdf",
        language="en",
        pages=(Page(number=3, start=0, end=61), Page(number=4, start=61, end=len(MANUAL))),
        headings=(Heading(level=1, title="Masking", start=0),),
        units=(Span(start=0, end=61), Span(start=61, end=len(MANUAL))),
        source_map=(SourceRun(text_start=0, text_end=9, page=3, source_start=17),),
        metadata={"author": "Liu"},
        parser=parser,
        warnings=("page 2 has no text",),
    )
    passages = (
        Passage(text=MANUAL[9:60], start=9, end=60, page=3, headings=("Masking",)),
        Passage(text=MANUAL[61:], start=61, end=len(MANUAL), page=4, headings=("Masking",)),
    )
    return NewDocument(document=document, passages=passages, vectors={0: unit(3), 1: unit(5)})


def unit(axis: int) -> Vectors:
    vector = np.zeros(64, np.float32)
    vector[axis] = 1.0
    return vector


@pytest.fixture
def full(tmp_path: Path, hashing_encoder: Encoder, database: str | None) -> Store:
    """Documents with two pages, two paths, other scripts, remarks, a rejection and a deletion."""
    store = Store.open(tmp_path / "full", create=True, encoder=hashing_encoder, database=database)
    store.add(
        [
            Text(id="n1", title="Note", text="The lighthouse keeper paints.", metadata={"team": "ops"}),
            Text(id="n2", text="Taken out again."),
            Text(id="n3", text="The harbour master notes the tide at noon."),
            Text(id="n4", text=GERMAN),
        ]
    )
    store.delete(["n2"])
    state = FileState(size_bytes=8, modified_ns=1_700_000_000_123_456_789, checked_ns=2**60)
    store.catalog.write(manual(), "/library/manual.pdf", state, hashing_encoder.fingerprint)
    known = store.catalog.paths.get("/library/manual.pdf")
    assert known is not None
    store.catalog.link(known.document_key, "/library/copy.pdf", state)
    store.catalog.annotations.add_label("read", known.content_sha256, author="me")
    assert not store.catalog.annotations.add_label("read", known.content_sha256, author="you")
    store.catalog.annotations.add_label("gold", known.content_sha256, quote="dynamic masking", start=44)
    verdict = Feedback(question="which?", verdict="right", content_sha256=known.content_sha256, quote="BERT")
    assert store.catalog.annotations.add_feedback(replace(verdict, details={"k": "20"}))
    assert not store.catalog.annotations.add_feedback(verdict)
    store.catalog.rejections.remember("/library/x.pdf", state, RejectReason.CORRUPT, "no PDF", readers="r")
    (store.path / "calibration").mkdir()
    (store.path / "calibration/abc-def.json").write_text('{"threshold": 0.5}')
    return store


def state_of(store: Store) -> list[object]:
    """Everything that a user can see of a store, in one order."""
    documents = [store.document(info.id) for info in store.documents()]
    hits = [
        (hit.document.path, replace(hit.passage, id=0), hit.score, hit.dense_score, hit.lexical_score)
        for question in QUESTIONS
        for hit in Retriever(store).search(question, k=20)
    ]
    remarks = [
        store.catalog.annotations.labels(),
        store.catalog.annotations.feedback(),
        store.catalog.rejections.all(),
    ]
    calibration = {path.name: path.read_text() for path in (store.path / "calibration").glob("*")}
    return [store.documents(), documents, hits, remarks, calibration]


def test_import_gives_the_same_store(full: Store, tmp_path: Path, hashing_encoder: Encoder) -> None:
    with full:
        full.compact()
        before = state_of(full)
        for vectors in (True, False):
            report = full.export_file(tmp_path / f"{vectors}.jsonl.gz", vectors=vectors)
            assert (report.documents, report.passages) == (4, 5)
    for vectors in (True, False):
        file = tmp_path / f"{vectors}.jsonl.gz"
        with Store.open(tmp_path / f"{vectors}", create=True, encoder=hashing_encoder) as other:
            encoded = hashing_encoder.encoded  # type: ignore[attr-defined]
            taken = other.import_file(file)
            assert taken.ok
            assert (taken.added, taken.passages, taken.remarks) == (5, 5, 3)
            assert taken.encoded == (0 if vectors else 4)  # one is in a script that has no vector
            assert hashing_encoder.encoded - encoded == taken.encoded  # type: ignore[attr-defined]
            after = state_of(other)
            # The vectors of the manual were made by hand.
            assert [part for n, part in enumerate(after) if vectors or n != 2] == [
                part for n, part in enumerate(before) if vectors or n != 2
            ]
            assert other.check().ok
            # Once more changes nothing.
            revision = other.stats().revision
            again = other.import_file(file)
            assert (again.added, again.unchanged, again.passages, again.encoded) == (0, 5, 0, 0)
            assert other.stats().revision == revision
            assert state_of(other) == after


def test_copy_is_made_while_a_writer_works_and_opens_as_a_store(
    full: Store, tmp_path: Path, hashing_encoder: Encoder
) -> None:
    full.uploads.mkdir()
    (full.uploads / "note.txt").write_text("An uploaded note.")
    with full:
        full.compact()
        before = state_of(full)
        with full._lock.writing():
            report = full.backup(tmp_path / "copy")
        full.add([Text(id="late", text="Not in the copy.")])
        assert full.stats().documents == 5
    assert report.bytes > 0
    with Store.open(tmp_path / "copy", encoder=hashing_encoder) as copy:
        assert copy.check().ok
        assert state_of(copy) == before
        assert (copy.uploads / "note.txt").read_text() == "An uploaded note."
        copy.add([Text(id="late", text="Written to the copy alone.")])
        assert copy.stats().documents == 5
    assert json.loads((tmp_path / "copy/store.json").read_text())["database"] == "spanwise.db"


def test_a_reader_trained_in_a_store_goes_where_the_store_goes(
    tmp_path: Path, hashing_encoder: Encoder
) -> None:
    with Store.open(tmp_path / "first", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id="n", text="A note on the harbour.")])
        mine = store.path / "models/mine"
        (mine / "checkpoints").mkdir(parents=True)
        (mine / "model.safetensors").write_bytes(b"weights")
        (mine / "checkpoints/1").write_bytes(b"of no use to others")
        store.read_with(f"en={mine};base")
        store.export_file(tmp_path / "all.jsonl")
        store.backup(tmp_path / "copy")
    assert json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])["reader"] == f"en={mine};base"
    (tmp_path / "first").rename(tmp_path / "moved")
    for name in ("moved", "copy"):
        with Store.open(tmp_path / name, encoder=hashing_encoder) as store:
            assert store.models.reader == f"en={tmp_path / name / 'models/mine'};base"
            assert (store.path / "models/mine/model.safetensors").read_bytes() == b"weights"
    assert not (tmp_path / "copy/models/mine/checkpoints").exists()


@pytest.fixture
def exported(tmp_path: Path, hashing_encoder: Encoder) -> Callable[[], Lines]:
    """The lines of an export of three notes, with vectors."""
    with Store.open(tmp_path / "small", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id=f"n{n}", text=f"Note {n} on the harbour.") for n in range(3)])
        store.export_file(tmp_path / "small.jsonl", vectors=True)
    lines = (tmp_path / "small.jsonl").read_text().splitlines()
    return lambda: list(lines)


def test_copy_goes_into_an_empty_folder_only(tmp_path: Path, store: Store) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/file").touch()
    for target in (tmp_path / "used", tmp_path / "used/file", store.path / "inside"):
        with pytest.raises(StoreError) as caught:
            store.backup(target)
        assert caught.value.hint
    assert not (store.path / "inside").exists()


def imported(
    tmp_path: Path, lines: Sequence[str], encoder: Encoder, name: str = "new"
) -> tuple[Store, list[int]]:
    file = tmp_path / f"{name}.jsonl"
    file.write_text("\n".join(lines) + "\n")
    store = Store.open(tmp_path / name, create=True, encoder=encoder)
    return store, [problem.line for problem in store.import_file(file).problems]


DAMAGES: tuple[Callable[[str], str], ...] = (
    lambda line: line[: len(line) // 2],
    lambda line: line.replace("harbour", "harbours"),
    lambda line: "[]",
    lambda line: "[" * 100_000,
    lambda line: '{"unknown": 1}',
    lambda line: line.replace('"crc32": "', '"crc32": "f'),
    lambda line: without_checksum(line, id="0" * 64),
    lambda line: without_checksum(line, text="zero\x00"),
    lambda line: without_checksum(line, text="short"),
    lambda line: without_checksum(line, text=7),
    lambda line: without_checksum(line, vectors=["AAAA"]),
    lambda line: without_checksum(line, vectors=[]),
    lambda line: without_checksum(line, paths=[]),
    lambda line: '{"calibration": {"name": "../../evil.json", "content": "{}"}}',
)


def test_damaged_lines_are_told_by_their_numbers_and_cost_themselves_only(
    exported: Callable[[], Lines], tmp_path: Path, hashing_encoder: Encoder
) -> None:
    head, first, second, third, _ = exported()
    end = json.dumps({"end": {"documents": 2, "lines": 2 + len(DAMAGES)}})
    lines = [head, first, *(damage(second) for damage in DAMAGES), third, end]
    store, problems = imported(tmp_path, lines, hashing_encoder)
    with store:
        assert problems == [*range(3, 3 + len(DAMAGES))]
        assert [info.path for info in store.documents()] == ["text:n0", "text:n2"]
        assert store.check().ok
    assert not list(tmp_path.rglob("evil.json"))


def without_checksum(line: str, **changes: object) -> str:
    value = json.loads(line)
    del value["crc32"]
    for name, change in changes.items():
        (value if name in value else value["document"])[name] = change
    return json.dumps(value)


def test_missing_end_and_missing_lines_are_told(
    exported: Callable[[], Lines], tmp_path: Path, hashing_encoder: Encoder
) -> None:
    for name, lines, expected in (
        ("cut", exported()[:3], [4]),
        ("less", [*exported()[:2], *exported()[3:]], [4]),
        ("more", [*exported(), exported()[1]], [6]),
    ):
        store, problems = imported(tmp_path, lines, hashing_encoder, name)
        store.close()
        assert problems == expected, name


def test_broken_compression_keeps_what_came_before(
    exported: Callable[[], Lines], tmp_path: Path, hashing_encoder: Encoder
) -> None:
    packed = gzip.compress("\n".join([*exported(), ""]).encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[:-20])
    with Store.open(tmp_path / "new", create=True, encoder=hashing_encoder) as store:
        report = store.import_file(tmp_path / "cut.jsonl.gz")
        assert "cannot be read from here on" in report.problems[0].detail
        assert store.check().ok


def test_import_keeps_what_the_store_holds(
    exported: Callable[[], Lines], tmp_path: Path, hashing_encoder: Encoder
) -> None:
    (tmp_path / "e.jsonl").write_text("\n".join([*exported(), ""]))
    with Store.open(tmp_path / "new", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id="mine", text="A ferry."), Text(id="n1", text="An older note.")])
        report = store.import_file(tmp_path / "e.jsonl")
        assert (report.added, report.updated, report.encoded) == (2, 1, 0)
        assert {info.path for info in store.documents()} == {f"text:{n}" for n in ("mine", "n0", "n1", "n2")}
        assert store.check().ok


def test_vectors_of_another_encoder_are_not_taken(
    exported: Callable[[], Lines], tmp_path: Path, hashing_encoder: Encoder
) -> None:
    (tmp_path / "e.jsonl").write_text("\n".join([*exported(), ""]))
    hashing_encoder.fingerprint = "hashing-2"  # type: ignore[misc]
    with Store.open(tmp_path / "new", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id="mine", text="A ferry.")])
        assert store.import_file(tmp_path / "e.jsonl").encoded == 3
        assert store.check().ok


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no export"),
        (b"hello\n", "is no export"),
        (b'{"format": "other"}\n', "is no export"),
        (b'{"format": "spanwise-export", "version": 99}\n', "version 99"),
        (gzip.compress(b"hello", mtime=0)[:12], "is no export"),
    ],
)
def test_other_files_are_refused(content: bytes, said: str, tmp_path: Path, store: Store) -> None:
    (tmp_path / "e.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        store.import_file(tmp_path / "e.jsonl")
    assert caught.value.hint
    with pytest.raises(DataError, match="cannot be read"):
        store.import_file(tmp_path / "missing.jsonl")


def test_standard_streams_carry_an_export(
    store: Store, tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([Text(id="n1", text="A ferry leaves at nine.")])
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    store.export_file("-")
    out.buffer.seek(0)
    monkeypatch.setattr(sys, "stdin", out)
    with Store.open(tmp_path / "new", create=True, encoder=hashing_encoder) as new:
        assert new.import_file("-").added == 1


def test_export_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        store.export_file(tmp_path / "missing/e.jsonl")
    (tmp_path / "e.jsonl").write_text("before")

    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    store.add([Text(id="n1", text="A ferry leaves at nine.")])
    with pytest.raises(KeyboardInterrupt):
        store.export_file(tmp_path / "e.jsonl", progress=fail)
    assert (tmp_path / "e.jsonl").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("e.")] == ["e.jsonl"]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=2),
    title=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    cut=st.integers(min_value=1),
    vectors=st.booleans(),
)
def test_any_document_survives_its_line(text: str, title: str, cut: int, vectors: bool) -> None:
    cut = 1 + cut % (len(text) - 1)
    document = replace(manual().document, text=text, title=title, pages=(), units=(), headings=())
    state = FileState(size_bytes=1, modified_ns=2**62, checked_ns=0)
    holding = StoredDocument(
        document=replace(document, path=f"/library/{title}", modified_ns=2**62, size_bytes=1),
        paths=((f"/library/{title}", state),),
        passages=(
            Passage(text=text[:cut], start=0, end=cut),
            Passage(text=text[cut:], start=cut, end=len(text), page=7, headings=(title,)),
        ),
        vectors={1: unit(4).astype(VECTOR)} if vectors else {},
    )
    out = io.BytesIO()
    export._write_line(out, export._document_line(holding, vectors=vectors))
    (line,) = out.getvalue().removesuffix(b"\n").split(b"\n")
    header = Header(documents=1, encoder="e", reader="r", fingerprint="f", dimension=64, vectors=vectors)
    read = read_export._line(read_export._checked(line), header)
    assert isinstance(read, Imported)
    assert (read.document, read.paths, read.passages) == (holding.document, holding.paths, holding.passages)
    assert {n: row.tolist() for n, row in read.vectors.items()} == {
        n: row.tolist() for n, row in holding.vectors.items()
    }
