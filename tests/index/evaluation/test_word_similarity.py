"""Agreement with people: rank correlation and analogies by hand, forms of files, the bundled encoder."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from index.datasets.scored_pairs import Analogies, ScoredPairs, read_sentences, read_words
from index.errors import DataError
from index.evaluation.word_similarity import evaluate_sentences, evaluate_words, solve, spearman
from index.models.vectorizer import load_vectorizer

SHARED = Path(__file__).parents[4] / "shared/data"


def test_spearman_by_hand_and_by_scipy() -> None:
    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 20, 15])) == pytest.approx(0.5)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1.0, 1]), np.array([1.0, 2])) == 0.0
    stats = pytest.importorskip("scipy.stats")
    lot = np.random.default_rng(0)
    one, other = lot.integers(0, 9, 200).astype(float), lot.normal(size=200)
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)


def test_3cosadd_by_hand() -> None:
    # Royal and male as axes: man, woman, king, queen, and something else.
    vectors = np.array([[0, 1], [0, -1], [1, 1], [1, -1], [-1, 0]], np.float32)
    vectors = np.hstack([vectors, np.ones((5, 1), np.float32)])
    assert solve(vectors, np.array([[0, 1, 2, 3], [0, 1, 2, 4]])).tolist() == [True, False]
    # The nearest of all is one of the given words, which never counts.
    same = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    assert solve(same, np.array([[0, 0, 0, 1]])).tolist() == [True]


def test_forms_of_word_files(tmp_path: Path) -> None:
    for name, text in {
        "tabs.txt": "old\tnew\t1.58\nhard\teasy\t0.95\n",
        "commas.csv": "Word 1,Word 2,Human (mean)\nold,new,1.58\nhard,easy,0.95\n",
        "spaces": "old new 1.58\n\nhard easy 0.95\n",
        "simlex.txt": "word1\tword2\tPOS\tSimLex999\nold\tnew\tA\t1.58\nhard\teasy\tA\t0.95\n",
    }.items():
        (tmp_path / name).write_text(text)
        found = read_words(tmp_path / name)
        assert isinstance(found, ScoredPairs)
        assert (found.pairs, found.scores) == ((("old", "new"), ("hard", "easy")), (1.58, 0.95)), name
        assert found.skipped == 0, name
    (tmp_path / "questions.gz").write_bytes(gzip.compress(b": capitals\nAthens Greece Rome Italy\nbad row\n"))
    analogies = read_words(tmp_path / "questions.gz")
    assert isinstance(analogies, Analogies)
    assert analogies.questions == (("Athens", "Greece", "Rome", "Italy"),)
    assert (analogies.categories, analogies.skipped) == (("capitals",), 1)


def test_forms_of_sentence_files(tmp_path: Path) -> None:
    sick = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment\n6\tA b.\tC d.\t3.3\tNEUTRAL\n"
    for name, text in {
        "stsb.csv": "main\tMSR\t2012\t24\t3.300\tA b.\tC d.\tmore\n",
        "sick.txt": sick,
        "plain.tsv": "A b.\tC d.\t3.3\nbroken\n",
        "quoted.csv": 'sentence1,sentence2,score\n"A b.","C d.",3.3\n',
    }.items():
        (tmp_path / name).write_text(text)
        found = read_sentences(tmp_path / name)
        assert (found.pairs, found.scores) == ((("A b.", "C d."),), (3.3,)), name
    assert read_sentences(tmp_path / "plain.tsv").skipped == 1
    (tmp_path / "prose.txt").write_text("There is nothing to see here.\n")
    with pytest.raises(DataError, match="no scored pair"):
        read_sentences(tmp_path / "prose.txt")
    with pytest.raises(DataError, match=r"no file .*missing"):
        read_words(tmp_path / "missing.txt")


def test_a_report_counts_what_it_left_out(tiny_bert_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(
        "ship\tharbour\t9\nwind\tcourse\t3\nship\t\N{SNOWMAN}\t1\nbus\ttown\t2\n"
    )
    (tmp_path / "analogies.txt").write_text(": things\nship harbour bus town\nship harbour bus \N{SNOWMAN}\n")
    vectorizer = load_vectorizer(str(tiny_bert_encoder), layers="all", device="cpu")
    pairs, analogies = evaluate_words(
        [tmp_path / "pairs.txt", tmp_path / "analogies.txt"], vectorizer, vocabulary=["wind", "Ship"]
    )
    found = pairs.as_json()
    assert (found["pairs"], found["skipped"]) == (3, 1)
    assert -1 <= pairs.value <= 1
    assert [item.layers for item in pairs.layers] == ["0", "1", "2"]
    # "Ship" is read as "ship" is, and counts once.
    words = {*vectorizer.tokenizer.whole_words(), "ship", "harbour", "bus", "town", "wind"}
    assert analogies.vocabulary == len({tuple(ids) for ids in vectorizer.tokenizer.encode_ids(list(words))})
    assert (analogies.used, analogies.skipped, list(analogies.categories)) == (1, 1, ["things"])


@pytest.mark.slow
def test_the_bundled_encoder_agrees_with_people_as_published() -> None:
    path = SHARED / "sentences/stsb/sts-test.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    (report,) = evaluate_sentences([path], load_vectorizer("pocket", device="cpu"))
    assert (report.used, report.skipped) == (1379, 0)
    assert report.value >= 0.815
