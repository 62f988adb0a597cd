"""Timing several ways of doing one thing against each other on a machine that also does something else.

Every way takes its turn in every round, in another order each time, so that whatever else the machine is
doing meets all of them. What counts is the median over the rounds, and of the ratios within each round; the
spread is between the quartiles. Processor time is kept beside the time by the clock: on a machine that is
shared it is what stays comparable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Medians over the rounds in milliseconds, by the clock and of processor time.

    `spread_ms` is the distance between the quartiles. `times` and `cpu_times` are how many times faster than
    the base, medians of the ratios within each round.
    """

    ms: float
    spread_ms: float
    cpu_ms: float
    times: float
    cpu_times: float
    rounds: int

    def as_json(self) -> dict[str, Any]:
        """The figures as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One way's turn in one round: seconds by the clock and of the processor, and what came out."""

    wall: float
    cpu: float
    result: Any


def in_turns(
    ways: Mapping[str, Callable[[int], Any]],
    *,
    rounds: int,
    seconds: float = float("inf"),
    least: int = 3,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Turn]]:
    """Each way called with the number of each round; ends early after `seconds`, with `least` rounds done."""
    taken: dict[str, list[Turn]] = {name: [] for name in ways}
    names = list(ways)
    began = time.perf_counter()
    for number in range(rounds):
        if number >= least and time.perf_counter() - began > seconds:
            break
        progress(f"round {number + 1} of {rounds}")
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            taken[name].append(_taken(ways[name], number))
    return taken


def _taken(way: Callable[[int], Any], number: int) -> Turn:
    wall, cpu = time.perf_counter(), time.process_time()
    result = way(number)
    return Turn(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu, result=result)


def timing(turns: Sequence[Turn], base: Sequence[Turn]) -> Timing:
    """The figures of one way, compared round by round with those of the base."""
    wall, cpu = (np.array([getattr(turn, kind) for turn in turns]) for kind in ("wall", "cpu"))
    base_wall, base_cpu = (np.array([getattr(turn, kind) for turn in base]) for kind in ("wall", "cpu"))
    low, high = np.percentile(wall, [25, 75])
    return Timing(
        ms=round(float(np.median(wall)) * 1000, 2),
        spread_ms=round(float(high - low) * 1000, 2),
        cpu_ms=round(float(np.median(cpu)) * 1000, 2),
        times=round(float(np.median(base_wall / wall)), 2),
        cpu_times=round(float(np.median(base_cpu / np.maximum(cpu, 1e-9))), 2),
        rounds=len(turns),
    )


def quantiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """`p50`, `p95` and how many."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "count": len(milliseconds)}
