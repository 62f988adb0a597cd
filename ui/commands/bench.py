"""The command `bench` and its kinds: speed, memory and size, as JSON, text and drawings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import StoreError
from ui.arguments import Commands, positive
from ui.render import evaluation_text, terminal
from ui.settings import Flags, Settings

if TYPE_CHECKING:  # this module loads models, this one must not
    from qa.benchmarks.record import BenchPlan

BENCH_PARTS = ("fresh", "ingest", "asking", "reading", "encoding", "answers", "growth")
_READ_FROM = 200
_SIZES = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000)


def declare(commands: Commands) -> None:
    """Declare `bench` and its kinds."""
    parser = commands.add("bench", "measure speed and memory", bench)
    parser.add_argument(
        "--parts",
        type=_parse_parts,
        metavar="PART[,PART]",
        help=f"{', '.join(BENCH_PARTS)}; without it all of them",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the record here as it grows")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw its figures into this folder")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="another store to ask beside --store, such as one made by bench scale; can be repeated",
    )
    parser.add_argument(
        "--documents", type=Path, metavar="DIR", help="a folder to ingest (the demo's collection)"
    )
    parser.add_argument("--files", type=positive, default=100, metavar="N", help="of them (100)")
    parser.add_argument("--rounds", type=positive, default=15, metavar="N", help="turns of each way (15)")
    parser.add_argument(
        "--compared", type=positive, default=100, metavar="N", help="questions compared with float32 (100)"
    )
    parser.add_argument("--asked", type=positive, default=100, metavar="N", help="questions to a store (100)")
    kinds = commands.add_kinds(parser, title="single kinds", required=False)
    purpose = "fill a new store with copies of another one's documents, to measure at sizes not at hand"
    sub = kinds.add("scale", purpose, bench_scale)
    sub.add_argument("target", type=Path, metavar="DIR", help="the new store; --store is the source")
    sub.add_argument(
        "--passages", type=positive, default=100_000, metavar="N", help="how many it gets (100000)"
    )
    purpose = "time every engine side by side: reading for a question, and encoding"
    sub = kinds.add("engines", purpose, bench_engines)
    sub.add_argument("--passages", type=positive, default=20, metavar="N", help="of the demo collection (20)")
    sub.add_argument("--rounds", type=positive, default=15, metavar="N", help="turns of each engine (15)")


def bench(flags: Flags, settings: Settings) -> int:
    """Measure the parts that were asked for, or all of them."""
    from qa.benchmarks.record import run_bench, write_record
    from ui.render.progress import say

    with _stores(flags, settings) as stores:
        plan = _plan(flags, settings, stores)

        def keep(record: Mapping[str, Any]) -> None:
            if flags["out"] is not None:
                write_record(record, flags["out"])

        record = run_bench(plan, progress=say, keep=keep)
    if flags["plots"] is not None:
        from ui.render.charts import draw_bench

        for path in draw_bench(record, flags["plots"]):
            say(f"drawn: {path}")
    terminal.show(settings, dict(record), bench_text(record))
    return 0


def bench_scale(flags: Flags, settings: Settings) -> int:
    """Fill a new store with copies of the documents of another one."""
    from index.benchmarks.scale import fill
    from index.store.store import Store
    from qa.benchmarks.engines import machine_facts
    from qa.benchmarks.record import GROWTH
    from ui.render.progress import say

    target: Path = flags["target"]
    if target.exists():
        raise StoreError(f"{target} exists already", hint="name a folder that does not exist")
    sizes = (*(size for size in _SIZES if size < flags["passages"]), flags["passages"])
    growth: dict[str, Any] = {}
    with Store.open(settings.store, models=settings.models) as source:
        for measured in fill(source, target, sizes):
            growth = {"machine": machine_facts(), **measured.as_json()}
            (target / GROWTH).write_text(json.dumps(growth, indent=1), encoding="utf-8")
            point = measured.points[-1]
            say(f"{point.passages:,} passages, {point.write_ms:.2f} ms of processor time each")
    terminal.show(settings, growth, _growth_text(growth))
    return 0


def bench_engines(flags: Flags, settings: Settings) -> int:
    """Time every engine side by side."""
    from index.checkpoints.presets import resolve_models
    from qa.benchmarks.engines import measure_engines
    from qa.squad.dataset import read_squad
    from ui.render.progress import say
    from ui.services.demo import demo_passages, demo_questions

    chosen = resolve_models(settings.models)
    questions = [example.question for example in read_squad(demo_questions()).examples[::8]]
    passages = demo_passages(flags["passages"])
    measured = measure_engines(
        (chosen.encoder, chosen.reader), questions, passages, rounds=flags["rounds"], progress=say
    )
    terminal.show(settings, measured.as_json(), evaluation_text.engines_text(measured))
    return 0


def _parse_parts(text: str) -> tuple[str, ...]:
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [part for part in parts if part not in BENCH_PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(BENCH_PARTS)}")
    return parts


@contextmanager
def _stores(flags: Flags, settings: Settings) -> Iterator[tuple[Path, ...]]:
    """The stores to ask; without any, a temporary one of the demo's collection."""
    import tempfile

    from index.store.store import Store
    from ui.render.progress import say
    from ui.services.demo import demo_collection

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
    from index.checkpoints.presets import resolve_models
    from qa.benchmarks.record import BenchPlan
    from qa.squad.dataset import read_squad
    from ui.services.demo import demo_collection, demo_passages, demo_questions

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
        parts=flags["parts"] or BENCH_PARTS,
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
    for part in BENCH_PARTS:
        figures = record.get(part)
        if isinstance(figures, dict) and "error" in figures:
            lines.append(f"{part}: {figures['error']}")
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
