"""How well retrieval does on a judged collection, through the same indexes and the same ranking as a search.

    unit "passage"   documents go through a store of their own, chunked as usual; their best passage counts
    unit "document"  title + space + text as one, cut at the encoder's window (the cuts are counted): for
                     comparison with published figures

The collection is indexed in a temporary folder and never touches a user's store.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from index.beir import BeirDocument, BeirSet, read_beir
from index.derived import Indexes
from index.fusion import FusionSettings
from index.ingestion import UNKNOWN_LIMIT
from index.lexical import LexicalEntry, LexicalIndex
from index.metrics import DEPTH, RetrievalScores, evaluate_run, write_trec_run
from index.protocols import Encoder, Vectors
from index.records import Mode
from index.retriever import candidates
from index.store import Store
from index.vectors import Segment, VectorIndex, write_segment
from ingest.language import detect_language
from ingest.records import Text

Unit = Literal["passage", "document"]
Progress = Callable[[int, int], None]
_LANGUAGE_SAMPLE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalReport:
    """Scores of one mode over one collection; `truncated` counts documents cut at the encoder's window."""

    scores: RetrievalScores
    documents: int
    mode: Mode
    unit: Unit
    truncated: int
    seconds: float

    def as_json(self) -> dict[str, float | int | str]:
        """The machine-readable form."""
        return {
            "ndcg@10": self.scores.ndcg_at_10,
            "recall@10": self.scores.recall_at_10,
            "recall@100": self.scores.recall_at_100,
            "mrr@10": self.scores.mrr_at_10,
            "map": self.scores.map,
            "queries": self.scores.queries,
            "documents": self.documents,
            "mode": str(self.mode),
            "unit": self.unit,
            "truncated": self.truncated,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collection:
    """Indexes of a collection, and the ids of the documents that each passage stands for."""

    indexes: Indexes
    documents: Mapping[int, Sequence[str]]
    truncated: int


def evaluate_retrieval(
    collection: BeirSet | Path | str,
    *,
    encoder: Encoder,
    mode: Mode | str = Mode.HYBRID,
    split: str = "test",
    unit: Unit = "passage",
    run_out: Path | None = None,
    fusion: FusionSettings | None = None,
    progress: Progress | None = None,
) -> RetrievalReport:
    """The scores of a BEIR folder (or of a set that was read already) by trec_eval's rules.

    `run_out` takes the run in TREC form. `progress` is called with (done, all) questions. Raises DataError
    for files that are not in BEIR's form.
    """
    started = time.monotonic()
    judged = collection if isinstance(collection, BeirSet) else read_beir(Path(collection), split=split)
    mode = Mode(mode)
    if mode is Mode.LEXICAL:
        encoder = _TokensOnly(encoder)
    with tempfile.TemporaryDirectory(prefix="spanwise-evaluation-") as folder:
        if unit == "passage":
            with Store.open(Path(folder) / "store", create=True, encoder=encoder) as store:
                run = _run(judged, _by_passage(store, judged.documents), encoder, mode, fusion, progress)
                truncated = 0
        else:
            indexed = _by_document(Path(folder), judged.documents, encoder)
            run = _run(judged, indexed, encoder, mode, fusion, progress)
            truncated = indexed.truncated
    if run_out is not None:
        write_trec_run(run, run_out)
    return RetrievalReport(
        scores=evaluate_run(judged.judgements, run),
        documents=len(judged.documents),
        mode=mode,
        unit=unit,
        truncated=truncated,
        seconds=time.monotonic() - started,
    )


class _TokensOnly:
    """An encoder whose tokens measure passages and which embeds none: words alone are searched."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.fingerprint = f"tokens of {encoder.fingerprint}"
        self.dimension = encoder.dimension
        self.max_tokens = encoder.max_tokens
        self.passage_room = encoder.passage_room
        self.tokenizer = encoder.tokenizer

    def unknown_share(self, text: str) -> float:
        """All of it, so that nobody asks for vectors."""
        return 1.0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """No rows for no texts."""
        if texts:
            raise ValueError(f"{len(texts)} texts to embed without an encoder")
        return np.zeros((0, self.dimension), dtype=np.float32)

    encode_queries = encode_passages


def _by_passage(store: Store, documents: Sequence[BeirDocument]) -> _Collection:
    # Many records of the older collections are a title alone; a search must find them all the same.
    store.add(Text(id=item.id, title=item.title, text=item.text or item.title) for item in documents)
    snapshot = store.snapshot()
    ids, keys = store.catalog.living_passages(snapshot.revision)
    names = {
        key: [path.removeprefix("text:") for path in info.paths]
        for key, info in store.catalog.documents().items()
    }
    placed = {passage_id: names[key] for passage_id, key in zip(ids.tolist(), keys.tolist(), strict=True)}
    return _Collection(indexes=snapshot, documents=placed, truncated=0)


def _by_document(folder: Path, documents: Sequence[BeirDocument], encoder: Encoder) -> _Collection:
    language = detect_language("\n".join(item.whole for item in documents[:_LANGUAGE_SAMPLE]))
    texts = [item.whole for item in documents]
    readable = [number for number, text in enumerate(texts) if encoder.unknown_share(text) <= UNKNOWN_LIMIT]
    room = encoder.passage_room
    truncated = sum(len(item) > room for item in encoder.tokenizer.encode_ids(texts))
    vectors = encoder.encode_passages([texts[number] for number in readable])
    ids = np.array(readable, dtype=np.int64)
    write_segment(folder / "vectors.faiss", ids, vectors.astype(np.float16).astype(np.float32))
    segment = Segment(folder / "vectors.faiss", encoder.dimension)
    lexical = LexicalIndex.create(folder / "lexical")
    lexical.update(
        (
            LexicalEntry(id=number, document_key=number, text=text, language=language)
            for number, text in enumerate(texts)
        ),
        [],
    )
    indexes = Indexes(
        vectors=VectorIndex([segment], encoder.dimension, np.empty(0, np.int64)),
        lexical=lexical.view(),
        languages=(language,),
    )
    placed = {number: (item.id,) for number, item in enumerate(documents)}
    return _Collection(indexes=indexes, documents=placed, truncated=truncated)


def _run(
    judged: BeirSet,
    collection: _Collection,
    encoder: Encoder,
    mode: Mode,
    fusion: FusionSettings | None,
    progress: Progress | None,
) -> dict[str, dict[str, float]]:
    """For every question the documents found, each with the score of its best passage."""
    vectors = _query_vectors(list(judged.queries.values()), encoder, mode)
    run: dict[str, dict[str, float]] = {}
    for done, (query_id, vector) in enumerate(zip(judged.queries, vectors, strict=True), start=1):
        found = candidates(
            collection.indexes, judged.queries[query_id], vector, pool=DEPTH, mode=mode, fusion=fusion
        )
        scores: dict[str, float] = {}
        for passage_id, score in found.ranked:
            for document in collection.documents[passage_id]:
                # Ranked best first: what a document has got already is its best passage.
                scores.setdefault(document, score)
        run[query_id] = scores
        if progress is not None:
            progress(done, len(judged.queries))
    return run


def _query_vectors(queries: Sequence[str], encoder: Encoder, mode: Mode) -> list[Vectors | None]:
    if mode is Mode.LEXICAL:
        return [None] * len(queries)
    vectors = encoder.encode_queries(queries)
    return [
        vector if encoder.unknown_share(query) <= UNKNOWN_LIMIT else None
        for query, vector in zip(queries, vectors, strict=True)
    ]
