"""What each word adds to an answer: exact places, shares that add up, the model left as it was."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.engines.batching import segments
from index.engines.torch_models import Trainable, load_trainable
from index.errors import DataError
from ingest.records import Span
from qa.explanation.answer_attribution import attribute, words_of
from qa.explanation.records import Attribution, Method, TokenWeight
from qa.reading.reader import load_reader
from qa.reading.windows import make_windows

FAMILIES = ("roberta", "bert", "xlm-roberta")
QUESTION = "Who wrote it?"
CONTEXT = "It was introduced by Liu in 2019."
LIU = Span(start=CONTEXT.index("Liu"), end=CONTEXT.index("Liu") + 3)


@pytest.fixture(scope="module")
def tiny(tiny_folder: Callable[[str, str], Path]) -> Callable[[str], Trainable]:
    """`tiny(family)`: a reader with random weights, loaded once."""
    loaded: dict[str, Trainable] = {}

    def load(family: str) -> Trainable:
        if family not in loaded:
            loaded[family] = load_trainable(str(tiny_folder(family, "reader")), "reader", device="cpu")
        return loaded[family]

    return load


@pytest.fixture(scope="module")
def pocket() -> Trainable:
    return load_trainable("pocket", "reader", device="cpu")


def plain(reader: Trainable) -> torch.nn.Module:
    """The transformers model itself, without dropout."""
    model: torch.nn.Module = reader.model
    return model.eval()


def logits(reader: Trainable, question: str, context: str) -> tuple[torch.Tensor, int, torch.Tensor]:
    """The plain model's logits from ids, (2, length), where the context starts, and its offsets."""
    tokenizer = reader.tokenizer
    (window,) = make_windows(
        tokenizer.encode(question), tokenizer.encode(context), tokenizer.pair, max_tokens=reader.max_tokens
    )
    ids = window.input_ids[None]
    kinds = {} if reader.separator is None else {"token_type_ids": segments(ids, reader.separator)}
    with torch.inference_mode():
        output = plain(reader)(
            input_ids=torch.from_numpy(ids), **{name: torch.from_numpy(kind) for name, kind in kinds.items()}
        )
    both = torch.cat([output.start_logits, output.end_logits])
    return both, window.context_position, torch.from_numpy(window.offsets)


