"""The command `ingest` and the table of files, through the command line with a quick encoder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from index.protocols import Encoder
from index.records import FileReport
from ingest.records import Rejected, RejectReason
from ui.cli import main
from ui.commands.grammar import build_parser
from ui.commands.ingest import parse_options
from ui.render.file_report import coverage_json, coverage_text


@pytest.fixture
def docs(tmp_path: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A module in its place, because the real one takes long to import.
    monkeypatch.setitem(
        sys.modules, "index.models.encoder", SimpleNamespace(load_encoder=lambda *_, **__: hashing_encoder)
    )
    monkeypatch.setattr("index.ingestion.change_detection._RACY_NS", -(10**18))
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("The harbour master notes the tide.")
    (folder / "rows.csv").write_text('name,tide\n"a,1\n')
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / ".hidden").write_text("words")
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_files_can_be_listed_at_any_time_after(
    docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "store")]
    first = json.loads(call(capsys, "ingest", str(docs), *store, "--json"))
    assert (first["added"], first["skipped"]) == (2, {"hidden": 1})
    again = json.loads(call(capsys, "ingest", str(docs), *store, "--json"))
    assert (again["unchanged"], again["rejected"]) == (2, first["rejected"])
    found = json.loads(call(capsys, "stats", "--files", *store, "--json"))
    assert [Path(file["path"]).name for file in found["files"]] == ["a.txt", "rows.csv", "broken.pdf"]
    assert found["files"][0] == {
        "path": (docs / "a.txt").as_posix(),
        "bytes": 34,
        "type": "txt",
        "language": "und",
        "pages": 0,
        "pages_with_text": 0,
        "characters": 34,
        "passages": 1,
        "warnings": [],
        "rejected": None,
    }
    assert found["files"][2]["rejected"]["reason"] == "corrupt"
    assert found["totals"]["files"] == 2
    assert found["totals"]["rejected"] == {"corrupt": 1}
    table = call(capsys, "stats", "--files", *store)
    assert "corrupt: damaged PDF" in table
    assert "2 files, 0 of 0 pages with text" in table


def test_patterns_choose_the_files(docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(tmp_path / "store"), "--json"]
    given = ["--include", "*.txt", "--include", "*.csv", "--exclude", "rows.*"]
    report = json.loads(call(capsys, "ingest", str(docs), *given, *store))
    assert (report["added"], report["skipped"]) == (1, {"excluded": 2, "hidden": 1})
    for wrong in ("", "!a.txt"):
        assert main(["ingest", str(docs), "--exclude", wrong, *store]) == 2
        assert f"--exclude {wrong!r} is no pattern" in capsys.readouterr().err


def test_a_name_that_is_not_utf8_ends_nothing(
    docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsencode(docs) + b"/caf\xe9.txt"
    try:
        with open(odd, "wb") as file:  # noqa: PTH123 - a name that no Path is made of
            file.write(b"words")
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    store = ["--store", str(tmp_path / "store")]
    report = json.loads(call(capsys, "ingest", str(docs), *store, "--json"))
    assert report["added"] == 2
    assert [Path(item["path"]).name for item in report["rejected"]] == ["broken.pdf", "caf\\xe9.txt"]
    text = call(capsys, "ingest", str(docs), *store)
    assert "caf\\xe9.txt" in text
    assert "rename it" in text
    call(capsys, "ingest", os.fsdecode(odd), *store)


def test_the_table_says_what_was_read_and_what_was_not() -> None:
    files = [
        FileReport(
            path="/a/\x1b[1mb.pdf",
            size_bytes=9,
            type="pdf",
            language="en",
            characters=1234,
            passages=3,
            pages=12,
            pages_with_text=10,
            warnings=("2 of 12 pages have no text: 3, 4",),
        ),
        FileReport(
            path="/a/scan.pdf",
            size_bytes=9,
            rejected=Rejected(
                path="/a/scan.pdf", reason=RejectReason.NO_TEXT, detail="12 pages, none with text"
            ),
        ),
    ]
    lines = list(coverage_text(files))
    assert lines[1].split() == ["pdf", "en", "10/12", "1,234", "/a/[1mb.pdf"]
    assert lines[2].strip() == "2 of 12 pages have no text: 3, 4"
    assert lines[3].split() == ["left", "out", "/a/scan.pdf"]
    assert lines[4].strip() == "no_text: 12 pages, none with text"
    assert lines[-3:] == [
        "1 file, 10 of 12 pages with text, 1,234 characters, 1 note",
        "languages: en 1",
        "left out:  no_text 1",
    ]
    totals = json.loads("".join(coverage_json(files)))["totals"]
    assert (totals["pages"], totals["pages_with_text"], totals["warnings"]) == (12, 10, 1)
    assert json.loads("".join(coverage_json([])))["files"] == []


def test_passwords_come_from_a_file_and_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "keys").write_text("one\ntwo words\n\n")
    flags = vars(build_parser().parse_args(["ingest", "x", "--password-file", str(tmp_path / "keys")]))
    how = parse_options(flags, {"SPANWISE_PASSWORDS": "two words\nthree"})
    assert how["options"].passwords == ("one", "two words", "three")
    missing = ["ingest", str(tmp_path), "--password-file", str(tmp_path / "none")]
    assert main([*missing, "--store", str(tmp_path / "s")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_limits_and_recognition_are_flags() -> None:
    def read(*flags: str) -> tuple[float, int, str | None]:
        how = parse_options(vars(build_parser().parse_args(["ingest", "x", *flags])), {})
        return how["limits"].seconds, how["limits"].max_bytes, how["options"].ocr

    assert read() == (60.0, 200_000_000, None)
    assert read("--max-seconds", "5", "--max-size", "3", "--ocr") == (5, 3_000_000, "eng")
    assert read("--ocr-language", "deu+eng") == (60.0, 200_000_000, "deu+eng")


def test_a_dry_run_is_not_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(tmp_path), "--watch", "--dry-run", "--store", str(tmp_path / "s")]) == 2
    assert "do not go together" in capsys.readouterr().err
    assert not os.path.lexists(tmp_path / "s")
