"""Sampling of labelled items by weight and seed, and the share that is held out by hash."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_ENOUGH_TITLES = 20
Item = TypeVar("Item")


def draw(weights: Sequence[float], *, seed: int, epoch: int) -> list[int]:
    """The indices seen in one epoch, shuffled: each as often as its weight, fractions at random."""
    rng = random.Random(f"{seed}/{epoch}")  # noqa: S311  an order, not a secret
    drawn = [
        index
        for index, weight in enumerate(weights)
        for _ in range(int(weight) + (rng.random() < weight - int(weight)))
    ]
    rng.shuffle(drawn)
    return drawn


def held_out(name: str, share: float) -> bool:
    """Whether the item of this name is held out: by its hash, so the same in every training."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) < share * 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Division(Generic[Item]):
    """Items to learn from with their weights, and those held out."""

    items: tuple[Item, ...]
    weights: tuple[float, ...]
    held_out: tuple[Item, ...]


def divide(items: Iterable[tuple[Item, str, float]], share: float) -> Division[Item]:
    """(item, name, weight) triples parted by their names, about `share` of them held out."""
    learnt: list[tuple[Item, float]] = []
    apart: list[Item] = []
    for item, name, weight in items:
        if held_out(name, share):
            apart.append(item)
        else:
            learnt.append((item, weight))
    return Division(
        items=tuple(item for item, _ in learnt),
        weights=tuple(weight for _, weight in learnt),
        held_out=tuple(apart),
    )


def division_names(titles: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The names by which texts of a file are held out: their titles, so that a title falls to one side.

    A text without one, and every text of a file with fewer than 20 titles, is a name of its own.
    """
    titled = len(set(titles)) >= _ENOUGH_TITLES
    return [(title if titled else "") or text for title, text in zip(titles, texts, strict=True)]


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
