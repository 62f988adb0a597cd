"""Which kind of FAISS index a segment of vectors gets, and how hard it is searched (pure).

Below `LEAST_APPROXIMATE` vectors a segment is scanned exactly. Above it an inverted file of four-bit product
codes proposes candidates, and the stored float16 vectors, which stay on disk beside it, put them in their
exact order: the codes decide only what is looked at, never the score. A FAISS factory string instead of
`auto` overrides the choice; what FAISS cannot search under a selection of ids is refused.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

AUTO = "auto"
EXACT = "SQfp16"
EXAMPLE = "IVF1024,PQ96x4fs"
LEAST_APPROXIMATE = 32_768
# Below this a user is warned. A build aims higher, because what it measures is a sample.
LEAST_RECALL = 0.95
AIMED_RECALL = 0.97
_SPARE_CANDIDATES = 3
_MOST_LISTS = 4096
_MOST_CANDIDATES = 3200


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard an approximate index is searched.

    `probes` is nprobe of an inverted file or efSearch of a graph (others ignore it), `candidates` how many
    of what it proposes are scored exactly.
    """

    probes: int
    candidates: int

    def candidates_for(self, k: int) -> int:
        """How many candidates a search for `k` scores."""
        return max(self.candidates, _SPARE_CANDIDATES * k)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRules:
    """How a store chooses its kinds: `setting` is `auto` or a FAISS factory string."""

    setting: str = AUTO
    least: int = LEAST_APPROXIMATE

    def kind(self, vectors: int, dimension: int) -> str | None:
        """The factory string for a segment of so many vectors, None for the exact scan.

        >>> IndexRules().kind(1_000_000, 384)
        'IVF2048,PQ96x4fs'
        >>> IndexRules().kind(9_000, 384) is None
        True
        >>> IndexRules(setting="HNSW32,SQ8").kind(50_000, 384)
        'HNSW32,SQ8'
        """
        if vectors < self.least or self.setting == EXACT:
            return None
        return _chosen(vectors, dimension) if self.setting == AUTO else self.setting

    def fits(self, kind: str, vectors: int, trained: int, dimension: int) -> bool:
        """Whether an index of this kind, trained on so many vectors, still serves a segment of this size."""
        wanted = self.kind(vectors, dimension)
        if wanted is None:
            return False
        return vectors < 2 * trained and (self.setting == AUTO or kind == wanted)


def efforts(*, lists: int | None, vectors: int) -> Iterator[Effort]:
    """Efforts to try in turn, each about twice the work of the last.

    `lists` is the number of inverted lists, None for what has none.
    """
    most = min(lists or vectors, vectors)
    probes, candidates = min(most, 16 if lists else 64), 100
    yield Effort(probes=probes, candidates=candidates)
    while probes < most or candidates < min(_MOST_CANDIDATES, vectors):
        probes, candidates = min(2 * probes, most), min(2 * candidates, _MOST_CANDIDATES)
        yield Effort(probes=probes, candidates=candidates)


def describe(kinds: Sequence[str]) -> str:
    """The kinds of all segments in words, the largest share first.

    >>> describe(["IVF2048,PQ96x4fs", "SQfp16", "SQfp16"])
    'exact (SQfp16), 2 segments; IVF2048,PQ96x4fs, 1 segment'
    """
    counts = Counter(kinds) if kinds else Counter({EXACT: 0})
    return "; ".join(
        f"{f'exact ({kind})' if kind == EXACT else kind}, {count} segment{'' if count == 1 else 's'}"
        for kind, count in counts.most_common()
    )


def advice(kind: str, recall: float) -> str | None:
    """What to do about a measured recall, None if nothing.

    >>> advice("IVF64,PQ48x4fs", 0.97) is None
    True
    """
    if recall >= LEAST_RECALL:
        return None
    finer = "codes of more bytes, such as PQ192x4fs or SQ8" if "PQ" in kind else "IVF1024,SQ8 or HNSW32,SQ8"
    return (
        f"recall@10 of {kind} is {recall:.3f}, below {LEAST_RECALL}, at the highest search effort; take "
        f"{finer} with: spanwise compact --index FACTORY (or auto)"
    )


def unserved(rules: IndexRules, largest: int) -> str | None:
    """Why the kind that was chosen serves no segment, None if it does; `largest` is the size of the largest.

    >>> unserved(IndexRules(setting="IVF64,SQ8", least=2496), 900)
    'IVF64,SQ8 serves segments from 2,496 vectors on; smaller ones are scanned'
    """
    if rules.setting in (AUTO, EXACT) or largest >= rules.least:
        return None
    return f"{rules.setting} serves segments from {rules.least:,} vectors on; smaller ones are scanned"


def _chosen(vectors: int, dimension: int) -> str:
    lists = min(_MOST_LISTS, 2 ** round(math.log2(2 * math.sqrt(vectors))))
    if dimension % 4 == 0:
        return f"IVF{lists},PQ{dimension // 4}x4fs"
    return f"IVF{lists},SQ8"
