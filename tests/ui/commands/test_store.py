"""Export, import, copies and change of encoder on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.protocols import Encoder
from index.records import (
    BackupReport,
    ExportReport,
    ImportProblem,
    ImportReport,
    IndexInfo,
    ReembedReport,
    Stats,
)
from index.store.store import Store
from ingest.records import Text
from ui.cli import main
from ui.render import json_forms, terminal


@pytest.fixture
def library(tmp_path: Path, hashing_encoder: Encoder) -> Path:
    with Store.open(tmp_path / "library", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id=f"n{n}", text=f"Note {n} on the harbour.") for n in range(3)])
    return tmp_path / "library"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_store_moves_through_a_file_without_a_model(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.jsonl.gz"
    status, report = run(capsys, "export", file, "--vectors", "--store", library)
    assert (status, report["documents"], report["vectors"]) == (0, 3, 3)
    status, report = run(capsys, "import", file, "--store", tmp_path / "new")
    assert (status, report["added"], report["encoded"], report["problems"]) == (0, 3, 0, [])
    status, stats = run(capsys, "stats", "--store", tmp_path / "new")
    assert (stats["documents"], stats["encoder"]) == (3, "hashing")
    status, copy = run(capsys, "backup", tmp_path / "copy", "--store", tmp_path / "new")
    assert (status, copy["folder"]) == (0, str(tmp_path / "copy"))
    assert run(capsys, "stats", "--store", tmp_path / "copy")[1]["documents"] == 3


def test_an_export_to_standard_output_is_nothing_else(
    library: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "-", "--store", str(library)]) == 0
    captured = capfd.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [next(iter(line)) for line in lines] == ["format", "crc32", "crc32", "crc32", "end"]
    assert "3 documents" in captured.err


def test_a_damaged_line_is_named_and_is_no_success(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "export", tmp_path / "e.jsonl", "--vectors", "--store", library)
    lines = (tmp_path / "e.jsonl").read_text().splitlines()
    (tmp_path / "e.jsonl").write_text("\n".join([*lines[:2], "{", *lines[3:]]))
    status, report = run(capsys, "import", tmp_path / "e.jsonl", "--store", tmp_path / "new")
    assert (status, report["added"], report["problems"][0]["line"]) == (1, 2, 3)


def test_what_the_user_can_mend_is_said(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "e.jsonl").write_text("hello")
    for arguments, hint in (
        (["reembed"], "--encoder NAME"),
        (["import", tmp_path / "e.jsonl"], "spanwise export"),
        (["backup", tmp_path], "empty folder"),
        (["init", "--database", "postgresql://me:secret@localhost/library"], "PGPASSWORD"),
    ):
        status, report = run(capsys, *arguments, "--store", library)
        assert status == 2
        assert hint in report["error"]["hint"]
        assert "secret" not in json.dumps(report)


def test_reports_in_words() -> None:
    problems = (ImportProblem(line=7, detail="it is\x1b[31m no JSON"),)
    report = ImportReport(added=2, passages=5, encoded=1, problems=problems)
    assert terminal.import_text(report).splitlines()[1] == "  line 7: it is[31m no JSON"
    assert json_forms.record_json(report)["problems"] == [{"line": 7, "detail": "it is\x1b[31m no JSON"}]
    exported = ExportReport(documents=1, passages=2, vectors=2, revision=3, seconds=0.25)
    assert terminal.export_text(exported) == "1 document with 2 passages and 2 vectors written in 0.2 s"
    assert json_forms.record_json(exported)["revision"] == 3
    copied = BackupReport(folder="/a b", bytes=2048, seconds=0.1)
    assert "spanwise stats --store '/a b'" in terminal.backup_text(copied)
    assert json_forms.record_json(copied)["bytes"] == 2048
    changed = ReembedReport(encoder="base", encoded=5, kept=2, unreadable=1, seconds=1.0)
    assert "5 passages encoded, 2 done before, 1 found by their words alone" in terminal.reembed_text(changed)
    assert json_forms.record_json(changed)["encoder"] == "base"


def test_stats_tell_of_files_left_out_and_of_remarks_only_where_there_are_any() -> None:
    facts: dict[str, Any] = {"documents": 1, "paths": 1, "passages": 1, "characters": 1, "revision": 1}
    facts |= {"encoder": "e", "reader": "r", "languages": {}, "types": {}, "bytes": 1}
    plain = Stats(**facts, index=IndexInfo(kind="exact", vectors=1, measured_recall=None))
    assert not {"left out", "remarks"} & {
        line[:8].strip() for line in terminal.stats_text(plain, "s").splitlines()
    }
    full = Stats(
        **facts,
        index=plain.index,
        rejected={"corrupt": 2, "no_text": 1},
        labels=1,
        feedback=2,
    )
    told = terminal.stats_text(full, "s").splitlines()
    assert told[-2:] == ["left out   corrupt 2, no_text 1", "remarks    1 label, 2 verdicts"]
    assert json_forms.record_json(full)["rejected"] == {"corrupt": 2, "no_text": 1}
