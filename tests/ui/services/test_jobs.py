"""Jobs: how they stand whatever became of their process, one of a kind at a time, ended and begun anew."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from index.records import IngestProgress
from index.store.store import Store
from ingest.records import Rejected, RejectReason
from ui.job import ProgressFile
from ui.page.fragments.jobs import job_card, job_end
from ui.render import progress
from ui.render.messages import Say
from ui.render.progress import Step
from ui.services import jobs as jobs_module
from ui.services.jobs import (
    FileDone,
    Job,
    JobBusy,
    JobProgress,
    Jobs,
    JobStanding,
    JobState,
    read_json,
    write_end,
)

SAY = Say("en")
MARKUP = "<script>alert('x')</script>"


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Jobs whose processes are not started."""
    monkeypatch.setattr(jobs_module, "_spawn", lambda folder, secrets: None)
    return Jobs(tmp_path)


def state(jobs: Jobs, job: Job) -> JobState:
    standing = jobs.standing(job.id)
    assert standing is not None
    return standing.state


def later(jobs: Jobs, job: Job) -> None:
    """Let the time pass in which a process may begin."""
    file = jobs.folder / job.id / "job.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "created": time.time() - 3600}))


def test_a_job_runs_while_its_process_holds_its_lock_and_has_died_when_it_lets_go_without_a_word(
    jobs: Jobs,
) -> None:
    job = jobs.start("eval", "one", ["stats"])
    assert state(jobs, job) is JobState.STARTING
    with FileLock(jobs.folder / job.id / "alive"):
        assert state(jobs, job) is JobState.RUNNING
        jobs.cancel(job.id)
        assert state(jobs, job) is JobState.CANCELLING
        (jobs.folder / job.id / "cancel").unlink()
    later(jobs, job)
    assert state(jobs, job) is JobState.DIED
    standing = jobs.standing(job.id)
    assert standing is not None
    assert "ended without a word" in job_end(standing, SAY)


def test_how_it_ended_is_what_it_said_first(jobs: Jobs) -> None:
    job = jobs.start("eval", "one", ["stats"])
    folder = jobs.folder / job.id
    write_end(folder, JobState.FAILED, 3.0, message=f"no file {MARKUP}", hint="give one")
    write_end(folder, JobState.DONE, 4.0)
    standing = jobs.standing(job.id)
    assert standing is not None
    assert (standing.state, standing.seconds) == (JobState.FAILED, 3.0)
    shown = job_end(standing, SAY)
    assert "No file &lt;script&gt;" in shown
    assert "Give one" in shown


def test_one_of_a_kind_at_a_time(jobs: Jobs) -> None:
    job = jobs.start("eval", "first", ["stats"])
    with pytest.raises(JobBusy, match="first"):
        jobs.start("eval", "second", ["stats"])
    jobs.start("learn", "another kind", ["stats"])
    write_end(jobs.folder / job.id, JobState.DONE, 1.0)
    jobs.start("eval", "second", ["stats"])
    assert {item.job.title for item in jobs.all("eval")} == {"first", "second"}


def test_a_job_is_started_again_in_its_folder_and_forgotten_only_when_over(jobs: Jobs) -> None:
    job = jobs.start("eval", "one", ["stats"])
    folder = jobs.folder / job.id
    (folder / "checkpoint").touch()
    jobs.forget(job.id)
    assert folder.exists()
    write_end(folder, JobState.CANCELLED, 1.0)
    jobs.again(job.id)
    assert state(jobs, job) is JobState.STARTING
    assert (folder / "checkpoint").exists()
    write_end(folder, JobState.DONE, 1.0)
    jobs.forget(job.id)
    assert jobs.standing(job.id) is None


def test_damaged_records_and_strange_ids_are_no_jobs(jobs: Jobs) -> None:
    job = jobs.start("eval", "one", ["stats"])
    (jobs.folder / job.id / "job.json").write_text('{"id": 1}')
    assert jobs.all() == []
    assert jobs.standing("../..") is None
    assert jobs.standing("nothing") is None


