"""Files in, documents out: parsing in a child process with limits, ahead of the caller.

`Parser` owns the process. It requests a few files at once, so that parsing continues while the caller encodes
documents; results come in the order of the paths. A file that takes too long or too much memory, or crashes
the process, becomes a `Rejected`, and a new process continues with the next file.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.conversion.convert import document_from_text
from ingest.conversion.document_json import ALIVE, from_json
from ingest.conversion.options import ParseOptions
from ingest.files.walk import find_files
from ingest.records import Document, Rejected, RejectReason

__all__ = ["Limits", "Parser", "document_from_text", "ingest_paths", "sha256_of"]

READ_AHEAD = 8
_START_SECONDS = 120.0
_IDLE_SECONDS = 1.0
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost: seconds of parsing, bytes on disk, bytes of memory while parsing.

    Where pages are read by text recognition, the seconds count for each page.
    """

    seconds: float = 60.0
    max_bytes: int = 200_000_000
    memory_bytes: int = 4 * 2**30


def ingest_paths(
    paths: Iterable[str | os.PathLike[str]],
    *,
    limits: Limits | None = None,
    options: ParseOptions | None = None,
) -> Iterator[Document | Rejected]:
    """Every file at and below `paths` as a document, or as a rejection that says why.

    Raises `IngestError` for a path that does not exist.
    """
    files = find_files(paths)
    with Parser(limits, options) as parser:
        yield from parser.parse_many(files)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; `OSError` when it cannot be read."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class Parser:
    """Parses files in a child process; a context manager that ends it.

    `idle` is called every second in which nothing comes from the process, so that a caller who collects
    results does not hold them back during a slow file.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        options: ParseOptions | None = None,
        *,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits or Limits()
        self.options = options or ParseOptions()
        self._idle = idle
        self._worker: _Worker | None = None
        self._waiting: deque[str] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process and forgets what waits for it; the next file starts a new one."""
        self._waiting.clear()
        self._stop()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def parse(self, path: str | os.PathLike[str]) -> Document | Rejected:
        """One file as a document, or why there is none."""
        return next(self.parse_many([os.fspath(path)]))

    def parse_many(self, paths: Iterable[str]) -> Iterator[Document | Rejected]:
        """The files in their order, a few of them parsed ahead while the caller works on the last one."""
        try:
            for path in paths:
                self.submit(path)
                if len(self._waiting) == READ_AHEAD:
                    yield self.next_result()
            while self._waiting:
                yield self.next_result()
        finally:
            if self._waiting:
                self.close()

    def submit(self, path: str) -> None:
        """Puts a file behind those that wait for the process; at most `READ_AHEAD` should wait at once."""
        self._waiting.append(path)
        self._ask(path)

    def next_result(self) -> Document | Rejected:
        """The result of the file that was submitted first of those that wait; IndexError for none."""
        result = self._result(self._waiting[0])
        self._waiting.popleft()
        if self._worker is None:
            # The process went down with this file; those behind it have to be asked for again.
            for path in self._waiting:
                self._ask(path)
        return result

    def _ask(self, path: str) -> None:
        if self._worker is None:
            self._worker = _Worker(self.limits, self.options)
        self._worker.ask(path)

    def _result(self, path: str) -> Document | Rejected:
        worker = self._worker
        if worker is None:
            raise RuntimeError("a result was expected that had not been asked for")
        try:
            reply = worker.reply(self.limits.seconds, self._idle)
        except TimeoutError:
            self._stop()
            detail = f"not parsed within {self.limits.seconds:g} seconds (--max-seconds)"
            return Rejected(path=path, reason=RejectReason.TIMEOUT, detail=detail)
        if reply is None:
            self._stop()
            detail = "the file brought its converter down; it is probably damaged"
            return Rejected(path=path, reason=RejectReason.CORRUPT, detail=detail)
        result = from_json(json.loads(reply))
        if isinstance(result, Rejected) and result.reason is RejectReason.TOO_LARGE:
            # What it took may not have been given back.
            self._stop()
        return result


class _Worker:
    """The child process and the thread that takes its replies off the pipe."""

    def __init__(self, limits: Limits, options: ParseOptions) -> None:
        self._limits = limits
        self._options = options.as_json()
        root = str(Path(__file__).resolve().parents[2])
        inherited = os.environ.get("PYTHONPATH")
        # -P: a module in the current folder must not stand in for one of ours.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ingest.conversion.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, inherited)))},
            text=True,
            encoding="utf-8",
        )
        self._replies: queue.SimpleQueue[tuple[float, str | None]] = queue.SimpleQueue()
        self._asked: deque[float] = deque()
        self._ready_at = 0.0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, path: str) -> None:
        """Puts a file in the process's queue."""
        request = {
            "path": path,
            "seconds": self._limits.seconds,
            "max_bytes": self._limits.max_bytes,
            "memory_bytes": self._limits.memory_bytes,
            "options": self._options,
        }
        self._asked.append(time.monotonic())
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
        except OSError:
            # It is gone, and the thread that reads its replies says so.
            return

    def reply(self, seconds: float, idle: Callable[[], None]) -> str | None:
        """The next reply; None when the process ended instead, `TimeoutError` when the file took too long.

        A file's time begins when it was requested and the one before it was done, and again whenever the
        process reports that it is alive; the start of the process is not counted.
        """
        if not self._ready_at:
            self._await_start()
        begun = max(self._asked.popleft(), self._ready_at)
        while True:
            left = max(0.0, begun + seconds - time.monotonic())
            try:
                said_at, line = self._replies.get(timeout=min(left, _IDLE_SECONDS))
            except queue.Empty as error:
                if left <= _IDLE_SECONDS:
                    raise TimeoutError from error
                idle()
                continue
            if line != ALIVE:
                self._ready_at = said_at
                return line
            begun = said_at

    def _await_start(self) -> None:
        """Wait for the process to report; RuntimeError if it does not start, which is no fault of a file."""
        try:
            self._ready_at, line = self._replies.get(timeout=_START_SECONDS)
        except queue.Empty:
            line = None
        if line is None:
            raise RuntimeError(f"the parsing process did not start (status {self._process.poll()})")

    def stop(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._replies.put((time.monotonic(), line))
        self._replies.put((time.monotonic(), None))
