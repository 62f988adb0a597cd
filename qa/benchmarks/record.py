"""`spanwise bench`: speed and memory as one record, with the machine that it holds for.

The parts run one after the other; the error of a part that fails stands in its place and does not end the
run. Those that measure the memory of other processes come first: a new process is counted with what its
parent held. `targets` holds the figures against what this project asks of itself.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from index.errors import DataError
from qa.benchmarks import baselines
from qa.benchmarks.engines import machine_facts
from qa.benchmarks.models import OURS, Say, measure_encoding, measure_reading
from qa.benchmarks.store import measure_answers, measure_asking, measure_fresh, measure_ingest

_LOG = logging.getLogger(__name__)
PARTS = ("fresh", "ingest", "asking", "reading", "encoding", "answers", "growth")
GROWTH = "growth.json"
_MEGABYTE = 2**20
_SMALL, _LARGE = 10_000, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPlan:
    """What to measure: models, texts, stores and how often.

    `questions` and `passages` are read and encoded, `collection` holds what the questions are about; `stores`
    are asked, and what lies in them about their
    growth is taken over; `documents` is a folder to ingest. `seconds` bound reading and encoding each.
    """

    models: str | None
    encoder: str
    reader: str
    questions: Sequence[str]
    passages: Sequence[str]
    collection: Path
    stores: tuple[Path, ...]
    documents: Path
    parts: tuple[str, ...] = PARTS
    rounds: int = 15
    compared: int = 100
    asked: int = 100
    files: int = 100
    seconds: float = 90.0


def run_bench(plan: BenchPlan, *, progress: Say, keep: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    """The record; `keep` is given it after every part, so that a run that is cut short leaves what it has."""
    began = time.perf_counter()
    record: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "spanwise": version("spanwise"),
        "machine": {**machine_facts(), **_surroundings()},
        "peers": baselines.installed(),
    }
    for name in plan.parts:
        progress(f"{name} ({time.perf_counter() - began:.0f} s so far)")
        try:
            record[name] = _MEASURES[name](plan, progress)
        except Exception as error:  # one part must not cost the others
            _LOG.exception("%s could not be measured", name)
            record[name] = {"error": f"{type(error).__name__}: {error}"}
        record["targets"] = targets(record)
        record["seconds"] = round(time.perf_counter() - began)
        record["machine"]["load_at_end"] = _load()
        keep(record)
    return record


def write_record(record: Mapping[str, Any], path: Path) -> None:
    """The record as an indented JSON file; raises DataError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}", hint="give another file") from error


def _reading(plan: BenchPlan, progress: Say) -> dict[str, Any]:
    return measure_reading(
        plan.reader,
        plan.questions,
        plan.passages,
        depth=20,
        rounds=plan.rounds,
        seconds=plan.seconds,
        progress=progress,
    )


def _encoding(plan: BenchPlan, progress: Say) -> dict[str, Any]:
    return measure_encoding(
        plan.encoder, plan.passages[:64], rounds=plan.rounds, seconds=plan.seconds, progress=progress
    )


