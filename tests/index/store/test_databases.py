"""What a store promises, once with SQLite in its folder and once with a PostgreSQL server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from index.errors import StoreError, StoreLocked, StoreVersionMismatch
from index.protocols import Encoder
from index.records import FileState, Filters, Mode
from index.search.retriever import Retriever
from index.sql import database as database_module
from index.sql.schema import SCHEMA_VERSION
from index.store import write_lock
from index.store.store import Store
from ingest.records import RejectReason, Text

MASKING = "RoBERTa draws its masks anew for every pass over the data, which is called dynamic masking."
TIDES = "The harbour master notes the tide at six in the morning and again at noon."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "papers"
    root.mkdir()
    (root / "masking.md").write_text(f"# Masking\n\n{MASKING}\n")
    (root / "tides.txt").write_text(f"{TIDES}\n")
    (root / "broken.pdf").write_bytes(b"%PDF-1.7 this is not a PDF")
    (root / "grüße_100%.txt").write_text("Der Bus nach Kiel fährt um acht Uhr am Hafen ab. 😀 你好\n")
    return root


@pytest.fixture
def on_server(postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database, with its password in the environment."""
    monkeypatch.setenv("SPANWISE_DATABASE_PASSWORD", "secret")
    return postgres()


def made(tmp_path: Path, database: str | None, encoder: Encoder) -> Store:
    return Store.open(tmp_path / "store", create=True, encoder=encoder, database=database)


def found(store: Store, query: str, **more: object) -> list[str]:
    hits = Retriever(store).search(query, **more)  # type: ignore[arg-type]
    return [Path(hit.document.path).name for hit in hits]


def test_life_of_a_store(
    tmp_path: Path, folder: Path, database: str | None, hashing_encoder: Encoder
) -> None:
    with made(tmp_path, database, hashing_encoder) as store:
        report = store.ingest([folder])
        assert (report.added, len(report.rejected)) == (3, 1)
        told = {Path(file.path).name: file.rejected is None for file in store.files()}
        assert told == {"masking.md": True, "tides.txt": True, "grüße_100%.txt": True, "broken.pdf": False}
        assert store.stats().rejected == {"corrupt": 1}
        assert found(store, "dynamic masking", k=1) == ["masking.md"]
        assert found(store, "Bus Kiel Hafen", k=1, mode=Mode.LEXICAL) == ["grüße_100%.txt"]
        (folder / "tides.txt").write_text("The lighthouse keeper paints the lamp room in spring.")
        assert store.ingest([folder]).updated == 1
        assert found(store, "harbour at noon", mode=Mode.LEXICAL) == []
        store.add([Text(id="n1", title="Note", text="Tariffs rose in May.", metadata={"team": "ops"})])
        assert store.delete([str(folder / "masking.md")]) == 1
        assert store.check().ok
        stats = store.stats()
        assert (stats.documents, stats.paths) == (3, 3)
        assert stats.bytes > 0
    # A new process finds all of it, and nothing that was taken out.
    with Store.open(tmp_path / "store", encoder=hashing_encoder) as store:
        assert store.stats().documents == 3
        assert found(store, "lighthouse keeper", k=1) == ["tides.txt"]
        assert found(store, "dynamic masking", mode=Mode.LEXICAL) == []
        (hit, *_) = Retriever(store).search("tariffs May", k=1)
        assert hit.document.metadata == {"team": "ops"}
        document = store.document(hit.document.id)
        assert document.text[hit.passage.start : hit.passage.end] == hit.passage.text
        store.compact()
        assert store.check().ok
        assert store.repair().ok


def test_filters_are_exact(tmp_path: Path, database: str | None, hashing_encoder: Encoder) -> None:
    with made(tmp_path, database, hashing_encoder) as store:
        store.add([Text(id=f"n{n}", text=f"Note {n} on the harbour and its tides.") for n in range(30)])
        for mode in Mode:
            hits = Retriever(store).search("harbour tides", k=40, mode=mode, filters=Filters(types=("text",)))
            assert len(hits) == 30
            chosen = Filters(documents=(hits[4].document.id, hits[7].document.id))
            few = Retriever(store).search("harbour tides", k=40, mode=mode, filters=chosen)
            assert {hit.document.id for hit in few} == set(chosen.documents)
            assert not Retriever(store).search("harbour", filters=Filters(types=("pdf",)), mode=mode).hits


