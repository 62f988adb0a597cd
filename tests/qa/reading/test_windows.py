"""Windows over any tokens: nothing lost, nothing longer than the model, labels that decode to their text."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Span
from ingest.text.tokenizer import Frame, Tokens
from qa.reading.windows import Window, make_windows

PAIRS = (
    Frame(before=(101,), between=(102,), after=(102,)),
    Frame(before=(0,), between=(2, 2), after=(2,)),
)
ROBERTA = PAIRS[1]


def tokens(count: int, first_id: int = 1000) -> Tokens:
    """`count` words of three letters and one blank between each: offsets (0, 3), (4, 7) ..."""
    starts = 4 * np.arange(count, dtype=np.int64)
    return Tokens(
        ids=first_id + np.arange(count, dtype=np.int64), offsets=np.stack([starts, starts + 3], axis=1)
    )


def test_one_window_holds_all_that_fits() -> None:
    (window,) = make_windows(tokens(2, 500), tokens(3), ROBERTA, max_tokens=9)
    assert window.input_ids.tolist() == [0, 500, 501, 2, 2, 1000, 1001, 1002, 2]
    assert (window.context_position, window.token_start, window.token_end) == (5, 0, 3)
    assert window.characters(1, 2) == Span(start=4, end=11)


def test_windows_step_by_room_less_stride() -> None:
    # room 9 - 4 - 2 = 3 tokens, overlap 1
    windows = make_windows(tokens(2), tokens(6), ROBERTA, max_tokens=9, stride=1)
    assert [(window.token_start, window.token_end) for window in windows] == [(0, 3), (2, 5), (4, 6)]


def test_a_context_without_tokens_has_no_window() -> None:
    assert make_windows(tokens(2), tokens(0), ROBERTA) == ()


def test_a_long_question_is_cut_and_leaves_room() -> None:
    (window,) = make_windows(tokens(500, 7000), tokens(5), ROBERTA)
    assert window.context_position == 1 + 64 + 2
    assert window.input_ids[64] == 7063
    narrow = make_windows(tokens(500), tokens(20), ROBERTA, max_tokens=20)
    assert {window.context_position for window in narrow} == {1 + 8 + 2}


def test_no_room_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        make_windows(tokens(3), tokens(3), ROBERTA, max_tokens=4)


@given(
    question=st.integers(0, 100),
    context=st.integers(1, 900),
    max_tokens=st.integers(6, 400),
    stride=st.integers(0, 200),
    frame=st.sampled_from(PAIRS),
)
def test_every_token_is_read_and_neighbours_share_the_stride(
    question: int, context: int, max_tokens: int, stride: int, frame: Frame
) -> None:
    given_tokens = tokens(context)
    windows = make_windows(tokens(question, 5), given_tokens, frame, max_tokens=max_tokens, stride=stride)
    assert windows[0].token_start == 0
    assert windows[-1].token_end == context
    room = max_tokens - windows[0].context_position - len(frame.after)
    for window in windows:
        assert len(window) <= max_tokens
        size = window.token_end - window.token_start
        part = window.input_ids[window.context_position : window.context_position + size]
        assert np.array_equal(part, given_tokens.ids[window.token_start : window.token_end])
        assert np.array_equal(window.offsets, given_tokens.offsets[window.token_start : window.token_end])
    for left, right in pairwise(windows):
        assert left.token_end - right.token_start == min(stride, room // 2)


def holders(windows: tuple[Window, ...], first: int, last: int) -> list[Window]:
    return [window for window in windows if window.token_start <= first and last < window.token_end]


@given(data=st.data(), context=st.integers(1, 300), stride=st.integers(1, 40))
def test_a_label_decodes_to_its_own_text_wherever_it_is_whole(
    data: st.DataObject, context: int, stride: int
) -> None:
    first = data.draw(st.integers(0, context - 1))
    last = data.draw(st.integers(first, min(first + stride - 1, context - 1)))
    windows = make_windows(tokens(4), tokens(context), ROBERTA, max_tokens=100, stride=stride)
    gold = Span(start=4 * first, end=4 * last + 3)
    labelled = [window for window in windows if window.locate(gold) is not None]
    assert labelled == holders(windows, first, last)
    assert labelled, "an answer not longer than the stride stands whole in some window"
    for window in labelled:
        place = window.locate(gold)
        assert place is not None
        assert window.characters(*place) == gold


def test_a_label_that_begins_inside_a_token_covers_that_token() -> None:
    (window,) = make_windows(tokens(1), tokens(4), ROBERTA)
    assert window.locate(Span(start=5, end=9)) == (1, 2)
    assert window.locate(Span(start=3, end=4)) is None, "the blank between two words is no token"
    assert window.locate(Span(start=12, end=16)) is None, "one character more than the context has"
