"""How fast each engine reads and encodes on this machine, measured side by side.

Every engine takes its turn in every round, so that whatever else the machine is doing meets all of them; what
counts is the median of the rounds, and the ratio to the first engine in the same run. Answers are compared
with those of the plain engine, because speed that changes answers is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from index.checkpoints.engine_names import ENGINES, TORCH_BF16, TORCH_FP32
from index.checkpoints.hardware import this_machine
from index.models.encoder import load_encoder
from index.protocols import Encoder, Vectors
from qa.protocols import Reader
from qa.reading.reader import load_reader

_LIBRARIES = ("torch", "transformers", "onnxruntime", "faiss-cpu", "tokenizers", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFigures:
    """One engine's medians in milliseconds: reading all passages for one question, encoding them all.

    `read_ratio` and `encode_ratio` are how many times faster than PyTorch in float32; `same_answers` the
    share of questions with the same best span in the same passage, `cosine` the mean to its vectors.
    """

    engine: str
    read_ms: float
    read_spread_ms: float
    read_ratio: float
    encode_ms: float
    encode_ratio: float
    same_answers: float
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedReport:
    """All engines on one machine; tokens are those of the passages without the questions."""

    machine: Mapping[str, Any]
    passages: int
    tokens: int
    rounds: int
    engines: tuple[EngineFigures, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, ready for json.dumps."""
        return asdict(self)


def measure_engines(
    models: tuple[str, str],
    questions: Sequence[str],
    passages: Sequence[str],
    *,
    rounds: int,
    progress: Callable[[str], None],
) -> SpeedReport:
    """In every round read `passages` for the next of `questions` and encode them, with every engine.

    `models` are the names of encoder and reader. Raises ModelNotFound and ModelError.
    """
    turns = {engine: _Turns() for engine in worth_measuring()}
    for engine, turn in turns.items():
        progress(f"loading {engine}")
        encoder, reader = load_encoder(models[0], engine=engine), load_reader(models[1], engine=engine)
        turn.start(encoder, reader, questions[0], passages)
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for turn in turns.values():
            turn.take(questions[number % len(questions)])
    figures = [_figures(engine, turn, turns[TORCH_FP32]) for engine, turn in turns.items()]
    tokenizer = turns[TORCH_FP32].encoder.tokenizer
    return SpeedReport(
        machine=machine_facts(),
        passages=len(passages),
        tokens=sum(len(ids) for ids in tokenizer.encode_ids(passages)),
        rounds=rounds,
        engines=tuple(sorted(figures, key=lambda item: item.read_ms)),
    )


def machine_facts() -> dict[str, Any]:
    """The processor and the versions of the libraries that speed depends on."""
    machine = this_machine()
    return {**asdict(machine), "versions": {name: version(name) for name in _LIBRARIES}}


class _Turns:
    """One engine's turns: what they took and what came out."""

    encoder: Encoder

    def __init__(self) -> None:
        self.reading: list[float] = []
        self.encoding: list[float] = []
        self.answers: list[tuple[int, int, int] | None] = []
        self.vectors: Vectors = np.zeros((0, 0), dtype=np.float32)

    def start(self, encoder: Encoder, reader: Reader, question: str, passages: Sequence[str]) -> None:
        """Load and warm up, which counts for nothing."""
        self.encoder, self._reader, self._passages = encoder, reader, passages
        reader.read(question, passages)
        self.vectors = encoder.encode_passages(passages)

    def take(self, question: str) -> None:
        """Read once and encode once."""
        started = time.perf_counter()
        found = self._reader.read(question, self._passages)
        read = time.perf_counter()
        self.encoder.encode_passages(self._passages)
        self.encoding.append((time.perf_counter() - read) * 1000)
        self.reading.append((read - started) * 1000)
        best = max(found, key=lambda item: item.margin, default=None)
        self.answers.append(None if best is None else (best.context, best.start, best.end))


def worth_measuring() -> tuple[str, ...]:
    """The engines that could be fastest here; bfloat16 is slower than anything where it must be emulated."""
    emulated = () if this_machine().multiplies_bfloat16 else (TORCH_BF16,)
    return tuple(engine for engine in ENGINES if engine not in emulated)


def _figures(engine: str, turns: _Turns, plain: _Turns) -> EngineFigures:
    same = [ours == theirs for ours, theirs in zip(turns.answers, plain.answers, strict=True)]
    low, high = np.percentile(turns.reading, [25, 75])
    return EngineFigures(
        engine=engine,
        read_ms=round(float(np.median(turns.reading)), 1),
        read_spread_ms=round(float(high - low), 1),
        read_ratio=round(_ratio(plain.reading, turns.reading), 2),
        encode_ms=round(float(np.median(turns.encoding)), 1),
        encode_ratio=round(_ratio(plain.encoding, turns.encoding), 2),
        same_answers=round(float(np.mean(same)), 4),
        cosine=round(float(np.mean(np.sum(turns.vectors * plain.vectors, axis=1))), 5),
    )


def _ratio(plain: Sequence[float], ours: Sequence[float]) -> float:
    """The median over rounds of how many times faster, both of the same round."""
    return float(np.median(np.array(plain) / np.array(ours)))
