"""Which neighbouring pieces of a page become one passage: the cheapest of all possible groupings.

Full passages are cheap and tiny ones expensive. A cut between paragraphs is free; inside a list or a long
paragraph it costs a little; inside a sentence or code, or between a question and its answer, it costs more
than a tiny passage. Continuing past a heading costs more than a short passage.

Splitting libraries fill passages greedily, which leaves stubs at the end of every section and cuts lists in
two. Pure arithmetic on weights and borders, without the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ingest.chunking.blocks import Border

# Costs are in units of "one passage more".
_CROSS = {Border.REGION: 1e9, Border.TOP_HEADING: 100.0, Border.HEADING: 2.5}
_CUT = {Border.JOINED: 0.5, Border.KEPT: 6.0, Border.PIECE: 0.3, Border.WORD: 5.0}
_CUT_AFTER_HEADING = 20.0
_ONLY_HEADINGS = 50.0
_TINY = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """What is never torn: `text[start:end]`, its weight in tokens and how much room a passage has here."""

    start: int
    end: int
    weight: int
    room: int
    border: Border
    heading: bool
    path: tuple[str, ...]


def best_groups(atoms: Sequence[Atom], min_tokens: int) -> list[Sequence[Atom]]:
    """The atoms in consecutive groups, none heavier than the room of its first atom.

    A single atom that is heavier than its room stands alone. Groups under `min_tokens` are made only where
    nothing else fits.
    """
    crossing = list(accumulate((_cross(atoms, index) for index in range(len(atoms))), initial=0.0))
    bodies = list(accumulate((not atom.heading for atom in atoms), initial=0))
    best = [0.0] + [float("inf")] * len(atoms)
    previous = [0] * (len(atoms) + 1)
    for first in range(len(atoms)):
        room, weight = atoms[first].room, 0
        for last in range(first + 1, len(atoms) + 1):
            weight += atoms[last - 1].weight
            if weight > room and last > first + 1:
                break
            cost = best[first] + _size_cost(weight, room, min_tokens) + _cut(atoms, last)
            cost += crossing[last] - crossing[first + 1]
            cost += _ONLY_HEADINGS * (bodies[last] == bodies[first])
            if cost < best[last]:
                best[last], previous[last] = cost, first
    return _groups(atoms, previous)


def _groups(atoms: Sequence[Atom], previous: Sequence[int]) -> list[Sequence[Atom]]:
    groups: list[Sequence[Atom]] = []
    end = len(atoms)
    while end:
        groups.append(atoms[previous[end] : end])
        end = previous[end]
    return groups[::-1]


def _size_cost(weight: int, room: int, min_tokens: int) -> float:
    free = max(0.0, 1 - weight / room)
    tiny = max(0.0, 1 - weight / min_tokens) if min_tokens else 0.0
    return 1.0 + free * free + _TINY * tiny


def _cross(atoms: Sequence[Atom], index: int) -> float:
    """The cost of a group that runs on over the border before atom `index`."""
    atom = atoms[index]
    if index and atom.heading and atoms[index - 1].heading and atom.path[:-1] == atoms[index - 1].path:
        return 0.0
    return _CROSS.get(atom.border, 0.0)


def _cut(atoms: Sequence[Atom], index: int) -> float:
    """The cost of a group that ends before atom `index`."""
    if index == len(atoms):
        return 0.0
    return _CUT.get(atoms[index].border, 0.0) + _CUT_AFTER_HEADING * atoms[index - 1].heading
