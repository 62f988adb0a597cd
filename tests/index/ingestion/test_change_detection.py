"""A folder and a store in step: whatever happens between runs, against a plain model of what must be held."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.ingestion.change_detection import Action, ReadingConditions, decide_by_status
from index.ingestion.run import Ingestion
from index.protocols import Encoder
from index.records import IngestProgress, IngestReport
from index.sql.catalog import Catalog
from index.sql.paths import KnownPath
from index.sql.rejections import RememberedRejection
from index.store.store import Store
from ingest.conversion.options import ParseOptions
from ingest.conversion.parser_pool import Limits
from ingest.conversion.worker import parse_file
from ingest.records import Document, Rejected, RejectReason

GOOD = st.sampled_from([f"The harbour master notes tide {number} at noon.\n" for number in range(5)])
BAD = st.sampled_from(["", "   \n", "\x00\x01\x02\x03 binary"])
NAMES = st.sampled_from(["a.txt", "b.txt", "c.md", ".hidden.txt", "sub/a.txt", "sub/d.txt", "sub/deep/e.md"])
FOLDERS = st.sampled_from(["sub", "sub/deep", "other"])
RULES = st.sampled_from(["", "*.md", "sub/", "a.txt", "*.txt\n!b.txt"])

STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.one_of(GOOD, GOOD, BAD)),
    st.tuples(st.just("delete"), NAMES, st.none()),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("copy"), NAMES, NAMES),
    st.tuples(st.just("move folder"), FOLDERS, FOLDERS),
    st.tuples(st.just("touch"), NAMES, st.none()),
    st.tuples(st.just("set back"), NAMES, GOOD),
    st.tuples(st.just("rules"), st.none(), RULES),
)


class InProcess:
    """The parser without its process; `parsed` names the files that were really read."""

    parsed: list[str]

    def __init__(self, limits: Limits, options: ParseOptions, *, idle: Callable[[], None]) -> None:
        self.limits, self.options, self.idle = limits, options, idle
        self.waiting: list[str] = []

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def submit(self, path: str) -> None:
        self.waiting.append(path)

    def next_result(self) -> Document | Rejected:
        path = self.waiting.pop(0)
        InProcess.parsed.append(path)
        result = parse_file(path, max_bytes=self.limits.max_bytes, options=self.options, alive=lambda: None)
        self.idle()
        return result


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> type[InProcess]:
    InProcess.parsed = []
    monkeypatch.setattr("index.ingestion.run.Parser", InProcess)
    monkeypatch.setattr("index.ingestion.run.READ_AHEAD", 1)
    return InProcess


def act(root: Path, step: tuple[str, str | None, str | None]) -> None:
    kind, name, more = step
    path = root / (name or "")
    other = root / (more or "") if kind in ("rename", "copy", "move folder") else None
    if kind == "write" and not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(more or "")
    elif kind == "delete" and path.is_file():
        path.unlink()
    elif kind in ("rename", "copy") and other is not None and path.is_file() and path != other:
        other.parent.mkdir(parents=True, exist_ok=True)
        (path.replace if kind == "rename" else lambda to: shutil.copy2(path, to))(other)
    elif kind == "move folder" and other is not None and path.is_dir() and not other.exists():
        if path not in other.parents and other.parent.is_dir():
            path.rename(other)
    elif kind == "touch" and path.is_file():
        os.utime(path)
    elif kind == "set back" and path.is_file():
        status = path.stat()
        path.write_text((more or "").ljust(status.st_size)[: status.st_size])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif kind == "rules":
        (root / ".spanwiseignore").write_text(more or "")


def wanted(root: Path) -> dict[str, bytes]:
    """What a run must come by, worked out from the few rules that these tests use."""
    rules = (root / ".spanwiseignore").read_text() if (root / ".spanwiseignore").exists() else ""
    found = {}
    for path in root.rglob("*"):
        inner = path.relative_to(root).as_posix()
        if not path.is_file() or any(part.startswith(".") for part in inner.split("/")):
            continue
        ignored = {
            "": False,
            "*.md": path.suffix == ".md",
            "sub/": "sub" in inner.split("/")[:-1],
            "a.txt": path.name == "a.txt",
            "*.txt\n!b.txt": path.suffix == ".txt" and path.name != "b.txt",
        }[rules]
        if not ignored:
            found[path.as_posix()] = path.read_bytes()
    return found


def is_good(content: bytes) -> bool:
    return bool(content.strip()) and b"\x00" not in content


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(st.lists(STEPS, max_size=6), st.booleans()), min_size=1, max_size=5))
def test_the_store_holds_what_the_folder_holds(
    runs: list[tuple[list[tuple[str, str | None, str | None]], bool]],
    tmp_path_factory: pytest.TempPathFactory,
    hashing_encoder: Encoder,
    template: Path,
) -> None:
    base = tmp_path_factory.mktemp("sync")
    root = base / "docs"
    root.mkdir()
    shutil.copytree(template, base / "store")
    catalog = Catalog.open(f"sqlite:///{base / 'store' / 'spanwise.db'}", base / "store")
    held: dict[str, bytes] = {}
    for steps, prune in runs:
        for step in steps:
            act(root, step)
        files = wanted(root)
        before = dict(held)
        report = run(catalog, base, root, hashing_encoder, prune=prune)
        good = {path: content for path, content in files.items() if is_good(content)}
        assert {r.path for r in report.rejected} == files.keys() - good.keys()
        assert report.added + report.updated + report.unchanged == len(good)
        stored = {known.path: known.content_sha256 for known in everything(catalog)}
        for path, content in good.items():
            assert stored[path] == hashlib.sha256(content).hexdigest(), path
        kept = {path for path in before if path in files and path not in good}
        if prune:
            assert stored.keys() == good.keys() | kept
            assert {item.path for item in catalog.rejections.all()} == files.keys() - good.keys()
        else:
            # What is gone may stay, or go because its content came back under another name.
            assert good.keys() | kept <= stored.keys() <= good.keys() | before.keys()
        held = {path: good.get(path, before.get(path, b"")) for path in stored}
        totals = catalog.documents.totals()
        assert totals["documents"] == len({known.document_key for known in everything(catalog)})
        again = run(catalog, base, root, hashing_encoder, prune=prune)
        assert (again.added, again.updated, again.removed) == (0, 0, 0)
    assert not catalog.audit.findings()
    catalog.close()


def run(catalog: Catalog, base: Path, root: Path, encoder: Encoder, *, prune: bool) -> IngestReport:
    ingestion = Ingestion(
        catalog=catalog,
        encoder=lambda: encoder,
        uploads=base / "store" / "uploads",
        chunking=None,
        publish=lambda: None,
    )
    return ingestion.ingest_paths([root], prune=prune, dry_run=False, progress=None)


def everything(catalog: Catalog) -> list[KnownPath]:
    return list(catalog.paths.among(catalog.paths.all()).values())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store to copy: making one takes longer than a run."""
    folder = tmp_path_factory.mktemp("template") / "store"
    with Store.open(folder, create=True, models="pocket") as store:
        store.catalog.settings.set("dimension", "64")
        store.catalog.settings.set("fingerprint", "hashing-1")
    return folder


