"""A store whose process is killed: at every file operation and commit, at every system call, at any time.

A server process imports everything once and forks for each job, which makes hundreds of kills affordable. A
job performs plans (see `PLANS`: what is done, and what the collection holds before and after) and dies where
it is told to; another opens the store afterwards as any user would and compares it with the model: what was
reported is there, what was not reported is there wholly or not at all, both indexes and `check` agree, and
the next write works. New kinds of work join by a function in `PLANS`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

ROOT = Path(__file__).parents[3]
KIND = "IVF1,SQ8"
JOB_SECONDS = 120
FULL = re.compile("StoreError: (there is no room left|the disk failed, or has no room left)")

State = dict[str, str]


@dataclass
class Plan:
    """One call, and what the collection holds before and after it: text by path."""

    kind: str
    before: State
    after: State
    texts: State = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    files: dict[str, str | None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    index: str | None = None
    at_once: bool = False


def a_text(random_: random.Random, number: int) -> str:
    word = "".join(random_.choices("bcdfghjklmnpqrstvwxz", k=9))
    return f"{word} tells of the harbour in chapter {number}, where the tide is high and the pilot late."


def plan_add(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    texts = {f"text:t{number}-{n}": a_text(random_, number) for n in range(3)}
    return Plan("add", state, {**state, **texts}, texts=texts)


def plan_update(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    held = [path for path in state if path.startswith("text:")]
    texts = {path: a_text(random_, number) for path in random_.sample(held, min(2, len(held)))}
    return Plan("add", state, {**state, **texts}, texts=texts)


def plan_delete(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    held = [path for path in state if path.startswith("text:")]
    names = random_.sample(held, min(2, len(held)))
    left = {path: text for path, text in state.items() if path not in names}
    return Plan("delete", state, left, names=names, at_once=True)


def plan_ingest(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    """New files, and of those that are there one changed, one renamed, one removed."""
    held = [path for path in state if not path.startswith("text:")]
    random_.shuffle(held)
    after = dict(state)
    files: dict[str, str | None] = {
        (folder / f"f{number}-{n}.txt").as_posix(): a_text(random_, number) for n in range(2)
    }
    renamed = {}
    if len(held) > 2:
        files[held[0]] = a_text(random_, number)
        files[held[1]] = None
        renamed[held[2]] = (folder / f"r{number}.txt").as_posix()
        after[renamed[held[2]]] = after.pop(held[2])
    for path, text in files.items():
        if text is None:
            after.pop(path)
        else:
            after[path] = text
    return Plan("ingest", state, after, files=files, renamed=renamed, names=[folder.as_posix()])


def plan_compact(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    return Plan("compact", state, state)


def plan_build(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    return Plan("compact", state, state, index=KIND)


def plan_repair(state: State, random_: random.Random, folder: Path, number: int) -> Plan:
    return Plan("repair", state, state)


PLANS: dict[str, Callable[[State, random.Random, Path, int], Plan]] = {
    "add": plan_add,
    "update": plan_update,
    "delete": plan_delete,
    "ingest": plan_ingest,
    "compact": plan_compact,
    "build": plan_build,
    "repair": plan_repair,
}


def prepare_files(plan: Plan) -> None:
    """Do to the folder what the plan is going to find."""
    for old, new in plan.renamed.items():
        Path(old).rename(new)
    for path, text in plan.files.items():
        if text is None:
            Path(path).unlink()
        else:
            Path(path).write_text(text)


# -- what the forked processes do ----------------------------------------------------------------------------


def perform(store: Any, plan: Plan) -> None:
    from ingest.records import Text

    match plan.kind:
        case "add":
            store.add([Text(id=path.removeprefix("text:"), text=text) for path, text in plan.texts.items()])
        case "delete":
            store.delete([name.removeprefix("text:") for name in plan.names])
        case "ingest":
            store.ingest(plan.names, prune=True)
        case "compact":
            store.compact(index=plan.index, grace_seconds=0.0)
        case "repair":
            store.repair()


class Points:
    """Counts the places where a process may die, and dies at one of them."""

    def __init__(self, below: Path, at: int) -> None:
        self.names: list[str] = []
        self._below, self._at = f"{below}/", at
        self._armed = False

    def arm(self) -> None:
        from sqlalchemy import Engine, event

        from index.lexical.tantivy_index import LexicalIndex

        self._armed = True
        sys.addaudithook(self._audit)
        sync, update = os.fsync, LexicalIndex.update

        def synced(descriptor: Any) -> None:
            self.meet("fsync")
            sync(descriptor)

        def updated(*arguments: Any) -> None:
            self.meet("before the lexical commit")
            update(*arguments)
            self.meet("after the lexical commit")

        vars(os)["fsync"] = synced
        type.__setattr__(LexicalIndex, "update", updated)
        event.listen(Engine, "commit", lambda connection: self.meet("before the SQL commit"))
        event.listen(Engine, "before_cursor_execute", lambda *about: self._execute(str(about[2])))

    def disarm(self) -> None:
        self._armed = False

    def meet(self, name: str) -> None:
        if not self._armed:
            return
        self.names.append(name)
        if len(self.names) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, about: tuple[Any, ...]) -> None:
        if not self._armed or not about or not isinstance(about[0], str):
            return
        if not about[0].startswith(self._below):
            return
        name = about[0].removeprefix(self._below)
        if event == "open":
            mode, flags = about[1], about[2]
            writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else flags & 3
            if writes:
                self.meet(f"open {name}")
        elif event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"):
            self.meet(f"{event} {name}")

    def _execute(self, statement: str) -> None:
        words = statement.split()
        if words and words[0] in ("INSERT", "UPDATE", "DELETE", "CREATE", "PRAGMA", "VACUUM", "ALTER"):
            self.meet(" ".join(words[:3]))


def hashing_encoder() -> Any:
    """The encoder of the fixtures, without pytest."""
    from ingest.text.tokenizer import TextTokenizer

    spec = importlib.util.spec_from_file_location("fixtures_of_tests", ROOT / "tests/conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tokenizer = TextTokenizer.from_file(ROOT / "data/models/pocket/encoder/tokenizer.json")
    return module.HashingEncoder(tokenizer)


class ParserHere:
    """Parses in this process: the child process of the real one is killed in tests of its own."""

    def __init__(self, *_: object, **__: object) -> None:
        self.waiting: list[str] = []

    def __enter__(self) -> ParserHere:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, path: str) -> None:
        self.waiting.append(path)

    def next_result(self) -> Any:
        from ingest.conversion.convert import parse_bytes

        path = Path(self.waiting.pop(0))
        return parse_bytes(path.read_bytes(), str(path), modified_ns=path.stat().st_mtime_ns)


def publish_each() -> None:
    """Let a run publish after each commit, of one document or two."""
    from index.ingestion import encoding_thread, publish_pace

    vars(encoding_thread).update(_LEAST_PASSAGES=1, _MOST_PASSAGES=1)
    vars(publish_pace).update(_FIRST_SECONDS=0.0, _LEAST_SECONDS=0.0, _MOST_SECONDS=0.0)


def job_perform(encoder: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Do the plans in turn; each is reported when its call has returned."""
    from index.store.store import Store

    folder = Path(request["store"])
    points = Points(folder, request.get("at", 0))
    if request.get("each"):
        publish_each()
    if request.get("shim"):
        shim_arm(folder, request["shim"], request.get("at", 0))
    elif request.get("points", True):
        points.arm()
    with Store.open(folder, create=True, encoder=encoder) as store:
        for number, plan in enumerate(request["plans"]):
            perform(store, Plan(**plan))
            with Path(request["reported"]).open("a") as file:
                file.write(f"{number}\n")
    points.disarm()
    return {"names": points.names, "calls": shim_met() if request.get("shim") else 0}


