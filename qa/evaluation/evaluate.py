"""How good the reader is on its own, and how good answers are end to end, on labelled files.

`evaluate_reader` gives the reader the gold context and reports the keys of the official SQuAD scripts;
`evaluate_answers` puts the contexts into one collection, asks it every question and reports answers,
refusals, retrieval, calibration and the stages that lost the wrong ones. Both run exactly what `ask` runs;
neither touches a user's store.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from index.evaluation.output_file import check_writable
from index.protocols import Encoder
from index.search.retriever import Retriever
from ingest.batches import batched
from qa.answering.answerer import Answerer
from qa.answering.decision import DecisionSettings
from qa.evaluation.outcomes import SEARCH_DEPTH, FailureStage, Outcome, failure_log
from qa.evaluation.reports import AnswersReport, ReaderReport
from qa.evaluation.scoring import answers_report, reader_report
from qa.protocols import Reader
from qa.records import SpanCandidate
from qa.squad.collection import squad_collection
from qa.squad.dataset import Example, SquadFile, read_squad, write_predictions

_LOG = logging.getLogger(__name__)
_QUESTIONS_AT_ONCE = 64
_TIMED_ALONE = 100

Progress = Callable[[int, int], None]


def evaluate_reader(
    file: str | Path | SquadFile,
    reader: Reader,
    *,
    predictions_out: str | Path | None = None,
    always_answer: bool = False,
    threshold: float = 0.0,
    progress: Progress | None = None,
) -> ReaderReport:
    """Every question of a SQuAD file, given by its path or as read, in its own context.

    In a file with unanswerable questions the reader answers '' where its context's null score is more than
    `threshold` above the best span's (the scale of `best_f1_thresh`, which can be fitted on another file),
    unless `always_answer`; in a file without them it always answers. `progress` is called with (questions
    done, questions). Raises DataError for a file of another form.
    """
    squad = file if isinstance(file, SquadFile) else _read(file)
    check_writable(predictions_out, sources=[squad.path])
    started = time.perf_counter()
    best = list(_best_spans(squad.examples, reader, progress))
    seconds = time.perf_counter() - started
    refuses = squad.has_unanswerable and not always_answer
    texts = [span.text if span and (-span.margin <= threshold or not refuses) else "" for span in best]
    if predictions_out is not None:
        write_predictions(
            predictions_out, {example.id: text for example, text in zip(squad.examples, texts, strict=True)}
        )
    return reader_report(squad, texts, best, seconds, _milliseconds_alone(squad.examples, reader))


def _read(path: str | Path) -> SquadFile:
    squad = read_squad(path)
    if squad.wrong_offsets:
        _LOG.warning("%s: %d gold answers do not stand at their offset", squad.path, squad.wrong_offsets)
    if squad.repeated_ids:
        _LOG.warning(
            "%s: %d questions repeat an id; all count, a predictions file has room for one",
            squad.path,
            squad.repeated_ids,
        )
    return squad


def _best_spans(
    examples: Sequence[Example], reader: Reader, progress: Progress | None
) -> Iterator[SpanCandidate | None]:
    done = 0
    for batch in batched(examples, _QUESTIONS_AT_ONCE):
        for candidates in reader.read_many([(example.question, [example.context]) for example in batch]):
            yield max(candidates, key=lambda candidate: candidate.score, default=None)
        done += len(batch)
        if progress:
            progress(done, len(examples))


def _milliseconds_alone(examples: Sequence[Example], reader: Reader) -> list[float]:
    """How long at most 100 of the questions, evenly spread, take when each is read by itself."""
    spread = examples[:: -(-len(examples) // _TIMED_ALONE)] if examples else ()
    latencies = []
    for example in spread:
        started = time.perf_counter()
        reader.read_many([(example.question, [example.context])])
        latencies.append((time.perf_counter() - started) * 1000)
    return latencies


def evaluate_answers(
    path: str | Path,
    reader: Reader,
    encoder: Encoder,
    *,
    k: int = 20,
    limit: int | None = None,
    seed: int = 0,
    failures_out: str | Path | None = None,
    decision: DecisionSettings | None = None,
    progress: Progress | None = None,
) -> AnswersReport:
    """All contexts of a SQuAD file as one collection, and every question asked of it.

    Each distinct context is a document under its title, in a temporary store. `limit` draws that many
    questions by `seed`; the collection stays whole. `failures_out` takes a line of JSON for every question
    decided wrongly, as it happens. `decision` None: as fitted for the models; a store's own is
    `qa.answering.calibration_file.own_calibration`. `progress` is called with (questions done, questions).
    Raises DataError for a file of another form, ValueError for a limit below 1.
    """
    squad = _read(path)
    examples = _sample(squad.examples, limit, seed)
    check_writable(failures_out, sources=[squad.path])
    outcomes: list[Outcome] = []
    with failure_log(failures_out) as note, _asking(squad, reader, encoder, k, decision) as ask:
        for example in examples:
            outcomes.append(ask(example))
            note(outcomes[-1])
            if progress:
                progress(len(outcomes), len(examples))
    return answers_report(outcomes)


def evaluate_groups(
    squad: SquadFile,
    groups: Mapping[str, Sequence[Example]],
    reader: Reader,
    encoder: Encoder,
    *,
    k: int = 20,
    progress: Callable[[str], None] | None = None,
) -> dict[str, AnswersReport]:
    """As `evaluate_answers`, for several groups of questions over the contexts of one file.

    `progress` is called with the name of each group as it begins.
    """
    reports: dict[str, AnswersReport] = {}
    with _asking(squad, reader, encoder, k) as ask:
        for name, examples in groups.items():
            if progress:
                progress(name)
            reports[name] = answers_report([ask(example) for example in examples])
    return reports


def _sample(examples: Sequence[Example], limit: int | None, seed: int) -> list[Example]:
    if limit is None or limit >= len(examples):
        return list(examples)
    if limit < 1:
        raise ValueError(f"a sample of {limit} questions")
    return random.Random(seed).sample(examples, limit)  # noqa: S311  a sample, not a secret


@contextmanager
def _asking(
    squad: SquadFile, reader: Reader, encoder: Encoder, k: int, decision: DecisionSettings | None = None
) -> Iterator[Callable[[Example], Outcome]]:
    """A function that asks one question of the collection of all contexts of a file."""
    with squad_collection(squad, encoder) as collection:
        answerer = Answerer(collection.store, reader, encoder, decision=decision)
        retriever = Retriever(collection.store, encoder)

        def ask(example: Example) -> Outcome:
            result = answerer.ask(example.question, answers=1, k=k, always_answer=True)
            rank = collection.gold_rank(result.passages, example)
            outcome = Outcome(example=example, result=result, rank=rank)
            if outcome.stage is not FailureStage.NOT_RETRIEVED or k >= SEARCH_DEPTH:
                return outcome
            deeper = retriever.search(example.question, k=SEARCH_DEPTH)
            return replace(outcome, deep_rank=collection.gold_rank(deeper, example))

        yield ask
