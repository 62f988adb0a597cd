"""What a store costs: a question when everything is warm, a question to a fresh process, taking files in.

Memory is that of a process of its own, as the operating system counts it. Questions are made of the store's
own passages by a rule, each asked once, so that no cache can know it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.checkpoints.engine_names import FP32
from index.lexical.analysis import ENGLISH_FUNCTION_WORDS
from index.store.store import Store
from ingest.files.walk import find_files
from qa.answering.answerer import Answerer
from qa.benchmarks import baselines
from qa.benchmarks.timing import quantiles
from qa.reading.reader import load_reader
from qa.records import AskResult
from qa.squad.metrics import normalise_answer

Say = Callable[[str], None]
_WORDS = 6
_MEGABYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that has ended: its output, seconds to its first line and in all, and its peak memory."""

    output: str
    first_line: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run_child(command: Sequence[str]) -> Child:
    """Run a program to its end; raises CalledProcessError where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - this program itself
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
    with process.stdout as stdout:
        output = stdout.readline()
        first_line = time.perf_counter() - started
        output += stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return Child(
        output=output.decode(),
        first_line=first_line,
        seconds=time.perf_counter() - started,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_bytes=used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    )


def store_questions(store: Store, count: int, *, seed: int) -> list[str]:
    """Questions about passages drawn from the store: some of a passage's longer words, in their order."""
    passages = store.draw_passages(2 * count, seed=seed)
    questions = [question for passage in passages if (question := _question(passage.text))]
    return list(dict.fromkeys(questions))[:count]


