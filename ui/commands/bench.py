"""The commands `bench` and `bench scale`: flags to a plan, the record to JSON, text and drawings."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.checkpoints.presets import resolve_models
from index.errors import StoreError
from index.store.store import Store
from qa.benchmarks.engines import machine_facts
from qa.benchmarks.record import GROWTH, PARTS, BenchPlan, run_bench, write_record
from qa.squad.dataset import read_squad
from ui.render import json_forms
from ui.render.progress import say
from ui.services.demo import demo_collection, demo_passages, demo_questions
from ui.settings import Settings

Flags = Mapping[str, Any]
_READ_FROM = 200
_SIZES = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000)


def bench(flags: Flags, settings: Settings) -> int:
    """Run `spanwise bench`; its exit status."""
    with _stores(flags, settings) as stores:
        plan = _plan(flags, settings, stores)

        def keep(record: Mapping[str, Any]) -> None:
            if flags["out"] is not None:
                write_record(record, flags["out"])

        record = run_bench(plan, progress=say, keep=keep)
    if flags["plots"] is not None:
        from qa.evaluation.plots import draw_bench

        for path in draw_bench(record, flags["plots"]):
            say(f"drawn: {path}")
    print(json_forms.dumps(record) if settings.json else bench_text(record))
    return 0


def bench_scale(flags: Flags, settings: Settings) -> int:
    """Run `spanwise bench scale`; its exit status."""
    from index.benchmarks.scale import fill

    target: Path = flags["target"]
    if target.exists():
        raise StoreError(f"{target} exists already", hint="name a folder that does not exist")
    sizes = (*(size for size in _SIZES if size < flags["passages"]), flags["passages"])
    growth: dict[str, Any] = {}
    with Store.open(settings.store, models=settings.models) as source:
        for so_far in fill(source, target, sizes):
            growth = {"machine": machine_facts(), **so_far.as_json()}
            (target / GROWTH).write_text(json.dumps(growth, indent=1), encoding="utf-8")
            point = so_far.points[-1]
            say(f"{point.passages:,} passages, {point.write_ms:.2f} ms of processor time each")
    print(json_forms.dumps(growth) if settings.json else _growth_text(growth))
    return 0


@contextmanager
def _stores(flags: Flags, settings: Settings) -> Iterator[tuple[Path, ...]]:
    """The stores to ask; without any, one of the demo's collection that goes away."""
    also = tuple(flags["also"])
    if settings.store_given or (not also and (settings.store / "store.json").is_file()):
        yield (settings.store, *also)
    elif also:
        yield also
    else:
        with tempfile.TemporaryDirectory(prefix="spanwise-bench-") as scratch:
            say("building a store of the demo's collection")
            path = Path(scratch) / "store"
            with Store.open(path, create=True, models=settings.models) as store:
                store.ingest([demo_collection()])
            yield (path,)


def _plan(flags: Flags, settings: Settings, stores: tuple[Path, ...]) -> BenchPlan:
    chosen = resolve_models(settings.models)
    examples = read_squad(demo_questions()).examples
    return BenchPlan(
        models=settings.models,
        encoder=chosen.encoder,
        reader=chosen.reader,
        questions=[example.question for example in examples],
        passages=list(dict.fromkeys(demo_passages(_READ_FROM))),
        collection=demo_collection(),
        stores=stores,
        documents=flags["documents"] or demo_collection(),
        parts=flags["parts"] or PARTS,
        rounds=flags["rounds"],
        compared=flags["compared"],
        asked=flags["asked"],
        files=flags["files"],
    )


def bench_text(record: Mapping[str, Any]) -> str:
    """The record as a person reads it: the targets, and what could not be measured."""
    machine = record["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load_at_start']} at the start and "
        f"{machine.get('load_at_end')} at the end; {record.get('seconds', 0)} s",
        "",
    ]
    for item in record.get("targets", []):
        met = "met" if item["met"] else "not"
        lines.append(f"{_number(item['measured']):>10}  {item['target']:>8}  {met}  {item['name']}")
    for part in PARTS:
        found = record.get(part)
        if isinstance(found, dict) and "error" in found:
            lines.append(f"{part}: {found['error']}")
    return "\n".join(lines)


def _growth_text(growth: Mapping[str, Any]) -> str:
    lines = [f"{'passages':>12}  {'ms each':>8}  {'bytes each':>10}  {'MB on disk':>10}"]
    lines += [
        f"{point['passages']:>12,}  {point['write_ms']:>8.2f}  {point['index_bytes']:>10,.0f}  "
        f"{point['disk_bytes'] / 2**20:>10,.0f}"
        for point in growth["points"]
    ]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
