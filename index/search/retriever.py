"""From a question to passages: the dense and the lexical index asked side by side, fused, and read from SQL.

    question -> vector -> dense hits ---+
        |                               +-> fused -> k rows from SQL -> Hits
        +-> terms -> lexical hits ------+

`candidates` works on the indexes alone and is what the evaluation of retrieval uses too. Quoted phrases and
names of the question count in the modes that look at words; in dense mode quotation marks are only text.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index.errors import StoreLocked
from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.lexical.tantivy_index import DamagedLexicalIndex
from index.protocols import Encoder, Ids, Vectors
from index.records import Filters, Hit, Mode, SearchResult, StoredPassage
from index.search.fusion import FusionSettings, Scored, fuse
from index.search.lru_cache import Cache
from index.snapshots.publisher import Indexes, Snapshot
from index.store.store import Store

_LEAST_POOL = 100
_WIDER = 4
_ATTEMPTS = 4
_QUESTIONS = 2048  # whose vectors are kept


class _Purged(Exception):
    """`compact` has taken rows away that the snapshot still shows; the next snapshot does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a filter leaves: documents for the lexical index, passages (ascending) for the dense one.

    Where it leaves documents in part (`whole` is false), the lexical index is asked by passages too.
    """

    documents: tuple[int, ...]
    passages: Ids
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Ranked passage ids with the score of the mode, and each list's own scores."""

    ranked: tuple[Scored, ...]
    dense: Mapping[int, float] = field(default_factory=dict)
    lexical: Mapping[int, float] = field(default_factory=dict)


def candidates(
    indexes: Indexes,
    query: str,
    vector: Vectors | None,
    *,
    pool: int,
    mode: Mode,
    selection: Selection | None = None,
    fusion: FusionSettings | None = None,
) -> Candidates:
    """Up to `pool` candidates of each list the mode asks for, ranked; `vector` None leaves the dense out."""
    dense: list[Scored] = []
    lexical: list[Scored] = []
    if mode is not Mode.LEXICAL and vector is not None:
        found = indexes.vectors.search(vector, pool, selection.passages if selection else None)
        dense = list(zip(found.ids.tolist(), found.scores.tolist(), strict=True))
    if mode is Mode.DENSE:
        return Candidates(ranked=tuple(dense), dense=dict(dense))
    keys = selection.documents if selection else None
    within = selection.passages.tolist() if selection and not selection.whole else None
    hits = indexes.lexical.search(query, pool, indexes.languages, keys, within)
    if mode is Mode.LEXICAL or vector is None:
        # With one list only there is nothing to scale against: its own scores stand.
        most = max((hit.score for hit in hits), default=0.0)
        lexical = [(hit.id, hit.score + hit.first * most) for hit in hits]
        return Candidates(ranked=tuple(lexical), lexical=dict(lexical))
    lexical = [(hit.id, hit.score) for hit in hits]
    settings = fusion or FusionSettings()
    lift = _lift(indexes, query, list(dict(dense) | dict(lexical)), settings)
    floor = float(indexes.vectors.mean @ vector)
    ranked = fuse(dense, lexical, settings, dense_floor=floor, lift=lift)
    return Candidates(ranked=tuple(ranked), dense=dict(dense), lexical=dict(lexical))


def _lift(indexes: Indexes, query: str, ids: Sequence[int], settings: FusionSettings) -> dict[int, float]:
    """What is added to fused scores in [0, 1]: the share of rare names, and a step for each demand met.

    A step is more than all that a passage can have without it.
    """
    rare: dict[int, float] = {}
    demands: dict[int, int] = {}
    for name in indexes.lexical.named(query):
        for passage_id in indexes.lexical.holders(name.literal, ids):
            demands[passage_id] = demands.get(passage_id, 0) + name.first
            rare[passage_id] = rare.get(passage_id, 0.0) + (0.0 if name.first else name.share)
    steps = {met: step for step, met in enumerate(sorted({0, *demands.values()}))}
    return {
        passage_id: settings.rare_weight * rare[passage_id] + (1 + settings.rare_weight) * steps[met]
        for passage_id, met in demands.items()
    }


