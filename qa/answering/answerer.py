"""A question to one decision: passages found, read together, judged once.

    question -> SearchResult -> contexts the reader can read -> SpanCandidates -> Decision -> AskResult

A strange question, an empty store or a failing model never raises here: the result says why there is no
answer, and still shows the passages. What a user can mend about the store or the models (`SpanwiseError`)
does raise. The reader's context is the plain text of a passage, so that a candidate's offsets need nothing
but the passage's own start to be offsets of the document. Neighbouring passages are read apart: no answer of
SQuAD crosses their border (`ingest.chunking.split`), and joined they were read worse (of 60 questions 42
right instead of 46).
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.protocols import Encoder
from index.records import Filters, Hit, Mode, SearchResult
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.errors import SpanwiseError
from qa.answering.calibration_file import fitted_decision
from qa.answering.citation import cite
from qa.answering.decision import Claim, Decision, DecisionSettings, decide
from qa.answering.early_stopping import Promise, Thrift
from qa.answering.evidence import coverage
from qa.answering.recheck_float32 import ExactReader, contenders, read_again
from qa.answering.several import asks_for_several
from qa.protocols import Reader
from qa.reading.caching_reader import SparingReader
from qa.reading.reader import exact_for, load_reader
from qa.reading.trimming import has_content
from qa.records import AskResult, Reason, SpanCandidate

_LOG = logging.getLogger(__name__)
_QUESTIONS_AT_ONCE = 16
_THRIFT = Thrift()
_EVERYTHING = Thrift(first=sys.maxsize)


class Searcher(Protocol):
    """What answering needs of retrieval."""

    def search_many(
        self, queries: Sequence[str], k: int, mode: Mode, filters: Filters | None
    ) -> list[SearchResult]:
        """The `k` best passages for each query, in the queries' order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuestion:
    """A question's passages and what the reader claims of them; `obstacle` is why there can be no answer.

    `read` is how many of the passages were read; the others could not have changed the decision.
    """

    result: SearchResult
    claims: tuple[Claim, ...]
    obstacle: Reason | None
    read: int = 0