def test_progress_is_written_with_a_rate_that_each_stage_begins_anew(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.json")
    for done in (1, 5, 10):
        file(Step(done=done, total=10, unit="question"))
    file(Step(done=1, total=3, unit="step", note="loss 0.5"))
    assert read_json(tmp_path / "progress.json") == {
        "done": 1,
        "total": 3,
        "unit": "step",
        "note": "loss 0.5",
        "files": [],
        "passages": 0,
        "current": "",
        "encoded": 0,
        "to_encode": 0,
        "first": 1,
        **{key: pytest.approx(time.time(), abs=60) for key in ("began", "at")},
    }
    standing = JobProgress(done=30, total=90, unit="step", first=10, began=100.0, at=110.0)
    assert (standing.rate, standing.remaining_seconds) == (2.0, 30.0)
    assert replace(standing, first=30).remaining_seconds is None


def test_a_card_says_how_far_how_fast_and_how_long(jobs: Jobs) -> None:
    job = Job(id="j", kind="eval", title=MARKUP, arguments=(), created=0.0)
    standing = JobStanding(
        job=job,
        folder=jobs.folder,
        state=JobState.RUNNING,
        progress=JobProgress(done=30, total=90, unit="question", first=10, began=100.0, at=110.0),
    )
    shown = job_card(standing, SAY)
    assert "30 of 90 questions" in shown
    assert "2.0 a second" in shown
    assert "30 s left" in shown
    assert MARKUP not in shown


def test_a_card_of_an_ingest_names_the_last_file_and_counts_new_passages(jobs: Jobs) -> None:
    progress = JobProgress(
        done=30, total=120, unit="file", files=(FileDone(path=f"/{MARKUP}"),), passages=1200
    )
    standing = JobStanding(
        job=Job(id="j", kind="ingest", title=MARKUP, arguments=(), created=0.0),
        folder=jobs.folder,
        state=JobState.RUNNING,
        progress=replace(progress, note="1,200 passages", first=0, began=100.0, at=160.0),
    )
    shown = job_card(standing, SAY)
    assert "30 of 120 files · 30.0 a minute · 3 min left · new passages: 1,200" in shown
    assert "Done last: /&lt;script" in shown
    assert MARKUP not in shown
    assert "新增段落：1,200" in job_card(standing, Say("zh"))


def test_a_card_of_an_ingest_moves_within_a_large_file(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Step] = []
    monkeypatch.setattr(progress, "_listeners", [heard.append])
    with progress.Progress("file") as shown:
        book = IngestProgress(done=1, total=2, path="", passages=0, current=f"/{MARKUP}")
        shown.ingest(book)
        shown.ingest(replace(book, encoded=500, to_encode=2000))
    file = ProgressFile(jobs.folder / "progress.json")
    jobs.folder.mkdir()
    cards = []
    for step in heard:
        file._written = 0.0
        file(step)
        written = read_json(jobs.folder / "progress.json") or {}
        standing = JobStanding(
            job=Job(id="j", kind="ingest", title="one", arguments=(), created=0.0),
            folder=jobs.folder,
            state=JobState.RUNNING,
            progress=JobProgress(**{**written, "files": ()}),
        )
        cards.append(job_card(standing, SAY))
    assert "Reading /&lt;script" in cards[0]
    assert "width:50.0%" in cards[0]
    assert "&lt;/script&gt;: 500 of 2,000 passages" in cards[1]
    assert "width:62.5%" in cards[1]
    assert MARKUP not in "".join(cards)


def test_secrets_reach_the_process_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    monkeypatch.setattr("subprocess.Popen", _not_started(seen))
    job = Jobs(tmp_path).start("eval", "one", ["stats"], secrets={"SPANWISE_PASSWORDS": "open sesame"})
    assert seen[0]["SPANWISE_PASSWORDS"] == "open sesame"
    files = [path for path in (tmp_path / "jobs" / job.id).iterdir() if path.is_file()]
    assert not [path.name for path in files if "sesame" in path.read_text()]


def _not_started(seen: list[dict[str, str]]) -> Callable[..., object]:
    class Process:
        pid = 1

        def __init__(self, *_: object, env: dict[str, str], **__: object) -> None:
            seen.append(env)

        def poll(self) -> int:
            return 0

    return Process


def test_listeners_hear_the_progress_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Step] = []
    monkeypatch.setattr(progress, "_listeners", [])
    progress.listen(heard.append)
    with progress.Progress("question") as shown:
        shown(1, 2)
        shown(2, 2, "note")
    assert heard == [
        Step(done=1, total=2, unit="question"),
        Step(done=2, total=2, unit="question", note="note"),
    ]


@pytest.fixture
def settled(tmp_path: Path) -> Callable[[Job], JobStanding]:
    def wait(job: Job) -> JobStanding:
        for _ in range(1200):
            # a page that was opened anew knows nothing but the folder
            standing = Jobs(tmp_path).standing(job.id)
            assert standing is not None
            if standing.state.over:
                return standing
            time.sleep(0.1)
        raise AssertionError(standing)

    return wait


