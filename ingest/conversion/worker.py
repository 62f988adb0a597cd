"""The process that parses: one JSON request a line in, one JSON result a line out.

Converters are large libraries, and files can be broken or hostile. Here a converter can hang, crash or use up
memory without harm to the user's work. The process is started as a program, not through multiprocessing,
which would import the parent's `__main__` again: under Streamlit, the page. It writes nothing to the terminal
and ends when its parent does.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

from ingest.conversion.convert import parse_bytes
from ingest.conversion.document_json import ALIVE, to_json
from ingest.conversion.options import ParseOptions
from ingest.errors import UnparsableError
from ingest.files.read_stable import read_whole
from ingest.records import Document, Rejected, RejectReason


def parse_file(
    path: str, *, max_bytes: int, options: ParseOptions, alive: Callable[[], None]
) -> Document | Rejected:
    """The document in a file, or why there is none; no exception for whatever the file holds."""
    try:
        data, modified_ns = read_whole(path, max_bytes=max_bytes)
        return parse_bytes(data, path, modified_ns=modified_ns, options=options, alive=alive)
    except UnparsableError as error:
        return Rejected(path=path, reason=error.reason, detail=error.detail)


def main() -> None:
    """Reports the start, then answers requests until standard input ends."""
    # Web pages nest their elements far deeper than programs nest their calls.
    sys.setrecursionlimit(10_000)
    replies = _private_output()
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    replies.write(ALIVE)
    replies.flush()
    limited = False
    while True:
        request = requests.get()
        if not limited:
            _limit_memory(request["memory_bytes"])
            limited = True
        _watch(request["seconds"])
        result = _answer(request, replies)
        faulthandler.cancel_dump_traceback_later()
        replies.write(json.dumps(to_json(result)) + "\n")
        replies.flush()


def _watch(seconds: float) -> None:
    """Ends the process after a while, below Python's own lock, in case that the parent is gone."""
    faulthandler.dump_traceback_later(2 * seconds + 10, exit=True)


def _answer(request: dict[str, Any], replies: TextIO) -> Document | Rejected:
    path = request["path"]

    def alive() -> None:
        _watch(request["seconds"])
        replies.write(ALIVE)
        replies.flush()

    try:
        options = ParseOptions.from_json(request["options"])
        return parse_file(path, max_bytes=request["max_bytes"], options=options, alive=alive)
    except MemoryError:
        limit = request["memory_bytes"]
        detail = f"parsing it takes more than {limit // 2**20:,} MB of memory"
        return Rejected(path=path, reason=RejectReason.TOO_LARGE, detail=detail)


def _private_output() -> TextIO:
    """Standard output for replies only: whatever libraries print goes nowhere."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return replies


def _read_requests(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Reads ahead in a thread, so that the end of the parent is noticed in the middle of a file, too."""
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)


def _limit_memory(limit: int) -> None:
    """Where the system can (not on Windows), a greedy file ends in a MemoryError and not in swap."""
    try:
        import resource
    except ImportError:
        return
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (ValueError, OSError):
        return


if __name__ == "__main__":
    main()
