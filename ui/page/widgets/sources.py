"""Where else an answer stands: a place in each other document that holds it too (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Hit
from qa.records import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The same answer at [start, end) of the document of `hit`, in its passage."""

    hit: Hit
    start: int
    end: int


def elsewhere(answer: Answer, hits: Sequence[Hit]) -> tuple[Elsewhere, ...]:
    """The first place in each other document, in the order of the answer's own list."""
    found: dict[str, Elsewhere] = {}
    for source in answer.also_in:
        if source.path == answer.document.path or source.path in found:
            continue
        for hit in hits:
            passage = hit.passage
            if (
                hit.document.path == source.path
                and passage.start <= source.start
                and source.end <= passage.end
            ):
                found[source.path] = Elsewhere(hit=hit, start=source.start, end=source.end)
                break
    return tuple(found.values())