def _answers(plan: BenchPlan, progress: Say) -> dict[str, Any]:
    every = max(1, len(plan.questions) // plan.compared)
    asked = plan.questions[::every][: plan.compared]
    return measure_answers(plan.collection, plan.encoder, plan.reader, asked, progress=progress)


def _asking(plan: BenchPlan, progress: Say) -> list[dict[str, Any]]:
    return [
        measure_asking(store, plan.models, questions=plan.asked, progress=progress) for store in plan.stores
    ]


def _fresh(plan: BenchPlan, progress: Say) -> list[dict[str, Any]]:
    return [measure_fresh(store, plan.models, runs=plan.rounds, progress=progress) for store in plan.stores]


def _ingest(plan: BenchPlan, progress: Say) -> dict[str, Any]:
    return measure_ingest(
        plan.documents, plan.encoder, plan.models, files=plan.files, rounds=1, progress=progress
    )


def _growth(plan: BenchPlan, progress: Say) -> dict[str, Any]:
    for store in plan.stores:
        if (store / GROWTH).is_file():
            progress(f"growth: as it was recorded when {store.name} was made")
            found: dict[str, Any] = json.loads((store / GROWTH).read_text(encoding="utf-8"))
            return found
    return {"error": "none of the stores was made by `spanwise bench scale`"}


_MEASURES: Mapping[str, Callable[[BenchPlan, Say], Any]] = {
    "reading": _reading,
    "encoding": _encoding,
    "answers": _answers,
    "asking": _asking,
    "fresh": _fresh,
    "ingest": _ingest,
    "growth": _growth,
}


def targets(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was measured for it, as far as the parts it needs were."""
    found = [
        *_model_targets(record.get("reading", {}), record.get("encoding", {}), record.get("answers", {})),
        *_store_targets(record.get("asking", []), record.get("fresh", [])),
        *_growth_targets(record.get("ingest", {}), record.get("growth", {})),
    ]
    return [item for item in found if item["measured"] is not None]


def _model_targets(
    reading: Mapping[str, Any], encoding: Mapping[str, Any], answers: Mapping[str, Any]
) -> list[dict[str, Any]]:
    read, encode = _times(reading), _times(encoding)
    return [
        _at_least(f"times faster than {reading.get('base')} at reading 20 passages", read, 10),
        _at_least("share of decisions as with all passages in float32", answers.get("same"), 0.99),
        _at_least(f"times faster than {encoding.get('base')} at encoding", encode, 5, floor=3.5),
        _at_least("mean cosine to float32 vectors", encoding.get("cosine_mean"), 0.995),
    ]


def _store_targets(asking: Any, fresh: Any) -> list[dict[str, Any]]:
    found = []
    for store in asking if isinstance(asking, list) else []:
        large = store["passages"] >= _LARGE / 2
        name = f"ms for a question to {store['passages']:,} passages"
        found.append(_at_most(f"{name}, p50", store.get("p50_ms"), 180 if large else 120))
        if not large:
            found.append(_at_most(f"{name}, p95", store.get("p95_ms"), 200))
    for store in fresh if isinstance(fresh, list) else []:
        name = f"a fresh process over {store['passages']:,} passages"
        found.append(_at_most(f"ms to the printed answer of {name}", store.get("p50_ms"), 1500))
        found.append(_at_most(f"MB at most of {name}", store.get("peak_mb"), 600))
    return found


def _growth_targets(ingest: Mapping[str, Any], growth: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = f"times faster than a plain script at taking in {ingest.get('files')} files"
    found = [_at_least(name, ingest.get("times"), 4, floor=3)]
    points = growth.get("points", [])
    if len(points) > 1 and "cpu_seconds" in ingest:
        # What grows, if anything does, is storing: parsing and encoding know nothing of the store.
        first = next(point for point in points if point["passages"] >= min(_SMALL, points[-1]["passages"]))
        whole = 1000 * ingest["cpu_seconds"] / ingest["passages"]
        change = round((whole + points[-1]["write_ms"] - first["write_ms"]) / whole, 3)
        sizes = f"from {first['passages']:,} to {points[-1]['passages']:,} passages"
        found.append(_at_most(f"growth of the cost of taking in a passage {sizes}", change, 1.15))
    if points:
        found.append(_at_most("bytes of memory for each passage", round(points[-1]["index_bytes"]), 2500))
    return found


def _times(part: Mapping[str, Any]) -> float | None:
    ways = part.get("ways")
    return None if ways is None else float(ways[OURS]["times"])


def _at_least(
    name: str, measured: float | None, target: float, *, floor: float | None = None
) -> dict[str, Any]:
    met = measured is not None and measured >= target
    found = {"name": name, "measured": measured, "target": f">= {target:g}", "met": met}
    return found if floor is None else {**found, "floor": floor}


def _at_most(name: str, measured: float | None, target: float) -> dict[str, Any]:
    met = measured is not None and measured <= target
    return {"name": name, "measured": measured, "target": f"<= {target:g}", "met": met}


def _surroundings() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "memory_mb": memory // _MEGABYTE,
        "load_at_start": _load(),
    }


def _load() -> float | None:
    """Processes that waited for a core in the last minute, ours among them."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