# -- single cases ----


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    root.mkdir()
    (root / "good.txt").write_text("The harbour master notes the tide at noon.")
    (root / "empty.txt").write_text("")
    (root / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    for path in root.iterdir():  # as if written long ago
        os.utime(path, (1e9, 1e9))
    return root


def test_size_and_times_decide_where_they_can(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("The harbour master notes the tide.")
    status = path.stat()
    checked_ns = max(status.st_mtime_ns, status.st_ctime_ns) + 3 * 10**9
    known = KnownPath(
        path=path.as_posix(),
        document_key=1,
        document_id="d",
        content_sha256="0",
        parser="txt/1.2",
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        checked_ns=checked_ns,
    )
    conditions = ReadingConditions.today(Limits(), ParseOptions(), retry_rejected=False)
    refused = RememberedRejection(
        path=path.as_posix(),
        reason=RejectReason.NO_TEXT,
        detail="no text found in it",
        readers=conditions.readers,
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        checked_ns=checked_ns,
    )

    def action(
        known: KnownPath | None = None,
        refused: RememberedRejection | None = None,
        *,
        stale: bool = False,
        conditions: ReadingConditions = conditions,
    ) -> Action:
        return decide_by_status(
            path.as_posix(),
            status,
            looked_ns=checked_ns,
            known=known,
            stale=stale,
            refused=refused,
            conditions=conditions,
        ).action

    assert action() is Action.HASH
    assert action(known) is Action.UNCHANGED
    assert action(known, stale=True) is Action.PARSE
    assert action(replace(known, modified_ns=0)) is Action.HASH
    assert action(replace(known, checked_ns=status.st_mtime_ns)) is Action.HASH
    assert action(refused=refused) is Action.REJECTED
    assert action(refused=replace(refused, readers="others")) is Action.HASH
    assert action(refused=replace(refused, reason=RejectReason.TIMEOUT)) is Action.HASH
    assert action(refused=refused, conditions=replace(conditions, retry_rejected=True)) is Action.HASH
    assert action(conditions=replace(conditions, limits=Limits(max_bytes=1))) is Action.REJECTED


def test_a_rejected_file_is_read_again_only_for_a_reason(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, in_process: type[InProcess]
) -> None:
    monkeypatch.setattr("index.ingestion.change_detection._RACY_NS", -(10**18))
    store.ingest([folder])
    assert len(in_process.parsed) == 3

    def read(**how: object) -> list[str]:
        in_process.parsed.clear()
        report = store.ingest([folder], **how)  # type: ignore[arg-type]
        assert [r.reason for r in report.rejected] == [RejectReason.EMPTY, RejectReason.UNSUPPORTED]
        return [Path(path).name for path in in_process.parsed]

    assert read() == []
    assert read(retry_rejected=True) == ["empty.txt", "picture.png"]
    assert read(limits=Limits(max_bytes=10**6)) == ["empty.txt", "picture.png"]
    assert read() == ["empty.txt", "picture.png"]  # the limits of before are another reader, too
    assert read() == []
    os.utime(folder / "empty.txt")
    assert read() == ["empty.txt"]
    monkeypatch.setattr("index.ingestion.change_detection.converters", lambda: "newer")
    assert read() == ["empty.txt", "picture.png"]
    (folder / "empty.txt").write_text("Now there are words in it.")
    assert store.ingest([folder]).added == 1
    assert [file.path for file in store.files() if file.rejected] == [(folder / "picture.png").as_posix()]


def test_what_is_locked_or_scanned_is_tried_again_with_a_key(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.ingestion.change_detection._RACY_NS", -(10**18))
    tried: list[tuple[str, ...]] = []

    def parse(self: InProcess) -> Rejected:
        tried.append(self.options.passwords)
        return Rejected(path=self.waiting.pop(0), reason=RejectReason.ENCRYPTED, detail="locked")

    monkeypatch.setattr(InProcess, "next_result", parse)
    file = folder / "good.txt"
    for options in (None, None, ParseOptions(passwords=("x",))):
        assert store.ingest([file], options=options).rejected[0].reason is RejectReason.ENCRYPTED
    assert tried == [(), ("x",)]
    assert "x" not in repr(ParseOptions(passwords=("x",)))


def test_two_gigabytes_are_refused_unread(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(2**31)
    monkeypatch.setattr("index.ingestion.change_detection.sha256_of", lambda path: pytest.fail("it was read"))
    report = store.ingest([tmp_path / "huge.txt"])
    assert [r.reason for r in report.rejected] == [RejectReason.TOO_LARGE]
    assert "2,147,483,648 bytes, the limit is 200,000,000" in report.rejected[0].detail


def test_the_time_of_looking_is_the_time_before_reading(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "good.txt"
    parse = InProcess.next_result

    def slowly(self: InProcess) -> Document | Rejected:
        # As long as the file is parsed and encoded its clock runs on.
        monkeypatch.setattr(time, "time_ns", lambda: 10**19)
        return parse(self)

    monkeypatch.setattr(InProcess, "next_result", slowly)
    store.ingest([file])
    known = store.catalog.paths.get(file.as_posix())
    assert known is not None
    assert known.checked_ns < 10**19


def test_a_file_changed_without_a_trace_in_its_times_is_noticed(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "good.txt"
    monkeypatch.setattr("index.ingestion.change_detection._RACY_NS", 0)
    store.ingest([file])
    status = file.stat()
    time.sleep(0.05)
    file.write_text("The harbour master notes the TIDE at noon.")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.ingest([file]).updated == 1


def test_prune_takes_what_is_ignored_today_and_spares_what_cannot_be_seen(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/b.txt", "c/d.txt"):
        (folder / name).parent.mkdir()
        (folder / name).write_text(f"Words of {name} about the harbour.")
    store.ingest([folder])
    assert store.stats().paths == 3
    (folder / ".spanwiseignore").write_text("c/\nempty.txt")
    listing = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr("ingest.files.walk.os.scandir", refusing)
    report = store.ingest([folder], prune=True)
    assert report.removed == 1
    assert report.skipped == {"hidden": 1, "ignored": 2}
    assert {(Path(r.path).name, r.reason.value) for r in report.rejected} == {
        ("a", "unreadable"),
        ("picture.png", "unsupported"),
    }
    assert {Path(d.path).name for d in store.documents()} == {"good.txt", "b.txt"}
    rejected = {Path(file.path).name for file in store.files() if file.rejected is not None}
    assert rejected == {"a", "picture.png"}


def test_a_dry_run_tells_a_rename_from_a_new_file(store: Store, folder: Path) -> None:
    store.ingest([folder])
    (folder / "good.txt").rename(folder / "better.txt")
    report = store.ingest([folder], prune=True, dry_run=True)
    assert (report.updated, report.removed) == (1, 0)
    assert [Path(d.path).name for d in store.documents()] == ["good.txt"]


def test_a_store_inside_the_folder_is_no_document(tmp_path: Path, hashing_encoder: Encoder) -> None:
    (tmp_path / "a.txt").write_text("The harbour master notes the tide.")
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as store:
        store.ingest([tmp_path])
        store.ingest([tmp_path])
        assert [Path(d.path).name for d in store.documents()] == ["a.txt"]


def test_one_content_in_many_places_is_read_once(
    store: Store, tmp_path: Path, in_process: type[InProcess]
) -> None:
    for number in range(120):
        place = tmp_path / f"{number:03}"
        place.mkdir()
        (place / "licence.txt").write_text("Permission is granted to copy this text.")
    report = store.ingest([tmp_path / f"{number:03}" for number in range(120)])
    assert (report.added, report.passages) == (120, 1)
    stats = store.stats()
    assert (stats.documents, stats.paths) == (1, 120)


def test_the_total_is_known_early_and_never_below_what_is_done(store: Store, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text(f"Words {number} of the harbour.")
    seen: list[IngestProgress] = []
    store.ingest([tmp_path / f"{number}.txt" for number in range(30)], progress=seen.append)
    assert [item.done for item in seen if item.path] == list(range(1, 31))
    assert seen[0].total == seen[-1].total == 30


def test_a_book_does_not_hold_back_the_small_files_before_it(
    store: Store, tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("A small note about the harbour.")
    (tmp_path / "b.txt").write_text("\n\n".join(f"Sentence {n} of a book. " * 60 for n in range(9)))
    monkeypatch.setattr("index.ingestion.run._HOLD_SECONDS", 1e9)
    monkeypatch.setattr("index.ingestion.encoding_thread._LEAST_PASSAGES", 4)
    paths = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    encode = hashing_encoder.encode_passages

    def breaking(texts: list[str]) -> object:
        if len(texts) >= 8:
            raise KeyboardInterrupt
        return encode(texts)

    monkeypatch.setattr(hashing_encoder, "encode_passages", breaking)
    with pytest.raises(KeyboardInterrupt):
        store.ingest(paths)
    assert [Path(d.path).name for d in store.documents()] == ["a.txt"]


def test_an_interrupted_run_loses_half_a_second_of_encoding(
    store: Store, tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        text = "\n\n".join(f"Sentence {number} {part} of a note. " * 25 for part in range(4))
        (tmp_path / f"{number:02}.txt").write_text(text)
    monkeypatch.setattr("index.ingestion.encoding_thread._BATCH_SECONDS", 0.1)
    encode, encoded = hashing_encoder.encode_passages, []

    def slowly(texts: list[str]) -> object:
        encoded.append(len(texts))
        if sum(encoded) > 80:
            raise KeyboardInterrupt
        time.sleep(0.002 * len(texts))
        return encode(texts)

    monkeypatch.setattr(hashing_encoder, "encode_passages", slowly)
    with pytest.raises(KeyboardInterrupt):
        store.ingest([tmp_path / f"{number:02}.txt" for number in range(30)])
    lost = sum(encoded) - store.stats().passages
    assert 0 < lost <= 64 + 8
    assert store.check().ok
