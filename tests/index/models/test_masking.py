"""Dynamic masking: new masks at every pass, the published rate and shares, whole words together."""

from __future__ import annotations

import numpy as np
import pytest

from index.models.masking import MaskedText, generator, mask

MASK = 4
LETTERS = np.arange(1000, 3000)


def masked(ids: np.ndarray, words: np.ndarray, epoch: int, text: int = 0, **settings: object) -> MaskedText:
    return mask(
        ids,
        words,
        generator(7, epoch, text),
        mask_id=MASK,
        drawn_from=LETTERS,
        **settings,  # type: ignore[arg-type]
    )


@pytest.fixture
def long_text() -> tuple[np.ndarray, np.ndarray]:
    """20,000 tokens between two special ones; every word has two tokens."""
    ids = np.concatenate([[2], np.arange(20_000) % 500 + 10, [3]])
    words = np.concatenate([[-1], np.arange(20_000) // 2, [-1]])
    return ids, words


def test_masks_differ_between_epochs_and_repeat_within_one(long_text: tuple[np.ndarray, np.ndarray]) -> None:
    first, again, second = (masked(*long_text, epoch=epoch) for epoch in (0, 0, 1))
    assert np.array_equal(first.ids, again.ids)
    assert np.array_equal(first.places, again.places)
    shared = len(np.intersect1d(first.places, second.places)) / len(first.places)
    assert shared == pytest.approx(0.15, abs=0.02)  # as often as chance has it
    other = masked(*long_text, epoch=0, text=1)
    assert not np.array_equal(first.places, other.places)


@pytest.mark.parametrize("whole_words", [False, True])
def test_rate_and_shares_are_those_of_the_papers(
    long_text: tuple[np.ndarray, np.ndarray], whole_words: bool
) -> None:
    ids, words = long_text
    found = masked(ids, words, epoch=3, whole_words=whole_words)
    hidden = len(found.places)
    assert hidden / 20_000 == pytest.approx(0.15, abs=0.01)
    shown = found.ids[found.places]
    assert (shown == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert (shown >= 1000).mean() == pytest.approx(0.1, abs=0.02)
    assert (shown == found.targets).mean() == pytest.approx(0.1, abs=0.02)
    assert np.array_equal(found.targets, ids[found.places])
    untouched = np.setdiff1d(np.arange(len(ids)), found.places)
    assert np.array_equal(found.ids[untouched], ids[untouched])
    assert found.ids[[0, -1]].tolist() == [2, 3]


def test_whole_words_go_together(long_text: tuple[np.ndarray, np.ndarray]) -> None:
    ids, words = long_text
    places = set(masked(ids, words, epoch=0, whole_words=True).places.tolist())
    assert places
    for place in places:
        partner = place + 1 if place % 2 else place - 1
        assert partner in places
    alone = set(masked(ids, words, epoch=0).places.tolist())
    assert any((place + 1 if place % 2 else place - 1) not in alone for place in alone)


def test_a_text_of_special_tokens_stays_as_it_is() -> None:
    found = masked(np.array([2, 3]), np.array([-1, -1]), epoch=0, whole_words=True)
    assert found.ids.tolist() == [2, 3]
    assert not len(found.places)
