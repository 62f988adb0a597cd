"""The parsing process: order, limits, crashes, silence, and its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import Document, IngestError, Limits, Parser, Rejected, RejectReason, ingest_paths, sha256_of
from ingest.conversion.convert import parse_bytes
from ingest.conversion.document_json import from_json, to_json
from ingest.records import Page, SourceRun, Span

# A stand-in for the RTF library that does what broken files make libraries do.
TROUBLE = """
import os, sys, time
def rtf_to_text(text, errors):
    print("noise"); print("noise", file=sys.stderr); os.write(1, b"noise"); os.write(2, b"noise")
    if "hang" in text: time.sleep(600)
    if "crash" in text: os.abort()
    if "greedy" in text: bytearray(64 * 2**30)
    return text.strip("{}").replace("\\\\rtf1", "")
"""


@pytest.fixture
def troubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for documents; RTF files in it are read by the stand-in."""
    package = tmp_path / "libraries" / "striprtf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "striprtf.py").write_text(TROUBLE)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def _rtf(folder: Path, name: str, words: str) -> str:
    path = folder / name
    path.write_text(f"{{\\rtf1 {words}}}")
    return str(path)


def test_a_folder_becomes_documents_in_order(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.md").write_text(f"# Title {number}\n\nSome words.")
    (tmp_path / "10.bin").write_bytes(bytes(range(256)))
    (tmp_path / "11.txt").write_text("")
    results = list(ingest_paths([tmp_path]))
    assert [Path(result.path).name for result in results] == sorted(p.name for p in tmp_path.iterdir())
    assert {result.reason for result in results if isinstance(result, Rejected)} == {
        RejectReason.UNSUPPORTED,
        RejectReason.EMPTY,
    }
    document = results[0]
    assert isinstance(document, Document)
    path = tmp_path / "00.md"
    assert document == parse_bytes(path.read_bytes(), str(path), modified_ns=path.stat().st_mtime_ns)
    assert document.content_sha256 == sha256_of(path)


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="nowhere"):
        list(ingest_paths([tmp_path / "nowhere"]))


def test_a_file_that_vanishes_is_unreadable(tmp_path: Path) -> None:
    with Parser() as parser:
        result = parser.parse(tmp_path / "gone.txt")
    assert isinstance(result, Rejected)
    assert result.reason is RejectReason.UNREADABLE


def test_too_large_a_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" * 101)
    with Parser(Limits(max_bytes=100)) as parser:
        result = parser.parse(tmp_path / "a.txt")
    assert isinstance(result, Rejected)
    assert result.reason is RejectReason.TOO_LARGE


def test_trouble_costs_one_file_and_not_its_neighbours(
    troubled: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = [
        _rtf(troubled, f"{number}.rtf", words)
        for number, words in enumerate(["first", "crash", "second", "greedy", "third", "hang", "fourth"])
    ]
    with Parser(Limits(seconds=3, memory_bytes=2 * 2**30)) as parser:
        results = list(parser.parse_many(paths))
    assert [result.path for result in results] == paths
    assert [r.reason.value if isinstance(r, Rejected) else r.text.strip() for r in results] == [
        "first",
        "corrupt",
        "second",
        "too_large",
        "third",
        "timeout",
        "fourth",
    ]
    assert capfd.readouterr() == ("", "")


def test_a_slow_caller_does_not_time_files_out(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text("words")
    results = []
    for result in ingest_paths([tmp_path], limits=Limits(seconds=1)):
        time.sleep(0.6)
        results.append(result)
    assert all(isinstance(result, Document) for result in results)


def test_a_parser_can_be_left_in_the_middle_and_used_again(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.txt").write_text(f"words {number}")
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    with Parser() as parser:
        for result in parser.parse_many(paths):
            assert result.path == paths[0]
            break
        assert parser.parse(paths[7]).path == paths[7]


def test_reading_ahead_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    taken: list[int] = []

    def paths() -> Iterator[str]:
        for number in range(1000):
            taken.append(number)
            yield str(tmp_path / "a.txt")

    with Parser() as parser:
        results = parser.parse_many(paths())
        next(results)
        assert len(taken) < 50


def test_it_works_from_a_folder_with_misleading_names(tmp_path: Path) -> None:
    for name in ("email.py", "json.py", "ingest.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong module')")
    (tmp_path / "a.txt").write_text("words")
    root = Path(__file__).parents[3]
    code = (
        f"import sys; sys.path[:] = [{str(root)!r}] + [p for p in sys.path if p]\n"
        "from ingest import ingest_paths\nprint([r.text for r in ingest_paths(['a.txt'])])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['words']\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL here")
def test_the_process_dies_with_its_parent(troubled: Path) -> None:
    path = _rtf(troubled, "a.rtf", "hang")
    code = (
        "from ingest import Parser\nparser = Parser()\nparser._ask(" + repr(path) + ")\n"
        "parser._worker._await_start()\nprint(parser._worker._process.pid, flush=True)\nparser._result('')"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    assert _runs(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_results_survive_the_pipe() -> None:
    document = Document(
        id="i",
        content_sha256="s",
        path="/a/ü.pdf",
        title="t",
        text="two words\u2028",
        type="pdf",
        pages=(Page(number=1, start=0, end=9),),
        units=(Span(start=0, end=3),),
        source_map=(SourceRun(text_start=0, text_end=3, page=None, source_start=9),),
        metadata={"a": "b"},
        warnings=("w",),
        modified_ns=1,
    )
    rejected = Rejected(path="p", reason=RejectReason.TIMEOUT, detail="d")
    assert from_json(to_json(document)) == document
    assert from_json(to_json(rejected)) == rejected


def test_a_slow_file_lets_the_caller_work_on_what_it_holds(troubled: Path) -> None:
    paths = [_rtf(troubled, "a.rtf", "first"), _rtf(troubled, "b.rtf", "hang")]
    taken: list[str] = []
    held_at_idle: list[list[str]] = []
    with Parser(Limits(seconds=1.5), idle=lambda: held_at_idle.append(list(taken))) as parser:
        for result in parser.parse_many(paths):
            taken.append(result.path)
    assert held_at_idle == [paths[:1]]
    assert taken == paths
