"""EM and F1 against the official rules: cases worked out by hand, and the published rule in its own steps."""

from __future__ import annotations

import collections
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.squad.metrics import (
    ScoredQuestion,
    best_threshold,
    by_letters,
    exact_match,
    f1,
    gold_answers,
    normalise_answer,
    normalise_letters,
    official_scores,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Denver Broncos", "denver broncos"),
        ("  a   cat,  an owl and the dog ", "cat owl and dog"),
        ("Athens", "athens"),  # "the" inside a word is no article
        ("U.S.", "us"),
        ("twenty-four", "twentyfour"),
        ("the", ""),
        ("“Quoted”", "“quoted”"),  # only ASCII punctuation goes
        ("L'Équipe", "léquipe"),
        ("The-A", "thea"),  # punctuation goes before articles
        ("", ""),
    ],
)
def test_normalisation(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("《红楼梦》，作者：曹雪芹。", "红 楼 梦 作 者 曹 雪 芹"),
        ("U.S. 海军", "us 海 军"),
        ("the 1990年代", "the 1990 年 代"),  # no articles are taken out
        ("カタカナ・ひらがな", "カ タ カ ナ ひ ら が な"),
        ("ไทย", "ไ ท ย"),
        ("。", ""),
    ],
)
def test_normalisation_by_letters(text: str, normal: str) -> None:
    assert normalise_letters(text) == normal


@pytest.mark.parametrize(
    ("contexts", "letters"),
    [
        (["这是中文，with two words"], False),
        (["这是一段完全用中文写成的文字，with two words"], True),
        (["ひらがなと漢字"], True),
        (["ภาษาไทย"], True),
        (["한국어는 띄어쓰기를 한다"], False),
        (["English text", "更多"], False),
        ([""], False),
    ],
)
def test_files_without_blanks_are_known_by_their_contexts(contexts: list[str], letters: bool) -> None:
    assert by_letters(contexts) is letters


def test_letters_are_the_words_of_chinese() -> None:
    # two of three letters are common: P = 2/2, R = 2/3
    exact, overlap = official_scores("曹雪", ["曹雪芹。"], version="1.1", letters=True)
    assert exact == 0.0
    assert overlap == pytest.approx(0.8)
    assert official_scores("曹雪芹", ["《曹雪芹》。"], version="2.0", letters=True) == (1.0, 1.0)
    assert official_scores("", [], version="2.0", letters=True) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("prediction", "golds", "exact", "overlap"),
    [
        ("Denver Broncos", ["The Denver Broncos!"], 1.0, 1.0),
        # one of two predicted words is right, one of one expected: P = 1/2, R = 1
        ("Denver Broncos", ["Denver"], 0.0, 2 / 3),
        # the best of several golds counts, for each measure by itself
        ("in 1998", ["1999", "1998", "in 1998 too"], 0.0, 0.8),
        ("Paris", ["London"], 0.0, 0.0),
        # a repeated word counts as often as it stands on both sides: 2 common, P = 2/3, R = 2/2
        ("new new york", ["new new"], 0.0, 0.8),
        ("", [""], 1.0, 1.0),
        ("the", [""], 1.0, 1.0),
        ("Paris", [""], 0.0, 0.0),
        ("", ["Paris"], 0.0, 0.0),
    ],
)
def test_scores(prediction: str, golds: list[str], exact: float, overlap: float) -> None:
    assert exact_match(prediction, golds) == exact
    assert f1(prediction, golds) == pytest.approx(overlap)


def test_golds_that_normalise_to_nothing_do_not_count() -> None:
    assert gold_answers(["the", "Paris"]) == ("Paris",)
    assert gold_answers(["the", "."]) == ("",)
    assert gold_answers([]) == ("",)