def test_rejected_files_are_remembered_until_something_is_stored(
    tmp_path: Path, database: str | None, hashing_encoder: Encoder
) -> None:
    with made(tmp_path, database, hashing_encoder) as store:
        catalog, revision = store.catalog, store.stats().revision
        state = FileState(size_bytes=7, modified_ns=2**60, checked_ns=2**60 + 1)
        for path in ("/library/b.pdf", "/library/a.pdf"):
            catalog.rejections.remember(
                path, state, RejectReason.NO_TEXT, "12 pages, all pictures", readers="r1"
            )
        catalog.rejections.remember("/library/b.pdf", state, RejectReason.CORRUPT, "no PDF", readers="r2")
        assert [item.path for item in catalog.rejections.all()] == ["/library/a.pdf", "/library/b.pdf"]
        kept = catalog.rejections.among(["/library/b.pdf"]).get("/library/b.pdf")
        assert kept is not None
        assert (kept.reason, kept.readers, kept.modified_ns) == (RejectReason.CORRUPT, "r2", 2**60)
        assert catalog.rejections.counts() == {"corrupt": 1, "no_text": 1}
        assert store.stats().revision == revision
        catalog.rejections.forget("/library/a.pdf", "/elsewhere")
        assert not catalog.rejections.among(["/library/a.pdf"])
        store.add([Text(id="n1", text=TIDES)])
        (known,) = catalog.paths.of_document(store.documents()[0].id)
        catalog.link(known.document_key, "/library/b.pdf", state)
        assert catalog.rejections.all() == ()


def test_readers_see_whole_states_while_a_writer_works(
    tmp_path: Path, database: str | None, hashing_encoder: Encoder
) -> None:
    with (
        made(tmp_path, database, hashing_encoder) as store,
        Store.open(tmp_path / "store", encoder=hashing_encoder) as other,
    ):
        store.add([Text(id="a", text=f"tide zero. {TIDES}")])
        problems: list[str] = []
        done = threading.Event()

        def read() -> None:
            retriever = Retriever(other)
            while not done.is_set():
                hits = retriever.search("harbour master tide", k=5)
                words = {hit.passage.text.split(".")[0] for hit in hits}
                if len(hits) != 1 or not words <= {f"tide {n}" for n in ("zero", *range(3))}:
                    problems.append(f"{words}")

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for n in range(3):
                store.add([Text(id="a", text=f"tide {n}. {TIDES}")])
        finally:
            done.set()
            reader.join()
        assert problems == []


def test_second_writer_is_turned_away_and_the_next_let_in(
    tmp_path: Path, database: str | None, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_lock, "LOCK_SECONDS", 0.2)
    with (
        made(tmp_path, database, hashing_encoder) as store,
        Store.open(tmp_path / "store", encoder=hashing_encoder) as other,
    ):
        with store._lock.writing(), pytest.raises(StoreLocked):
            other.add([Text(id="a", text=TIDES)])
        other.add([Text(id="a", text=TIDES)])
        # A writer that dies lets go of the store.
        lock = store.catalog.writer_lock(store.path)
        lock.acquire(timeout=1)
        with pytest.raises(StoreLocked):
            other.add([Text(id="b", text=MASKING)])
        lock.release()
        other.add([Text(id="b", text=MASKING)])
        assert found(store, "dynamic masking", k=1) == ["text:b"]


def test_damage_is_found_and_mended(tmp_path: Path, database: str | None, hashing_encoder: Encoder) -> None:
    with made(tmp_path, database, hashing_encoder) as store:
        store.add([Text(id=f"n{n}", text=f"Note {n} on the harbour.") for n in range(3)])
        with database_module.changing(store.catalog.engine) as connection:
            connection.exec_driver_sql("UPDATE documents SET first_passage = 7 WHERE key = 1")
            connection.exec_driver_sql("DELETE FROM vectors WHERE passage_id = 2")
        assert not store.check().ok
        report = store.repair()
        assert (report.ok, report.lost) == (True, ())
        assert store.check().ok


def test_export_moves_a_store_into_the_other_kind_of_database(
    tmp_path: Path, database: str | None, hashing_encoder: Encoder
) -> None:
    with Store.open(tmp_path / "file", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id="a", text=TIDES), Text(id="b", text=MASKING)])
        store.export_file(tmp_path / "e.jsonl", vectors=True)
        before = [(hit.document.path, hit.score) for hit in Retriever(store).search("dynamic masking")]
    with made(tmp_path, database, hashing_encoder) as store:
        report = store.import_file(tmp_path / "e.jsonl")
        assert (report.added, report.encoded, report.ok) == (2, 0, True)
        assert [(h.document.path, h.score) for h in Retriever(store).search("dynamic masking")] == before


