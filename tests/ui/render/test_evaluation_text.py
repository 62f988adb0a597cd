"""Evaluations in the terminal: every figure under its name, tables that can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.evaluation.bootstrap import Interval
from index.evaluation.calibration_curves import reliability, risk_coverage
from qa.evaluation.outcomes import FailureStage
from qa.evaluation.reports import AnswersReport, ReaderReport, Share
from ui.cli import main
from ui.render.evaluation_text import answers_text, figures_text, reader_text

CONFIDENCES, RIGHT = [0.95, 0.91, 0.42, 0.4], [True, True, False, True]
SHARE = Share(exact=75.0, f1=80.0, total=4)
CURVE = risk_coverage(CONFIDENCES, RIGHT)

ANSWERS = """\
exact                75.0000    95 %: 25.0000 to 100.0000
f1                   80.0000
exact_forced         75.0000
f1_forced            80.0000
answered             4
coverage             1.0000
accuracy_answered    0.7500
recall@k             -
ece                  0.0800
ece_judged           0.0800
questions            4
p50_ms               12.5000
p95_ms               20.0000
ece_equal_mass       0.2900
accuracy_top_half    1.0000
aurc                 0.1458

confidence    questions    mean  accuracy
0.4 to 0.5            2   0.410     0.500
0.9 to 1.0            2   0.930     1.000

answered    accuracy  from confidence
     25%       1.000            0.950
     50%       1.000            0.910
     75%       0.667            0.420
    100%       0.750            0.400

1 of 4 questions decided wrongly
  not_retrieved         0    0.0%  no passage with the answer among the first 100
  not_read              0    0.0%  among the first 100, but not among those read
  out_scored            1   25.0%  read, but another span came out first
  wrongly_refused       0    0.0%  the right span came out first and was not given
  wrongly_answered      0    0.0%  there is no answer, and one was given"""


def test_answers() -> None:
    report = AnswersReport(
        decided=SHARE,
        forced=SHARE,
        answered=4,
        accuracy_answered=0.75,
        recall=None,
        p50_ms=12.5,
        p95_ms=20.0,
        reliability=reliability(CONFIDENCES, RIGHT),
        reliability_equal_mass=reliability(CONFIDENCES, RIGHT, equal_mass=True),
        reliability_judged=reliability(CONFIDENCES, RIGHT),
        risk_coverage=CURVE,
        intervals={"exact": Interval(low=25.0, high=100.0)},
        failures={stage: int(stage is FailureStage.OUT_SCORED) for stage in FailureStage},
    )
    assert answers_text(report) == ANSWERS


def test_a_reader() -> None:
    report = ReaderReport(
        every=SHARE,
        answerable=SHARE,
        unanswerable=None,
        best_exact=None,
        best_f1=None,
        intervals={},
        risk_coverage=CURVE,
        seconds=2.0,
        p50_ms=30.0,
        p95_ms=45.0,
    )
    text = reader_text(report)
    assert text.startswith(
        "exact                75.0000\nf1                   80.0000\ntotal                4\n"
    )
    assert (
        "ms_per_question      500.0000\np50_ms               30.0000\np95_ms               45.0000\n" in text
    )
    assert text.endswith("    100%       0.750          0.400")
    assert "NoAns" not in text


def test_tables_are_left_out_of_the_flat_figures() -> None:
    assert figures_text({"a": 1, "b": [1], "c": {"d": 1}, "e": None}).splitlines() == [
        "a                    1",
        "e                    -",
    ]


def test_failures_and_drawings_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = "The town council was founded in 1871. Its first mayor was Agnes Thorne."
    questions = [
        {
            "id": "a",
            "question": "Who was the first mayor?",
            "answers": [{"text": "mayor was", "answer_start": context.index("mayor was")}],
        }
    ]
    file = tmp_path / "squad.json"
    file.write_text(
        json.dumps({"data": [{"title": "Town", "paragraphs": [{"context": context, "qas": questions}]}]})
    )
    out, plots = tmp_path / "failures.jsonl", tmp_path / "new" / "plots"

    asked = ["eval", "answers", str(file), "--failures", str(out), "--plots", str(plots), "--json"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["failures"]["out_scored"] == 1
    (line,) = out.read_text().splitlines()
    assert json.loads(line)["golds"] == ["mayor was"]

    assert main(["eval", "reader", str(file), "--plots", str(plots), "--plot-format", "png"]) == 0
    assert "accuracy_top_half" in capsys.readouterr().out
    assert {path.name for path in plots.iterdir()} == {
        "reliability.svg",
        "risk-coverage.svg",
        "reader-risk-coverage.png",
    }

    for wrong in (["--failures", str(tmp_path / "no" / "f.jsonl")], ["--plots", str(file)]):
        assert main(["eval", "answers", str(file), *wrong, "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["hint"]


def test_modes_stand_side_by_side_and_their_differences_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text(
        '{"_id": "d1", "text": "The harbour opens at six."}\n{"_id": "d2", "text": "Bread needs flour."}\n'
    )
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "when does the harbour open?"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("q1\td1\t1\n")
    out = tmp_path / "questions.out"
    asked = ["eval", "retrieval", str(tmp_path), "--mode", "lexical,hybrid", "--queries-out", str(out)]
    assert main(asked) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split() for row in rows if row.startswith(("ndcg@10", "mode"))] == [
        ["ndcg@10", "1.0000", "1.0000"],
        ["mode", "lexical", "hybrid"],
    ]
    (pair,) = [row for row in rows if row.startswith("lexical - hybrid")]
    assert pair.split()[3:] == ["+0.0000", "+0.0000", "to", "+0.0000", "1.0000", "0", "1", "0"]
    assert [json.loads(line)["mode"] for line in out.read_text().splitlines()] == ["lexical", "hybrid"]
