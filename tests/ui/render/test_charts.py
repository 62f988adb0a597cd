"""Curves and figures: what the specifications hold, and what stands in the files drawn of them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from index.errors import DataError
from index.evaluation.calibration_curves import calibration_error, reliability, risk_coverage
from qa.evaluation.reports import AnswersReport, ReaderReport
from ui.render import charts
from ui.render.charts import Format
from ui.render.messages import ENGLISH, Say

CONFIDENCES = [0.05, 0.31, 0.33, 0.62, 0.68, 0.81, 0.93, 0.97, 1.0]
RIGHT = [False, False, True, False, True, True, True, True, True]
WAYS = {"plain": {"ms": 1369.6, "spread_ms": 72.0}, "spanwise": {"ms": 333.1, "spread_ms": 68.4}}
GROWTH = [{"passages": 10, "write_ms": 0.5, "index_bytes": 800.0, "disk_bytes": 9}]


class Curves:
    """What the drawings need of a report."""

    def __init__(self, confidences: list[float], right: list[bool]) -> None:
        self.reliability = reliability(confidences, right)
        self.risk_coverage = risk_coverage(confidences, right)
        self.ece = calibration_error(self.reliability)


def answers(confidences: list[float] = CONFIDENCES, right: list[bool] = RIGHT) -> AnswersReport:
    return cast(AnswersReport, Curves(confidences, right))


def test_ranges_without_questions_are_left_out() -> None:
    bins = [item.as_json() for item in reliability(CONFIDENCES, RIGHT)]
    spec = charts.reliability(bins, ENGLISH)
    assert spec["description"] == ENGLISH("quality.reliability_text")
    bars, dots = (layer["data"]["values"] for layer in spec["layer"][1:])
    assert bars == dots
    assert [(row["low"], row["questions"]) for row in bars] == [
        (0.0, 1),
        (pytest.approx(0.3), 2),
        (pytest.approx(0.6), 2),
        (0.8, 1),
        (0.9, 3),
    ]
    assert bars[1]["accuracy"] == 0.5
    assert bars[1]["confidence"] == pytest.approx(0.32)


def test_the_page_draws_a_curve_in_its_own_language() -> None:
    spec = charts.risk_coverage([{"coverage": 0.5, "accuracy": 0.9, "threshold": 0.3}], Say("zh"))
    assert spec["data"]["values"] == [{"coverage": 0.5, "accuracy": 0.9}]
    assert spec["encoding"]["x"]["title"] == Say("zh")("quality.coverage")


def test_a_file_says_what_it_shows(tmp_path: Path) -> None:
    bars, curve = charts.draw_answers(answers(), tmp_path / "made" / "here")
    assert (bars.name, curve.name) == ("reliability.svg", "risk-coverage.svg")
    drawn = bars.read_text(encoding="utf-8")
    assert f">Reliability (ECE {answers().ece:.3f})<" in drawn
    assert ">confidence<" in drawn
    assert ">3<" in drawn  # questions in the last range
    drawn = curve.read_text(encoding="utf-8")
    assert "AURC 0." in drawn
    assert ">share of questions answered, by confidence<" in drawn
    assert ">66.7%<" in drawn  # all nine answered: six right


@pytest.mark.parametrize(("kind", "begin"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_a_file_has_the_format_of_its_suffix(kind: Format, begin: bytes, tmp_path: Path) -> None:
    (file,) = charts.draw_reader(cast(ReaderReport, answers()), tmp_path, kind=kind)
    assert file.name == f"reader-risk-coverage.{kind}"
    assert file.read_bytes().startswith(begin)


def test_one_question_can_be_drawn(tmp_path: Path) -> None:
    _, curve = charts.draw_answers(answers([0.4], [True]), tmp_path)
    assert ">100.0%<" in curve.read_text(encoding="utf-8")


def test_figures_of_speed_are_drawn_as_far_as_there_are_any(tmp_path: Path) -> None:
    assert [row["way"] for row in charts.ways(WAYS, "x")["data"]["values"]] == ["spanwise", "plain"]
    files = charts.draw_bench({"reading": {"ways": WAYS}, "growth": {"points": GROWTH}}, tmp_path)
    assert [file.name for file in files] == ["bench-reading.svg", "bench-growth.svg"]
    reading, growth = (file.read_text(encoding="utf-8") for file in files)
    assert ">1,370 ms<" in reading
    assert ">passages in the store<" in growth
    assert charts.draw_bench({}, tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    with pytest.raises(DataError, match=r"reliability\.svg"):
        charts.draw_answers(answers(), tmp_path / "file")
