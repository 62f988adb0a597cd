"""Logits to spans: the n best of all allowed ones, in different places, at exact characters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.tokenizer import Frame, Tokens
from qa.reading.spans import SpanSettings, WindowLogits, best_spans
from qa.reading.trimming import has_content
from qa.reading.windows import make_windows
from qa.records import SpanCandidate

FRAME = Frame(before=(0,), between=(2, 2), after=(2,))
QUESTION = Tokens(ids=np.array([7, 8]), offsets=np.array([[0, 1], [2, 3]]))
BEFORE = 5  # <s> two question tokens </s></s>


def words(context: str) -> Tokens:
    """One token a word, as split at blanks."""
    offsets: list[tuple[int, int]] = []
    for word in context.split():
        start = context.index(word, offsets[-1][1] if offsets else 0)
        offsets.append((start, start + len(word)))
    return Tokens(
        ids=np.arange(10, 10 + len(offsets)),
        offsets=np.array(offsets, dtype=np.int64).reshape(len(offsets), 2),
    )


def read(
    context: str, start: dict[int, float], end: dict[int, float], null: float = 0.0
) -> list[WindowLogits]:
    """One window: the given logits at context tokens, -9 at others, half of `null` at the first token."""
    (window,) = make_windows(QUESTION, words(context), FRAME)
    rows = np.full((2, len(window)), -9.0, dtype=np.float32)
    rows[:, 0] = null / 2
    for row, logits in zip(rows, (start, end), strict=True):
        for token, value in logits.items():
            row[BEFORE + token] = value
    return [WindowLogits(window=window, start=rows[0], end=rows[1])]


def texts(candidates: list[SpanCandidate]) -> list[str]:
    return [candidate.text for candidate in candidates]


def test_the_best_span_with_its_scores() -> None:
    context = "The  Denver Broncos won."
    (best, *_) = best_spans(context, read(context, {1: 3.0}, {2: 2.0}, null=-1.0), SpanSettings(), index=4)
    assert best == SpanCandidate(
        text="Denver Broncos", start=5, end=19, score=5.0, null_score=-1.0, context=4
    )
    assert best.margin == 6.0


def test_start_and_end_are_chosen_together() -> None:
    # the best start (token 3) stands after the best end (token 0): 5 + 5 is no span, 4 + 5 is
    context = "a1 b2 c3 d4"
    found = best_spans(context, read(context, {3: 5.0, 0: 4.0}, {0: 5.0, 3: 1.0}), SpanSettings())
    assert [(item.text, item.score) for item in found[:2]] == [("a1", 9.0), ("d4", 6.0)]


def test_only_the_context_can_answer() -> None:
    context = "only this"
    item = read(context, {0: 1.0}, {0: 1.0})[0]
    item.start[1:BEFORE] = 99.0
    item.end[1:BEFORE] = 99.0
    item.start[-1] = item.end[-1] = 99.0
    assert texts(best_spans(context, [item], SpanSettings()))[0] == "only"


def test_length_limits_in_tokens_and_characters() -> None:
    context = "aa bb cc dd"
    logits = read(context, {0: 5.0}, {3: 5.0, 1: 1.0})
    assert texts(best_spans(context, logits, SpanSettings(max_answer_tokens=4)))[0] == "aa bb cc dd"
    assert texts(best_spans(context, logits, SpanSettings(max_answer_tokens=3)))[0] == "aa bb"
    assert texts(best_spans(context, logits, SpanSettings(max_answer_characters=6)))[0] == "aa bb"


def pieces(cuts: list[str]) -> Tokens:
    """One token for each of the strings that are not blank, the context being all of them joined."""
    ends = np.cumsum([len(cut) for cut in cuts])
    offsets = [(end - len(cut), end) for cut, end in zip(cuts, ends, strict=True) if cut.strip()]
    return Tokens(ids=np.arange(len(offsets)) + 10, offsets=np.array(offsets, dtype=np.int64))


@pytest.mark.parametrize(
    ("cuts", "starts", "ends", "answer"),
    [
        (["by", " ", "In", "es", " ", "Fal", "k", "."], (2, 1), (3, 4), "Ines Falk"),
        (["by", " ", "In", "es", " ", "Falk"], (2, 1), (1, 2), "Ines"),
        (["von", " ", "Mül", "ler", "-", "Lü", "denscheidt"], (2, 1), (1, 2), "Müller"),
        (["был", " ", "Пуш", "кин"], (2, 1), (1, 2), "Пушкин"),
        (["in", " ", "1960", "s"], (1, 0), (1, 2), "1960"),  # a number's ending is not always the answer's
        (["在", "北", "京", "市"], (1, 0), (2, 3), "北京"),
        (["서울", "은"], (0, 1), (0, 1), "서울"),
    ],
)
def test_no_answer_begins_or_ends_within_a_word(
    cuts: list[str], starts: tuple[int, int], ends: tuple[int, int], answer: str
) -> None:
    """Of each pair of tokens the first has the higher logit; the answer is the best that tears no word."""
    context = "".join(cuts)
    (window,) = make_windows(QUESTION, pieces(cuts), FRAME)
    rows = np.full((2, len(window)), -9.0, dtype=np.float32)
    for row, (best, second) in zip(rows, (starts, ends), strict=True):
        row[BEFORE + second], row[BEFORE + best] = 5.0, 6.0
    spans = best_spans(context, [WindowLogits(window=window, start=rows[0], end=rows[1])], SpanSettings())
    assert spans[0].text == answer


@pytest.mark.parametrize(("gap", "best"), [("\n\n", "bb"), ("\n \t\n", "bb"), ("\n", "bb\ncc")])
def test_no_answer_goes_across_a_blank_line(gap: str, best: str) -> None:
    context = f"aa bb{gap}cc dd"
    logits = read(context, {0: 2.0, 1: 5.0}, {1: 2.0, 2: 5.0})
    # "bb cc" scores 10, "bb" 7
    assert texts(best_spans(context, logits, SpanSettings()))[0] == best


def test_overlapping_spans_are_suppressed_by_the_best() -> None:
    context = "aa bb cc dd"
    logits = read(context, {0: 5.0, 1: 4.0, 3: 1.0}, {1: 5.0, 2: 4.0, 3: 1.0})
    assert texts(best_spans(context, logits, SpanSettings(best=2))) == ["aa bb", "dd"]


def test_punctuation_alone_is_no_answer_and_comes_off_the_ends() -> None:
    context = ", Paris , ( )"
    found = best_spans(context, read(context, {0: 9.0, 3: 9.0}, {2: 9.0, 4: 9.0}), SpanSettings())
    assert texts(found) == ["Paris"]


def test_the_null_score_is_the_least_of_the_windows_and_one_span_comes_once() -> None:
    context = " ".join(f"w{n}" for n in range(12))
    windows = make_windows(QUESTION, words(context), FRAME, max_tokens=14, stride=4)
    assert [(window.token_start, window.token_end) for window in windows] == [(0, 8), (4, 12)]
    items = []
    for window, null, value in zip(windows, (6.0, -2.0), (3.0, 4.0), strict=True):
        logits = np.full(len(window), -5.0, dtype=np.float32)
        logits[0] = null / 2
        logits[BEFORE + 5 - window.token_start] = value
        items.append(WindowLogits(window=window, start=logits, end=logits))
    best, *others = best_spans(context, items, SpanSettings())
    assert (best.text, best.score, best.null_score) == ("w5", 8.0, -2.0)
    assert "w5" not in texts(others)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_no_candidates(value: float) -> None:
    context = "aa bb"
    assert texts(
        best_spans(context, read(context, {0: value, 1: 1.0}, {0: 1.0, 1: 1.0}), SpanSettings())
    ) == ["bb"]
    assert best_spans(context, read(context, {0: 1.0}, {0: 1.0}, null=value), SpanSettings()) == []
    everywhere = read(context, {0: value, 1: value}, {0: value, 1: value})
    assert best_spans(context, everywhere, SpanSettings()) == []


def test_nothing_read_or_allowed_gives_nothing() -> None:
    assert best_spans("text", [], SpanSettings()) == []
    logits = read("some text", {0: 1.0}, {1: 1.0})
    for settings in (SpanSettings(best=0), SpanSettings(max_answer_tokens=0)):
        assert best_spans("some text", logits, settings) == []


CONTEXTS = st.lists(
    st.text(
        alphabet=st.one_of(
            st.characters(exclude_categories=["Z", "C"]),
            st.sampled_from("a.,()\"'\u0301\u05d0\u4e2d\U0001f469\u200d"),
        ),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=40,
).map(" ".join)


@given(context=CONTEXTS, seed=st.integers(0, 9999), holes=st.floats(0, 1), best=st.integers(1, 8))
def test_invariants_for_any_text_and_any_logits(context: str, seed: int, holes: float, best: int) -> None:
    chance = np.random.default_rng(seed)
    settings = SpanSettings(best=best, max_answer_tokens=5, max_answer_characters=30)
    items = []
    for window in make_windows(QUESTION, words(context), FRAME, max_tokens=20, stride=5):
        rows = chance.normal(size=(2, len(window))).astype(np.float32)
        rows[:, 1:][chance.random((2, len(window) - 1)) < holes] = chance.choice([np.nan, np.inf, -np.inf])
        items.append(WindowLogits(window=window, start=rows[0], end=rows[1]))
    found = best_spans(context, items, settings)
    assert len(found) <= best
    for candidate in found:
        assert context[candidate.start : candidate.end] == candidate.text
        assert has_content(candidate.text)
        assert not candidate.text[0].isspace()
        assert np.isfinite([candidate.score, candidate.null_score]).all()
    assert all(left.score >= right.score for left, right in pairwise(found))
    for left, right in pairwise(sorted(found, key=lambda candidate: candidate.start)):
        assert left.end <= right.start


@given(context=CONTEXTS, seed=st.integers(0, 9999))
def test_the_first_is_the_best_of_all_pairs_tried_one_by_one(context: str, seed: int) -> None:
    chance = np.random.default_rng(seed)
    (window,) = make_windows(QUESTION, words(context), FRAME)
    rows = chance.normal(size=(2, len(window))).astype(np.float32)
    settings = SpanSettings(max_answer_tokens=4, max_answer_characters=25)
    allowed = [
        float(rows[0, BEFORE + i]) + float(rows[1, BEFORE + j])
        for i in range(len(window.offsets))
        for j in range(i, min(i + 4, len(window.offsets)))
        if window.offsets[j, 1] - window.offsets[i, 0] <= 25
        and has_content(context[window.offsets[i, 0] : window.offsets[j, 1]])
    ]
    found = best_spans(context, [WindowLogits(window=window, start=rows[0], end=rows[1])], settings)
    assert bool(found) == bool(allowed)
    if found:
        assert found[0].score == pytest.approx(max(allowed))
