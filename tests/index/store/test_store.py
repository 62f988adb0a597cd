"""A store from the outside: what ingest reports, what can be found, what survives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from index.errors import ModelMismatch, StoreError, StoreLocked, StoreNotFound, StoreVersionMismatch
from index.protocols import Encoder, Vectors
from index.records import Filters, IngestReport, Mode
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.errors import IngestError
from ingest.records import RejectReason, Text

TOKENIZER = Path(__file__).parents[3] / "data/models/pocket/encoder/tokenizer.json"
MASKING = "RoBERTa draws its masks anew for every pass over the data, which is called dynamic masking."
TIDES = "The harbour master notes the tide at six in the morning and again at noon."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "papers"
    root.mkdir()
    (root / "masking.md").write_text(f"# Masking\n\n{MASKING}\n")
    (root / "tides.txt").write_text(f"{TIDES}\n")
    (root / "broken.pdf").write_bytes(b"%PDF-1.7 this is not a PDF")
    return root


def found_paths(store: Store, query: str, **more: object) -> list[str]:
    hits = Retriever(store).search(query, **more)  # type: ignore[arg-type]
    return [hit.document.path for hit in hits]


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.removed


# -- ingest --------------------------------------------------------------------------------------------------


def test_folder_is_searchable_when_ingest_returns(store: Store, folder: Path) -> None:
    report = store.ingest([folder])
    assert counts(report) == (2, 0, 0, 0)
    assert report.passages == 2
    assert [(Path(r.path).name, r.reason) for r in report.rejected] == [("broken.pdf", RejectReason.CORRUPT)]
    assert found_paths(store, "dynamic masking", k=1) == [(folder / "masking.md").as_posix()]
    assert store.check().ok


def test_second_run_embeds_nothing(store: Store, folder: Path) -> None:
    store.ingest([folder])
    encoded = store.encoder.encoded  # type: ignore[attr-defined]
    revision = store.stats().revision
    assert counts(store.ingest([folder])) == (0, 0, 2, 0)
    assert store.encoder.encoded == encoded  # type: ignore[attr-defined]
    assert store.stats().revision == revision


def test_change_replaces_what_the_file_held(store: Store, folder: Path) -> None:
    store.ingest([folder])
    (folder / "tides.txt").write_text("The lighthouse keeper paints the lamp room in spring.")
    assert counts(store.ingest([folder])) == (0, 1, 1, 0)
    assert found_paths(store, "harbour at noon", mode=Mode.LEXICAL) == []
    assert found_paths(store, "lighthouse keeper", k=1) == [(folder / "tides.txt").as_posix()]
    assert store.check().ok


def test_same_size_change_at_once_is_noticed(store: Store, folder: Path) -> None:
    file = folder / "tides.txt"
    store.ingest([folder])
    status = file.stat()
    file.write_text(TIDES.replace("morning", "evening") + "\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert counts(store.ingest([folder])) == (0, 1, 1, 0)


def test_rename_is_an_update_that_embeds_nothing(store: Store, folder: Path) -> None:
    store.ingest([folder])
    encoded = store.encoder.encoded  # type: ignore[attr-defined]
    (folder / "masking.md").rename(folder / "dynamic.md")
    report = store.ingest([folder])
    assert (counts(report), report.passages) == ((0, 1, 1, 0), 0)
    assert store.encoder.encoded == encoded  # type: ignore[attr-defined]
    assert found_paths(store, "dynamic masking", k=1) == [(folder / "dynamic.md").as_posix()]
    assert store.stats().documents == 2


def test_copy_is_one_document_under_two_paths(store: Store, folder: Path) -> None:
    shutil.copy(folder / "masking.md", folder / "copy.md")
    assert counts(store.ingest([folder])) == (3, 0, 0, 0)
    stats = store.stats()
    assert (stats.documents, stats.paths) == (2, 3)
    (hit, *_) = Retriever(store).search("dynamic masking")
    assert {Path(path).name for path in hit.document.paths} == {"masking.md", "copy.md"}
    store.delete([str(folder / "masking.md")])
    assert found_paths(store, "dynamic masking", k=1) == [(folder / "copy.md").as_posix()]


def test_prune_removes_only_what_is_gone_below_the_roots(store: Store, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("Elsewhere the ferry leaves at nine.")
    store.uploads.mkdir()
    upload = store.uploads / "upload.txt"
    upload.write_text("An uploaded note about tariffs.")
    store.ingest([folder, other, upload])
    for file in (folder / "tides.txt", other, upload):
        file.unlink()
    assert counts(store.ingest([folder])) == (0, 0, 1, 0)
    assert counts(store.ingest([folder], prune=True, dry_run=True))[1:] == (0, 1, 1)
    assert counts(store.ingest([folder, store.uploads], prune=True)) == (0, 0, 1, 1)
    assert {Path(d.path).name for d in store.documents()} == {"masking.md", "other.txt", "upload.txt"}


def test_prune_leaves_alone_what_the_patterns_of_the_run_leave_out(store: Store, folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "tides.md").write_text(f"Formerly: {TIDES}")
    assert counts(store.ingest([folder])) == (3, 0, 0, 0)
    stored = {document.path for document in store.documents()}
    rejected = dict(store.stats().rejected)
    assert rejected
    (folder / "tides.txt").unlink()
    (folder / "old" / "tides.md").unlink()
    (folder / "broken.pdf").unlink()
    for dry in (True, False):
        report = store.ingest([folder], prune=True, include=["*.md"], exclude=["old/"], dry_run=dry)
        assert counts(report) == (0, 0, 1, 0)
    assert {document.path for document in store.documents()} == stored
    assert store.stats().rejected == rejected
    # The pattern counts from the root that is nearest.
    assert counts(store.ingest([folder, folder / "old"], prune=True, include=["/*.md"])) == (0, 0, 1, 1)
    assert counts(store.ingest([folder], prune=True)) == (0, 0, 1, 1)
    assert not store.stats().rejected


def test_a_name_that_is_not_utf8_is_one_rejected_file(store: Store, folder: Path) -> None:
    odd = os.fsencode(folder) + b"/caf\xe9.txt"
    try:
        with open(odd, "wb") as file:  # noqa: PTH123 - a name that no Path is made of
            file.write(b"words")
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    (folder / "broken.pdf").unlink()
    for dry, expected in ((True, (2, 0, 0, 0)), (False, (2, 0, 0, 0)), (False, (0, 0, 2, 0))):
        report = store.ingest([folder], prune=True, dry_run=dry)
        assert counts(report) == expected
        (refused,) = report.rejected
        assert (Path(refused.path).name, refused.reason) == ("caf\\xe9.txt", RejectReason.UNREADABLE)
        assert "rename" in refused.detail
    assert found_paths(store, "dynamic masking", k=1) == [(folder / "masking.md").as_posix()]
    with pytest.raises(IngestError, match="caf"):
        store.ingest([os.fsdecode(odd) + "x"])
    given = store.ingest([os.fsdecode(odd), folder / "tides.txt"])
    assert (counts(given), len(given.rejected)) == ((0, 0, 1, 0), 1)


def test_prune_refuses_when_a_root_is_missing(store: Store, folder: Path) -> None:
    store.ingest([folder])
    shutil.rmtree(folder)
    with pytest.raises(IngestError, match="papers is missing"):
        store.ingest([folder], prune=True)
    assert store.stats().documents == 2


def test_dry_run_changes_nothing(store: Store, folder: Path) -> None:
    assert counts(store.ingest([folder], dry_run=True)) == (3, 0, 0, 0)
    assert store.stats().documents == 0


def test_file_that_breaks_later_keeps_its_stored_version(store: Store, folder: Path) -> None:
    store.ingest([folder])
    (folder / "tides.txt").write_text("")
    report = store.ingest([folder])
    detail = {Path(r.path).name: r.detail for r in report.rejected}["tides.txt"]
    assert detail.endswith("the version stored before is kept")
    assert found_paths(store, "tide at noon", k=1) == [(folder / "tides.txt").as_posix()]


def test_newer_converter_reads_unchanged_files_again(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ingest([folder])
    monkeypatch.setattr(
        "index.ingestion.change_detection.is_current", lambda parser: not parser.startswith("md/")
    )
    # The converter itself has not changed here, so what it gives is the document that is there already.
    encoded = store.encoder.encoded  # type: ignore[attr-defined]
    assert counts(store.ingest([folder])) == (0, 0, 2, 0)
    assert store.encoder.encoded > encoded  # type: ignore[attr-defined]


def test_texts_from_python_are_added_and_replaced(store: Store) -> None:
    store.add(
        [Text(id="n1", text=TIDES, title="Tides", metadata={"team": "ops"}), Text(id="n2", text=MASKING)]
    )
    (hit,) = Retriever(store).search("harbour tide", k=1)
    assert (hit.document.path, hit.document.title, hit.document.metadata) == (
        "text:n1",
        "Tides",
        {"team": "ops"},
    )
    assert counts(store.add([Text(id="n1", text="The pilot boards at dawn.", title="Pilot")])) == (0, 1, 0, 0)
    assert found_paths(store, "tide", mode=Mode.LEXICAL) == []
    assert store.delete(["n1"]) == 1
    assert [d.path for d in store.documents()] == ["text:n2"]


def test_passages_are_slices_of_their_document(store: Store, folder: Path) -> None:
    store.ingest([folder])
    for hit in Retriever(store).search("masking tide"):
        document = store.document(hit.document.id)
        assert document.text[hit.passage.start : hit.passage.end] == hit.passage.text


# -- delete, check, repair -----------------------------------------------------------------------------------


def test_delete_takes_files_folders_and_ids(store: Store, folder: Path) -> None:
    store.ingest([folder])
    masking = next(d for d in store.documents() if d.path.endswith("masking.md"))
    assert store.delete([masking.id]) == 1
    assert store.delete([str(folder)]) == 1
    assert store.stats().documents == 0
    assert found_paths(store, "masking") == []
    with pytest.raises(StoreError, match="papers is not in the store"):
        store.delete([str(folder)])
    assert store.check().ok


def test_deleted_content_can_come_back(store: Store, folder: Path) -> None:
    store.ingest([folder])
    store.delete([str(folder / "masking.md")])
    assert counts(store.ingest([folder])) == (1, 0, 1, 0)
    assert found_paths(store, "dynamic masking", k=1) == [(folder / "masking.md").as_posix()]
    assert store.check().ok


def test_k_results_whatever_was_deleted(store: Store) -> None:
    store.add([Text(id=str(n), text=f"Note {n} tells of the harbour.") for n in range(60)])
    store.delete([str(n) for n in range(0, 60, 2)])
    for mode in Mode:
        assert len(found_paths(store, "harbour note", k=30, mode=mode)) == 30


def test_passage_ids_are_never_used_again(store: Store) -> None:
    store.add([Text(id="a", text=TIDES)])
    first = Retriever(store).search("tide")[0].passage.id
    store.delete(["a"])
    store.add([Text(id="b", text=MASKING)])
    assert Retriever(store).search("masking")[0].passage.id > first


DAMAGES = {
    "manifest": "manifest.json",
    "segment": "vectors-*.faiss",
    "lexical meta": "lexical-*/meta.json",
    "lexical data": "lexical-*/*.store",
}


@pytest.mark.parametrize("how", ["removed", "truncated", "flipped"])
@pytest.mark.parametrize("what", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_index_is_noticed_and_rebuilt(
    tmp_path: Path, hashing_encoder: Encoder, folder: Path, what: str, how: str
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.ingest([folder])
    (file, *_) = (tmp_path / "s" / "index").glob(what)
    data = bytearray(file.read_bytes())
    if how == "removed":
        file.unlink()
    elif how == "truncated":
        file.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(data)
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store:
        noticed = not store.check().ok
        assert noticed or (what == "lexical-*/*.store"), store.check()
        assert store.repair().ok
        assert found_paths(store, "dynamic masking", k=1) == [(folder / "masking.md").as_posix()]


@pytest.mark.parametrize("pattern", ["manifest.json", "vectors-*.faiss", "lexical-*/meta.json"])
def test_lost_index_file_is_no_reason_to_fail(
    tmp_path: Path, hashing_encoder: Encoder, folder: Path, pattern: str
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.ingest([folder])
    for file in (tmp_path / "s" / "index").glob(pattern):
        file.unlink()
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store:
        assert found_paths(store, "dynamic masking", k=1) == [(folder / "masking.md").as_posix()]
        assert store.check().ok


def test_check_finds_a_changed_passage(tmp_path: Path, hashing_encoder: Encoder, folder: Path) -> None:
    import sqlite3

    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.ingest([folder])
    connection = sqlite3.connect(tmp_path / "s" / "spanwise.db")
    connection.execute('UPDATE passages SET start = start + 1, "end" = "end" + 1 WHERE id = 1')
    connection.commit()
    connection.close()
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store:
        assert [p for p in store.check().problems if "not slices of their text" in p]


# -- opening -------------------------------------------------------------------------------------------------


def test_missing_store_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound) as caught:
        Store.open(tmp_path / "nothing")
    assert "spanwise ingest" in caught.value.hint
    assert not (tmp_path / "nothing").exists()


def test_folder_with_other_things_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(StoreError, match="is not empty and holds no store"):
        Store.open(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_vectors_of_another_encoder_are_refused(
    tmp_path: Path, hashing_encoder: Encoder, folder: Path
) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.ingest([folder])
    hashing_encoder.fingerprint = "hashing-2"  # type: ignore[misc]
    with Store.open(tmp_path / "s", encoder=hashing_encoder) as store, pytest.raises(ModelMismatch):
        Retriever(store).search("masking")


def test_store_of_another_schema_is_refused(tmp_path: Path, hashing_encoder: Encoder) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        store.catalog.settings.set("schema_version", "99")
    with pytest.raises(StoreVersionMismatch, match="schema 99"):
        Store.open(tmp_path / "s")


def test_empty_store_answers_with_nothing(store: Store) -> None:
    assert len(Retriever(store).search("anything")) == 0
    assert store.check().ok
    assert store.stats().documents == 0


# -- searching -----------------------------------------------------------------------------------------------


def test_filters_are_exact_in_every_mode(store: Store) -> None:
    store.add([Text(id=f"n{n}", text=f"Note {n} on the harbour and its tides.") for n in range(50)])
    chosen = tuple(d.id for d in store.documents() if d.path in ("text:n7", "text:n31"))
    for mode in Mode:
        found = found_paths(store, "harbour tides", k=10, mode=mode, filters=Filters(documents=chosen))
        assert sorted(found) == ["text:n31", "text:n7"]


def test_filter_does_not_change_bm25_scores(store: Store) -> None:
    store.add([Text(id=f"n{n}", text=f"Note {n} on the harbour. " * (n % 3 + 1)) for n in range(20)])
    everywhere = {h.passage.id: h.score for h in Retriever(store).search("harbour", 20, Mode.LEXICAL)}
    chosen = Filters(documents=(store.documents()[3].id,))
    (hit,) = Retriever(store).search("harbour", 20, Mode.LEXICAL, chosen)
    assert hit.score == pytest.approx(everywhere[hit.passage.id])


def test_scores_by_mode(store: Store) -> None:
    store.add([Text(id="a", text=TIDES), Text(id="b", text=MASKING)])
    (dense, _) = Retriever(store).search("dynamic masking", mode=Mode.DENSE)
    assert dense.score == dense.dense_score
    assert dense.lexical_score is None
    (lexical,) = Retriever(store).search("dynamic masking", mode=Mode.LEXICAL)
    assert lexical.score == lexical.lexical_score
    assert lexical.dense_score is None
    assert [hit.rank for hit in Retriever(store).search("dynamic masking")] == [1, 2]


def test_unreadable_script_is_searched_by_words_alone(store: Store) -> None:
    chinese = "自注意力机制让每个词元直接查看句子中的所有其他词元，并据此计算新的表示。"
    store.add([Text(id="zh", text=chinese), Text(id="en", text=MASKING)])
    result = Retriever(store).search("什么是自注意力机制？")
    assert result.unsupported_language
    assert result[0].document.path == "text:zh"
    assert store.stats().index.vectors == 1
    assert store.check().ok


@pytest.mark.parametrize("query", ["", "  \n", "?!", "\x00", "the", "a" * 10_000, 'OR AND NOT ( " *', "ǘ🎉"])
def test_no_question_is_too_strange(store: Store, query: str) -> None:
    store.add([Text(id="a", text=TIDES)])
    for mode in Mode:
        Retriever(store).search(query, mode=mode)


# -- several at once -----------------------------------------------------------------------------------------


def test_reader_sees_what_another_process_wrote(
    tmp_path: Path, hashing_encoder: Encoder, folder: Path
) -> None:
    with (
        Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as writer,
        Store.open(tmp_path / "s", encoder=hashing_encoder) as reader,
    ):
        assert found_paths(reader, "masking") == []
        writer.ingest([folder])
        assert len(found_paths(reader, "masking tide")) == 2
        writer.delete([str(folder / "tides.txt")])
        assert len(found_paths(reader, "masking tide")) == 1


def test_second_writer_is_told(
    tmp_path: Path, hashing_encoder: Encoder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.write_lock.LOCK_SECONDS", 0.1)
    with (
        Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as first,
        Store.open(tmp_path / "s", encoder=hashing_encoder) as second,
        first._lock.writing(),
        pytest.raises(StoreLocked, match="something else is writing"),
    ):
        second.ingest([folder])


def test_readers_never_fail_while_a_writer_works(store: Store) -> None:
    store.add([Text(id="stays", text=MASKING)])
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                assert "text:stays" in found_paths(store, "dynamic masking", k=50)
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(12):
        store.add([Text(id=f"n{n % 4}", text=f"Round {n}: {TIDES}")])
    stop.set()
    reader.join()
    assert not failures
    assert store.check().ok


KILLED = """
    import os, sys
    import index.{module} as module
    from index.store.store import Store
    from ingest.records import Text
    sys.path.insert(0, {tests!r})
    from {encoder_module} import make
    store = Store.open({path!r}, encoder=make())
    def die(*_, **__):
        os._exit(9)
    {patch}
    store.add([Text(id="new", text="The lighthouse keeper paints the lamp room.")])
