"""A store on disks that are full or read-only, and one whose own files are damaged or missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import StoreError, StoreReadOnly
from index.protocols import Encoder
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.records import Text

NOTES = [Text(id=f"n{number}", text=f"Note {number} tells of the harbour at dawn.") for number in range(8)]


def mounted(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes, two hundred files."""
    folder = tmp_path / "small"
    folder.mkdir()
    size = "size=2m,nr_inodes=200"
    if shutil.which("mount") is None or not mounted("-t", "tmpfs", "-o", size, "none", str(folder)):
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def read_only(folder: Path) -> Iterator[Path]:
    if shutil.which("mount") is None or not mounted("--bind", str(folder), str(folder)):
        pytest.skip("no file system can be mounted here")
    try:
        assert mounted("-o", "remount,ro,bind", str(folder))
        assert not os.access(folder, os.W_OK)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


SLOW = pytest.mark.slow


@pytest.fixture(
    params=[
        "closed",
        pytest.param("killed", marks=SLOW),
        pytest.param("killed, without shared memory", marks=SLOW),
    ]
)
def frozen(tmp_path: Path, hashing_encoder: Encoder, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A store on a disk that cannot be written, also one whose last writer was killed."""
    folder = tmp_path / "s"
    store = Store.open(folder, create=True, encoder=hashing_encoder)
    store.add(NOTES)
    if request.param == "closed":
        store.close()
        yield from read_only(folder)
        return
    copy = tmp_path / "copy"
    store.add([Text(id="late", text="The late note stands in the log alone, on the harbour.")])
    left_out = "*-shm" if request.param.endswith("memory") else "writer.json"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(left_out))
    store.close()
    assert (copy / "spanwise.db-wal").stat().st_size
    yield from read_only(copy)


def found(store: Store, query: str = "harbour", k: int = 20) -> set[str]:
    return {hit.document.path for hit in Retriever(store).search(query, k=k)}


def test_full_disk_is_said_and_costs_nothing(small_disk: Path, hashing_encoder: Encoder) -> None:
    added: set[str] = set()
    with Store.open(small_disk / "s", create=True, encoder=hashing_encoder) as store:
        store.add(NOTES)
        with pytest.raises(StoreError, match="there is no room left") as caught:  # noqa: PT012
            for number in range(100):
                texts = {
                    f"long{number}-{n}": " ".join(f"w{number}x{n}x{m}" for m in range(150)) for n in range(12)
                }
                store.add([Text(id=name, text=f"Of the harbour. {words}") for name, words in texts.items()])
                added |= {f"text:{name}" for name in texts}
        assert "free some room" in caught.value.hint
        assert added <= found(store, k=2000)
    with Store.open(small_disk / "s", encoder=hashing_encoder) as store:
        assert {f"text:n{number}" for number in range(8)} <= found(store, "note dawn")
        assert added <= found(store, k=2000)
        assert not [problem for problem in store.check().problems if problem.startswith("database")]


def test_disk_without_room_for_one_more_file_is_searched(small_disk: Path, hashing_encoder: Encoder) -> None:
    with Store.open(small_disk / "s", create=True, encoder=hashing_encoder) as store:
        store.add(NOTES)
        for lock in (small_disk / "s").rglob(".tantivy-*.lock"):
            lock.unlink()
        with pytest.raises(OSError, match="No space left"):  # noqa: PT012
            for number in range(300):
                (small_disk / f"{number}").touch()
        with Store.open(small_disk / "s", encoder=hashing_encoder) as other:
            assert {f"text:n{number}" for number in range(8)} <= found(other, "note dawn")
            with pytest.raises(StoreError, match="no room left") as caught:
                other.add([Text(id="more", text="One more note.")])
            assert "free some room" in caught.value.hint
    for number in range(50):
        (small_disk / f"{number}").unlink()
    with Store.open(small_disk / "s", encoder=hashing_encoder) as store:
        store.add([Text(id="more", text="One more note.")])
        assert store.check().ok


def test_read_only_store_is_searched_and_refuses_to_be_written(
    frozen: Path, hashing_encoder: Encoder
) -> None:
    with Store.open(frozen, encoder=hashing_encoder) as store:
        late = set() if (frozen / "spanwise.db-wal").exists() is False else {"text:late"}
        assert found(store) == {f"text:n{number}" for number in range(8)} | late
        assert store.check().ok
        with pytest.raises(StoreReadOnly, match="cannot be written"):
            store.add(NOTES)
        with pytest.raises(StoreReadOnly):
            store.repair()


@SLOW
def test_read_only_store_with_a_damaged_index_is_searched(tmp_path: Path, hashing_encoder: Encoder) -> None:
    folder = tmp_path / "s"
    with Store.open(folder, create=True, encoder=hashing_encoder) as store:
        store.add(NOTES)
    shutil.rmtree(folder / "index")
    for path in read_only(folder):
        with Store.open(path, encoder=hashing_encoder) as store:
            assert len(found(store)) == 8
            assert len(found(store)) == 8


@SLOW
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"database": 3}', '{"database": "../other.db"}'])
def test_damaged_settings_file_is_said(tmp_path: Path, hashing_encoder: Encoder, text: str) -> None:
    folder = tmp_path / "s"
    with Store.open(folder, create=True, encoder=hashing_encoder) as store:
        store.add(NOTES)
    (folder / "store.json").write_text(text)
    with pytest.raises(StoreError) as caught:
        Store.open(folder, encoder=hashing_encoder)
    assert "store.json" in str(caught.value)
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("create", [True, False])
def test_lost_database_is_not_replaced_by_an_empty_one(
    tmp_path: Path, hashing_encoder: Encoder, create: bool
) -> None:
    folder = tmp_path / "s"
    with Store.open(folder, create=True, encoder=hashing_encoder) as store:
        store.add(NOTES)
    (folder / "spanwise.db").unlink()
    with pytest.raises(StoreError, match=r"spanwise\.db"):
        Store.open(folder, create=create, encoder=hashing_encoder)
    assert not (folder / "spanwise.db").exists() or not (folder / "spanwise.db").stat().st_size


@SLOW
@pytest.mark.parametrize("how", ["cut", "other bytes", "emptied"])
def test_damaged_database_is_said(tmp_path: Path, hashing_encoder: Encoder, how: str) -> None:
    folder = tmp_path / "s"
    with Store.open(folder, create=True, encoder=hashing_encoder) as store:
        store.add(NOTES)
    file = folder / "spanwise.db"
    data = file.read_bytes()
    if how == "emptied":
        file.write_bytes(b"")
    else:
        file.write_bytes(data[: len(data) // 2] if how == "cut" else data[:50] + b"\xff" * 5000 + data[5050:])
    try:
        with Store.open(folder, encoder=hashing_encoder) as store:
            said = "; ".join(store.check().problems)
    except StoreError as error:
        said = str(error)
    assert "damaged" in said or "database" in said
