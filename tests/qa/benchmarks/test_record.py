"""The benchmark's arithmetic and its record; what it measures is the matter of the command itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from index.benchmarks.scale import fill
from index.errors import StoreError
from index.protocols import Encoder
from index.store.store import Store
from ingest.records import Text
from qa.benchmarks.models import nearest
from qa.benchmarks.record import BenchPlan, run_bench, targets
from qa.benchmarks.store import run_child, store_questions
from qa.benchmarks.timing import Turn, in_turns, quantiles, timing
from ui.commands.bench import bench_text
from ui.commands.grammar import build_parser
from ui.settings import UsageError


def turns(*seconds: float) -> list[Turn]:
    return [Turn(wall=one, cpu=2 * one, result=None) for one in seconds]


def test_every_way_takes_its_turn_and_nobody_is_always_first() -> None:
    order: list[str] = []
    ways = {name: (lambda number, name=name: order.append(f"{name}{number}")) for name in "ab"}
    taken = in_turns(ways, rounds=2)
    assert order == ["a0", "b0", "b1", "a1"]
    assert [len(taken[name]) for name in "ab"] == [2, 2]
    assert len(in_turns(ways, rounds=50, seconds=0.0, least=3)["a"]) == 3


def test_ratios_are_of_the_same_round() -> None:
    found = timing(turns(1.0, 2.0, 10.0), turns(4.0, 8.0, 10.0))
    assert (found.ms, found.cpu_ms, found.times, found.cpu_times) == (2000.0, 4000.0, 4.0, 4.0)
    assert quantiles([1.0, 3.0]) == {"p50_ms": 2.0, "p95_ms": 2.9, "count": 2}


def test_targets_say_what_was_met_and_leave_out_what_was_not_measured() -> None:
    record = {
        "reading": {"base": "haystack", "ways": {"spanwise": {"times": 12.0}}},
        "answers": {"same": 0.98},
        "asking": [{"passages": 30_000, "p50_ms": 100.0, "p95_ms": 300.0}],
        "ingest": {"files": 10, "passages": 100, "cpu_seconds": 1.0},
        "growth": {
            "points": [
                {"passages": 10_050, "write_ms": 1.0, "index_bytes": 900.0},
                {"passages": 1_000_000, "write_ms": 1.1, "index_bytes": 800.0},
            ]
        },
    }
    found = targets(record)
    assert [item["met"] for item in found] == [True, False, True, False, True, True]
    # Ten milliseconds in all for a passage, of which storing takes a tenth of one more.
    assert found[4]["measured"] == 1.01


def test_a_part_that_fails_is_said_and_costs_no_other(tmp_path: Path) -> None:
    plan = BenchPlan(
        models=None,
        encoder="no-such-encoder",
        reader="no-such-reader",
        questions=["who?"],
        passages=["Ada did."],
        collection=tmp_path,
        stores=(tmp_path / "none",),
        documents=tmp_path,
        parts=("reading", "growth"),
    )
    kept: list[int] = []
    record = run_bench(plan, progress=lambda _: None, keep=lambda so_far: kept.append(len(so_far)))
    assert "ModelNotFound" in record["reading"]["error"]
    assert "bench scale" in record["growth"]["error"]
    assert len(kept) == 2
    assert record["machine"]["versions"]["onnxruntime"]
    assert "no-such-reader" in bench_text(json.loads(json.dumps(record)))


def test_a_process_is_measured_and_a_failing_one_is_no_figure() -> None:
    child = run_child([sys.executable, "-c", "print('here'); print('and there')"])
    assert child.output.split() == ["here", "and", "there"]
    assert 0 < child.first_line <= child.seconds
    assert child.peak_bytes > 2**20
    with pytest.raises(Exception, match="exit status 3"):
        run_child([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_store_is_filled_by_the_way_texts_take(tmp_path: Path, hashing_encoder: Encoder) -> None:
    words = "harbour ferries lantern windmill orchard granite meadow thunder village mountain"
    with Store.open(tmp_path / "a", create=True, encoder=hashing_encoder) as source:
        with pytest.raises(StoreError, match="is empty"):
            next(fill(source, tmp_path / "none", (4,)))
        source.add(Text(id=f"t{n}", text=f"Text {n}: {words}.", title=f"T{n}") for n in range(3))
        *_, last = fill(source, tmp_path / "b", (4, 10))
    assert [point.passages for point in last.points] == [4, 10]
    assert last.source_passages == 3
    with Store.open(tmp_path / "b", encoder=hashing_encoder) as store:
        assert store.stats().passages == 10
        assert store.check().ok
        questions = store_questions(store, 5, seed=1)
        assert questions
        assert all(word in words for question in questions for word in question.rstrip("?").split()[5:])


def test_the_nearest_passages_share_words() -> None:
    passages = ["The bus leaves at eight.", "Bread needs flour.", "The ferry leaves late."]
    assert nearest("When does the bus leave for the harbour, the bus?", passages, 1) == [passages[0]]


def test_the_command_line_of_bench() -> None:
    flags = vars(build_parser().parse_args(["bench", "--parts", "fresh,asking", "--also", "x"]))
    assert (flags["command"], flags["parts"], flags["also"]) == ("bench", ("fresh", "asking"), [Path("x")])
    assert vars(build_parser().parse_args(["bench", "scale", "x"]))["command"] == "bench scale"
    with pytest.raises(UsageError, match="'speed' is none of"):
        build_parser().parse_args(["bench", "--parts", "speed"])
