"""Two ranked lists into one (pure).

Each list's scores are scaled and combined convexly (Bruch, Gai and Ingber 2023): 0 is what says nothing (BM25
0, and the cosine that a passage has on average), 1 is the best of the list. Vectors blur identifiers and rare
names, so a passage that holds one that the question names is lifted by its share of the question, and what
the question demands (`Named.first`) comes before all else.

Both weights are tuned; what else was tried is in `data/bench/choices.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Scored = tuple[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSettings:
    """`dense_weight`: the share of the dense score, the rest is the lexical one's.

    `rare_weight`: what a name of the question adds to a passage that holds it, times its share of the
    question. A change of a default retires every stored calibration, the bundled one too: fit and ship it
    again (see `qa.answering.calibration_file.reading_settings`).
    """

    dense_weight: float = 0.45
    rare_weight: float = 0.5


def fuse(
    dense: Sequence[Scored],
    lexical: Sequence[Scored],
    settings: FusionSettings | None = None,
    *,
    dense_floor: float | None = None,
    lift: Mapping[int, float] | None = None,
) -> list[Scored]:
    """Ids with fused scores in [0, 1], best first; equal scores in the order of the lists.

    `dense_floor` is the cosine that says nothing, by default the lowest of the list. `lift` is added to the
    scores of some ids; all are divided by one more than the greatest.

    >>> fuse([(1, 0.9), (2, 0.5)], [(2, 7.0), (3, 3.5)], FusionSettings(dense_weight=0.5))
    [(1, 0.5), (2, 0.5), (3, 0.25)]
    >>> fuse([(1, 0.9), (2, 0.5)], [(2, 7.0)], lift={2: 1.0})[0][0]
    2
    """
    weight = (settings or FusionSettings()).dense_weight
    lift = lift or {}
    fused: dict[int, float] = {}
    for share, scores in ((weight, _scaled(dense, dense_floor)), (1 - weight, _scaled(lexical, 0.0))):
        for passage_id, score in scores:
            fused[passage_id] = fused.get(passage_id, 0.0) + share * score
    most = 1 + max(lift.values(), default=0.0)
    lifted = [(passage_id, (score + lift.get(passage_id, 0.0)) / most) for passage_id, score in fused.items()]
    return sorted(lifted, key=lambda item: -item[1])


def _scaled(scores: Sequence[Scored], floor: float | None) -> list[Scored]:
    """Scores between the floor (the lowest, if none is below the best) and the best moved to [0, 1]."""
    if not scores:
        return []
    values = [score for _, score in scores]
    high = max(values)
    low = floor if floor is not None and floor < high else min(values)
    span = high - low
    return [(passage_id, max(0.0, (score - low) / span) if span else 1.0) for passage_id, score in scores]
