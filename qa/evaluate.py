"""How good the reader is on its own, and how good answers are end to end, on labelled files.

`evaluate_reader` gives the reader the gold context and reports the keys of the official SQuAD v2 script;
`evaluate_answers` hides the contexts in one collection, asks every question of it and reports answers,
refusals, retrieval and calibration. Both run exactly what `ask` runs; neither touches a user's store.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from index.protocols import Encoder
from qa.answering import Answerer
from qa.collection import Collection, squad_collection
from qa.metrics import (
    Outcome,
    best_threshold,
    exact_match,
    expected_calibration_error,
    f1,
    gold_answers,
)
from qa.protocols import Reader
from qa.records import AskResult, SpanCandidate
from qa.reports import AnswersReport, ReaderReport, Share
from qa.squad import Example, SquadFile, read_squad, write_predictions

_LOG = logging.getLogger(__name__)
_QUESTIONS_AT_ONCE = 64

Progress = Callable[[int, int], None]


def evaluate_reader(
    path: str | Path,
    reader: Reader,
    *,
    predictions_out: str | Path | None = None,
    always_answer: bool = False,
    progress: Progress | None = None,
) -> ReaderReport:
    """Every question of a SQuAD file, read in its own context.

    In a file with unanswerable questions the reader answers '' where no span scores above its context's null
    score, unless `always_answer`; in a file without them it always answers. `progress` is called with
    (questions done, questions). Raises DataError for a file of another form.
    """
    squad = read_squad(path)
    _warn_of_wrong_offsets(squad)
    started = time.perf_counter()
    best = list(_best_spans(squad.examples, reader, progress))
    seconds = time.perf_counter() - started
    refuses = squad.has_unanswerable and not always_answer
    texts = [span.text if span and (span.margin > 0 or not refuses) else "" for span in best]
    if predictions_out is not None:
        write_predictions(
            predictions_out, {example.id: text for example, text in zip(squad.examples, texts, strict=True)}
        )
    return _reader_report(squad, texts, best, seconds)


def _best_spans(
    examples: Sequence[Example], reader: Reader, progress: Progress | None
) -> Iterator[SpanCandidate | None]:
    waiting = iter(examples)
    done = 0
    while batch := list(islice(waiting, _QUESTIONS_AT_ONCE)):
        for candidates in reader.read_many([(example.question, [example.context]) for example in batch]):
            yield max(candidates, key=lambda candidate: candidate.score, default=None)
        done += len(batch)
        if progress:
            progress(done, len(examples))


def _reader_report(
    squad: SquadFile, texts: Sequence[str], best: Sequence[SpanCandidate | None], seconds: float
) -> ReaderReport:
    golds = [gold_answers(example.answer_texts) for example in squad.examples]
    answerable = [example.answerable for example in squad.examples]
    threshold: tuple[float | None, float | None] = (None, None)
    if squad.has_unanswerable:
        threshold = best_threshold(
            [
                Outcome(
                    predicted=span.text if span else "",
                    score=f1(span.text if span else "", gold),
                    no_answer=-span.margin if span else float("inf"),
                    answerable=has_answer,
                )
                for span, gold, has_answer in zip(best, golds, answerable, strict=True)
            ]
        )
    return ReaderReport(
        every=_share(texts, golds, [True] * len(texts)),
        answerable=_share(texts, golds, answerable),
        unanswerable=_share(texts, golds, [not has for has in answerable])
        if squad.has_unanswerable
        else None,
        best_f1=threshold[0],
        best_f1_thresh=threshold[1],
        seconds=seconds,
    )


def _share(texts: Sequence[str], golds: Sequence[Sequence[str]], chosen: Sequence[bool]) -> Share:
    scored = [
        (exact_match(text, gold), f1(text, gold))
        for text, gold, counts in zip(texts, golds, chosen, strict=True)
        if counts
    ]
    return Share(
        exact=_percent(exact for exact, _ in scored),
        f1=_percent(score for _, score in scored),
        total=len(scored),
    )


def _percent(scores: Iterable[float]) -> float:
    values = list(scores)
    return 100 * sum(values) / len(values) if values else 0.0


def _warn_of_wrong_offsets(squad: SquadFile) -> None:
    if squad.wrong_offsets:
        _LOG.warning("%s: %d gold answers do not stand at their offset", squad.path, squad.wrong_offsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    example: Example
    result: AskResult
    golds: tuple[str, ...]
    found: bool

    @property
    def forced(self) -> str:
        return self.result.answers[0].text if self.result.answers else ""

    @property
    def decided(self) -> str:
        return self.forced if self.result.answered else ""


def evaluate_answers(
    path: str | Path,
    reader: Reader,
    encoder: Encoder,
    *,
    k: int = 20,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> AnswersReport:
    """All contexts of a SQuAD file as one collection, and every question asked of it.

    Each distinct context is a document under its title, in a temporary store. `limit` draws that many
    questions by `seed`; the collection stays whole. `progress` is called with (questions done, questions).
    Raises DataError for a file of another form.
    """
    squad = read_squad(path)
    _warn_of_wrong_offsets(squad)
    examples = list(squad.examples)
    if limit is not None and limit < len(examples):
        examples = random.Random(seed).sample(examples, limit)  # noqa: S311  a sample, not a secret
    with squad_collection(squad, encoder) as collection:
        answerer = Answerer(collection.store, reader, encoder)
        asked: list[_Asked] = []
        for example in examples:
            result = answerer.ask(example.question, answers=1, k=k, always_answer=True)
            asked.append(_asked(example, result, collection))
            if progress:
                progress(len(asked), len(examples))
    return _answers_report(asked)


def _asked(example: Example, result: AskResult, collection: Collection) -> _Asked:
    found = any(collection.holds_gold(hit, example) for hit in result.passages)
    return _Asked(example=example, result=result, golds=gold_answers(example.answer_texts), found=found)


def _answers_report(asked: Sequence[_Asked]) -> AnswersReport:
    golds, everyone = [item.golds for item in asked], [True] * len(asked)
    answered = [item for item in asked if item.result.answered]
    right = [bool(item.forced) and exact_match(item.forced, item.golds) == 1 for item in asked]
    latencies = [item.result.timings_ms["total"] for item in asked]
    return AnswersReport(
        decided=_share([item.decided for item in asked], golds, everyone),
        forced=_share([item.forced for item in asked], golds, everyone),
        answered=len(answered),
        accuracy_answered=_percent(exact_match(item.decided, item.golds) for item in answered) / 100,
        recall=_percent(float(item.found) for item in asked if item.example.answerable) / 100,
        ece=expected_calibration_error([item.result.confidence for item in asked], right),
        p50_ms=float(np.percentile(latencies, 50)),
        p95_ms=float(np.percentile(latencies, 95)),
    )
