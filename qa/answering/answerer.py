"""A question to one decision, in four steps: find passages, read them, decide once, cite the answer.

    question -> SearchResult -> ReadQuestion (claims) -> Decision -> AskResult

A strange question, an empty store or a failing model never raises here: the result gives the reason why there
is no answer, and still shows the passages. What a user can mend about the store or the models
(`SpanwiseError`) does raise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from index.protocols import Encoder
from index.records import Filters, Mode, SearchResult
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.batches import batched
from qa.answering.calibration_file import fitted_decision
from qa.answering.citation import cite, cite_sentence
from qa.answering.decision import Decision, DecisionSettings
from qa.answering.early_stopping import READ_ALL, StoppingRule
from qa.answering.passage_order import as_read
from qa.answering.read_passages import ReadQuestion, can_be_read, read_questions, unread
from qa.answering.recheck_float32 import decide_rechecked
from qa.answering.unsure import Unsure, unsure
from qa.forms.question_kind import asks_for_several
from qa.protocols import Reader
from qa.reading.caching_reader import CachingReader
from qa.reading.reader import exact_for, load_reader
from qa.records import AskResult, Reason

_QUESTIONS_AT_ONCE = 16
_DEFAULT_RULE = StoppingRule()


class Searcher(Protocol):
    """What answering needs of retrieval."""

    def search_many(
        self, queries: Sequence[str], k: int, mode: Mode, filters: Filters | None
    ) -> list[SearchResult]:
        """The `k` best passages for each query, in the queries' order."""
        ...


class Answerer:
    """Answers questions from one store; safe to share between threads.

    `reader` and `encoder` are used instead of the store's own, which are loaded on first use; `retriever`
    instead of the store's. `stopping` decides which passages need not be read, None reads all. `exact` loads
    the reader that re-reads what rounding could decide, None where nothing is re-read; a `reader` of ours has
    its own.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader | None = None,
        encoder: Encoder | None = None,
        *,
        retriever: Searcher | None = None,
        decision: DecisionSettings | None = None,
        stopping: StoppingRule | None = _DEFAULT_RULE,
        exact: Callable[[], Reader | None] | None = None,
    ) -> None:
        self._store = store
        self._reader = None if reader is None else CachingReader(reader)
        self._load_exact = exact if exact is not None or reader is None else lambda: exact_for(reader)
        self._exact: Reader | None = None
        self._stopping = stopping or READ_ALL
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
        """Close the store if `open` opened it."""
        if self._owns_store:
            self._store.close()

    @property
    def reader(self) -> Reader:
        """The reading model, loaded on first use; raises ModelError."""
        with self._loading:
            if self._reader is None:
                loaded = load_reader(self._store.models.reader)
                self._reader = CachingReader(loaded)
                self._load_exact = lambda: exact_for(loaded)
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

        `answers` is the most to show, `min_confidence` (0 to 1) replaces the fitted threshold, and
        `always_answer` shows the best spans even where none is sure; `candidates` and `closest` of the result
        stay as without it. Where the question asks
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
        for batch in batched(questions, _QUESTIONS_AT_ONCE):
            started = time.perf_counter()
            results = self._retriever.search_many(batch, k, Mode.HYBRID, filters)
            searched = time.perf_counter()
            settings = self._settings(results, min_confidence)
            items = self._read(results, settings, self._stopping)
            decisions = [self._decide(item, settings) for item in items]
            decided = time.perf_counter()
            shared_ms = {
                "read": (decided - searched) * 1000 / len(batch),
                "total": (decided - started) * 1000 / len(batch),
            }
            for item, decision in zip(items, decisions, strict=True):
                answered = (
                    item.obstacle is None
                    and bool(decision.ranked)
                    and decision.confidence >= settings.threshold
                )
                shown = answers if answered or always_answer else 0
                yield self._cite(item, decision, settings, answered=answered, shown=shown, times=shared_ms)

    def read(
        self, questions: Sequence[str], *, k: int = 20, filters: Filters | None = None
    ) -> list[ReadQuestion]:
        """What was found and claimed for each question, before any decision: what calibration fits on.

        All passages are read.
        """
        results = self._retriever.search_many(questions, k, Mode.HYBRID, filters)
        return self._read(results, self._settings(results), READ_ALL)

    # -- the steps after finding ----------------------------------------------------------------------------

    def _settings(self, results: Sequence[SearchResult], threshold: float | None = None) -> DecisionSettings:
        """How these questions are decided; `threshold` replaces the fitted one."""
        # Fitted settings belong to the models' fingerprints; with nothing to read, no model is loaded.
        if not any(map(can_be_read, results)):
            return DecisionSettings()
        return self.decision if threshold is None else replace(self.decision, threshold=threshold)

    def _read(
        self, results: Sequence[SearchResult], settings: DecisionSettings, rule: StoppingRule
    ) -> list[ReadQuestion]:
        if not any(map(can_be_read, results)):
            return [unread(result) for result in results]
        return read_questions(results, self.reader, settings, rule)

    def _decide(self, item: ReadQuestion, settings: DecisionSettings) -> Decision:
        if not item.claims:
            return Decision()
        question = item.result.query
        several = asks_for_several(question)
        return decide_rechecked(question, item.claims, settings, self._exact_reader(), several=several)

    def _exact_reader(self) -> Reader | None:
        """The reader that re-reads what rounding could decide, loaded on first use."""
        with self._loading:
            if self._exact is None and self._load_exact is not None:
                loaded, self._load_exact = self._load_exact(), None
                self._exact = None if loaded is None else CachingReader(loaded)
            return self._exact

    def _cite(
        self,
        item: ReadQuestion,
        decision: Decision,
        settings: DecisionSettings,
        *,
        answered: bool,
        shown: int,
        times: Mapping[str, float],
    ) -> AskResult:
        """The result for a person: the first `shown` answers with their places, or the reason for none."""
        result = item.result
        reason = None if answered else item.obstacle or Reason.BELOW_THRESHOLD
        if reason is Reason.NO_PASSAGES and not self._store.stats().passages:
            reason = Reason.EMPTY_STORE
        rest = unsure(result.query, decision, settings) if reason is Reason.BELOW_THRESHOLD else Unsure()
        search_ms = {name: result.timings_ms.get(name, 0.0) for name in ("encode", "search")}
        return AskResult(
            question=result.query,
            answered=answered,
            confidence=decision.confidence,
            reason=reason,
            answers=tuple(cite(ranked, self._store, result.query) for ranked in decision.ranked[:shown]),
            passages=as_read(result.hits, item.claims),
            candidates=tuple(cite(ranked, self._store, result.query) for ranked in rest.candidates),
            closest=(
                None
                if rest.closest is None
                else cite_sentence(rest.closest.claim, rest.holds_answer, self._store, result.query)
            ),
            calibrated=bool(item.claims) and settings.calibrated,
            read=item.read,
            revision=result.revision,
            timings_ms={**search_ms, **times},
        )
