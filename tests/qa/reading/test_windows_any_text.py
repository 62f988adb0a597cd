"""Windows of any text through real tokenizers of three kinds: all of it read, labels that lead back to it."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.text.tokenizer import TextTokenizer
from qa.reading.trimming import trim
from qa.reading.windows import make_windows

KINDS = ("pocket", "roberta", "xlm-roberta")
ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "ab .,\n(e\u0301\u0323ﷺ½ﬁİ机器カשָׁםनमस्ตั\U0001f469\u200d\U0001f52c\U0001f1e9\u3000\u00a0"
        ),
        st.characters(),
    ),
    max_size=100,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    question=ANY_TEXT,
    context=ANY_TEXT,
    kind=st.sampled_from(KINDS),
    max_tokens=st.integers(8, 60),
    stride=st.integers(0, 20),
)
def test_windows_are_framed_fit_and_cover(
    tokenizers: dict[str, TextTokenizer],
    question: str,
    context: str,
    kind: str,
    max_tokens: int,
    stride: int,
) -> None:
    tokenizer = tokenizers[kind]
    asked, shown, frame = tokenizer.encode(question), tokenizer.encode(context), tokenizer.pair
    windows = make_windows(asked, shown, frame, max_tokens=max_tokens, stride=stride)
    covered = np.zeros(len(shown), dtype=bool)
    for window in windows:
        covered[window.token_start : window.token_end] = True
        assert len(window) <= max_tokens
        ids, size = window.input_ids.tolist(), window.token_end - window.token_start
        head = len(frame.before)
        cut = window.context_position - len(frame.between)
        assert tuple(ids[:head]) == frame.before
        assert ids[head:cut] == asked.ids[: cut - head].tolist()
        assert tuple(ids[cut : window.context_position]) == frame.between
        assert tuple(ids[window.context_position + size :]) == frame.after
        assert all(0 <= first <= last <= len(context) for first, last in window.offsets.tolist())
    assert covered.all()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(context=ANY_TEXT, kind=st.sampled_from(KINDS), data=st.data())
def test_a_label_holds_all_that_is_in_tokens_and_is_the_gold_of_whole_tokens(
    tokenizers: dict[str, TextTokenizer], context: str, kind: str, data: st.DataObject
) -> None:
    tokenizer = tokenizers[kind]
    start = data.draw(st.integers(0, len(context)))
    end = data.draw(st.integers(start, len(context)))
    gold = trim(context, start, end)
    shown = tokenizer.encode(context)
    inside = {
        place
        for first, last in shown.offsets.tolist()
        for place in range(max(first, gold.start), min(last, gold.end))
    }
    for window in make_windows(tokenizer.encode("Who?"), shown, tokenizer.pair, max_tokens=400):
        label = window.locate(gold)
        if label is None:
            continue
        span = window.characters(*label)
        assert all(place in range(span.start, span.end) for place in inside)
        touching = [
            (first, last)
            for first, last in window.offsets.tolist()
            if max(first, gold.start) < min(last, gold.end)
        ]
        whole = all(gold.start <= first and last <= gold.end for first, last in touching)
        if whole and {gold.start, gold.end} <= {place for token in touching for place in token}:
            assert span == gold
