"""Planted damage: `check` finds each, `repair` mends all but lost texts and says what it did and lost."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from index.protocols import Encoder
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.records import Text

TEXTS = {
    "tides": "The harbour master notes the tide at six in the morning and again at noon.",
    "masks": "RoBERTa draws its masks anew for every pass, which is called dynamic masking.",
    "lamps": "The keeper of the lighthouse paints the lamp room in spring.",
}
BOOK = "\n\n".join(f"Chapter {n} of the pilot's book tells of the {n * 37}th voyage." for n in range(40))


@dataclass(frozen=True)
class Damage:
    """One way to harm a store: SQL statements, or a function of its folder."""

    found: str
    sql: tuple[str, ...] = ()
    file: Callable[[Path], None] | None = None
    lost: str | None = None


def alter(pattern: str, how: str, place: float = 0.5) -> Callable[[Path], None]:
    def do(store: Path) -> None:
        (path, *_) = sorted((store / "index").glob(pattern))
        data = bytearray(path.read_bytes())
        if how == "removed":
            path.unlink()
        elif how == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif how == "emptied":
            path.write_bytes(b"")
        else:
            data[int(len(data) * place)] ^= 0x10
            path.write_bytes(data)

    return do


def of_another_store(what: str) -> Callable[[Path], None]:
    """Put a file or folder of the twin store, which has the same revision and ids, in the place of ours."""

    def do(store: Path) -> None:
        twin = store.parent / "twin" / "index"
        (mine,) = (store / "index").glob(what)
        (other,) = twin.glob(what)
        if mine.is_dir():
            shutil.rmtree(mine)
            shutil.copytree(other, mine)
        else:
            shutil.copy(other, mine)

    return do


def whole_index_of_another_store(store: Path) -> None:
    shutil.rmtree(store / "index")
    shutil.copytree(store.parent / "twin" / "index", store / "index")


def older_words(store: Path) -> None:
    """The lexical index as it was some commits ago, as from an old copy."""
    (folder,) = (store / "index").glob("lexical-*")
    (old,) = (store.parent / "old").glob("lexical-*")
    shutil.rmtree(folder)
    shutil.copytree(old, folder)
    label = json.loads((folder / "spanwise.json").read_text())
    (folder / "spanwise.json").write_text(json.dumps({**label, "name": folder.name}))


def other_revision(store: Path) -> None:
    path = store / "index/manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "revision": manifest["revision"] + 5}))


NAN = np.full(64, np.nan, "<f2").tobytes().hex()
LONG = np.full(64, 0.5, "<f2").tobytes().hex()
OTHER = (np.eye(64)[5].astype("<f2")).tobytes().hex()
KEY = "(SELECT document_key FROM paths WHERE path = 'text:{0}' AND deleted_revision IS NULL)"
TIDES, MASKS, FILE = KEY.format("tides"), KEY.format("masks"), "(SELECT max(document_key) FROM paths)"
FIRST = f"(SELECT min(id) FROM passages WHERE document_key = {TIDES})"
WHERE = f"WHERE passage_id = {FIRST}"

DAMAGES = {
    "passage text": Damage("not slices", (f"UPDATE passages SET text = 'x' || text WHERE id = {FIRST}",)),
    "passage offsets": Damage(
        "not slices", (f'UPDATE passages SET start = start + 1, "end" = "end" + 1 WHERE id = {FIRST}',)
    ),
    "offsets below zero": Damage("not slices", (f"UPDATE passages SET start = -3 WHERE id = {FIRST}",)),
    "offsets crossed": Damage("not slices", (f'UPDATE passages SET "end" = start WHERE id = {FIRST}',)),
    "headings": Damage("not slices", (f"UPDATE passages SET headings = '[oh' WHERE id = {FIRST}",)),
    "passages lost": Damage(
        "fewer or more",
        (
            f"DELETE FROM vectors WHERE passage_id IN (SELECT id FROM passages WHERE document_key = {TIDES})",
            f"DELETE FROM passages WHERE document_key = {TIDES}",
        ),
    ),
    "passage deleted alone": Damage(
        "fewer or more", (f"UPDATE passages SET deleted_revision = 1 WHERE id = {FIRST}",)
    ),
    "vector missing": Damage("have no vector", (f"DELETE FROM vectors WHERE passage_id = {FIRST}",)),
    "all vectors missing": Damage("have no vector", ("DELETE FROM vectors",)),
    "vector cut": Damage(
        "not unit", (f"UPDATE vectors SET data = substr(data, 1, 20) WHERE passage_id = {FIRST}",)
    ),
    "vector empty": Damage("not unit", (f"UPDATE vectors SET data = x'' WHERE passage_id = {FIRST}",)),
    "vector NaN": Damage("not unit", (f"UPDATE vectors SET data = x'{NAN}' {WHERE}",)),
    "vector too long": Damage("not unit", (f"UPDATE vectors SET data = x'{LONG}' {WHERE}",)),
    "vector of another text": Damage(
        "not those in SQL", (f"UPDATE vectors SET data = x'{OTHER}' WHERE passage_id = {FIRST}",)
    ),
    "orphan vector": Damage(
        "belong to no passage", (f"INSERT INTO vectors VALUES (9999, 'hashing-1', x'{OTHER}')",)
    ),
    "orphan passage": Damage(
        "passages belong to no document",
        (
            'INSERT INTO passages (document_key, text, start, "end", headings, created_revision)'
            " VALUES (999, 'x', 0, 1, '[]', 1)",
        ),
    ),
    "orphan text": Damage("texts belong to no", ("INSERT INTO contents VALUES (999, 'x', '{}')",)),
    "orphan path": Damage(
        "paths belong to no document",
        ("INSERT INTO paths (path, document_key, size_bytes, modified_ns, checked_ns, created_revision)"
         " VALUES ('text:nobody', 999, 1, 1, 1, 1)",),
        lost="text:nobody",
    ),
    "document row lost, file there": Damage(
        "belong to no document", (f"DELETE FROM documents WHERE key = {FILE}",)
    ),
    "document row lost": Damage(
        "belong to no document", (f"DELETE FROM documents WHERE key = {TIDES}",), lost="text:tides"
    ),
    "text lost, file there": Damage(
        "have no text", (f"DELETE FROM contents WHERE document_key = {FILE}",)
    ),
    "text lost": Damage(
        "have no text", (f"DELETE FROM contents WHERE document_key = {TIDES}",), lost="text:tides"
    ),
    "text altered": Damage(
        "not slices", (f"UPDATE contents SET text = 'X' || substr(text, 2) WHERE document_key = {FILE}",)
    ),
    "layout": Damage(
        "pages or headings", (f"UPDATE contents SET layout = 'oh' WHERE document_key = {TIDES}",)
    ),
    "pages outside": Damage(
        "pages or headings",
        (f"UPDATE contents SET layout = json_set(layout, '$.pages', json('[[1, 0, 99999]]'))"
         f" WHERE document_key = {TIDES}",),
    ),
    "details": Damage(
        "details", (f"UPDATE documents SET attributes = 'oh' WHERE key = {TIDES}",), lost="metadata"
    ),
    "count of passages": Damage(
        "fewer or more", (f"UPDATE documents SET passages = passages + 1 WHERE key = {TIDES}",)
    ),
    "count of characters": Damage(
        "wrong count", (f"UPDATE documents SET characters = 3 WHERE key = {TIDES}",)
    ),
    "first passage": Damage(
        "wrong first passage", (f"UPDATE documents SET first_passage = 77 WHERE key = {TIDES}",)
    ),
    "revision behind": Damage(
        "revision counter says 2", ("UPDATE settings SET value = '2' WHERE name = 'revision'",)
    ),
    "revision no number": Damage(
        "revision counter", ("UPDATE settings SET value = 'oh' WHERE name = 'revision'",)
    ),
    "revision missing": Damage("revision counter", ("DELETE FROM settings WHERE name = 'revision'",)),
    "encoder's width": Damage(
        "not unit", ("UPDATE settings SET value = '63' WHERE name = 'dimension'",)
    ),
    "encoder forgotten": Damage(
        "record of the encoder", ("DELETE FROM settings WHERE name IN ('dimension', 'fingerprint')",)
    ),
    "path twice": Damage(
        "listed twice",
        ("INSERT INTO paths (path, document_key, size_bytes, modified_ns, checked_ns, created_revision)"
         " SELECT path, document_key, 1, 1, 1, 1 FROM paths WHERE path = 'text:tides'",),
    ),
    "path gone": Damage(
        "have no path", (f"UPDATE paths SET deleted_revision = 3 WHERE document_key = {TIDES}",)
    ),
    "document deleted, path alive": Damage(
        "deleted and yet", (f"UPDATE documents SET deleted_revision = 3 WHERE key = {TIDES}",)
    ),
    "passage outlives document": Damage(
        "outlive", ("UPDATE passages SET deleted_revision = NULL WHERE deleted_revision IS NOT NULL",)
    ),
    "manifest removed": Damage("no manifest", file=alter("manifest.json", "removed")),
    "manifest cut": Damage("no manifest", file=alter("manifest.json", "cut")),
    "manifest emptied": Damage("no manifest", file=alter("manifest.json", "emptied")),
    "manifest of another revision": Damage("shows revision", file=other_revision),
    "segment removed": Damage("vectors-.*checksum", file=alter("vectors-*", "removed")),
    "segment cut": Damage("vectors-.*checksum", file=alter("vectors-*", "cut")),
    "segment emptied": Damage("vectors-.*checksum", file=alter("vectors-*", "emptied")),
    **{
        f"segment flipped at {place}": Damage(
            "vectors-.*checksum", file=alter("vectors-*", "flipped", place)
        )
        for place in (0.0, 0.01, 0.3, 0.5, 0.7, 0.99)
    },
    "words' label": Damage("label", file=alter("lexical-*/spanwise.json", "flipped")),
    **{
        f"words' {part} {how}": Damage("lexical", file=alter(f"lexical-*/{part}", how))
        for part in ("meta.json", "*.idx", "*.term", "*.fast", "*.store", "*.pos", "*.fieldnorm", "*.del")
        for how in ("removed", "cut", "flipped")
    },
    "words of another store": Damage("label names another", file=of_another_store("lexical-*")),
    "vectors of another store": Damage("vectors-.*checksum", file=of_another_store("vectors-*")),
    "index of another store": Damage("another store", file=whole_index_of_another_store),
    "words of another day": Damage("older than", file=older_words),
}  # fmt: skip


WHOLE: dict[str, Path] = {}


def fill(folder: Path, encoder: Encoder, file: Path, *, red: str) -> None:
    with Store.open(folder, create=True, encoder=encoder) as store:
        store.add([Text(id="gone", text="The ferry leaves at nine."), Text(id="tides", text="An old text.")])
        store.add([Text(id=name, text=text, metadata={"team": "ops"}) for name, text in TEXTS.items()])
        store.compact(grace_seconds=1000)
        old = folder.parent / "old"
        if not old.exists():
            shutil.copytree(folder / "index", old)
        store.add([Text(id="lamps", text=TEXTS["lamps"] + f" It is {red}.")])
        store.delete(["gone"])
        store.ingest([file])


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, hashing_encoder: Encoder, tmp_path: Path) -> Path:
    """A copy of a store with texts, a file and a past, beside its twin and an old copy of its index."""
    if "base" not in WHOLE:
        base = tmp_path_factory.mktemp("whole")
        file = base / "book.txt"
        file.write_text(BOOK)
        fill(base / "ours", hashing_encoder, file, red="red")
        fill(base / "twin", hashing_encoder, file, red="old")
        WHOLE["base"] = base
    for name in ("ours", "twin", "old"):
        shutil.copytree(WHOLE["base"] / name, tmp_path / name)
    return tmp_path / "ours"


def sampled(names: list[str]) -> list[object]:
    """Every twelfth in the default tests, all of them in the slow ones."""
    return [
        name if number % 12 == 5 else pytest.param(name, marks=pytest.mark.slow)
        for number, name in enumerate(names)
    ]


def plant(damage: Damage, folder: Path) -> None:
    connection = sqlite3.connect(folder / "spanwise.db")
    for statement in damage.sql:
        assert connection.execute(statement).rowcount, statement
    connection.commit()
    connection.close()
    if damage.file is not None:
        damage.file(folder)


def contents(store: Store) -> dict[str, str]:
    return {path: store.document(info.id).text for info in store.documents() for path in info.paths}


def test_nothing_is_wrong_with_what_is_whole(folder: Path, hashing_encoder: Encoder) -> None:
    with Store.open(folder, encoder=hashing_encoder) as store:
        assert store.check().problems == ()
        report = store.repair()
        assert (report.ok, report.done, report.lost) == (True, (), ())


@pytest.mark.parametrize("name", sampled([*DAMAGES]))
def test_planted_damage_is_found_and_mended(folder: Path, hashing_encoder: Encoder, name: str) -> None:
    damage = DAMAGES[name]
    with Store.open(folder, encoder=hashing_encoder) as store:
        before = contents(store)
    plant(damage, folder)
    with Store.open(folder, encoder=hashing_encoder) as store:
        problems = store.check().problems
        assert any(re.search(damage.found, problem) for problem in problems), problems
        report = store.repair()
        assert report.problems == ()
        after = contents(store)
        if damage.lost is None:
            assert report.lost == ()
            assert after == before
        else:
            assert any(damage.lost in lost for lost in report.lost), report
            assert {path: text for path, text in before.items() if path != damage.lost} == after
        if damage.sql:
            assert report.done or report.lost
        for path, text in after.items():
            for mode in ("lexical", "dense"):
                hits = Retriever(store).search(text[:200], k=9, mode=mode)
                assert path in [hit.document.path for hit in hits], (path, mode)


def test_recognised_text_outlives_a_repair(folder: Path, hashing_encoder: Encoder) -> None:
    """It stands in no file: reading the same bytes again, without recognition, would lose it."""
    plant(
        Damage(
            "wrong count",
            (
                f"UPDATE contents SET text = text || ' words of a picture' WHERE document_key = {FILE}",
                f"UPDATE documents SET parser = parser || '+ocr' WHERE key = {FILE}",
            ),
        ),
        folder,
    )
    with Store.open(folder, encoder=hashing_encoder) as store:
        report = store.repair()
        assert (report.ok, report.lost) == (True, ())
        assert any(text.endswith("words of a picture") for text in contents(store).values())


def test_times_of_texts_outlive_a_repair(folder: Path, hashing_encoder: Encoder) -> None:
    with Store.open(folder, encoder=hashing_encoder) as store:
        before = {info.path: info.modified for info in store.documents()}
    plant(DAMAGES["count of characters"], folder)
    with Store.open(folder, encoder=hashing_encoder) as store:
        assert store.repair().ok
        assert {info.path: info.modified for info in store.documents()} == before


@pytest.mark.parametrize("name", sampled([name for name, damage in DAMAGES.items() if damage.file]))
def test_damaged_files_are_no_reason_to_fail(folder: Path, hashing_encoder: Encoder, name: str) -> None:
    """Without a check or a repair: a search finds what it found, whatever the files look like."""
    with Store.open(folder, encoder=hashing_encoder) as store:
        texts = contents(store)
    plant(DAMAGES[name], folder)
    with Store.open(folder, encoder=hashing_encoder) as store:
        for mode in ("lexical", "dense", "hybrid"):
            found = Retriever(store).search("harbour keeper masking chapter voyage", k=50, mode=mode)
            assert {hit.document.path for hit in found} == set(texts), mode
