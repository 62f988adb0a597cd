"""Drawings: what stands in them, that they repeat to the byte, and that nothing global is left behind."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest

from index.errors import DataError
from index.evaluation.calibration_curves import reliability, risk_coverage
from qa.evaluation.plots import draw_reliability, draw_risk_coverage

CONFIDENCES = [0.05, 0.31, 0.33, 0.62, 0.68, 0.81, 0.93, 0.97, 1.0]
RIGHT = [False, False, True, False, True, True, True, True, True]


def draw(folder: Path, kind: str) -> tuple[bytes, bytes]:
    one, two = folder / f"reliability.{kind}", folder / f"curve.{kind}"
    draw_reliability(reliability(CONFIDENCES, RIGHT), one)
    draw_risk_coverage(risk_coverage(CONFIDENCES, RIGHT), two, ranked_by="confidence")
    return one.read_bytes(), two.read_bytes()


def test_an_svg_says_what_it_shows(tmp_path: Path) -> None:
    bars, curve = (content.decode() for content in draw(tmp_path / "made" / "here", "svg"))
    assert ">confidence<" in bars
    assert ">accuracy of the best span<" in bars
    assert ">perfectly calibrated<" in bars
    assert "ECE 0." in bars
    assert ">3<" in bars  # questions in the last range
    assert ">share of questions answered, by confidence<" in curve
    assert ">66.7%<" in curve  # all nine answered: six right
    assert "AURC 0." in curve


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    for kind in ("svg", "png"):
        assert draw(tmp_path / "a", kind) == draw(tmp_path / "b", kind)
    assert draw(tmp_path / "a", "png")[0].startswith(b"\x89PNG")


def test_nothing_global_is_changed(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    draw(tmp_path, "svg")
    assert dict(mpl.rcParams) == before


def test_one_question_can_be_drawn(tmp_path: Path) -> None:
    draw_reliability(reliability([0.4], [True]), tmp_path / "one.svg")
    draw_risk_coverage(risk_coverage([0.4], [True]), tmp_path / "two.svg", ranked_by="confidence")
    assert ">100.0%<" in (tmp_path / "two.svg").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    with pytest.raises(DataError, match=r"reliability\.svg"):
        draw_reliability(reliability(CONFIDENCES, RIGHT), tmp_path / "file" / "reliability.svg")
