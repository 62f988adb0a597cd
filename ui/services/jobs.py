"""Long work in processes of their own, recorded in the store (no streamlit).

    <store>/jobs/<id>/job.json       the command, when it was started and by whom
                     /alive          locked by its process while that runs; the system unlocks it when it ends
                     /cancel         created to end the job
                     /progress.json  its progress
                     /output.json    what the command printed
                     /log.txt        its standard error
                     /end.json       how it ended

A job is a command of `spanwise`, so that all it does can be done in a shell too. It goes on when the page is
closed or its server ends, and is found again when the page is opened. A lock shows whether it still runs, and
a file ends it: a process id may have been given to another process by now, so none is ever signalled.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from index.errors import StoreReadOnly
from ingest.errors import SpanwiseError

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0  # from a process's start to its lock; importing costs a moment on a busy machine
_MOST = 100

# Started by this process, which has to wait for those that have ended.
_children: list[subprocess.Popen[bytes]] = []


class JobBusy(SpanwiseError):
    """A job of that kind runs already."""


class JobState(StrEnum):
    """The state of a job."""

    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DIED = "died"

    @property
    def over(self) -> bool:
        """Whether its process has ended."""
        return self not in (JobState.STARTING, JobState.RUNNING, JobState.CANCELLING)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDone:
    """A file that an ingest is done with; `reason` is a RejectReason if the file was left out, else empty."""

    path: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """`done` of `total` units at the moment `at`, `first` of them at `began` (seconds since the epoch).

    Of an ingest, `files` are the last ones, the newest first, and `passages` counts the new passages so far;
    of the file `current`, which takes long, `encoded` of `to_encode` passages are done.
    """

    done: int
    total: int
    unit: str
    note: str = ""
    files: tuple[FileDone, ...] = ()
    passages: int = 0
    current: str = ""
    encoded: int = 0
    to_encode: int = 0
    first: int = 0
    began: float = 0.0
    at: float = 0.0

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(self._units / self.total, 1.0) if self.total else 0.0

    @property
    def rate(self) -> float | None:
        """Units a second, None while too little is known."""
        seconds, units = self.at - self.began, self._units - self.first
        return units / seconds if seconds > 0 and units > 0 else None

    @property
    def remaining_seconds(self) -> float | None:
        """How long it will take at that rate."""
        return None if self.rate is None else max(self.total - self._units, 0) / self.rate

    @property
    def _units(self) -> float:
        return self.done + (self.encoded / self.to_encode if self.to_encode else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command to run; `arguments` are those of `spanwise`, `facts` are for the page."""

    id: str
    kind: str
    title: str
    arguments: tuple[str, ...]
    created: float
    author: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """A job and its state; `message` and `hint` are a sentence each on why it failed and what to do."""

    job: Job
    folder: Path
    state: JobState
    progress: JobProgress | None = None
    message: str = ""
    hint: str = ""
    seconds: float | None = None

    def output(self) -> dict[str, Any]:
        """What the command has printed; empty before it has."""
        return read_json(self.folder / "output.json") or {}

    def log(self) -> str:
        """The end of its standard error."""
        try:
            return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-20_000:]
        except OSError:
            return ""


