"""How well retrieval does on a judged collection, through the same indexes and the same ranking as a search.

    unit "passage"   documents go through a store of their own, chunked as usual; their best passage counts
    unit "document"  title + space + text as one, cut at the encoder's window (the cuts are counted): for
                     comparison with published figures

The collection is indexed once for all modes, in a temporary folder. Two modes are compared by the questions
that they share (`index.evaluation.bootstrap`), because their means alone do not say whether a difference is
luck.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

from index.datasets.beir import BeirSet, read_beir
from index.evaluation.bootstrap import compare
from index.evaluation.indexed_collection import IndexedCollection, TokensOnly, Unit, indexed
from index.evaluation.output_file import check_writable
from index.evaluation.retrieval_report import (
    ModeDifference,
    RetrievalComparison,
    RetrievalReport,
    question_lines,
)
from index.evaluation.trec_metrics import DEPTH, mean_scores, score_questions, write_trec_run
from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.protocols import Encoder, Vectors
from index.records import Mode
from index.search.fusion import FusionSettings
from index.search.retriever import candidates

Progress = Callable[[int, int], None]


def compare_retrieval(
    collection: BeirSet | Path | str,
    *,
    encoder: Encoder,
    modes: Sequence[Mode | str],
    split: str = "test",
    unit: Unit = "passage",
    run_out: Path | None = None,
    queries_out: Path | None = None,
    fusion: FusionSettings | None = None,
    progress: Progress | None = None,
) -> RetrievalComparison:
    """The scores of a BEIR folder (or of a set that was read already) by trec_eval's rules, for every mode.

    `run_out` takes the run in TREC form (with several modes `NAME.MODE.SUFFIX` that of each), `queries_out` a
    line of JSON for every mode and question: scores, what was missed, what stood there instead. `progress` is
    called with (done, all) questions. Raises DataError for files that are not in BEIR's form, cannot be
    written, or would be written over the collection's own.
    """
    started = time.monotonic()
    chosen = list(dict.fromkeys(Mode(mode) for mode in modes))
    judged = collection if isinstance(collection, BeirSet) else read_beir(Path(collection), split=split)
    for path in (queries_out, *(_run_path(run_out, mode, chosen) for mode in chosen)):
        check_writable(path, sources=judged.files)
    if chosen == [Mode.LEXICAL]:
        encoder = TokensOnly(encoder)
    step = _Steps(len(chosen) * len(judged.queries), progress)
    reports: list[RetrievalReport] = []
    with ExitStack() as stack:
        ready = stack.enter_context(indexed(judged.documents, encoder, unit))
        lines = None if queries_out is None else stack.enter_context(queries_out.open("w", encoding="utf-8"))
        vectors = _query_vectors(judged.queries, encoder, chosen)
        preparing = time.monotonic() - started
        for mode in chosen:
            begun = time.monotonic()
            run = _run(judged, ready, vectors, mode, fusion, step)
            questions = score_questions(judged.judgements, run)
            if (path := _run_path(run_out, mode, chosen)) is not None:
                write_trec_run(run, path)
            if lines is not None:
                lines.writelines(question_lines(judged, run, questions, mode))
            reports.append(
                RetrievalReport(
                    scores=mean_scores(list(questions.values())),
                    questions=questions,
                    documents=len(judged.documents),
                    mode=mode,
                    unit=unit,
                    truncated=ready.truncated,
                    seconds=preparing + time.monotonic() - begun,
                )
            )
    return RetrievalComparison(
        reports=tuple(reports),
        differences=tuple(_difference(ours, theirs) for ours, theirs in combinations(reports, 2)),
    )


def _difference(ours: RetrievalReport, theirs: RetrievalReport) -> ModeDifference:
    pairs = [(item.ndcg_at_10, theirs.questions[name].ndcg_at_10) for name, item in ours.questions.items()]
    difference = compare([one for one, _ in pairs], [other for _, other in pairs])
    return ModeDifference(mode=ours.mode, against=theirs.mode, ndcg_at_10=difference)


def _run_path(path: Path | None, mode: Mode, modes: Sequence[Mode]) -> Path | None:
    """A TREC run names one system, so that each mode of several gets a file."""
    if path is None or len(modes) == 1:
        return path
    return path.with_name(f"{path.stem}.{mode}{path.suffix}")


class _Steps:
    def __init__(self, total: int, callback: Progress | None) -> None:
        self._total = total
        self._done = 0
        self._callback = callback

    def step(self) -> None:
        self._done += 1
        if self._callback is not None:
            self._callback(self._done, self._total)


def _run(
    judged: BeirSet,
    collection: IndexedCollection,
    vectors: Mapping[str, Vectors],
    mode: Mode,
    fusion: FusionSettings | None,
    steps: _Steps,
) -> dict[str, dict[str, float]]:
    """For every question the documents found, with the score of their best passage; none if blank."""
    run: dict[str, dict[str, float]] = {}
    for query_id, query in judged.queries.items():
        scores: dict[str, float] = {}
        if query.strip():
            found = candidates(
                collection.indexes, query, vectors.get(query_id), pool=DEPTH, mode=mode, fusion=fusion
            )
            for passage_id, score in found.ranked:
                for document in collection.documents[passage_id]:
                    # Ranked best first: what a document has got already is its best passage.
                    scores.setdefault(document, score)
        run[query_id] = scores
        steps.step()
    return run


def _query_vectors(queries: Mapping[str, str], encoder: Encoder, modes: Sequence[Mode]) -> dict[str, Vectors]:
    """Vectors of the questions that the encoder can read; none where words alone are searched."""
    if set(modes) == {Mode.LEXICAL}:
        return {}
    readable = {
        name: query
        for name, query in queries.items()
        if query.strip() and encoder.unknown_share(query) <= UNKNOWN_LIMIT
    }
    return dict(zip(readable, encoder.encode_queries(list(readable.values())), strict=True))
