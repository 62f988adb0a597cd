"""Timing engines: every engine is there, compared with the plain one, and nothing is said of time itself."""

from __future__ import annotations

import json
from pathlib import Path

from qa.benchmarks.engines import measure_engines, worth_measuring
from ui.render.evaluation_text import engines_text
from ui.services.demo import demo_passages

QUESTIONS = ["When does the bus leave?", "Who came late?"]


def test_every_engine_is_measured(tiny_roberta_encoder: Path, tiny_roberta_reader: Path) -> None:
    said: list[str] = []
    measured = measure_engines(
        (str(tiny_roberta_encoder), str(tiny_roberta_reader)),
        QUESTIONS,
        ["The bus leaves the harbour at eight.", "The cook came late."],
        rounds=3,
        progress=said.append,
    )
    by_name = {item.engine: item for item in measured.engines}
    assert set(by_name) == set(worth_measuring()) >= {"torch-fp32", "onnx-fp32", "onnx-int8"}
    plain = by_name["torch-fp32"]
    assert (plain.read_ratio, plain.encode_ratio, plain.same_answers) == (1.0, 1.0, 1.0)
    assert by_name["onnx-fp32"].same_answers == 1.0
    assert by_name["onnx-fp32"].cosine > 0.9999
    assert all(item.read_ms > 0 and item.encode_ms > 0 for item in measured.engines)
    assert [item.read_ms for item in measured.engines] == sorted(item.read_ms for item in measured.engines)
    assert measured.tokens > 4
    assert said[-1] == "round 3 of 3"
    assert json.loads(json.dumps(measured.as_json()))["machine"]["versions"]["onnxruntime"]
    assert all(name in engines_text(measured) for name in by_name)


def test_demo_passages_are_as_many_as_asked_for() -> None:
    passages = demo_passages(90)
    assert len(passages) == 90
    assert all(500 < len(text) <= 1100 for text in passages)
    assert len(set(demo_passages(12))) == 12