class Jobs:
    """The jobs of one store."""

    def __init__(self, store: Path) -> None:
        self.folder = store / "jobs"

    def prepare(self) -> Path:
        """A new folder for a job whose files must lie there before it starts; raises StoreReadOnly."""
        folder = self.folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise StoreReadOnly(
                f"the job's folder {folder} cannot be made: {error.strerror}",
                hint="check who owns the store's folder, and the room on the disk",
            ) from error
        return folder

    def start(
        self,
        kind: str,
        title: str,
        arguments: Sequence[str],
        *,
        folder: Path | None = None,
        author: str = "",
        facts: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Job:
        """Run `spanwise` with `arguments` in a process of its own, in a folder of `prepare`.

        `secrets` are variables of its environment, which are never written down. Raises JobBusy while a job
        of the same kind runs.
        """
        folder = self.prepare() if folder is None else folder
        job = Job(
            id=folder.name,
            kind=kind,
            title=title,
            arguments=tuple(arguments),
            created=time.time(),
            author=author,
            facts=dict(facts or {}),
        )
        with FileLock(self.folder / "starting", timeout=10):
            self.require_none(kind)
            write_json(folder / "job.json", asdict(job))
            _spawn(folder, secrets or {})
        self._drop_oldest()
        return job

    def again(self, job_id: str) -> None:
        """Start a job that is over once more in its own folder; a training goes on from its checkpoint."""
        standing = self.standing(job_id)
        if standing is None or not standing.state.over:
            return
        with FileLock(self.folder / "starting", timeout=10):
            self.require_none(standing.job.kind)
            for name in ("end.json", "cancel", "progress.json", "output.json"):
                (standing.folder / name).unlink(missing_ok=True)
            renewed = {**asdict(standing.job), "created": time.time()}
            write_json(standing.folder / "job.json", renewed)
            _spawn(standing.folder, {})

    def cancel(self, job_id: str) -> None:
        """Ask a job to end; it does within seconds, and keeps what it has written."""
        standing = self.standing(job_id)
        if standing is not None and not standing.state.over:
            (standing.folder / "cancel").touch()

    def forget(self, job_id: str) -> None:
        """Delete a job that is over, with all its files."""
        standing = self.standing(job_id)
        if standing is not None and standing.state.over:
            shutil.rmtree(standing.folder, ignore_errors=True)

    def all(self, *kinds: str) -> list[JobStanding]:
        """Every job of these kinds (none: of all), the newest first."""
        _children[:] = [child for child in _children if child.poll() is None]
        names = sorted((path.parent.name for path in self.folder.glob("*/job.json")), reverse=True)
        standings = (self.standing(name) for name in names)
        return [item for item in standings if item is not None and (not kinds or item.job.kind in kinds)]

    def standing(self, job_id: str) -> JobStanding | None:
        """One job with its state, None where there is none of that id."""
        folder = self.folder / Path(job_id).name
        job = _job(read_json(folder / "job.json"))
        if job is None:
            return None
        alive = _alive(folder)  # read before end.json: a job writes end.json before it releases the lock
        end = read_json(folder / "end.json")
        progress = _progress(read_json(folder / "progress.json"))
        if end is not None:
            return JobStanding(
                job=job,
                folder=folder,
                state=JobState(end["state"]),
                progress=progress,
                message=str(end.get("message", "")),
                hint=str(end.get("hint", "")),
                seconds=end.get("seconds"),
            )
        cancelled = (folder / "cancel").exists()
        if alive:
            state = JobState.CANCELLING if cancelled else JobState.RUNNING
        elif time.time() - job.created < _START_SECONDS and not _known_dead(folder):
            state = JobState.STARTING
        else:
            state = JobState.CANCELLED if cancelled else JobState.DIED
            write_end(folder, state, time.time() - job.created)
        return JobStanding(job=job, folder=folder, state=state, progress=progress)

    def require_none(self, kind: str) -> None:
        """Raise JobBusy while a job of that kind runs."""
        running = [item.job for item in self.all(kind) if not item.state.over]
        if running:
            raise JobBusy(
                f"“{running[0].title}” is at work", hint="wait until it is done, or cancel it, and try again"
            )

    def _drop_oldest(self) -> None:
        for standing in self.all()[_MOST:]:
            self.forget(standing.job.id)


def write_end(folder: Path, state: JobState, seconds: float, *, message: str = "", hint: str = "") -> None:
    """Record how a job ended; the first record stays."""
    if not (folder / "end.json").exists():
        write_json(
            folder / "end.json",
            {"state": state.value, "message": message, "hint": hint, "seconds": round(seconds, 1)},
        )


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a file atomically: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:4]}")
    try:
        draft.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8", errors="backslashreplace")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        _LOG.warning("%s cannot be written: %s", path, error)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, None where there is no such file or it holds none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _spawn(folder: Path, secrets: Mapping[str, str]) -> None:
    environment = {**os.environ, **secrets, "PYTHONPATH": _with_root(os.environ.get("PYTHONPATH"))}
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-m", "ui.job", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            start_new_session=True,  # Ctrl-C in the shell of the page is not meant for it
        )
    _children.append(child)
    (folder / "pid").write_text(f"{child.pid}\n", encoding="ascii")


def _with_root(given: str | None) -> str:
    return os.pathsep.join([str(_ROOT), given] if given else [str(_ROOT)])


def _alive(folder: Path) -> bool:
    path = folder / "alive"
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _known_dead(folder: Path) -> bool:
    """Whether this process started it and it has ended."""
    try:
        pid = int((folder / "pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    return any(child.pid == pid and child.poll() is not None for child in _children)


def _job(value: Mapping[str, Any] | None) -> Job | None:
    try:
        return None if value is None else Job(**{**value, "arguments": tuple(value["arguments"])})
    except (KeyError, TypeError):
        return None


def _progress(value: Mapping[str, Any] | None) -> JobProgress | None:
    try:
        if value is None:
            return None
        files = tuple(FileDone(**item) for item in value.get("files", ()))
        return JobProgress(**{**value, "files": files})
    except TypeError:
        return None