@pytest.mark.slow
def test_a_process_of_its_own_tells_its_result_and_its_failure_in_a_sentence(
    tmp_path: Path, settled: Callable[[Job], JobStanding]
) -> None:
    done = settled(Jobs(tmp_path).start("models", "models", ["models"]))
    assert done.state is JobState.DONE
    assert next(item["name"] for item in done.output()["presets"]) == "pocket"
    failed = settled(Jobs(tmp_path).start("eval", "eval", ["eval", "reader", str(tmp_path / "none.json")]))
    assert (failed.state, failed.message) == (JobState.FAILED, f"there is no file {tmp_path / 'none.json'}")
    assert "there is no file" in failed.log()


@pytest.mark.slow
def test_a_process_is_cancelled_and_a_killed_one_has_died(
    tmp_path: Path, settled: Callable[[Job], JobStanding]
) -> None:
    (tmp_path / "empty").mkdir()
    watch = ["ingest", str(tmp_path / "empty"), "--watch", "--store", str(tmp_path / "store")]
    for end in ("cancel", "kill"):
        job = Jobs(tmp_path).start("watch", "watch", watch)
        while state(Jobs(tmp_path), job) is not JobState.RUNNING:
            time.sleep(0.05)
        time.sleep(1.0)
        if end == "cancel":
            Jobs(tmp_path).cancel(job.id)
            assert settled(job).state is JobState.CANCELLED
        else:
            os.kill(int((tmp_path / "jobs" / job.id / "pid").read_text()), signal.SIGKILL)
            assert settled(job).state is JobState.DIED


@pytest.mark.slow
def test_an_ingest_of_a_long_text_stops_at_once_and_keeps_what_was_done(
    tmp_path: Path, settled: Callable[[Job], JobStanding]
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("The ferry leaves at noon.")
    sentence = "Chapter {0} of the long book tells how ship {0} met the storm off the northern cape. "
    (files / "b.txt").write_text("\n\n".join(sentence.format(number) * 12 for number in range(2500)))
    job = Jobs(tmp_path).start("ingest", "files", ["ingest", str(files), "--store", str(tmp_path / "store")])
    for _ in range(1200):
        standing = Jobs(tmp_path).standing(job.id)
        if standing is not None and standing.progress is not None and standing.progress.encoded:
            break
        time.sleep(0.1)
    began = time.monotonic()
    Jobs(tmp_path).cancel(job.id)
    ended = settled(job)
    assert time.monotonic() - began < 8  # two on an idle machine
    assert ended.state is JobState.CANCELLED
    assert ended.progress is not None
    assert 0 < ended.progress.encoded < ended.progress.to_encode
    with Store.open(tmp_path / "store") as store:
        assert [Path(info.path).name for info in store.documents()] == ["a.txt"]
        assert store.check().ok


def test_passages_of_all_files_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Step] = []
    monkeypatch.setattr(progress, "_listeners", [heard.append])
    with progress.Progress("file") as shown:
        for number in (1, 2):
            shown.ingest(IngestProgress(done=number, total=3, path=f"/{number}.txt", passages=number))
        empty = Rejected(path="/3.txt", reason=RejectReason.EMPTY, detail="")
        shown.ingest(IngestProgress(done=3, total=3, path="/3.txt", passages=0, rejected=empty))
    assert [(step.note, step.path, step.passages, step.reason) for step in heard] == [
        ("1 passage", "/1.txt", 1, ""),
        ("3 passages", "/2.txt", 3, ""),
        ("3 passages", "/3.txt", 3, "empty"),
    ]


def test_the_last_files_of_an_ingest_are_kept_the_newest_first(jobs: Jobs) -> None:
    job = jobs.start("ingest", "one", ["stats"])
    file = ProgressFile(jobs.folder / job.id / "progress.json")
    for number in range(1, 301):
        reason = "empty" if number == 300 else ""
        file(Step(done=number, total=300, unit="file", path=f"/{number}.txt", reason=reason))
    standing = jobs.standing(job.id)
    assert standing is not None
    assert standing.progress is not None
    assert standing.progress.files[:2] == (
        FileDone(path="/300.txt", reason="empty"),
        FileDone(path="/299.txt"),
    )
    assert len(standing.progress.files) == 200