class Retriever:
    """Finds the passages of a store that bear on a question."""

    def __init__(
        self, store: Store, encoder: Encoder | None = None, *, fusion: FusionSettings | None = None
    ) -> None:
        self._store = store
        self._given = encoder
        self._fusion = fusion
        self._known: Cache[tuple[str, str], Vectors] = Cache(_QUESTIONS)

    @property
    def encoder(self) -> Encoder:
        """The encoder that reads the questions."""
        return self._given or self._store.encoder

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode | str = Mode.HYBRID,
        filters: Filters | None = None,
    ) -> SearchResult:
        """The `k` best passages, or all that the filters leave if those are fewer; none for a blank query.

        Raises ModelMismatch when the store's vectors come from another encoder.
        """
        return self.search_many([query], k, mode, filters)[0]

    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        mode: Mode | str = Mode.HYBRID,
        filters: Filters | None = None,
    ) -> list[SearchResult]:
        """As `search`, for many questions encoded together; the time of encoding is shared out evenly."""
        if k < 1:
            raise ValueError(f"k is {k}, the least is 1")
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._search_many(queries, k, Mode(mode), filters)
            except DamagedLexicalIndex as error:
                self._store.rebuild_index(error)
            except _Purged:
                continue
        return self._search_many(queries, k, Mode(mode), filters)

    def _search_many(
        self, queries: Sequence[str], k: int, mode: Mode, filters: Filters | None
    ) -> list[SearchResult]:
        started = time.perf_counter()
        snapshot = self._store.snapshot()
        vectors = self._vectors(queries, mode) if len(snapshot.lexical) else [None] * len(queries)
        if any(vector is not None for vector in vectors):
            self._require_index(snapshot)
        encode_ms = (time.perf_counter() - started) * 1000 / max(1, len(queries))
        selection = self._selection(snapshot, filters) if filters and not filters.empty else None
        results = []
        for query, vector in zip(queries, vectors, strict=True):
            started = time.perf_counter()
            hits: tuple[Hit, ...] = ()
            unsupported = vector is None and mode is not Mode.LEXICAL and bool(query.strip())
            unsupported = unsupported and len(snapshot.lexical) > 0
            if query.strip():
                hits = self._hits(snapshot, query, vector, k, mode, selection)
            search_ms = (time.perf_counter() - started) * 1000
            results.append(
                SearchResult(
                    query=query,
                    hits=hits,
                    timings_ms={
                        "encode": encode_ms,
                        "search": search_ms,
                        "total": encode_ms + search_ms,
                    },
                    unsupported_language=unsupported,
                    revision=snapshot.revision,
                )
            )
        return results

    def _vectors(self, queries: Sequence[str], mode: Mode) -> list[Vectors | None]:
        """A vector for each question that the encoder can read, None for the others."""
        vectors: list[Vectors | None] = [None] * len(queries)
        if mode is Mode.LEXICAL:
            return vectors
        encoder = self.encoder
        readable = [
            number
            for number, query in enumerate(queries)
            if query.strip() and encoder.unknown_share(query) <= UNKNOWN_LIMIT
        ]
        keys = [(encoder.fingerprint, query) for query in queries]
        missing = []
        for number in readable:
            vectors[number] = self._known.get(keys[number])
            if vectors[number] is None:
                missing.append(number)
        if missing:
            encoded = encoder.encode_queries([queries[number] for number in missing])
            for number, vector in zip(missing, encoded, strict=True):
                vectors[number] = vector
                self._known.put(keys[number], vector)
        return vectors

    def _require_index(self, snapshot: Snapshot) -> None:
        """Vectors of two encoders are never compared, even while one takes the other's place."""
        if snapshot.fingerprint not in ("", self.encoder.fingerprint):
            self._store.require_match(self.encoder)
            raise StoreLocked(
                f"the index of the encoder {self.encoder.name} is being made", hint="try again in a moment"
            )

    def _selection(self, snapshot: Snapshot, filters: Filters) -> Selection:
        chosen = self._store.catalog.filters.select(filters, snapshot.revision)
        return Selection(
            documents=tuple(chosen.documents.tolist()), passages=chosen.passages, whole=chosen.whole
        )

    def _hits(
        self,
        snapshot: Snapshot,
        query: str,
        vector: Vectors | None,
        k: int,
        mode: Mode,
        selection: Selection | None,
    ) -> tuple[Hit, ...]:
        pool = max(2 * k, _LEAST_POOL)
        while True:
            found = candidates(
                snapshot, query, vector, pool=pool, mode=mode, selection=selection, fusion=self._fusion
            )
            rows = self._rows(found.ranked, k, snapshot.revision)
            # The lexical index may show what is too new for this snapshot instead of what is not.
            if len(rows) >= k or len(found.ranked) < pool:
                break
            pool *= _WIDER
        documents = self._store.catalog.documents.infos({key for _, (_, key) in rows})
        if any(key not in documents for _, (_, key) in rows):
            raise _Purged
        return tuple(
            Hit(
                rank=rank,
                score=score,
                dense_score=found.dense.get(passage.id),
                lexical_score=found.lexical.get(passage.id),
                passage=passage,
                document=documents[key],
            )
            for rank, (score, (passage, key)) in enumerate(rows, start=1)
        )

    def _rows(
        self, ranked: Sequence[Scored], k: int, revision: int
    ) -> list[tuple[float, tuple[StoredPassage, int]]]:
        """The first `k` candidates that are visible at the revision, with their scores."""
        rows: list[tuple[float, tuple[StoredPassage, int]]] = []
        for start in range(0, len(ranked), k):
            part = ranked[start : start + k]
            stored = self._store.catalog.passages.get([passage_id for passage_id, _ in part], revision)
            if len(stored) < len(part) and self._store.catalog.purge.purged_revision() > revision:
                raise _Purged
            rows += [(score, stored[passage_id]) for passage_id, score in part if passage_id in stored]
            if len(rows) >= k:
                break
        return rows[:k]
