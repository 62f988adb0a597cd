"""A folder that is watched: changes arrive by themselves, failures do not end it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from index.errors import StoreLocked
from index.records import IngestReport
from index.store.store import Store
from index.store.watch import watch_folders
from ingest.errors import IngestError, SpanwiseError

ROOT = Path(__file__).parents[3]


class Watched:
    """A store that watches a folder in a thread, and what it reported."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.reports: queue.Queue[IngestReport] = queue.Queue()
        self.failures: queue.Queue[SpanwiseError] = queue.Queue()
        self.ended: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        def first(paths: Sequence[str]) -> IngestReport:
            return self.store.ingest(paths)

        try:
            watch_folders(
                self.store,
                [self.folder],
                first=first,
                reported=self.reports.put,
                failed=self.failures.put,
                stop=self._stop,
            )
        except IngestError as error:
            self.ended = error

    def start(self) -> IngestReport:
        self._thread.start()
        return self.reports.get(timeout=30)

    def until(self, **wanted: int) -> None:
        """Reports until these counts have come together: what was done at once may come in two runs."""
        found = dict.fromkeys(wanted, 0)
        while found != wanted:
            report = self.reports.get(timeout=30)
            found = {name: count + int(getattr(report, name)) for name, count in found.items()}

    def finish(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()

    def names(self) -> set[str]:
        return {Path(document.path).name for document in self.store.documents()}


@pytest.fixture
def watched(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr("index.store.watch._TICK_MS", 100)
    monkeypatch.setattr("index.store.watch._QUIET_MS", 50)
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("The harbour master notes the tide.")
    watching = Watched(store, folder)
    yield watching
    watching.finish()


def test_changes_arrive_by_themselves(watched: Watched) -> None:
    folder = watched.folder
    assert watched.start().added == 1
    (folder / "b.txt").write_text("The ferry leaves at nine.")
    watched.until(added=1)
    (folder / "b.txt").rename(folder / "sub" / "c.txt")
    watched.until(updated=1, removed=0, passages=0)
    assert watched.names() == {"a.txt", "c.txt"}
    (folder / "sub").rename(folder / "other")
    watched.until(updated=1, removed=0, passages=0)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / ".spanwiseignore").write_text("other/\n")
    watched.until(removed=1)
    (folder / "a.txt").unlink()
    (folder / "d.txt").write_text("The pilot boards at dawn.")
    watched.until(added=1, removed=1)
    assert watched.names() == {"d.txt"}
    assert watched.store.check().ok


def test_a_run_that_fails_is_repeated(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.store.watch._RETRY_SECONDS", 0.2)
    watched.start()
    ingest: Callable[..., IngestReport] = Store.ingest
    locked = iter([True, True])

    def refusing(self: Store, *args: object, **how: object) -> IngestReport:
        if next(locked, False):
            raise StoreLocked("something else is writing", hint="wait")
        return ingest(self, *args, **how)

    monkeypatch.setattr(Store, "ingest", refusing)
    (watched.folder / "b.txt").write_text("The ferry leaves at nine.")
    watched.until(added=1)
    assert watched.failures.qsize() == 2
    assert watched.names() == {"a.txt", "b.txt"}


def test_a_folder_that_goes_away_ends_it_and_loses_nothing(watched: Watched, tmp_path: Path) -> None:
    watched.start()
    watched.folder.rename(tmp_path / "elsewhere")
    deadline = time.monotonic() + 30
    while watched.ended is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "docs is gone" in str(watched.ended)
    assert watched.names() == {"a.txt"}


def test_what_happens_inside_the_store_is_no_change(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.watch._TICK_MS", 100)
    (tmp_path / "a.txt").write_text("The harbour master notes the tide.")
    watching = Watched(store, tmp_path)  # the store lies in the folder that is watched
    assert watching.start().added == 1
    runs = store.stats().revision
    (tmp_path / "b.txt").write_text("The ferry leaves at nine.")
    watching.until(added=1)
    time.sleep(1)
    watching.finish()
    assert watching.reports.empty()
    assert store.stats().revision == runs + 1


def test_a_file_is_not_watched(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("words")
    with pytest.raises(IngestError, match="only folders"):
        watch_folders(store, [file], first=store.ingest, reported=print, failed=print)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process here")
def test_the_command_runs_until_it_is_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("The harbour master notes the tide.")
    command = [sys.executable, "-m", "ui", "ingest", str(folder), "--watch", "--json"]
    process = subprocess.Popen(
        [*command, "--store", str(tmp_path / "store")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["added"] == 1
    (folder / "b.txt").write_text("The ferry leaves at nine.")
    assert json.loads(process.stdout.readline())["added"] == 1
    (folder / "a.txt").unlink()
    assert json.loads(process.stdout.readline())["removed"] == 1
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.endswith("spanwise: interrupted\n")
