"""Figures on labelled files: worked out by hand with fakes, held to a floor with the bundled models."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index.engines.load import load_model
from index.errors import DataError
from index.evaluation.retrieval import compare_retrieval
from index.models.encoder import load_encoder
from index.protocols import Encoder, TokenIds
from qa.answering.decision import DecisionSettings
from qa.evaluation.evaluate import evaluate_answers, evaluate_reader
from qa.reading.reader import RobertaReader, load_reader
from qa.records import SpanCandidate
from qa.squad.collection import judged_contexts
from qa.squad.dataset import read_squad

SHARED = Path(__file__).parents[4] / "shared" / "data" / "qa"
ONE = "Ada Lovelace wrote the first program."
TWO = "Bread needs flour and water, and time."


class Scripted:
    """Answers each question with the words and the margin that a test gives it, wherever they stand."""

    name = "scripted"
    fingerprint = "0"

    def __init__(self, script: dict[str, tuple[str, float]]) -> None:
        self.script = script

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        text, margin = self.script[question]
        return [
            SpanCandidate(
                text=text,
                start=context.index(text),
                end=context.index(text) + len(text),
                score=2 * margin + 9.0,
                null_score=margin + 9.0,
                context=index,
            )
            for index, context in enumerate(contexts)
            if text in context
        ]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]


SCRIPT = {
    "Who wrote the first program?": ("Ada Lovelace", 9.0),  # right
    "What does bread need?": ("flour and water", 5.0),  # two of three words too many: P 1/3, R 1
    "What did Ada Lovelace write?": ("program", -2.0),  # right, but refused
    "When was bread first baked?": ("time", 2.0),  # there is none
    "Where did the program run?": ("Ada", -4.0),  # there is none, and refused
}


def question(number: int, text: str, context: str, answer: str | None) -> dict[str, Any]:
    answers = [] if answer is None else [{"text": answer, "answer_start": context.index(answer)}]
    return {"id": str(number), "question": text, "answers": answers, "is_impossible": answer is None}


def squad(path: Path, *, unanswerable: bool = True) -> Path:
    who, what, which, when, where = SCRIPT
    ada = [question(1, who, ONE, "Ada Lovelace"), question(3, which, ONE, "the first program")]
    bread = [question(2, what, TWO, "flour")]
    if unanswerable:
        ada.append(question(5, where, ONE, None))
        bread.append(question(4, when, TWO, None))
    paragraphs = [{"context": ONE, "qas": ada}, {"context": TWO, "qas": bread}]
    path.write_text(json.dumps({"data": [{"title": "Things", "paragraphs": paragraphs}]}), encoding="utf-8")
    return path


def test_reader_figures_by_hand(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = evaluate_reader(
        squad(tmp_path / "v2.json"),
        Scripted(SCRIPT),
        predictions_out=tmp_path / "out.json",
        progress=lambda done, total: steps.append((done, total)),
    )
    figures = report.as_json()
    seconds = figures.pop("seconds")
    assert seconds > 0
    assert figures.pop("ms_per_question") == pytest.approx(1000 * seconds / 5)
    assert 0 < figures.pop("p50_ms") <= figures.pop("p95_ms")
    intervals, curve = figures.pop("intervals"), figures.pop("risk_coverage")
    # "flour and water" against "flour": 2 / (3 + 1) = 1/2. The refused "program" earns 0.
    # Best threshold: answering the margins 9 and 5 earns 1 + 1/2, and refusing both unanswerable ones 2;
    # answering also the margin 2 loses 1, and then the margin -2 wins 2/3 ("program", "the first program").
    # By exact match margin 5 wins nothing. Surest first: one right of 1, of 2, of 3, of 4, of 5.
    assert figures == pytest.approx(
        {
            "exact": 100 * 2 / 5,
            "f1": 100 * 2.5 / 5,
            "total": 5,
            "HasAns_exact": 100 / 3,
            "HasAns_f1": 100 * 1.5 / 3,
            "HasAns_total": 3,
            "NoAns_exact": 50.0,
            "NoAns_f1": 50.0,
            "NoAns_total": 2,
            "best_exact": 100 * 3 / 5,
            "best_exact_thresh": -9.0,
            "best_f1": 100 * 3.5 / 5,
            "best_f1_thresh": -5.0,
            "accuracy_top_half": 1 / 3,
            "aurc": 1 - (1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5,
        }
    )
    assert set(intervals) == {"exact", "f1", "best_exact", "best_f1"}
    assert all(low <= figures[name] <= high for name, (low, high) in intervals.items())
    assert [point["threshold"] for point in curve] == [9.0, 5.0, 2.0, -2.0, -4.0]
    predictions = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert predictions == {"1": "Ada Lovelace", "2": "flour and water", "3": "", "4": "time", "5": ""}
    assert steps == [(5, 5)]


def test_a_threshold_fitted_elsewhere_is_applied(tmp_path: Path) -> None:
    # Null minus span is -9, -5, 2, -2, 4: at -5 the first two are answered, and both without answer refused.
    path = squad(tmp_path / "v2.json")
    best = evaluate_reader(path, Scripted(SCRIPT)).as_json()
    fitted = evaluate_reader(path, Scripted(SCRIPT), threshold=best["best_f1_thresh"]).as_json()
    assert fitted["f1"] == pytest.approx(best["best_f1"])
    assert fitted["NoAns_f1"] == 100.0
    generous = evaluate_reader(path, Scripted(SCRIPT), threshold=2.0).as_json()
    assert generous["HasAns_f1"] == pytest.approx(100 * (1 + 1 / 2 + 2 / 3) / 3)


def test_a_reader_that_must_answer(tmp_path: Path) -> None:
    path = squad(tmp_path / "v2.json")
    figures = evaluate_reader(path, Scripted(SCRIPT), always_answer=True).as_json()
    assert figures["NoAns_f1"] == 0.0
    assert figures["HasAns_f1"] == pytest.approx(100 * (1 + 1 / 2 + 2 / 3) / 3)


def test_a_file_without_unanswerable_questions_is_always_answered(tmp_path: Path) -> None:
    figures = evaluate_reader(squad(tmp_path / "v1.json", unanswerable=False), Scripted(SCRIPT)).as_json()
    official = {"exact", "f1", "total", "HasAns_exact", "HasAns_f1", "HasAns_total"}
    ours = {"seconds", "ms_per_question", "p50_ms", "p95_ms", "accuracy_top_half", "aurc"}
    ours |= {"intervals", "risk_coverage"}
    assert set(figures) == official | ours
    assert figures["f1"] == pytest.approx(100 * (1 + 1 / 2 + 2 / 3) / 3)


def test_answers_over_the_whole_collection_by_hand(tmp_path: Path, hashing_encoder: Encoder) -> None:
    report = evaluate_answers(squad(tmp_path / "v2.json"), Scripted(SCRIPT), hashing_encoder, k=2)
    figures = report.as_json()
    assert 0 < figures.pop("p50_ms") <= figures.pop("p95_ms")
    assert 0 <= figures.pop("ece") <= 1
    assert 0 <= figures.pop("ece_judged") <= 1
    assert 0 <= figures.pop("ece_equal_mass") <= 1
    assert set(figures.pop("intervals")) == {"exact", "f1", "exact_forced", "f1_forced", "ece"}
    widths = figures.pop("reliability")
    assert sum(item["count"] for item in widths["equal_width"]) == 5
    assert sum(item["count"] for item in widths["equal_mass"]) == 5
    # The surest of all is right and no other is.
    assert [point["accuracy"] for point in figures.pop("risk_coverage")] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    failures = figures.pop("failures")
    # Margins 9 and 5 are answered, -2 and -4 refused; 2 is left to the settings and answered or not.
    answered = figures.pop("answered")
    assert answered in (2, 3)
    assert failures == {
        "not_retrieved": 0,
        "not_read": 0,
        "out_scored": 2,
        "wrongly_refused": 0,
        "wrongly_answered": answered - 2,
    }
    assert figures == pytest.approx(
        {
            "exact": 100 * (1 + (5 - 1 - answered)) / 5,
            "f1": 100 * (1.5 + (5 - 1 - answered)) / 5,
            "exact_forced": 100 * 1 / 5,
            "f1_forced": 100 * (1 + 1 / 2 + 2 / 3) / 5,
            "coverage": answered / 5,
            "accuracy_answered": 1 / answered,
            "recall@k": 1.0,
            "questions": 5,
            "accuracy_top_half": 1 / 3,
            "aurc": 1 - (1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5,
        }
    )


def test_a_fitted_threshold_decides_what_counts_as_answered(tmp_path: Path, hashing_encoder: Encoder) -> None:
    path, silent = squad(tmp_path / "v2.json"), DecisionSettings(threshold=1.1)
    report = evaluate_answers(path, Scripted(SCRIPT), hashing_encoder, k=2, decision=silent)
    assert report.as_json()["answered"] == 0


def test_a_sample_leaves_the_collection_whole(tmp_path: Path, hashing_encoder: Encoder) -> None:
    path = squad(tmp_path / "v2.json")
    seen: list[str] = []

    class Noting(Scripted):
        def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
            seen.extend(text for _, contexts in asked for text in contexts)
            return super().read_many(asked)

    steps: list[tuple[int, int]] = []
    report = evaluate_answers(
        path,
        Noting(SCRIPT),
        hashing_encoder,
        limit=2,
        seed=3,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert report.as_json()["questions"] == 2
    assert set(seen) == {ONE, TWO}
    assert steps == [(1, 2), (2, 2)]


def test_recall_asks_for_the_gold_span_and_the_passages_read(
    tmp_path: Path, hashing_encoder: Encoder
) -> None:
    # With one passage read, the bread question whose words are all in the other text finds only that one.
    ask, context = "Did Ada Lovelace write the first program?", "  Bread  needs flour. \n"
    file = {
        "data": [
            {
                "paragraphs": [
                    {"context": ONE, "qas": [question(1, ask, ONE, "Ada Lovelace")]},
                    {
                        "context": context,
                        "qas": [
                            question(2, ask, context, "flour"),
                            question(3, "bread flour", context, "flour"),
                        ],
                    },
                ]
            }
        ]
    }
    path = tmp_path / "file.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    reader = Scripted({ask: ("Ada", 1.0), "bread flour": ("flour", 1.0)})
    assert evaluate_answers(path, reader, hashing_encoder, k=1).recall == pytest.approx(2 / 3)


def test_an_article_is_never_right_where_there_is_no_answer(tmp_path: Path, hashing_encoder: Encoder) -> None:
    # By the official rules it equals '', as a best span it is an answer to a question that has none.
    asked = "Which article stands before first?"
    paragraphs = [{"context": ONE, "qas": [question(1, asked, ONE, None)]}]
    path = tmp_path / "article.json"
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    reader = Scripted({asked: ("the", 50.0)})
    report = evaluate_reader(path, reader).as_json()
    assert (report["exact"], report["accuracy_top_half"]) == (100.0, 0.0)
    answers = evaluate_answers(path, reader, hashing_encoder).as_json()
    assert (answers["exact"], answers["accuracy_top_half"]) == (100.0, 0.0)
    assert answers["ece"] == pytest.approx(1.0, abs=0.01)


def of_strange_questions(path: Path, contexts: Sequence[str]) -> Path:
    strange = ["", " ", "?", "word", "why " * 2500, "\x00\x01\ufffd", "\ud800", "谁? 😀"]
    paragraphs = [
        {
            "context": context,
            "qas": [
                question(number, text, context, None) for number, text in enumerate(strange, start=10 * n)
            ],
        }
        for n, context in enumerate(contexts)
    ]
    paragraphs.append({"context": ONE, "qas": [question(99, "\ud800 Ada?", ONE, "Ada")]})
    path.write_text(json.dumps({"data": [{"title": "\ud800", "paragraphs": paragraphs}]}), encoding="utf-8")
    return path


class NothingButNaN:
    """An engine that fails to count."""

    name = "broken"

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, tuple[NDArray[np.float32], ...]]]:
        for index, sequence in enumerate(sequences):
            nothing = np.full(len(sequence), np.nan, dtype=np.float32)
            yield index, (nothing, nothing)


def test_logits_that_are_no_numbers_refuse_everything(
    tmp_path: Path, tiny_roberta_reader: Path, hashing_encoder: Encoder
) -> None:
    reader = RobertaReader(replace(load_model(str(tiny_roberta_reader), "reader"), engine=NothingButNaN()))
    path = squad(tmp_path / "v2.json")
    figures = evaluate_reader(path, reader).as_json()
    assert (figures["HasAns_exact"], figures["NoAns_exact"], figures["exact"]) == (0.0, 100.0, 40.0)
    assert (figures["best_f1"], figures["best_f1_thresh"], figures["aurc"]) == (40.0, 0.0, 1.0)
    assert figures["risk_coverage"][0]["threshold"] is None
    answers = evaluate_answers(path, reader, hashing_encoder).as_json()
    assert (answers["answered"], answers["accuracy_answered"], answers["exact"]) == (0, None, 40.0)
    assert answers["failures"]["out_scored"] == 3
    json.dumps([figures, answers], allow_nan=False)


def test_a_file_without_answers_has_no_figures_of_answers(tmp_path: Path, hashing_encoder: Encoder) -> None:
    content = json.loads(squad(tmp_path / "v2.json").read_text(encoding="utf-8"))
    for paragraph in content["data"][0]["paragraphs"]:
        paragraph["qas"] = [item for item in paragraph["qas"] if not item["answers"]]
    path = tmp_path / "none.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    figures = evaluate_reader(path, Scripted(SCRIPT)).as_json()
    assert not {"HasAns_exact", "HasAns_f1", "HasAns_total"} & set(figures)
    assert (figures["total"], figures["NoAns_total"], figures["exact"]) == (2, 2, 50.0)
    assert (figures["best_f1"], figures["best_exact"]) == (100.0, 100.0)  # by refusing both
    answers = evaluate_answers(path, Scripted(SCRIPT), hashing_encoder).as_json()
    assert answers["recall@k"] is None
    assert (answers["questions"], answers["exact_forced"], answers["accuracy_top_half"]) == (2, 0.0, 0.0)


def test_strange_questions_and_contexts_are_counted_like_all_others(
    tmp_path: Path, tiny_roberta_reader: Path, hashing_encoder: Encoder
) -> None:
    reader = load_reader(str(tiny_roberta_reader))
    path = of_strange_questions(tmp_path / "file.json", [TWO, "", " \n ", "x"])
    predictions, failures = tmp_path / "predictions.json", tmp_path / "failures.jsonl"
    assert evaluate_reader(path, reader, predictions_out=predictions).as_json()["total"] == 33
    assert len(json.loads(predictions.read_text(encoding="utf-8"))) == 33
    report = evaluate_answers(path, reader, hashing_encoder, failures_out=failures).as_json()
    assert report["questions"] == 33
    lines = [json.loads(line) for line in failures.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == sum(report["failures"].values()) > 0
    assert {line["title"] for line in lines} == {"\ud800"}


@pytest.mark.parametrize("content", ["", " ", "{", "[]", '{"data": []}', "\x00"])
def test_a_file_of_another_form_is_named(tmp_path: Path, hashing_encoder: Encoder, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.json"):
        evaluate_reader(path, Scripted({}))
    with pytest.raises(DataError, match=r"other\.json"):
        evaluate_answers(path, Scripted({}), hashing_encoder)


def test_a_sample_larger_than_the_file_is_the_file(tmp_path: Path, hashing_encoder: Encoder) -> None:
    path = squad(tmp_path / "v2.json")
    report = evaluate_answers(path, Scripted(SCRIPT), hashing_encoder, limit=1000)
    assert report.as_json()["questions"] == 5
    with pytest.raises(ValueError, match="sample of 0"):
        evaluate_answers(path, Scripted(SCRIPT), hashing_encoder, limit=0)


def test_predictions_that_cannot_be_written_are_said_before_reading(tmp_path: Path) -> None:
    class Unasked(Scripted):
        def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
            raise AssertionError("read for nothing")

    for out in (tmp_path / "none" / "out.json", tmp_path):
        with pytest.raises(DataError, match="cannot be written"):
            evaluate_reader(squad(tmp_path / "v2.json"), Unasked({}), predictions_out=out)


def test_the_questions_are_never_overwritten(tmp_path: Path, hashing_encoder: Encoder) -> None:
    path = squad(tmp_path / "v2.json")
    before = path.read_bytes()
    with pytest.raises(DataError, match="would be overwritten"):
        evaluate_reader(path, Scripted(SCRIPT), predictions_out=path)
    with pytest.raises(DataError, match="would be overwritten"):
        evaluate_answers(path, Scripted(SCRIPT), hashing_encoder, failures_out=path)
    with pytest.raises(DataError, match="would be overwritten"):
        compare_retrieval(
            judged_contexts(read_squad(path)), encoder=hashing_encoder, modes=["hybrid"], run_out=path
        )
    assert path.read_bytes() == before


def test_repeated_ids_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = squad(tmp_path / "v2.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"id": "3"', '"id": "1"'), encoding="utf-8")
    assert evaluate_reader(path, Scripted(SCRIPT)).as_json()["total"] == 5
    assert "1 questions repeat an id" in caplog.text


def sample(tmp_path: Path, name: str, every: int) -> Path:
    """Every n-th question of a shared set, with all its contexts."""
    source = SHARED / name
    if not source.is_file():
        pytest.skip(f"{source} is not here")
    with gzip.open(source, "rt", encoding="utf-8") as file:
        content = json.load(file)
    number = 0
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            kept = []
            for item in paragraph["qas"]:
                number += 1
                if number % every == 0:
                    kept.append(item)
            paragraph["qas"] = kept
    path = tmp_path / "sample.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_bundled_reader_keeps_its_level(tmp_path: Path) -> None:
    figures = evaluate_reader(sample(tmp_path, "squad-v1.1-dev.json.gz", 35), load_reader("pocket")).as_json()
    assert figures["total"] == 302
    assert figures["exact"] >= 65
    assert figures["f1"] >= 76


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_the_bundled_reader_on_the_whole_development_set() -> None:
    path = SHARED / "squad-v1.1-dev.json.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    figures = evaluate_reader(path, load_reader("pocket")).as_json()
    assert figures["total"] == 10570
    assert figures["exact"] >= 69.0
    assert figures["f1"] >= 79.3


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_answers_over_the_development_sets_paragraphs() -> None:
    path = SHARED / "squad-v1.1-dev.json.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    report = evaluate_answers(path, load_reader("pocket"), load_encoder("pocket"), limit=500, seed=1)
    assert report.forced.exact >= 61.8
    assert report.forced.f1 >= 70.8
    assert (report.recall or 0.0) >= 0.95