def _question(text: str) -> str:
    middle = text[len(text) // 3 :]
    plain = [word.strip(".,;:()[]\"'`*_").lower() for word in middle.split()[1:40]]
    telling = [word for word in plain if word.isalpha() and len(word) > 3]
    chosen = [word for word in dict.fromkeys(telling) if word not in ENGLISH_FUNCTION_WORDS][:_WORDS]
    return f"What does it say about {' '.join(chosen)}?" if len(chosen) == _WORDS else ""


def measure_asking(path: Path, models: str | None, *, questions: int, progress: Say) -> dict[str, Any]:
    """Questions one after the other to one process that is warm, end to end."""
    with Answerer.open(path, models=models) as answerer, Store.open(path, models=models) as store:
        asked = store_questions(store, questions + 5, seed=1)
        stats = store.stats()
        for question in asked[:5]:
            answerer.ask(question)
        times: dict[str, list[float]] = {"encode": [], "search": [], "read": [], "total": []}
        answered, read = 0, []
        for number, question in enumerate(asked[5:], start=1):
            result = answerer.ask(question)
            answered += result.answered
            read.append(result.read)
            for name, taken in times.items():
                taken.append(result.timings_ms[name])
            if number % 25 == 0:
                progress(
                    f"asking: {number} of {questions} questions, {np.median(times['total']):.0f} ms each"
                )
    total = quantiles(times["total"]) if times["total"] else {}
    stages = {f"{name}_ms": round(float(np.median(taken)), 1) for name, taken in times.items() if taken}
    facts = {"passages": stats.passages, "index": stats.index.kind, "recall": stats.index.measured_recall}
    mean_read = round(float(np.mean(read)), 1) if read else 0.0
    return {**facts, **total, **stages, "answered": answered, "passages_read": mean_read}


def measure_answers(
    documents: Path, encoder: str, reader: str, questions: Sequence[str], *, progress: Say
) -> dict[str, Any]:
    """How often speed changes a decision: the same questions with all passages read in float32.

    `same` is the share of questions with the same decision and the same words, `same_first` with the same
    words as the best span, shown or not; `confidence_apart` the mean difference. Asked of a new store of
    `documents`.
    """
    pairs: list[tuple[AskResult, AskResult]] = []
    with (
        tempfile.TemporaryDirectory(prefix="spanwise-bench-") as scratch,
        Store.open(Path(scratch) / "store", create=True, models=f"{encoder},{reader}") as store,
    ):
        store.ingest([documents])
        fast = Answerer(store)
        whole = Answerer(store, load_reader(reader, engine=FP32), stopping=None)
        for number, question in enumerate(questions, start=1):
            pairs.append((fast.ask(question, always_answer=True), whole.ask(question, always_answer=True)))
            if number % 20 == 0:
                progress(f"answers: {number} of {len(questions)} compared with float32, all passages read")
    same_first = [_words(ours) == _words(theirs) for ours, theirs in pairs]
    same = [
        ours.answered == theirs.answered and (first or not ours.answered)
        for (ours, theirs), first in zip(pairs, same_first, strict=True)
    ]
    apart = [abs(ours.confidence - theirs.confidence) for ours, theirs in pairs]
    return {
        "questions": len(pairs),
        "answered": sum(ours.answered for ours, _ in pairs),
        "same": round(float(np.mean(same)), 4),
        "same_first": round(float(np.mean(same_first)), 4),
        "confidence_apart": round(float(np.mean(apart)), 4),
        "read": round(float(np.mean([ours.read for ours, _ in pairs])), 1),
        "found": round(float(np.mean([theirs.read for _, theirs in pairs])), 1),
    }


def _words(result: AskResult) -> str:
    return normalise_answer(result.answers[0].text) if result.answers else ""


def measure_fresh(path: Path, models: str | None, *, runs: int, progress: Say) -> dict[str, Any]:
    """A question to a process that has just been started, to the printed answer; its peak memory."""
    with Store.open(path, models=models) as store:
        asked, passages = store_questions(store, runs + 1, seed=2), store.stats().passages
    command = [sys.executable, "-m", "ui", "ask", "--store", str(path)]
    command += [] if models is None else ["--models", models]
    done = [run_child([*command, question]) for question in asked]
    progress(f"fresh processes: {len(done)} to {path.name}")
    kept = done[1:]  # the first one warmed the disk
    if not kept:
        return {"passages": passages, "count": 0}
    return {
        "passages": passages,
        **quantiles([1000 * child.first_line for child in kept]),
        "cpu_ms": round(1000 * float(np.median([child.cpu_seconds for child in kept]))),
        "peak_mb": round(max(child.peak_bytes for child in kept) / _MEGABYTE),
    }


def measure_ingest(
    folder: Path, encoder: str, models: str | None, *, files: int, rounds: int, progress: Say
) -> dict[str, Any]:
    """Files to searchable, by us and by a plain script with the same passages, in turns; medians.

    Of more than `files` files evenly spaced ones are taken. Our time is that of a whole run into a new store,
    the script's without its loading of libraries and weights.
    """
    every = list(find_files([folder]))
    chosen = every[:: max(1, -(-len(every) // files))]
    ours: list[Child] = []
    theirs: list[Child] = []
    for number in range(rounds):
        progress(f"ingest: round {number + 1} of {rounds}, {len(chosen)} files")
        with tempfile.TemporaryDirectory(prefix="spanwise-bench-") as scratch:
            flags = [] if models is None else ["--models", models]
            command = [sys.executable, "-m", "ui", "ingest", "--store", f"{scratch}/store", "--json", *flags]
            ours.append(run_child([*command, *chosen]))
            if baselines.encoders_installed():
                plain = [sys.executable, "-m", "qa.benchmarks.baselines", encoder, scratch, *chosen]
                theirs.append(run_child(plain))
    return _ingest_figures(len(chosen), len(every), ours, theirs)


def _ingest_figures(
    chosen: int, every: int, ours: Sequence[Child], theirs: Sequence[Child]
) -> dict[str, Any]:
    own = [json.loads(child.output) for child in ours]
    seconds = [float(report["seconds"]) for report in own]
    found: dict[str, Any] = {
        "files": chosen,
        "of_files": every,
        "passages": own[0]["passages"],
        "rejected": len(own[0]["rejected"]),
        "seconds": round(float(np.median(seconds)), 1),
        "passages_per_second": round(own[0]["passages"] / float(np.median(seconds)), 1),
        "cpu_seconds": round(float(np.median([child.cpu_seconds for child in ours])), 1),
        "peak_mb": round(max(child.peak_bytes for child in ours) / _MEGABYTE),
        "rounds": len(ours),
    }
    if theirs:
        plain = [json.loads(child.output) for child in theirs]
        taken = [float(report["seconds"]) for report in plain]
        ratios = [other / own for other, own in zip(taken, seconds, strict=True)]
        found["plain"] = {
            "passages": plain[0]["passages"],
            "seconds": round(float(np.median(taken)), 1),
            "peak_mb": round(max(child.peak_bytes for child in theirs) / _MEGABYTE),
        }
        found["times"] = round(float(np.median(ratios)), 2)
    return found