# -- a server ------------------------------------------------------------------------------------------------


def test_password_is_kept_nowhere(
    tmp_path: Path, on_server: str, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path, on_server, hashing_encoder) as store:
        store.add([Text(id="a", text=TIDES)])
    recorded = json.loads((tmp_path / "store/store.json").read_text())
    assert recorded["database"] == on_server
    assert "secret" not in "".join(
        path.read_text(errors="replace") for path in (tmp_path / "store").rglob("*") if path.is_file()
    )
    monkeypatch.setenv("SPANWISE_DATABASE_PASSWORD", "wrong")
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        Store.open(tmp_path / "store")
    assert "SPANWISE_DATABASE_PASSWORD" in caught.value.hint
    monkeypatch.delenv("SPANWISE_DATABASE_PASSWORD")
    monkeypatch.setenv("PGPASSWORD", "secret")
    Store.open(tmp_path / "store").close()


def test_database_that_goes_away_is_said(tmp_path: Path, on_server: str, hashing_encoder: Encoder) -> None:
    import psycopg

    with made(tmp_path, on_server, hashing_encoder) as store:
        store.add([Text(id="a", text=TIDES)])
        name = on_server.split("/")[3].split("?")[0]
        other = on_server.replace(f"/{name}?", "/postgres?")
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(other, password="secret", autocommit=True) as connection:
            connection.execute(ended, [name])
            assert store.stats().documents == 1  # a connection that dies is replaced without a word
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        with pytest.raises(StoreError, match="does not exist") as caught:
            store.stats()
        assert "server runs" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@localhost/library", "holds a password"),
        ("mysql://me@localhost/library", "of a known kind"),
        ("not a url", "no database URL"),
        ("postgresql://me@localhost", "names no database"),
        ("postgresql://me@127.0.0.1:1/library", "cannot be used"),
    ],
)
def test_url_that_cannot_serve_leaves_no_store_behind(tmp_path: Path, url: str, said: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match=said) as caught:
        Store.open(tmp_path / "s", create=True, database=url)
    assert "secret" not in str(caught.value)
    assert caught.value.hint
    assert not (tmp_path / "s/store.json").exists()


def test_missing_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_driver(*given: object, **more: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(database_module, "create_engine", without_driver)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "s", create=True, database="postgresql://me@localhost/library")
    assert 'pip install "spanwise[postgres]"' in caught.value.hint


def test_store_stays_in_its_database(tmp_path: Path, hashing_encoder: Encoder) -> None:
    made(tmp_path, None, hashing_encoder).close()
    with pytest.raises(StoreError, match="there already is a store"):
        made(tmp_path, "postgresql://me@localhost/library", hashing_encoder)


def test_older_schema_on_a_server_is_brought_up_to_date(
    tmp_path: Path, database: str | None, hashing_encoder: Encoder
) -> None:
    with made(tmp_path, database, hashing_encoder) as store:
        store.add([Text(id="a", text=TIDES), Text(id="b", text=MASKING)])
        _take_back_to_schema_1(store)
    with Store.open(tmp_path / "store", encoder=hashing_encoder) as store:
        assert store.catalog.settings.get("schema_version") == str(SCHEMA_VERSION)
        assert found(store, "dynamic masking", k=1) == ["text:b"]
        assert found(store, "tide at noon", k=1, filters=Filters(types=("text",))) == ["text:a"]
        assert store.check().ok
        store.catalog.settings.set("schema_version", "99")
    with pytest.raises(StoreVersionMismatch, match="schema 99"):
        Store.open(tmp_path / "store")


def _take_back_to_schema_1(store: Store) -> None:
    with database_module.changing(store.catalog.engine) as connection:
        for statement in (
            "DROP TABLE rejections",
            "DROP TABLE labels",
            "DROP TABLE feedback",
            "DROP INDEX documents_language",
            "ALTER TABLE documents DROP COLUMN first_passage",
            "DELETE FROM settings WHERE name = 'store_id'",
            "UPDATE settings SET value = '1' WHERE name = 'schema_version'",
        ):
            connection.exec_driver_sql(statement)