def whole(found: Attribution, question: str, context: str) -> None:
    """Every word is where it says, in order, without overlap."""
    for text, words in ((question, found.question), (context, found.passage)):
        assert all(text[word.start : word.end] == word.text for word in words)
        assert all(left.end <= right.start for left, right in pairwise(words))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_log_odds_are_those_of_the_plain_model_from_ids(
    tiny: Callable[[str], Trainable], family: str
) -> None:
    reader = tiny(family)
    (start, end), place, offsets = logits(reader, QUESTION, CONTEXT)
    # A sentence piece that is a space alone has the place of the letter after it: either may begin the span.
    firsts = [n for n, (a, b) in enumerate(offsets.tolist()) if a == LIU.start]
    lasts = [n for n, (a, b) in enumerate(offsets.tolist()) if b == LIU.end]
    span = max(float(start[place + a] + end[place + b]) for a in firsts for b in lasts)
    expected = span - float(start[0] + end[0])
    found = attribute(reader, QUESTION, CONTEXT, LIU, method=Method.GRADIENT)
    assert found.target_log_odds == pytest.approx(expected, abs=1e-5)
    assert found.null_score == pytest.approx(float(start[0] + end[0]), abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_integral_is_complete_and_better_with_more_steps(
    tiny: Callable[[str], Trainable], family: str
) -> None:
    reader = tiny(family)
    found = attribute(reader, QUESTION, CONTEXT, LIU, steps=64)
    change = found.target_log_odds - found.baseline_log_odds
    assert abs(change) > 1e-3
    assert found.explained == pytest.approx(change, abs=0.01 * abs(change))
    assert abs(found.gap) <= abs(attribute(reader, QUESTION, CONTEXT, LIU, steps=1).gap)
    whole(found, QUESTION, CONTEXT)


def test_the_baseline_is_the_window_with_every_word_masked(tiny: Callable[[str], Trainable]) -> None:
    reader = tiny("roberta")
    tokenizer = reader.tokenizer
    (window,) = make_windows(
        tokenizer.encode(QUESTION), tokenizer.encode(CONTEXT), tokenizer.pair, max_tokens=reader.max_tokens
    )
    special = np.isin(window.input_ids, [tokenizer.cls_id, tokenizer.sep_id])
    ids = np.where(special, window.input_ids, tokenizer.mask_id)
    with torch.inference_mode():
        output = reader.model(input_ids=torch.from_numpy(ids[None]))
    first, last = (window.context_position + token for token in window.locate(LIU) or ())
    start, end = output.start_logits[0], output.end_logits[0]
    found = attribute(reader, QUESTION, CONTEXT, LIU, method=Method.GRADIENT)
    expected = float(start[first] + end[last] - start[0] - end[0])
    assert found.baseline_log_odds == pytest.approx(expected, abs=1e-5)


def test_the_gradient_is_the_slope_of_the_log_odds(tiny: Callable[[str], Trainable]) -> None:
    """Moving every word a little towards its blank changes the log-odds by that share of their sum."""
    reader = tiny("roberta")
    found = attribute(reader, QUESTION, CONTEXT, LIU, method=Method.GRADIENT)
    (window,) = make_windows(
        reader.tokenizer.encode(QUESTION),
        reader.tokenizer.encode(CONTEXT),
        reader.tokenizer.pair,
        max_tokens=reader.max_tokens,
    )
    special = np.isin(window.input_ids, [reader.tokenizer.cls_id, reader.tokenizer.sep_id])
    table = reader.model.get_input_embeddings()
    first, last = (window.context_position + token for token in window.locate(LIU) or ())
    step = 1e-2
    with torch.inference_mode():
        inputs = table(torch.from_numpy(window.input_ids))
        mask = table(torch.tensor(reader.tokenizer.mask_id))
        blank = torch.where(torch.from_numpy(special)[:, None], inputs, mask)
        moved = torch.stack([inputs + step * (inputs - blank), inputs - step * (inputs - blank)])
        output = reader.model(inputs_embeds=moved)
    start, end = output.start_logits, output.end_logits
    odds = start[:, first] + end[:, last] - start[:, 0] - end[:, 0]
    assert found.explained == pytest.approx(float(odds[0] - odds[1]) / (2 * step), rel=0.02, abs=1e-3)


def test_the_model_is_left_as_it_was(tiny: Callable[[str], Trainable]) -> None:
    reader = tiny("roberta")
    reader.model.train()
    before = {name: value.clone() for name, value in reader.model.state_dict().items()}
    found = attribute(reader, QUESTION, CONTEXT, LIU)
    assert reader.model.training
    assert all(parameter.grad is None for parameter in reader.model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in reader.model.state_dict().items())
    plain(reader)
    assert attribute(reader, QUESTION, CONTEXT, LIU) == found, "dropout was off"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_answer_of_the_reader_is_explained_with_its_own_score(
    tiny: Callable[[str], Trainable], tiny_folder: Callable[[str, str], Path], family: str
) -> None:
    """Long contexts of all scripts: several windows, trimmed punctuation, joined emoji."""
    context = "naïve café (😀😀) 你好世界。 Привет, мир! e\u0301e\u0301 👩\u200d🔬 “Liu”, 3.14. " * 4
    answers = load_reader(str(tiny_folder(family, "reader")), engine="torch-fp32").read(QUESTION, [context])
    assert len(answers) == 5
    for answer in answers:
        span = Span(start=answer.start, end=answer.end)
        found = attribute(tiny(family), QUESTION, context, span, steps=2)
        assert found.null_score + found.target_log_odds == pytest.approx(answer.score, abs=1e-4)
        whole(found, QUESTION, context)
        assert any(word.start < answer.end and answer.start < word.end for word in found.passage)


def test_tokens_that_the_reader_may_not_choose_are_not_explained(tiny: Callable[[str], Trainable]) -> None:
    """With the bracket before it a span of thirty tokens is one too long, and trimmed to the same."""
    reader = tiny("bert")
    for bracket in "([{<\"'":
        context = bracket + " a" * 30
        span = Span(start=2, end=len(context))
        both, position, offsets = logits(reader, QUESTION, context)
        assert len(offsets) == 31
        score = float(both[0, position + 1] + both[1, position + 30])
        found = attribute(reader, QUESTION, context, span, steps=2)
        assert found.null_score + found.target_log_odds == pytest.approx(score, abs=1e-5)


def test_a_span_that_no_window_holds_is_refused(tiny: Callable[[str], Trainable]) -> None:
    context = "ship " * 200
    with pytest.raises(DataError, match="characters 0 to 999"):
        attribute(tiny("roberta"), QUESTION, context, Span(start=0, end=999))


def test_the_words_that_decide_weigh_most(pocket: Trainable) -> None:
    context = "Bread needs flour. Ada Lovelace wrote the first program in 1843, for an engine of brass."
    name = Span(start=context.index("Ada"), end=context.index(" wrote"))
    found = attribute(pocket, "Who wrote the first program?", context, name)
    assert found.target_log_odds > 0 > found.baseline_log_odds
    assert abs(found.gap) < 0.1 * (found.target_log_odds - found.baseline_log_odds)
    best = {word.text for word in sorted(found.passage, key=lambda word: -word.weight)[:6]}
    assert {"wrote", "program"} & best
    assert not {"Bread", "flour", "brass"} & best


# -- words ------------------------------------------------------------------------------------------------


def joined(text: str, *pieces: str) -> list[str]:
    """The words that pieces, found in `text` one after the other, make."""
    offsets, place = [], 0
    for piece in pieces:
        place = text.index(piece, place)
        offsets.append((place, place + len(piece)))
        place += len(piece)
    words, _ = words_of(text, np.array(offsets), np.ones(len(offsets)))
    return [word.text for word in words]


@pytest.mark.parametrize(
    ("text", "pieces", "words"),
    [
        ("masking helps", ["mask", "ing", "helps"], ["masking", "helps"]),
        ("don't, 3.14.", ["don", "'", "t", ",", "3", ".", "14", "."], ["don't", ",", "3.14", "."]),
        ("('an 'x'", ["(", "'", "an", "'", "x", "'"], ["(", "'", "an", "'", "x", "'"]),
        ("机器翻译", ["机", "器", "翻译"], ["机", "器", "翻译"]),
        ("e\u0301a", ["e", "\u0301", "a"], ["e\u0301a"]),
        ("👩\u200d🔬x", ["👩", "\u200d", "🔬", "x"], ["👩\u200d🔬", "x"]),
        ("שלום עולם", ["של", "ום", "עולם"], ["שלום", "עולם"]),
    ],
)
def test_pieces_are_joined_to_words(text: str, pieces: list[str], words: list[str]) -> None:
    assert joined(text, *pieces) == words


def test_fragments_of_one_character_count_once_and_white_space_apart() -> None:
    words, loose = words_of(
        "a 字", np.array([[0, 1], [1, 1], [2, 3], [2, 3]]), np.array([1.0, 2.0, 3.0, 4.0])
    )
    assert [(word.text, word.weight) for word in words] == [("a", 1.0), ("字", 7.0)]
    assert loose == 2.0


def test_a_word_is_where_it_says() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        TokenWeight(text="ship", start=0, end=3, weight=0.0)


ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("ab .,'\n\u0301\u05d0\u4e2d\u0e01\u0e31\U0001f469\u200d\U0001f3fdﷺ½"),
    ),
    max_size=60,
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=ANY_TEXT, family=st.sampled_from(FAMILIES), seed=st.integers(0, 99))
def test_words_of_any_text_stand_in_it_and_keep_the_sum(
    tiny: Callable[[str], Trainable], text: str, family: str, seed: int
) -> None:
    tokens = tiny(family).tokenizer.encode(text)
    weights = np.random.default_rng(seed).normal(size=len(tokens))
    words, loose = words_of(text, tokens.offsets, weights)
    assert all(text[word.start : word.end] == word.text for word in words)
    assert all(left.end <= right.start for left, right in pairwise(words))
    assert sum(word.weight for word in words) + loose == pytest.approx(weights.sum())
    covered = {place for start, end in tokens.offsets.tolist() for place in range(start, end)}
    assert covered == {place for word in words for place in range(word.start, word.end)}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(question=ANY_TEXT.filter(str.strip), context=ANY_TEXT, family=st.sampled_from(FAMILIES))
def test_any_question_and_text_are_explained_at_their_places(
    tiny: Callable[[str], Trainable],
    tiny_folder: Callable[[str, str], Path],
    question: str,
    context: str,
    family: str,
) -> None:
    reader = load_reader(str(tiny_folder(family, "reader")), engine="torch-fp32")
    for answer in reader.read(question, [context])[:1]:
        span = Span(start=answer.start, end=answer.end)
        found = attribute(tiny(family), question, context, span, steps=2)
        whole(found, question, context)
        assert found.null_score + found.target_log_odds == pytest.approx(answer.score, abs=1e-4)
