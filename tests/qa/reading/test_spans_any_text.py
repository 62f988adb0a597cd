"""Spans of any text through real tokenizers of three kinds: all promises of decoding, whatever the logits."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.text.tokenizer import TextTokenizer
from qa.reading.spans import SpanSettings, WindowLogits, best_spans
from qa.reading.trimming import has_content, trim
from qa.reading.windows import make_windows

KINDS = ("pocket", "roberta", "xlm-roberta")
BLANK_LINE = re.compile(r"\n\s*\n")
SCRIPTS = (
    "e\u0301a\u0323\u0307o",  # letters with combining marks
    "\U0001f469\u200d\U0001f52c\U0001f44d\U0001f3fd\U0001f1e9\U0001f1ea3\ufe0f\u20e3",  # joined emoji, flags
    "机器翻译。《》、「」カタカナ",
    "שָׁלוֹם עולם العربية، مرحبا",
    "नमस्ते สวัสดี 한국어",
    "ab cd. (\"'“”), U.S. 3.14; ﷺ ½ ﬁ ß İ",
    " \t\n\n\r\u3000\u00a0\u2028",
)
ANY_CHARACTER = st.one_of(
    st.sampled_from("".join(SCRIPTS)), st.characters(exclude_categories=["Cs"]), st.sampled_from(" \n.,()")
)
CONTEXTS = st.text(alphabet=ANY_CHARACTER, min_size=1, max_size=120)
HOLES = (np.nan, np.inf, -np.inf)


def read(
    tokenizer: TextTokenizer, context: str, seed: int, holes: float, *, max_tokens: int = 40, stride: int = 7
) -> list[WindowLogits]:
    """Random logits for all windows of the context; a share of them, `holes`, is not finite."""
    chance = np.random.default_rng(seed)
    windows = make_windows(
        tokenizer.encode("Who?"),
        tokenizer.encode(context),
        tokenizer.pair,
        max_tokens=max_tokens,
        stride=stride,
    )
    items = []
    for window in windows:
        rows = chance.normal(scale=5, size=(2, len(window))).astype(np.float32)
        torn = chance.random(rows.shape) < holes
        rows[torn] = chance.choice(HOLES, size=int(torn.sum()))
        items.append(WindowLogits(window=window, start=rows[0], end=rows[1]))
    return items


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    context=CONTEXTS,
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 9999),
    holes=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    best=st.integers(1, 8),
    longest=st.tuples(st.integers(1, 8), st.integers(1, 40)),
)
@example("a\u0301" * 8 + " \u0301x", "roberta", 0, 0.0, 5, (8, 4))
@example("\u05d0(\u3000\u200d , a\n \nb", "roberta", 1, 0.0, 5, (8, 40))
@example("e" + "\u0301" * 50 + " x", "xlm-roberta", 2, 0.0, 5, (3, 10))
@example("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 x", "roberta", 3, 0.0, 8, (2, 40))
def test_every_candidate_of_any_text_and_any_logits(
    tokenizers: dict[str, TextTokenizer],
    context: str,
    kind: str,
    seed: int,
    holes: float,
    best: int,
    longest: tuple[int, int],
) -> None:
    tokens, characters = longest
    limits = SpanSettings(best=best, max_answer_tokens=tokens, max_answer_characters=characters)
    items = read(tokenizers[kind], context, seed, holes)
    found = best_spans(context, items, limits, index=3)
    assert len(found) <= best
    offsets = tokenizers[kind].encode(context).offsets
    for candidate in found:
        start, end, text = candidate.start, candidate.end, candidate.text
        assert 0 <= start < end <= len(context)
        assert context[start:end] == text
        assert candidate.context == 3
        assert has_content(text)
        assert not text[0].isspace()
        assert not text[-1].isspace()
        assert trim(context, start, end).start == start, "nothing more to take off"
        assert trim(context, start, end).end == end, "nothing more to take off"
        assert len(text) <= characters
        assert not BLANK_LINE.search(text)
        assert np.isfinite([candidate.score, candidate.null_score, candidate.margin]).all()
        # byte-level tokens can share one character, so that tokens are counted by where they begin
        inside = {a for a, b in offsets.tolist() if a < b and start <= a and b <= end}
        assert len(inside) <= tokens or len({(a, b) for a, b in offsets.tolist()}) < len(offsets)
    assert all(left.score >= right.score for left, right in pairwise(found))
    for left, right in pairwise(sorted(found, key=lambda candidate: candidate.start)):
        assert left.end <= right.start


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(context=CONTEXTS, kind=st.sampled_from(KINDS), seed=st.integers(0, 9999))
def test_no_visible_character_is_torn(
    tokenizers: dict[str, TextTokenizer], context: str, kind: str, seed: int
) -> None:
    items = read(tokenizers[kind], context, seed, 0.0)
    borders = {match.start() for match in regex.finditer(r"\X", context)} | {len(context)}
    for candidate in best_spans(context, items, SpanSettings()):
        for place in (candidate.start, candidate.end):
            stray = place and not has_content(context[place - 1])
            assert place in borders or stray, "only white space and stray punctuation lose their accents"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words=st.lists(st.sampled_from(["ship", "naïve", "机器", "😀", "(log)"]), min_size=20, max_size=60))
@pytest.mark.parametrize("kind", KINDS)
def test_a_sure_reader_is_given_its_own_words_back(
    tokenizers: dict[str, TextTokenizer], kind: str, words: list[str]
) -> None:
    """Logits of 9 at the tokens of one word that stands once, in whichever windows hold it."""
    words[13] = "harbour"
    context = " ".join(words)
    start = context.index("harbour")
    items = read(tokenizers[kind], context, 0, 0.0)
    for item in items:
        item.start[:] = item.end[:] = -1.0
        inside = [
            item.window.context_position + place
            for place, (first, last) in enumerate(item.window.offsets.tolist())
            if start <= first < last <= start + 7
        ]
        if inside and item.window.characters(0, len(item.window.offsets) - 1).start <= start:
            item.start[inside[0]] = item.end[inside[-1]] = 9.0
    best = best_spans(context, items, SpanSettings())[0]
    assert (best.text, best.start) == ("harbour", start)
