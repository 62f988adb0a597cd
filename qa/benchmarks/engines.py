"""How fast each engine reads and encodes on this machine, measured side by side.

Every engine takes its turn in every round, so that whatever else the machine is doing meets all of them; what
counts is the median of the rounds, and the ratio to the first engine in the same run. Answers are compared
with those of the plain engine, because speed that changes answers is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from index.checkpoints.engine_names import ENGINES, TORCH_BF16, TORCH_FP32
from index.checkpoints.hardware import this_machine
from index.models.encoder import load_encoder
from index.protocols import Encoder
from qa.benchmarks.timing import in_turns, timing
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
        """The report as a JSON object."""
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
    loaded: dict[str, tuple[Encoder, Reader]] = {}
    for engine in worth_measuring():
        progress(f"loading {engine}")
        encoder, reader = load_encoder(models[0], engine=engine), load_reader(models[1], engine=engine)
        reader.read(questions[0], passages)  # warm
        loaded[engine] = encoder, reader
    vectors = {engine: encoder.encode_passages(passages) for engine, (encoder, _) in loaded.items()}
    ways: dict[str, Callable[[int], Any]] = {}
    for engine, (encoder, reader) in loaded.items():
        ways[f"read {engine}"] = partial(_read, reader, questions, passages)
        ways[f"encode {engine}"] = partial(_encode, encoder, passages)
    turns = in_turns(ways, rounds=rounds, progress=progress)
    plain = {kind: turns[f"{kind} {TORCH_FP32}"] for kind in ("read", "encode")}
    figures = []
    for engine in loaded:
        reading = timing(turns[f"read {engine}"], plain["read"])
        encoding = timing(turns[f"encode {engine}"], plain["encode"])
        answers = zip(turns[f"read {engine}"], plain["read"], strict=True)
        figures.append(
            EngineFigures(
                engine=engine,
                read_ms=round(reading.ms, 1),
                read_spread_ms=round(reading.spread_ms, 1),
                read_ratio=reading.times,
                encode_ms=round(encoding.ms, 1),
                encode_ratio=encoding.times,
                same_answers=round(float(np.mean([one.result == other.result for one, other in answers])), 4),
                cosine=round(float(np.mean(np.sum(vectors[engine] * vectors[TORCH_FP32], axis=1))), 5),
            )
        )
    tokenizer = loaded[TORCH_FP32][0].tokenizer
    return SpeedReport(
        machine=machine_facts(),
        passages=len(passages),
        tokens=sum(len(ids) for ids in tokenizer.encode_ids(passages)),
        rounds=rounds,
        engines=tuple(sorted(figures, key=lambda item: item.read_ms)),
    )


def _read(
    reader: Reader, questions: Sequence[str], passages: Sequence[str], number: int
) -> tuple[int, int, int] | None:
    """The best span for the question of a round, by its passage and place."""
    spans = reader.read(questions[number % len(questions)], passages)
    best = max(spans, key=lambda item: item.margin, default=None)
    return None if best is None else (best.context, best.start, best.end)


def _encode(encoder: Encoder, passages: Sequence[str], _: int) -> None:
    encoder.encode_passages(passages)


def machine_facts() -> dict[str, Any]:
    """The processor and the versions of the libraries that speed depends on."""
    machine = this_machine()
    return {**asdict(machine), "versions": {name: version(name) for name in _LIBRARIES}}


def worth_measuring() -> tuple[str, ...]:
    """The engines that could be fastest here; bfloat16 is slower than anything where it must be emulated."""
    emulated = () if this_machine().multiplies_bfloat16 else (TORCH_BF16,)
    return tuple(engine for engine in ENGINES if engine not in emulated)
