"""The order in which passages are shown once they have been read. Pure.

Search ranks by words and vectors, which cannot tell the passage that says something from its neighbours
about the same thing. Two things can: what the reader makes of it, and whether it opens its section, where
things are defined. Neither changes what is read or decided. Both weights are measured in
data/bench/choices.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from index.records import Hit
from qa.answering.decision import Claim

# Beside search's own score, which is at most 1.
_READ = 0.2
_OPENING = 0.1
# The log-odds of a span against no answer are divided by this: a reader is surer than it is right.
_SOFTNESS = 3.0


def as_read(hits: Sequence[Hit], claims: Sequence[Claim]) -> tuple[Hit, ...]:
    """The hits of a search in the order after reading, with new ranks; `score` stays what search gave.

    A passage that makes no claim, or was not read, gains nothing by reading; without any claim nothing
    changes.
    """
    if not claims:
        return tuple(hits)
    best: dict[int, float] = {}
    for claim in claims:
        passage_id = claim.hit.passage.id
        best[passage_id] = max(claim.candidate.margin, best.get(passage_id, claim.candidate.margin))

    def worth(hit: Hit) -> float:
        said = best.get(hit.passage.id)
        read = 0.0 if said is None else (1 + math.tanh(said / (2 * _SOFTNESS))) / 2
        return hit.score + _READ * read + _OPENING * _opens_section(hit)

    ordered = sorted(hits, key=worth, reverse=True)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1))


def _opens_section(hit: Hit) -> bool:
    """Whether the passage begins with the heading it stands under."""
    passage = hit.passage
    return bool(passage.headings) and passage.text.casefold().startswith(passage.headings[-1].casefold())
