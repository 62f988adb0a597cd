"""Stores of earlier schemas open in this version, and a migration that is cut short changes nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from index.errors import StoreLocked, StoreVersionMismatch
from index.protocols import Encoder
from index.search.retriever import Retriever
from index.sql.migrations import upgrade
from index.sql.migrations.steps import migrate
from index.sql.schema import SCHEMA_VERSION, Base
from index.store.store import Store

RELEASED = sorted((Path(__file__).parent / "stores").glob("schema-*.sql"))
TIDES = "The harbour master notes the tide at seven in the morning and again at one."


def planted(script: Path, folder: Path) -> Path:
    """A store as that version left it: the database alone, since indexes are derived."""
    folder.mkdir()
    with sqlite3.connect(folder / "spanwise.db") as connection:
        connection.executescript(script.read_text(encoding="utf-8"))
    connection.close()
    (folder / "store.json").write_text(json.dumps({"format": 1, "database": "spanwise.db"}))
    return folder


def schema_of(folder: Path) -> str:
    connection = sqlite3.connect(folder / "spanwise.db")
    (found,) = connection.execute("SELECT value FROM settings WHERE name = 'schema_version'").fetchone()
    connection.close()
    return str(found)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return planted(RELEASED[0], tmp_path / "old")


def test_every_released_schema_is_kept() -> None:
    assert [script.stem for script in RELEASED] == [f"schema-{n + 1}" for n in range(len(RELEASED))]
    assert len(RELEASED) >= SCHEMA_VERSION - 1


@pytest.mark.parametrize("script", RELEASED, ids=lambda script: script.stem)
def test_store_of_an_earlier_schema_opens(script: Path, tmp_path: Path, hashing_encoder: Encoder) -> None:
    folder = planted(script, tmp_path / "old")
    with Store.open(folder, encoder=hashing_encoder) as store:
        stats = store.stats()
        assert (stats.documents, stats.paths, stats.passages, stats.revision) == (6, 6, 8, 9)
        (hit, *_) = Retriever(store).search("harbour master tide", k=1)
        assert (hit.passage.text, hit.document.path) == (TIDES, "/library/tides.txt")
        document = store.document(hit.document.id)
        assert document.text[hit.passage.start : hit.passage.end] == hit.passage.text
        assert store.check().ok
        assert store.catalog.rejections.all() == ()
        assert len(store.catalog.settings.get("store_id") or "") == 32


@pytest.mark.parametrize("script", RELEASED, ids=lambda script: script.stem)
def test_file_is_kept_as_it_was(script: Path, tmp_path: Path) -> None:
    folder = planted(script, tmp_path / "old")
    before = list(sqlite3.connect(folder / "spanwise.db").iterdump())
    Store.open(folder).close()
    version = script.stem.removeprefix("schema-")
    if version == str(SCHEMA_VERSION):
        assert not list(folder.glob("*.schema-*"))
    else:
        (copy,) = folder.glob("*.schema-*")
        assert copy.name == f"spanwise.db.schema-{version}"
        assert list(sqlite3.connect(copy).iterdump()) == before
    shutil.copy(folder / "spanwise.db", tmp_path / "once.db")
    Store.open(folder).close()  # nothing is left to do
    assert schema_of(folder) == str(SCHEMA_VERSION)


def test_migrated_tables_are_those_of_a_new_store(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.begin() as connection:
        migrate(connection, 0, SCHEMA_VERSION)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_migration_that_fails_leaves_the_old_schema(
    old: Path, monkeypatch: pytest.MonkeyPatch, hashing_encoder: Encoder
) -> None:
    before = list(sqlite3.connect(old / "spanwise.db").iterdump())

    def broken(connection: object, found: int, wanted: int) -> None:
        migrate(connection, found, wanted)  # type: ignore[arg-type]
        raise RuntimeError("cut short")

    with monkeypatch.context() as patch:
        patch.setattr("index.sql.migrations.steps.migrate", broken)
        with pytest.raises(RuntimeError, match="cut short"):
            Store.open(old)
    assert list(sqlite3.connect(old / "spanwise.db").iterdump()) == before
    with Store.open(old, encoder=hashing_encoder) as store:
        assert store.repair().ok


KILLED = """
    import os, sys
    from sqlalchemy import Connection
    statements = 0
    execute = Connection._execute_context
    def counted(self, *given, **more):
        global statements
        statements += 1
        if statements == int(sys.argv[2]):
            os._exit(9)
        return execute(self, *given, **more)
    Connection._execute_context = counted
    from index.store.store import Store
    Store.open(sys.argv[1]).close()
"""


@pytest.mark.parametrize("statement", [9, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 5, 13))])
def test_migration_killed_at_a_statement_is_done_by_the_next_opening(
    old: Path, statement: int, hashing_encoder: Encoder
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(old), str(statement)],
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert done.returncode == 9
    assert schema_of(old) == "1"
    with Store.open(old, encoder=hashing_encoder) as store:
        assert store.repair().ok
        assert schema_of(old) == str(SCHEMA_VERSION)


def test_newer_schema_is_refused_and_left_alone(tmp_path: Path, hashing_encoder: Encoder) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.catalog.settings.set("schema_version", "99")
    with pytest.raises(StoreVersionMismatch, match="schema 99, this version of Spanwise reads up to"):
        Store.open(tmp_path / "s")
    with pytest.raises(StoreVersionMismatch):
        Store.open(tmp_path / "s", create=True)


def test_store_that_cannot_be_written_says_where_it_can_be_migrated(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StoreVersionMismatch) as caught:
        Store.open(old)
    assert "open it once where it can be written" in caught.value.hint


def test_migration_waits_for_the_writer(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "_UPGRADE_SECONDS", 0.1)
    from filelock import FileLock

    with FileLock(old / "writer.lock"), pytest.raises(StoreLocked, match="schema"):
        Store.open(old)
    assert schema_of(old) == "1"


def test_questions_do_not_load_the_migration_library(tmp_path: Path) -> None:
    Store.open(tmp_path / "s", create=True).close()
    program = (
        "import sys; from index.store.store import Store; Store.open(sys.argv[1]).close();"
        "print(*sorted({'alembic', 'psycopg', 'mako'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "s")],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == ""
