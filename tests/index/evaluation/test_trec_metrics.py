"""Scores worked out by hand, and trec_eval's rules about ties and missing questions."""

from __future__ import annotations

from math import log2
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import DataError
from index.evaluation.trec_metrics import (
    Judgements,
    RetrievalScores,
    Run,
    mean_scores,
    score_questions,
    write_trec_run,
)


def evaluate_run(judgements: Judgements, run: Run) -> RetrievalScores:
    """The means over all questions."""
    return mean_scores(list(score_questions(judgements, run).values()))


def test_one_question_by_hand() -> None:
    """Ranking a, b, c, d with grades b=2, d=1 and e=1 never found.

    DCG = 2/log2(3) + 1/log2(5); ideal order b, d, e: 2 + 1/log2(3) + 1/2. Recall 2 of 3. First relevant at
    rank 2. Precision at the relevant ranks: 1/2 and 2/4, over 3 relevant documents.
    """
    run = {"q": {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}}
    scores = evaluate_run({"q": {"b": 2, "d": 1, "e": 1, "a": 0}}, run)
    assert scores.ndcg_at_10 == pytest.approx((2 / log2(3) + 1 / log2(5)) / (2 + 1 / log2(3) + 0.5))
    assert scores.recall_at_10 == scores.recall_at_100 == pytest.approx(2 / 3)
    assert scores.mrr_at_10 == pytest.approx(1 / 2)
    assert scores.map == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert scores.queries == 1


def test_cut_offs() -> None:
    """The only relevant document at rank 11: outside the first ten, inside the first hundred."""
    run = {"q": {f"d{rank:02}": 100.0 - rank for rank in range(1, 200)}}
    scores = evaluate_run({"q": {"d11": 1}}, run)
    assert (scores.ndcg_at_10, scores.recall_at_10, scores.mrr_at_10) == (0, 0, 0)
    assert scores.recall_at_100 == 1
    assert scores.map == pytest.approx(1 / 11)


def test_map_looks_a_thousand_deep() -> None:
    run = {"q": {f"d{rank:04}": float(-rank) for rank in range(1, 1101)}}
    assert evaluate_run({"q": {"d1000": 1}}, run).map == pytest.approx(1 / 1000)
    assert evaluate_run({"q": {"d1001": 1}}, run).map == 0


def test_a_question_without_results_counts_as_nothing() -> None:
    judgements = {"found": {"a": 1}, "empty": {"a": 1}, "absent": {"a": 1}, "also": {"a": 1}}
    scores = evaluate_run(judgements, {"found": {"a": 1.0}, "empty": {}, "stranger": {"a": 1.0}})
    assert scores.ndcg_at_10 == scores.recall_at_10 == scores.mrr_at_10 == scores.map == 0.25
    assert scores.queries == 4


def test_ties_go_to_the_later_id() -> None:
    """trec_eval ranks equal scores by id, z before a, whatever order we give them in."""
    tied = {"q": {"a": 1.0, "m": 1.0, "z": 1.0}}
    assert evaluate_run({"q": {"z": 1}}, tied).mrr_at_10 == 1
    assert evaluate_run({"q": {"a": 1}}, tied).mrr_at_10 == pytest.approx(1 / 3)
    many = {"q": {f"d{number:02}": 1.0 for number in range(20)}}
    assert evaluate_run({"q": {"d09": 1}}, many).mrr_at_10 == 0
    assert evaluate_run({"q": {"d10": 1}}, many).mrr_at_10 == pytest.approx(1 / 10)
    assert evaluate_run({"q": {"d10": 1}}, many).map == pytest.approx(1 / 10)


def test_no_judgements_is_an_error() -> None:
    with pytest.raises(DataError, match="no judgements"):
        evaluate_run({}, {"q": {"a": 1.0}})


IDS = st.sampled_from([f"d{number}" for number in range(30)])


@given(
    judged=st.dictionaries(IDS, st.integers(0, 3), min_size=1),
    results=st.dictionaries(IDS, st.floats(-5, 5, width=16)),
)
def test_scores_are_shares_and_a_perfect_run_is_perfect(
    judged: dict[str, int], results: dict[str, float]
) -> None:
    scores = evaluate_run({"q": judged}, {"q": results})
    shares = [scores.ndcg_at_10, scores.recall_at_10, scores.recall_at_100, scores.mrr_at_10, scores.map]
    assert all(0 <= share <= 1 + 1e-9 for share in shares)
    assert scores.recall_at_10 <= scores.recall_at_100
    if any(judged.values()):
        perfect = evaluate_run({"q": judged}, {"q": {key: float(grade) for key, grade in judged.items()}})
        assert perfect.ndcg_at_10 == pytest.approx(1)
        assert perfect.recall_at_100 == perfect.mrr_at_10 == perfect.map == pytest.approx(1)


def test_the_run_file_is_in_the_order_that_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    write_trec_run({"q1": {"a": 0.5, "b": 2.0, "c": 0.5}, "q2": {}}, path, tag="test")
    assert path.read_text(encoding="utf-8").splitlines() == [
        "q1 Q0 b 1 2.0 test",
        "q1 Q0 c 2 0.5 test",
        "q1 Q0 a 3 0.5 test",
    ]
