"""Two ranked lists into one (pure).

Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009) looks at ranks only and loses where one list is
much weaker than the other. Here each list's scores are scaled to its own range for this query and combined
convexly (Bruch, Gai and Ingber 2023); what one list has not found counts as that list's lowest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Scored = tuple[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionSettings:
    """`dense_weight`: the share of the dense score, the rest is the lexical one's."""

    dense_weight: float = 0.5


def fuse(
    dense: Sequence[Scored], lexical: Sequence[Scored], settings: FusionSettings | None = None
) -> list[Scored]:
    """Ids with fused scores in [0, 1], best first; equal scores by ascending id.

    >>> fuse([(1, 0.9), (2, 0.5)], [(2, 7.0), (3, 1.0)])
    [(1, 0.5), (2, 0.5), (3, 0.0)]
    """
    weight = (settings or FusionSettings()).dense_weight
    fused: dict[int, float] = {}
    for share, scores in ((weight, _scaled(dense)), (1 - weight, _scaled(lexical))):
        for passage_id, score in scores:
            fused[passage_id] = fused.get(passage_id, 0.0) + share * score
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))


def _scaled(scores: Sequence[Scored]) -> list[Scored]:
    """Scores moved to [0, 1]; a list of one or of equal scores is all ones."""
    if not scores:
        return []
    values = [score for _, score in scores]
    low, span = min(values), max(values) - min(values)
    return [(passage_id, (score - low) / span if span else 1.0) for passage_id, score in scores]
