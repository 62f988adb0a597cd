"""The speed of the two models beside their peers: reading passages for a question, and encoding passages.

Peers read and encode the same texts with the same weights (`qa.benchmarks.baselines`). See
`qa.benchmarks.store` for whether speed changes answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from index.checkpoints.engine_names import FP32
from index.checkpoints.files import Task, read_folder
from index.engines.selection import choose
from index.lexical.analysis import ENGLISH_FUNCTION_WORDS, words
from index.models.encoder import load_encoder
from qa.benchmarks import baselines
from qa.benchmarks.timing import Turn, in_turns, timing
from qa.protocols import Reader
from qa.reading.reader import load_reader
from qa.squad.metrics import normalise_answer

OURS = "spanwise"
Say = Callable[[str], None]


def measure_reading(
    model: str,
    questions: Sequence[str],
    passages: Sequence[str],
    *,
    depth: int,
    rounds: int,
    seconds: float,
    progress: Say,
) -> dict[str, Any]:
    """For each of `rounds` questions the `depth` passages nearest to it, all read by us and by the peers."""
    asked = [(question, nearest(question, passages, depth)) for question in questions]
    reader, others = load_reader(model), baselines.readers(model)
    ways: dict[str, Callable[[int], str]] = {OURS: lambda number: _best(reader, *asked[number % len(asked)])}
    for name, read in others.items():
        ways[name] = lambda number, read=read: read(*asked[number % len(asked)])  # type: ignore[misc]
    for name, way in ways.items():
        progress(f"reading: warming up {name}")
        way(-1)
    turns = in_turns(ways, rounds=rounds, seconds=seconds)
    base = next(iter(others))
    return {
        "engine": _engine(model, "reader"),
        "passages": depth,
        "base": base,
        "ways": _figures(turns, base),
        "same_as_peers": {name: _same(turns[OURS], turns[name]) for name in others},
    }


def measure_encoding(
    model: str, passages: Sequence[str], *, rounds: int, seconds: float, progress: Say
) -> dict[str, Any]:
    """The same passages encoded by us, by us in float32 and by the peers; tokens are those of the window."""
    encoder, plain = load_encoder(model), load_encoder(model, engine=FP32)
    others = baselines.encoders(model)
    ways: dict[str, Callable[[int], Any]] = {
        OURS: lambda _: encoder.encode_passages(passages),
        FP32: lambda _: plain.encode_passages(passages),
    }
    for name, encode in others.items():
        ways[name] = lambda _, encode=encode: encode(passages)  # type: ignore[misc]
    for name, way in ways.items():
        progress(f"encoding: warming up {name}")
        way(-1)
    turns = in_turns(ways, rounds=rounds, seconds=seconds)
    base = next(iter(others), FP32)
    tokens = sum(min(len(ids), encoder.passage_room) for ids in encoder.tokenizer.encode_ids(passages))
    figures = _figures(turns, base)
    for figure in figures.values():
        figure["tokens_per_second"] = round(1000 * tokens / figure["ms"])
    cosines = np.sum(turns[OURS][0].result * turns[base][0].result, axis=1)
    return {
        "engine": _engine(model, "encoder"),
        "passages": len(passages),
        "tokens": tokens,
        "base": base,
        "ways": figures,
        "cosine_mean": round(float(np.mean(cosines)), 5),
        "cosine_least": round(float(np.min(cosines)), 5),
    }


def nearest(question: str, passages: Sequence[str], count: int) -> list[str]:
    """The passages that hold most of the question's words, so that there is something to read."""
    asked = set(words(question)) - ENGLISH_FUNCTION_WORDS
    shared = [len(asked & set(words(text))) for text in passages]
    order = sorted(range(len(passages)), key=lambda place: -shared[place])
    return [passages[place] for place in order[:count]]


def _figures(turns: Mapping[str, Sequence[Turn]], base: str) -> dict[str, dict[str, Any]]:
    return {name: timing(taken, turns[base]).as_json() for name, taken in turns.items()}


def _same(ours: Sequence[Turn], theirs: Sequence[Turn]) -> float:
    """The share of rounds with the same words as the best span, "no answer" left out as peers do."""
    pairs = zip(ours, theirs, strict=True)
    equal = [normalise_answer(one.result) == normalise_answer(other.result) for one, other in pairs]
    return round(float(np.mean(equal)), 4)


def _best(reader: Reader, question: str, passages: Sequence[str]) -> str:
    found = reader.read(question, passages)
    return max(found, key=lambda item: item.score).text if found else ""


def _engine(model: str, task: Task) -> dict[str, Any]:
    """What was chosen for this model here, and how the choice came about."""
    measured = choose(read_folder(model, task), task)
    return {"chosen": measured.engine, "ms": dict(measured.milliseconds), "int8_loss": measured.loss}