"""
POINTS = {
    "before the commit": ("sql.catalog", "module._insert_path = die", False),
    "after the commit": ("snapshots.publisher", "module.Publisher.publish = die", True),
    "after the lexical commit": ("snapshots.publisher", "module.Publisher._publish_vectors = die", True),
    "before the manifest": ("snapshots.publisher", "module.Manifest.write = die", True),
    "before the clean-up": ("snapshots.publisher", "module.Publisher._remove_unused = die", True),
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_writer_leaves_a_whole_store(tmp_path: Path, hashing_encoder: Encoder, point: str) -> None:
    path = tmp_path / "s"
    with Store.open(path, create=True, encoder=hashing_encoder) as store:
        store.add([Text(id="old", text=MASKING)])
    module, patch, committed = POINTS[point]
    helper = tmp_path / "helper.py"
    helper.write_text(
        textwrap.dedent(
            """
            import importlib.util
            def make():
                from pathlib import Path
                from ingest.text.tokenizer import TextTokenizer
                spec = importlib.util.spec_from_file_location("conftest_copy", CONFTEST)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module.HashingEncoder(TextTokenizer.from_file(TOKENIZER))
            """
        )
        .replace("CONFTEST", repr(str(Path(__file__).parents[2] / "conftest.py")))
        .replace(
            "TOKENIZER", repr(str(Path(__file__).parents[3] / "data/models/pocket/encoder/tokenizer.json"))
        )
    )
    script = textwrap.dedent(KILLED).format(
        module=module, patch=patch, path=str(path), tests=str(tmp_path), encoder_module="helper"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[3], capture_output=True, text=True
    )
    assert done.returncode == 9, done.stderr
    with Store.open(path, encoder=hashing_encoder) as store:
        paths = found_paths(store, "lighthouse keeper dynamic masking")
        assert ("text:new" in paths) is committed
        assert "text:old" in paths
        assert store.check().ok
        store.add([Text(id="later", text=TIDES)])
        assert store.check().ok


def test_writer_lock_ends_with_its_process(tmp_path: Path, hashing_encoder: Encoder) -> None:
    with Store.open(tmp_path / "s", create=True, encoder=hashing_encoder) as store:
        lock = str(tmp_path / "s" / "writer.lock")
        script = (
            "import time; from filelock import FileLock\n"
            f"FileLock({lock!r}).acquire(); print('held', flush=True); time.sleep(60)"
        )
        holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()
        holder.stdout.close()
        started = time.monotonic()
        assert store.add([Text(id="a", text=TIDES)]).added == 1
        assert time.monotonic() - started < 5


def test_measured_recall_is_measured(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from index.dense.faiss_segment import Ids, Segment

    store.add([Text(id=str(n), text=f"Note {n} tells {n * 7} of {n * 13}.") for n in range(40)])
    assert store.stats().index.measured_recall == 1.0

    def wrong(self: Segment, query: object, k: int, chosen: object) -> tuple[Ids, Vectors]:
        return self.ids[:k], np.zeros(k, np.float32)

    monkeypatch.setattr(Segment, "search", wrong)
    store.repair()
    recall = store.stats().index.measured_recall
    assert recall is not None
    assert recall < 0.9


def test_documents_are_listed_by_stretches_in_any_script(store: Store) -> None:
    store.add([Text(id=f"n{n}", text=f"Note {n}.", title=f"ÉCOLE {n} % _") for n in range(4)])
    store.delete(["text:n2"])
    everything = store.documents()
    assert [item.path for item in everything] == ["text:n0", "text:n1", "text:n3"]
    total, shown = store.catalog.documents.search(offset=1, limit=1)
    assert (total, shown) == (3, everything[1:2])
    assert store.documents(offset=1, limit=1) == everything[1:2]
    assert store.catalog.documents.search("école", limit=2) == (3, everything[:2])
    assert store.catalog.documents.search("N3") == (1, everything[2:])
    assert store.catalog.documents.search("%%") == (0, ())