class Answerer:
    """Answers questions from one store; safe to share between threads.

    `reader` and `encoder` put loaded models in the place of the store's own, which are loaded on first use;
    `retriever` one's own way of finding passages in that of the store's. `thrift` says which passages need
    not be read, None that all are. `exact` gives the reader that decides where rounding could, None for one
    that is exact itself; a `reader` of ours has its own.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader | None = None,
        encoder: Encoder | None = None,
        *,
        retriever: Searcher | None = None,
        decision: DecisionSettings | None = None,
        thrift: Thrift | None = _THRIFT,
        exact: ExactReader | None = None,
    ) -> None:
        self._store = store
        self._reader = None if reader is None else SparingReader(reader)
        self._exact_source = exact if exact is not None or reader is None else lambda: exact_for(reader)
        self._exact: SparingReader | None = None
        self._thrift = thrift
        self._encoder = encoder
        self._retriever = retriever or Retriever(store, encoder)
        self._decision = decision
        self._loading = threading.Lock()
        self._owns_store = False

    @classmethod
    def open(cls, path: str | Path, models: str | None = None) -> Answerer:
        """Answer from the store in a folder; `models` is a preset or "ENCODER,READER".

        Closing the answerer closes the store. Raises what `Store.open` raises.
        """
        answerer = cls(Store.open(path, models=models))
        answerer._owns_store = True
        return answerer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what `open` opened."""
        if self._owns_store:
            self._store.close()

    @property
    def reader(self) -> Reader:
        """The reading model, loaded on first use; raises ModelError."""
        with self._loading:
            if self._reader is None:
                loaded = load_reader(self._store.models.reader)
                self._reader = SparingReader(loaded)
                self._exact_source = lambda: exact_for(loaded)
            return self._reader

    @property
    def decision(self) -> DecisionSettings:
        """How answers are decided: as given, else as fitted for this encoder, reader and store."""
        if self._decision is None:
            self._decision = fitted_decision(
                self._store.path,
                encoder=(self._encoder or self._store.encoder).fingerprint,
                reader=self.reader.fingerprint,
            )
        return self._decision

    def ask(
        self,
        question: str,
        *,
        answers: int = 3,
        k: int = 20,
        filters: Filters | None = None,
        always_answer: bool = False,
        min_confidence: float | None = None,
    ) -> AskResult:
        """One question, decided over the `k` passages found for it.

        `answers` is the most to show, `min_confidence` (0 to 1) takes the place of the fitted threshold, and
        `always_answer` shows the best spans even where the decision is "no answer". Where the question asks
        for several things, the parts of one list do not compete with each other.
        """
        return next(
            self.ask_many(
                [question],
                answers=answers,
                k=k,
                filters=filters,
                always_answer=always_answer,
                min_confidence=min_confidence,
            )
        )

    def ask_many(
        self,
        questions: Iterable[str],
        *,
        answers: int = 3,
        k: int = 20,
        filters: Filters | None = None,
        always_answer: bool = False,
        min_confidence: float | None = None,
    ) -> Iterator[AskResult]:
        """As `ask`, one result for each question in their order; questions are searched and read together.

        The times of a batch are shared out evenly among its questions.
        """
        if min_confidence is not None and not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence is {min_confidence}, not a probability from 0 to 1")
        waiting = iter(questions)
        while batch := list(islice(waiting, _QUESTIONS_AT_ONCE)):
            started = time.perf_counter()
            found = self._retriever.search_many(batch, k, Mode.HYBRID, filters)
            searched = time.perf_counter()
            judged = [
                (item, *self._decide(item)) for item in self._read_all(found, self._thrift, min_confidence)
            ]
            read_ms = (time.perf_counter() - searched) * 1000 / len(batch)
            total_ms = (time.perf_counter() - started) * 1000 / len(batch)
            for item, decision, settings in judged:
                result, obstacle = item.result, item.obstacle
                threshold = settings.threshold if min_confidence is None else min_confidence
                answered = obstacle is None and bool(decision.ranked) and decision.confidence >= threshold
                shown = decision.ranked[:answers] if answered or always_answer else ()
                yield AskResult(
                    question=result.query,
                    answered=answered,
                    confidence=decision.confidence,
                    reason=None if answered else obstacle or Reason.BELOW_THRESHOLD,
                    answers=tuple(cite(ranked, self._store) for ranked in shown),
                    passages=result.hits,
                    calibrated=settings.calibrated,
                    read=item.read,
                    timings_ms={
                        "encode": result.timings_ms.get("encode", 0.0),
                        "search": result.timings_ms.get("search", 0.0),
                        "read": read_ms,
                        "total": total_ms,
                    },
                )

    def read(
        self, questions: Sequence[str], *, k: int = 20, filters: Filters | None = None
    ) -> list[ReadQuestion]:
        """What was found and claimed for each question, before any decision: what calibration fits on.

        All passages are read.
        """
        return self._read_all(self._retriever.search_many(questions, k, Mode.HYBRID, filters), None)

    # -- inside ---------------------------------------------------------------------------------------------

    def _decide(self, item: ReadQuestion) -> tuple[Decision, DecisionSettings]:
        # What was fitted is known by the models' fingerprints; nothing to decide is no reason to load them.
        if not item.claims:
            return Decision(), DecisionSettings()
        settings, several = self.decision, asks_for_several(item.result.query)
        decision = decide(item.claims, settings, several=several)
        exact = self._exact_reader()
        if exact is None:
            return decision, settings
        try:
            claims = read_again(item.result.query, item.claims, contenders(decision, settings), exact)
        except Exception:
            _LOG.exception("the reader %s failed in float32", exact.name)
            return decision, settings
        return decide(claims, settings, several=several), settings

    def _exact_reader(self) -> Reader | None:
        """What decides where rounding could; loaded on first use."""
        with self._loading:
            if self._exact is None and self._exact_source is not None:
                loaded, self._exact_source = self._exact_source(), None
                self._exact = None if loaded is None else SparingReader(loaded)
            return self._exact

    def _read_all(
        self, found: Sequence[SearchResult], thrift: Thrift | None, threshold: float | None = None
    ) -> list[ReadQuestion]:
        """For each question what its passages claim, and what stood in the way.

        `threshold` takes the place of the fitted one.
        """
        asked = [(result.query, self._readable(result)) for result in found]
        covered = [[coverage(query, hit) for hit in hits] for query, hits in asked]
        read, counts = self._in_steps(asked, covered, thrift, threshold)
        items: list[ReadQuestion] = []
        for result, (_, hits), shares, candidates, count in zip(
            found, asked, covered, read, counts, strict=True
        ):
            claims = tuple(
                Claim(candidate=item, hit=hits[item.context], coverage=shares[item.context])
                for item in candidates
            )
            obstacle = self._obstacle(result, hits, candidates)
            items.append(ReadQuestion(result=result, claims=claims, obstacle=obstacle, read=count))
        return items

    def _in_steps(
        self,
        asked: Sequence[tuple[str, Sequence[Hit]]],
        covered: Sequence[Sequence[float]],
        thrift: Thrift | None,
        threshold: float | None,
    ) -> tuple[list[list[SpanCandidate]], list[int]]:
        """Candidates and the number of passages read for each question, the most promising ones first.

        The steps of all questions are taken together, so that they fill batches. Who asks for several things
        gets all passages read.
        """
        promises = [
            Promise(hits, shares, self._judged_by(threshold), self._thrift_for(question, thrift))
            if hits
            else None
            for (question, hits), shares in zip(asked, covered, strict=True)
        ]
        found: list[list[SpanCandidate]] = [[] for _ in asked]
        counts = [0] * len(asked)
        while True:
            places = [[] if promise is None else promise.next() for promise in promises]
            if not any(places):
                break
            chosen = [
                (question, [hits[place] for place in now])
                for (question, hits), now in zip(asked, places, strict=True)
            ]
            for number, (now, candidates) in enumerate(zip(places, self._read(chosen), strict=True)):
                placed = [replace(item, context=now[item.context]) for item in candidates]
                found[number] += placed
                counts[number] += len(now)
                promise = promises[number]
                if promise is not None:
                    promise.learn([(item.context, item) for item in placed])
        for candidates in found:
            candidates.sort(key=lambda item: item.context)
        return found, counts

    def _judged_by(self, threshold: float | None) -> DecisionSettings:
        return self.decision if threshold is None else replace(self.decision, threshold=threshold)

    def _thrift_for(self, question: str, thrift: Thrift | None) -> Thrift:
        if thrift is None or asks_for_several(question):
            return _EVERYTHING
        return thrift

    def _readable(self, result: SearchResult) -> list[Hit]:
        """The hits whose words the reader knows; none where it does not know the question's."""
        if result.unsupported_language or not result.query.strip() or not result.hits:
            return []
        if self.reader.unknown_share(result.query) > UNKNOWN_LIMIT:
            return []
        return [hit for hit in result.hits if self.reader.unknown_share(hit.passage.text) <= UNKNOWN_LIMIT]

    def _read(self, asked: Sequence[tuple[str, Sequence[Hit]]]) -> list[list[SpanCandidate]]:
        """Candidates for each question, none where there is nothing to read or the model fails."""
        contexts = [(question, [hit.passage.text for hit in hits]) for question, hits in asked]
        if not any(texts for _, texts in contexts):
            return [[] for _ in asked]
        try:
            return self.reader.read_many(contexts)
        except SpanwiseError:
            raise
        except Exception:
            _LOG.exception("the reader %s failed", self.reader.name)
            return [[] for _ in asked]

    def _obstacle(
        self, result: SearchResult, readable: Sequence[Hit], candidates: Sequence[SpanCandidate]
    ) -> Reason | None:
        if not result.query.strip():
            return Reason.EMPTY_QUESTION
        if not result.hits:
            return Reason.NO_PASSAGES if self._store.stats().passages else Reason.EMPTY_STORE
        if not readable:
            return Reason.UNSUPPORTED_LANGUAGE
        if not candidates and any(has_content(hit.passage.text) for hit in readable):
            _LOG.error("the reader gave no usable scores for %r", result.query)
            return Reason.MODEL_FAILURE
        return None