@pytest.mark.parametrize(
    ("prediction", "answers", "first", "second"),
    [
        ("cat", ["the cat", "a"], (1.0, 1.0), (1.0, 1.0)),
        # only 1.1 counts the gold "a", of which normalising leaves nothing: exact, but no word in common
        ("the", ["the cat", "a"], (1.0, 0.0), (0.0, 0.0)),
        ("the", ["a"], (1.0, 0.0), (1.0, 1.0)),
        ("cat", ["a"], (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_where_the_versions_of_the_rules_differ(
    prediction: str, answers: list[str], first: tuple[float, float], second: tuple[float, float]
) -> None:
    assert official_scores(prediction, answers, version="1.1") == first
    assert official_scores(prediction, answers, version="2.0") == second


def official_f1(gold: str, prediction: str) -> float:
    """The rule of the published script, in its own steps."""

    def tokens(text: str) -> list[str]:
        text = "".join(character for character in text.lower() if character not in set(string.punctuation))
        return re.sub(r"\b(a|an|the)\b", " ", text).split()

    gold_tokens, predicted_tokens = tokens(gold), tokens(prediction)
    same = sum((collections.Counter(gold_tokens) & collections.Counter(predicted_tokens)).values())
    if len(gold_tokens) == 0 or len(predicted_tokens) == 0:
        return float(gold_tokens == predicted_tokens)
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted_tokens), same / len(gold_tokens)
    return 2 * precision * recall / (precision + recall)


WORDS = st.lists(
    st.sampled_from(["the", "a", "An", "cat", "Cat", "dog.", "-", "U.S.", "ß", "\u00a0", "猫"])
).map(" ".join)


@given(prediction=WORDS, golds=st.lists(WORDS, min_size=1, max_size=4))
def test_f1_is_the_published_rule(prediction: str, golds: list[str]) -> None:
    assert f1(prediction, golds) == pytest.approx(max(official_f1(gold, prediction) for gold in golds))
    assert f1(prediction, golds) >= exact_match(prediction, golds)


def outcome(
    score: float, no_answer: float, *, answerable: bool = True, predicted: str = "x"
) -> ScoredQuestion:
    return ScoredQuestion(predicted=predicted, score=score, no_answer=no_answer, answerable=answerable)


def test_best_threshold_by_hand() -> None:
    # Refusing all earns 1 (the unanswerable). Answering the first: 2. Also the wrong one at 0.5: 2.
    # Also the unanswerable at 1.0: 1. Also the half right one at 3.0: 1.5.
    outcomes = [
        outcome(0.5, 3.0),
        outcome(0.0, 0.5),
        outcome(1.0, -2.0),
        outcome(0.0, 1.0, answerable=False),
    ]
    assert best_threshold(outcomes) == (50.0, -2.0)


def test_an_empty_prediction_for_an_unanswerable_question_costs_nothing() -> None:
    outcomes = [outcome(0.0, -1.0, answerable=False, predicted=""), outcome(1.0, 2.0)]
    assert best_threshold(outcomes) == (100.0, 2.0)


def test_refusing_everything_can_be_best() -> None:
    assert best_threshold([outcome(0.0, -5.0, answerable=False)]) == (100.0, 0.0)
    assert best_threshold([]) == (0.0, 0.0)


@given(
    st.lists(
        st.builds(outcome, st.sampled_from([0.0, 0.5, 1.0]), st.floats(-9, 9), answerable=st.booleans()),
        min_size=1,
    ).filter(lambda outcomes: len({item.no_answer for item in outcomes}) == len(outcomes))
)
def test_no_other_threshold_is_better(outcomes: list[ScoredQuestion]) -> None:
    def earned(threshold: float) -> float:
        answered = {id(item) for item in outcomes if item.no_answer <= threshold}
        return sum(
            item.score * item.answerable if id(item) in answered else float(not item.answerable)
            for item in outcomes
        )

    best, threshold = best_threshold(outcomes)
    tried = [earned(item.no_answer) for item in outcomes] + [earned(float("-inf"))]
    assert best == pytest.approx(100 * max(tried) / len(outcomes))
    if best > 100 * earned(float("-inf")) / len(outcomes) + 1e-9:
        assert earned(threshold) == pytest.approx(max(tried))
