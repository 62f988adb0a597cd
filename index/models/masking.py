"""Dynamic masking: which tokens a masked language model has to guess, other ones in every pass (pure).

RoBERTa's dynamic masking (Liu et al. 2019, section 4.1) with BERT's shares (Devlin et al. 2019): of all
tokens 15 % are chosen; of these 80 % become the mask, 10 % a token drawn from the vocabulary, and 10 % stay.
Nothing is prepared in advance: the generator of a text is seeded with the training's seed, the number of the
pass and the text's own number, so that every pass has other masks and a resumed run the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.protocols import TokenIds

MASKED, RANDOM = 0.8, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedText:
    """A text with hidden tokens, the places of these (ascending) and the tokens that stood there."""

    ids: TokenIds
    places: NDArray[np.int64]
    targets: TokenIds


def generator(seed: int, epoch: int, text: int) -> np.random.Generator:
    """The random numbers for one text in one pass."""
    return np.random.default_rng([seed % 2**32, epoch, text])


def mask(
    ids: TokenIds,
    words: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    mask_id: int,
    drawn_from: TokenIds,
    rate: float = 0.15,
    whole_words: bool = False,
) -> MaskedText:
    """The text with some of its tokens hidden.

    `words`, of the shape of `ids`, numbers the word of each token; -1 is for what is never hidden (special
    tokens). Every token is chosen by itself with probability `rate`; with `whole_words` every word is, and
    its tokens go together. `drawn_from` are the ids that a random token may have.
    """
    eligible = words >= 0
    if whole_words:
        drawn = rng.random(int(words.max(initial=-1)) + 1) < rate
        chosen = np.append(drawn, False)[words]  # the last is that of -1
    else:
        chosen = eligible & (rng.random(len(ids)) < rate)
    places = np.flatnonzero(chosen)
    fate = rng.random(len(places))
    shown = ids.copy()
    shown[places[fate < MASKED]] = mask_id
    swapped = places[(fate >= MASKED) & (fate < MASKED + RANDOM)]
    shown[swapped] = rng.choice(drawn_from, len(swapped))
    return MaskedText(ids=shown, places=places, targets=ids[places])
