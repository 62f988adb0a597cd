"""Which labelled items a step of a training sees, and which are kept out of it: by weight and seed alone."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence


def draw(weights: Sequence[float], *, seed: int, epoch: int) -> list[int]:
    """The indices seen in one epoch, shuffled: each as often as its weight says, fractions by lot."""
    lot = random.Random(f"{seed}/{epoch}")  # noqa: S311  an order, not a secret
    drawn = [
        index
        for index, weight in enumerate(weights)
        for _ in range(int(weight) + (lot.random() < weight - int(weight)))
    ]
    lot.shuffle(drawn)
    return drawn


def held_out(name: str, share: float) -> bool:
    """Whether what bears this name is kept out of training: by its hash, so the same in every training."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) < share * 2**32


class Order:
    """The order of a whole run, epoch after epoch; each epoch is drawn when it is first asked for."""

    def __init__(self, weights: Sequence[float], seed: int) -> None:
        self._weights, self._seed = weights, seed
        self._drawn: dict[int, list[int]] = {}

    def at(self, place: int) -> int:
        """The index of the item at a place counted from 0."""
        epoch = 0
        while True:
            if epoch not in self._drawn:
                self._drawn[epoch] = draw(self._weights, seed=self._seed, epoch=epoch)
            if place < len(self._drawn[epoch]):
                return self._drawn[epoch][place]
            place -= len(self._drawn[epoch])
            epoch += 1