def job_verify(encoder: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with a store, in sentences: `before` and `after` are the states that it may show."""
    from index.search.retriever import Retriever
    from index.store.store import Store
    from ingest.records import Text

    found: State = {}
    with Store.open(request["store"], create=True, encoder=encoder) as store:
        retriever = Retriever(store)
        retriever.search("harbour")
        faults = [f"check: {problem}" for problem in store.check().problems]
        for info in store.documents():
            found |= dict.fromkeys(info.paths, store.document(info.id).text)
        faults += [*unlike_the_model(found, request), *unlike_the_search(found, request, retriever)]
        if request["write"]:
            store.add([Text(id="later", text="A later note on the lighthouse.")])
            if "text:later" not in [hit.document.path for hit in retriever.search("later note lighthouse")]:
                faults.append("what is written afterwards is not found")
            faults += [f"check after a write: {problem}" for problem in store.check().problems]
            store.delete(["later"])
    return {"faults": faults, "found": found}


def unlike_the_model(found: State, request: dict[str, Any]) -> Iterator[str]:
    before, after = request["before"], request["after"]
    for path in {*before, *after, *found}:
        if found.get(path) not in (before.get(path), after.get(path)):
            yield f"{path} holds {found.get(path)!r}"
    if request["at_once"] and found not in (before, after):
        yield "half of it is done"
    for old, new in request["renamed"].items():
        if old not in found and new not in found:
            yield f"{old} is lost on its way to {new}"


def unlike_the_search(found: State, request: dict[str, Any], retriever: Any) -> Iterator[str]:
    most = max(5, len(found))
    for mode in ("lexical", "dense"):
        for path, result in zip(
            found, retriever.search_many([*found.values()], k=most, mode=mode), strict=True
        ):
            if path not in [other for hit in result for other in hit.document.paths]:
                yield f"{path} is not found ({mode})"
    gone = [*{*request["before"].values(), *request["after"].values()} - {*found.values()}]
    for text, result in zip(gone, retriever.search_many(gone, k=5), strict=True):
        if any(hit.passage.text == text for hit in result):
            yield f"a text that is gone is found: {text}"


JOBS = {"perform": job_perform, "verify": job_verify}


def serve() -> None:
    """Requests on standard input, one a line; each is done by a fork of this process."""
    import logging

    from sqlalchemy.dialects.sqlite import pysqlite  # noqa: F401 - loaded before the forks

    import index.ingestion.run
    import index.search.retriever
    import index.store.store_index

    logging.disable()
    vars(index.ingestion.run)["Parser"] = ParserHere
    index.store.store_index._LEAST_CHOSEN = 8
    encoder = hashing_encoder()
    for line in sys.stdin:
        request = json.loads(line)
        reply, result = tempfile.mkstemp()
        os.close(reply)
        child = os.fork()
        if not child:
            code = 1
            try:
                said = JOBS[request["job"]](encoder, request)
                Path(result).write_text(json.dumps(said))
                code = 0
            except BaseException as error:
                Path(result).write_text(json.dumps({"error": f"{type(error).__name__}: {error}"}))
            finally:
                os._exit(code)
        status = wait_for(child, request.get("kill_after"))
        written = Path(result).read_text()
        Path(result).unlink()
        print(json.dumps({"status": status, **json.loads(written or "{}")}), flush=True)  # noqa: T201


def wait_for(child: int, kill_after: float | None) -> int:
    """The exit status; a process that is not done in time is killed."""
    started = time.monotonic()
    until = JOB_SECONDS if kill_after is None else kill_after
    while time.monotonic() - started < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if kill_after is not None else -999


# -- every system call, where there is a compiler ------------------------------------------------------------

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Counts the calls that change files below a folder; at one of them the process dies, a write half done, or
   from there on the disk is full. */
static char below[PATH_MAX];
static int mode;
static long at, met;

void spanwise_arm(const char *folder, long number, int what) {
    strncpy(below, folder, sizeof below - 1);
    at = number;
    met = 0;
    mode = what;
}

long spanwise_met(void) { mode = 0; return met; }

static int inside(const char *path) { return mode && path && !strncmp(path, below, strlen(below)); }

static int inside_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (!mode) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

static int meet(void) {
    long now = __sync_add_and_fetch(&met, 1);
    if (mode == 1 && now == at) return 1;
    if (mode == 2 && at && now >= at) return 2;
    return 0;
}

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, #name)

#define WRITES(name, ARGS, CALL, HALF) \
    ssize_t name ARGS { \
        REAL(ssize_t, name, int, const void *, size_t EXTRA); \
        if (inside_fd(fd)) { int what = meet(); \
            if (what == 1) { if (n > 1) HALF; die(); } \
            if (what == 2) { errno = ENOSPC; return -1; } } \
        return CALL; }

#define EXTRA
WRITES(write, (int fd, const void *data, size_t n), real(fd, data, n), real(fd, data, n / 2))
#undef EXTRA
#define EXTRA , off_t
WRITES(pwrite, (int fd, const void *data, size_t n, off_t o), real(fd, data, n, o),
       real(fd, data, n / 2, o))
WRITES(pwrite64, (int fd, const void *data, size_t n, off_t o), real(fd, data, n, o),
       real(fd, data, n / 2, o))

#define ON_FD(name, ARGS, TYPES, CALL, FULL) \
    int name ARGS { \
        REAL(int, name, TYPES); \
        if (inside_fd(fd)) { int what = meet(); \
            if (what == 1) die(); \
            if (what == 2 && FULL) { errno = ENOSPC; return -1; } } \
        return CALL; }

#undef REAL
#define REAL(result, name, types) \
    static result (*real)types; \
    if (!real) real = dlsym(RTLD_NEXT, #name)
ON_FD(fsync, (int fd), (int), real(fd), 0)
ON_FD(fdatasync, (int fd), (int), real(fd), 0)
ON_FD(ftruncate, (int fd, off_t n), (int, off_t), real(fd, n), 0)
ON_FD(ftruncate64, (int fd, off_t n), (int, off_t), real(fd, n), 0)
ON_FD(fallocate, (int fd, int m, off_t o, off_t n), (int, int, off_t, off_t), real(fd, m, o, n), 1)

#define ON_PATH(name, ARGS, TYPES, CALL) \
    int name ARGS { \
        REAL(int, name, TYPES); \
        if (inside(path) && meet() == 1) die(); \
        return CALL; }
ON_PATH(rename, (const char *path, const char *to), (const char *, const char *), real(path, to))
ON_PATH(unlink, (const char *path), (const char *), real(path))
ON_PATH(rmdir, (const char *path), (const char *), real(path))
ON_PATH(mkdir, (const char *path, mode_t m), (const char *, mode_t), real(path, m))

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, (const char *, int, ...)); \
        va_list list; va_start(list, flags); int m = va_arg(list, int); va_end(list); \
        if (inside(path) && (flags & (O_CREAT | O_TRUNC))) { int what = meet(); \
            if (what == 1) die(); \
            if (what == 2) { errno = ENOSPC; return -1; } } \
        return real(path, flags, m); }
OPENS(open)
OPENS(open64)
"""


def built_shim(folder: Path) -> Path:
    """The library that stands before the C library; skips where it cannot be made."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("killing at every system call takes Linux and a C compiler")
    source, library = folder / "shim.c", folder / "shim.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def shim_arm(below: Path, mode: str, at: int) -> None:
    import ctypes

    library = ctypes.CDLL(None)
    library.spanwise_arm(str(below).encode(), ctypes.c_long(at), 1 if mode == "kill" else 2)


def shim_met() -> int:
    import ctypes

    met = ctypes.CDLL(None).spanwise_met
    met.restype = ctypes.c_long
    return int(met())


# -- the tests' side -----------------------------------------------------------------------------------------


class Server:
    """The process that forks, and what was tried with it."""

    def __init__(self, preload: Path | None = None) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        more = {"LD_PRELOAD": str(preload)} if preload else {}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, **threads, **more, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, job: str, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"job": job, **request}) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


class Bench:
    """A store and the folder of files beside it, the model of both, and a way to break off."""

    def __init__(self, server: Server, folder: Path, seed: int) -> None:
        self.server = server
        self.folder = folder
        self.store, self.files, self.reported = folder / "store", folder / "files", folder / "reported"
        self.files.mkdir(parents=True)
        self.random = random.Random(seed)
        self.state: State = {}
        self.number = 0
        self.faults: list[str] = []

    def plan(self, kind: str) -> Plan:
        self.number += 1
        return PLANS[kind](self.state, self.random, self.files, self.number)

    def run(self, plan: Plan, **how: Any) -> dict[str, Any]:
        """Perform a plan; the state is the one after it only if that was reported or is found."""
        self.reported.unlink(missing_ok=True)
        return self.server.ask(
            "perform", store=str(self.store), plans=[asdict(plan)], reported=str(self.reported), **how
        )

    def finished(self, kind: str) -> dict[str, Any]:
        """Perform a plan to its end."""
        plan = self.plan(kind)
        prepare_files(plan)
        done = self.run(plan)
        assert done["status"] == 0, done
        self.state = plan.after
        return done

    def verify(self, plan: Plan, name: str, *, write: bool = True) -> None:
        reported = self.reported.exists()
        before = plan.after if reported else plan.before
        seen = self.server.ask(
            "verify", store=str(self.store), before=before, after=plan.after,
            at_once=plan.at_once, renamed={} if reported else plan.renamed, write=write,
        )  # fmt: skip
        if seen["status"]:
            self.faults.append(f"{plan.kind} at {name}: {seen.get('error', seen['status'])}")
        self.faults += [f"{plan.kind} at {name}: {fault}" for fault in seen.get("faults", ())]
        self.state = seen.get("found", plan.before)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def filled(server: Server, folder: Path, seed: int) -> Bench:
    """A store with a past: several segments, deletions, files and texts, a built index."""
    bench = Bench(server, folder, seed)
    for kind in ("add", "ingest", "add", "add", "ingest", "update", "delete", "add", "ingest"):
        bench.finished(kind)
    return bench


class Again:
    """Puts a bench back to where it was, files and all: paths are in SQL and must stay the same."""

    def __init__(self, bench: Bench, saved: Path) -> None:
        self._bench, self._saved = bench, saved
        self._was = (bench.state, bench.number, bench.random.getstate())
        shutil.copytree(bench.folder, saved)

    def __call__(self) -> None:
        shutil.rmtree(self._bench.folder)
        shutil.copytree(self._saved, self._bench.folder)
        self._bench.state, self._bench.number, drawn = self._was
        self._bench.random.setstate(drawn)

    def over(self) -> None:
        self()
        shutil.rmtree(self._saved)


def break_off(
    server: Server,
    folder: Path,
    kinds: tuple[str, ...],
    most: int,
    *,
    seed: int,
    shim: str | None = None,
    each: bool = False,
) -> Counter[str]:
    """Break each kind of work off at `most` of the points there are (all for 0); how many were tried.

    With `each` a run publishes after each commit and not at its end alone.

    Points are file operations and commits as Python sees them, or with `shim` system calls: at one of them
    the process is killed ("kill"), or the disk is full from there on ("full").
    """
    bench = filled(server, folder / "base", seed)
    tried: Counter[str] = Counter()
    for kind in kinds:
        again = Again(bench, folder / "saved")
        plan = bench.plan(kind)
        prepare_files(plan)
        counted = bench.run(plan, shim=shim, each=each)
        assert counted["status"] == 0, counted
        bench.verify(plan, "the end")
        names = counted["names"] or [f"call {number}" for number in range(1, counted["calls"] + 1)]
        every = range(1, len(names) + 1)
        for at in sorted(random.Random(seed).sample(every, min(most or len(every), len(every)))):
            again()
            prepare_files(plan)
            ended = bench.run(plan, at=at, shim=shim, each=each)
            if shim == "full":
                if ended["status"] and not FULL.match(ended["error"]):
                    bench.faults.append(f"{kind} at {names[at - 1]}: {ended['error']}")
            elif ended["status"] != -signal.SIGKILL:
                continue  # a thread in the background had less to do this time
            tried[kind] += 1
            bench.verify(plan, names[at - 1], write=at % 3 == 0)
        again.over()
    assert not bench.faults, "\n".join(bench.faults)
    return tried


def kill_at_random(server: Server, folder: Path, count: int, *, seed: int) -> Counter[str]:
    """Kill random work at random times, always on with the store that is left; how many were killed."""
    bench = filled(server, folder, seed)
    killed: Counter[str] = Counter()
    while killed.total() < count:
        kind = bench.random.choice(list(PLANS))
        plan = bench.plan(kind)
        prepare_files(plan)
        ended = bench.run(plan, points=False, kill_after=bench.random.uniform(0.0, 0.5))
        assert ended["status"] in (0, -signal.SIGKILL), ended
        killed[kind] += ended["status"] != 0
        bench.verify(plan, "a random time", write=False)
        if bench.state != plan.after:
            # As a user would: the same command again.
            resumed = Plan(**{**asdict(plan), "before": bench.state})
            if plan.kind == "delete":
                resumed.names = [name for name in plan.names if name in bench.state]
            assert bench.run(resumed, points=False)["status"] == 0
            bench.verify(resumed, "the second try", write=False)
        assert bench.state == plan.after or bench.faults
        if bench.faults:
            raise AssertionError("\n".join(bench.faults))
    return killed


@pytest.fixture(scope="module")
def shimmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(preload=built_shim(tmp_path_factory.mktemp("shim")))
    yield started
    started.close()


def test_killed_at_a_few_points(server: Server, tmp_path: Path) -> None:
    assert break_off(server, tmp_path, ("add", "delete"), 2, seed=1).total() == 4


@pytest.mark.slow
def test_killed_at_sixty_points(server: Server, tmp_path: Path) -> None:
    assert break_off(server, tmp_path, tuple(PLANS), 9, seed=2).total() >= 60


@pytest.mark.slow
def test_killed_at_points_of_a_run_that_publishes_after_each_commit(server: Server, tmp_path: Path) -> None:
    assert break_off(server, tmp_path, ("add", "ingest"), 12, seed=9, each=True).total() >= 20


@pytest.mark.full
def test_killed_at_every_point(server: Server, tmp_path: Path) -> None:
    tried = break_off(server, tmp_path, tuple(PLANS), 0, seed=3)
    print(f"killed at {tried.total()} points: {dict(tried)}")  # noqa: T201
    assert tried.total() > 300


@pytest.mark.full
def test_killed_at_random_times(server: Server, tmp_path: Path) -> None:
    killed = kill_at_random(server, tmp_path, 300, seed=4)
    print(f"killed {killed.total()} times: {dict(killed)}")  # noqa: T201


@pytest.mark.slow
def test_killed_at_a_few_system_calls(shimmed: Server, tmp_path: Path) -> None:
    assert break_off(shimmed, tmp_path, ("add",), 6, seed=5, shim="kill").total() >= 5


@pytest.mark.full
def test_killed_at_many_system_calls(shimmed: Server, tmp_path: Path) -> None:
    tried = break_off(shimmed, tmp_path, tuple(PLANS), 60, seed=6, shim="kill")
    print(f"killed at {tried.total()} system calls: {dict(tried)}")  # noqa: T201


@pytest.mark.slow
def test_disk_full_at_a_few_system_calls(shimmed: Server, tmp_path: Path) -> None:
    assert break_off(shimmed, tmp_path, ("compact",), 6, seed=7, shim="full").total() == 6


@pytest.mark.full
def test_disk_full_at_many_system_calls(shimmed: Server, tmp_path: Path) -> None:
    tried = break_off(shimmed, tmp_path, tuple(PLANS), 50, seed=8, shim="full")
    print(f"disk full at {tried.total()} system calls: {dict(tried)}")  # noqa: T201


# -- a store against a plain dictionary ----------------------------------------------------------------------

WORDS = "harbour pilot lantern voyage captain anchor compass tide rudder sailor cargo island".split()
FILES = st.sampled_from([f"file{number}.txt" for number in range(6)])
IDS = st.sampled_from([f"id{number}" for number in range(6)])
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(
    lambda words: f"The {' '.join(words)}."
)


class StoreMachine(RuleBasedStateMachine):
    """Whatever is done to a store, it holds and finds what the dictionary says, crashes included."""

    server: Server
    folder: Path
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(self.server, Path(tempfile.mkdtemp(dir=self.folder)), seed=1)
        self.disk: State = {}
        self.encoder = hashing_encoder()
        self._open()

    def _open(self) -> None:
        from index.search.retriever import Retriever
        from index.store.store import Store

        self.store = Store.open(self.bench.store, create=True, encoder=self.encoder)
        self.retriever = Retriever(self.store)

    @property
    def model(self) -> State:
        return self.bench.state

    def _path(self, name: str) -> str:
        return (self.bench.files / name).as_posix()

    @rule(texts=st.dictionaries(IDS, SENTENCES, min_size=1, max_size=3))
    def add(self, texts: State) -> None:
        from ingest.records import Text

        self.done["add"] += 1
        self.store.add([Text(id=name, text=text) for name, text in texts.items()])
        self.model.update({f"text:{name}": text for name, text in texts.items()})

    @rule(name=FILES, text=SENTENCES)
    def write_file(self, name: str, text: str) -> None:
        self.done["write a file"] += 1
        Path(self._path(name)).write_text(text)
        self.disk[self._path(name)] = text

    @rule(name=FILES)
    def remove_file(self, name: str) -> None:
        self.done["remove a file"] += 1
        Path(self._path(name)).unlink(missing_ok=True)
        self.disk.pop(self._path(name), None)

    @rule(old=FILES, new=FILES)
    def rename_file(self, old: str, new: str) -> None:
        if self._path(old) in self.disk:
            self.done["rename a file"] += 1
            Path(self._path(old)).replace(self._path(new))
            self.disk[self._path(new)] = self.disk.pop(self._path(old))

    @rule(prune=st.booleans())
    def ingest(self, prune: bool) -> None:
        self.done["ingest"] += 1
        held = {path: text for path, text in self.model.items() if not path.startswith("text:")}
        self.store.ingest([self.bench.files], prune=prune)
        # A file that has gone elsewhere leaves its old path behind for the new one, with or without prune.
        found = {path for info in self.store.documents() for path in info.paths}
        kept = {path: text for path, text in held.items() if path not in self.disk and path in found}
        if prune:
            assert not kept
        for path, text in held.items():
            assert path in found or prune or text in self.disk.values(), f"{path} is lost"
        for path in held:
            del self.model[path]
        self.model.update({**kept, **self.disk})

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.model:
            self.done["delete"] += 1
            path = data.draw(st.sampled_from(sorted(self.model)))
            assert self.store.delete([path.removeprefix("text:")]) == 1
            del self.model[path]

    @rule(word=st.sampled_from(WORDS), k=st.integers(1, 30))
    def search(self, word: str, k: int) -> None:
        self.done["search"] += 1
        documents = self.store.documents()
        with_word = [info for info in documents if word in self.model[info.path].split(".")[0].split()]
        found = self.retriever.search(word, k=k, mode="lexical")
        assert len(found) == min(k, len(with_word))
        assert {hit.document.id for hit in found} <= {info.id for info in with_word}
        for mode in ("dense", "hybrid"):
            found = self.retriever.search(word, k=k, mode=mode)
            assert len({hit.passage.id for hit in found}) == min(k, len(documents))
            assert all(hit.passage.text == self.model[hit.document.path] for hit in found)

    @rule()
    def reopen(self) -> None:
        self.done["reopen"] += 1
        self.store.close()
        self._open()

    @rule(index=st.sampled_from([None, "SQfp16", "auto"]), grace=st.sampled_from([0.0, 60.0]))
    def compact(self, index: str | None, grace: float) -> None:
        self.done["compact"] += 1
        self.store.compact(index=index, grace_seconds=grace)

    @rule(kind=st.sampled_from(["add", "update", "delete", "compact", "repair"]), at=st.integers(1, 70))
    def crash(self, kind: str, at: int) -> None:
        self.done["crash"] += 1
        if kind in ("update", "delete") and not any(path.startswith("text:") for path in self.model):
            return
        self.store.close()
        plan = self.bench.plan(kind)
        ended = self.bench.run(plan, at=at)
        assert ended["status"] in (0, -signal.SIGKILL), ended
        self.bench.verify(plan, f"point {at}", write=False)
        assert not self.bench.faults, self.bench.faults
        self._open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        held = {
            path: self.store.document(info.id).text for info in self.store.documents() for path in info.paths
        }
        assert held == self.model

    def teardown(self) -> None:
        report = self.store.check()
        assert report.ok, report.problems
        self.store.close()
        shutil.rmtree(self.bench.folder)


def run_machine(server: Server, folder: Path, examples: int, steps: int) -> Counter[str]:
    machine = type("Machine", (StoreMachine,), {"server": server, "folder": folder, "done": Counter()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            derandomize=True,
            phases=[Phase.generate],
            report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return machine.done  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def parser_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.ingestion.run.Parser", ParserHere)


@pytest.mark.usefixtures("parser_here")
def test_store_agrees_with_a_dictionary(server: Server, tmp_path: Path) -> None:
    assert run_machine(server, tmp_path, 2, 12).total() > 10


@pytest.mark.slow
@pytest.mark.usefixtures("parser_here")
def test_store_agrees_with_a_dictionary_for_long(server: Server, tmp_path: Path) -> None:
    assert run_machine(server, tmp_path, 3, 30).total() > 60


@pytest.mark.full
@pytest.mark.usefixtures("parser_here")
@pytest.mark.timeout(14400)
def test_store_agrees_with_a_dictionary_for_very_long(server: Server, tmp_path: Path) -> None:
    done = run_machine(server, tmp_path, 60, 60)
    print(f"{done.total()} operations: {dict(done)}")  # noqa: T201


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        serve()
