"""The process that measures one pair of models on one collection and its questions.

    JSON on standard input -> temporary store -> every question asked alone -> JSON on standard output

A process of its own, because memory can only be measured of a whole process, and caches that one model fills
must not speed the next one up.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index.checkpoints.compact import weight_files
from index.checkpoints.hardware import peak_memory
from index.checkpoints.hub import locate
from index.models.encoder import load_encoder
from index.protocols import Encoder
from index.store.store import Store
from ingest.records import Text
from qa.answering.answerer import Answerer
from qa.protocols import Reader
from qa.reading.language_router import is_routed, parse_routes
from qa.reading.reader import load_reader


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAnswer:
    """The best span for a question ('' where there is none), whether it would be given, and what was read."""

    text: str
    confidence: float
    answered: bool
    passages: tuple[str, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The results of a pair of models; `bytes` are those of their weights, `peak_bytes` of the process."""

    answers: tuple[TrialAnswer, ...]
    passages: int
    ingest_seconds: float
    load_seconds: float
    bytes: int
    peak_bytes: int


def run_trial(
    encoder: Encoder,
    reader: Reader,
    documents: Sequence[Mapping[str, str]],
    questions: Sequence[str],
    *,
    k: int,
    load_seconds: float = 0.0,
    weights: int = 0,
) -> Trial:
    """Make a temporary store of `documents` (id, title, text) and ask each question of it."""
    with (
        tempfile.TemporaryDirectory(prefix="spanwise-trial-") as folder,
        Store.open(Path(folder) / "store", create=True, encoder=encoder) as store,
    ):
        began = time.perf_counter()
        report = store.add(Text(id=doc["id"], title=doc["title"], text=doc["text"]) for doc in documents)
        ingest_seconds = time.perf_counter() - began
        answerer = Answerer(store, reader, encoder)
        if questions:  # models are loaded with the first question: not measured
            answerer.ask(questions[0], k=k)
        answers = tuple(_ask(answerer, question, k) for question in questions)
    return Trial(
        answers=answers,
        passages=report.passages,
        ingest_seconds=ingest_seconds,
        load_seconds=load_seconds,
        bytes=weights,
        peak_bytes=peak_memory(),
    )


def _ask(answerer: Answerer, question: str, k: int) -> TrialAnswer:
    result = answerer.ask(question, answers=1, k=k, always_answer=True)
    return TrialAnswer(
        text=result.answers[0].text if result.answers else "",
        confidence=result.confidence,
        answered=result.answered,
        passages=tuple(hit.passage.text for hit in result.passages),
        milliseconds=result.timings_ms["total"],
    )


def weights_bytes(encoder: str, reader: str) -> int:
    """Bytes of the weights of both, on disk."""
    readers = [route.reader for route in parse_routes(reader)] if is_routed(reader) else [reader]
    folders = {
        locate(encoder.partition("@")[0], "encoder")[1],
        *(locate(name, "reader")[1] for name in readers),
    }
    files = {file.resolve() for folder in folders for file in weight_files(folder)}
    return sum(file.stat().st_size for file in files)


def main() -> None:
    """Read the task, run it, write the trial; errors end the process with a traceback."""
    task: dict[str, Any] = json.load(sys.stdin)
    began = time.perf_counter()
    encoder, reader = load_encoder(task["encoder"]), load_reader(task["reader"])
    load_seconds = time.perf_counter() - began
    trial = run_trial(
        encoder,
        reader,
        task["documents"],
        task["questions"],
        k=task["k"],
        load_seconds=load_seconds,
        weights=weights_bytes(task["encoder"], task["reader"]),
    )
    json.dump(asdict(trial), sys.stdout)


if __name__ == "__main__":
    main()
