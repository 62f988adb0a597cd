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
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
KIND = "IVF1,SQ8"
JOB_SECONDS = 120

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

        from index.lexical import LexicalIndex

        self._armed = True
        sys.addaudithook(self._audit)
        sync, update = os.fsync, LexicalIndex.update

        def synced(descriptor: int) -> None:
            self.meet("fsync")
            sync(descriptor)

        def updated(index: LexicalIndex, *arguments: Any) -> None:
            self.meet("before the lexical commit")
            update(index, *arguments)
            self.meet("after the lexical commit")

        os.fsync = synced
        LexicalIndex.update = updated  # type: ignore[method-assign]
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
    from ingest.tokens import TextTokenizer

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
        pass

    def __enter__(self) -> ParserHere:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def parse_many(self, paths: Any) -> Iterator[Any]:
        from ingest.parsing import parse_bytes

        for path in paths:
            yield parse_bytes(Path(path).read_bytes(), path, modified_ns=Path(path).stat().st_mtime_ns)


def job_perform(encoder: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Do the plans in turn; each is reported when its call has returned."""
    from index.store import Store

    folder = Path(request["store"])
    points = Points(folder, request.get("at", 0))
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
    from index.retriever import Retriever
    from index.store import Store
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
    for path, text in found.items():
        for query, mode in ((text.split()[0], "lexical"), (text, "dense")):
            hits = retriever.search(query, k=5, mode=mode)
            if path not in [other for hit in hits for other in hit.document.paths]:
                yield f"{path} is not found ({mode})"
    for text in {*request["before"].values(), *request["after"].values()} - {*found.values()}:
        if any(hit.passage.text == text for hit in retriever.search(text, k=5)):
            yield f"a text that is gone is found: {text}"


JOBS = {"perform": job_perform, "verify": job_verify}


def serve() -> None:
    """Requests on standard input, one a line; each is done by a fork of this process."""
    import logging

    from sqlalchemy.dialects.sqlite import pysqlite  # noqa: F401 - loaded before the forks

    import index.ingestion
    import index.retriever
    import index.store

    logging.disable()
    index.ingestion.Parser = ParserHere  # type: ignore[misc, assignment]
    index.store._LEAST_CHOSEN = 8
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
        said = Path(result).read_text()
        Path(result).unlink()
        print(json.dumps({"status": status, **json.loads(said or "{}")}), flush=True)  # noqa: T201


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


def kill_points(server: Server, folder: Path, kinds: tuple[str, ...], most: int, seed: int) -> Counter[str]:
    """Kill at `most` of the named points of each kind of work (all of them for 0); how many there were."""
    base = filled(server, folder / "base", seed)
    tried: Counter[str] = Counter()
    faults: list[str] = []
    for kind in kinds:
        # Files keep their paths, so that what SQL says of them stays true: the base is put back each time.
        saved = folder / "saved"
        shutil.copytree(base.folder, saved)
        drawn, number = base.random.getstate(), base.number

        def again(base: Bench = base, saved: Path = saved, drawn: Any = drawn, number: int = number) -> None:
            shutil.rmtree(base.folder)
            shutil.copytree(saved, base.folder, symlinks=True)
            base.random.setstate(drawn)
            base.number = number

        state = base.state
        plan = base.plan(kind)
        prepare_files(plan)
        counted = base.run(plan)
        assert counted["status"] == 0, counted
        names = counted["names"]
        base.verify(plan, "the end")
        every = list(range(1, len(names) + 1))
        chosen = every if not most else sorted(random.Random(seed).sample(every, min(most, len(every))))
        for at in chosen:
            again()
            base.state = state
            prepare_files(plan)
            died = base.run(plan, at=at)
            if died["status"] != -signal.SIGKILL:
                # A thread in the background may have had less to do this time.
                continue
            tried[kind] += 1
            base.verify(plan, names[at - 1])
        again()
        base.state = state
        shutil.rmtree(saved)
        faults += base.faults
        base.faults = []
    assert not faults, "\n".join(faults)
    return tried


def test_killed_at_a_few_points(server: Server, tmp_path: Path) -> None:
    tried = kill_points(server, tmp_path, ("add", "delete"), 4, seed=1)
    assert sum(tried.values()) >= 6


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        serve()
