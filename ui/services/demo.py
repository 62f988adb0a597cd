"""The collection that comes with Spanwise: builds its store, asks its questions, counts what was right.

An answer is `right` when, after the normalising of the SQuAD rules, it equals an expected answer or contains
one whole; `exact` and `overlapping` (token F1 of at least 0.5) are counted beside it. A question without an
answer in the collection is right when it is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, zip_longest
from pathlib import Path

from index.checkpoints.presets import models_folder
from index.records import IngestProgress, IngestReport
from index.store.store import Store
from ingest.conversion.parser_pool import ingest_paths
from ingest.records import Document
from qa.answering.answerer import Answerer
from qa.records import AskResult
from qa.squad.dataset import Example, read_squad
from qa.squad.metrics import exact_match, f1, gold_answers, normalise_answer

_OVERLAP = 0.5
_PASSAGE = 1100  # characters, some 240 tokens


def demo_collection() -> Path:
    """The folder of the demo's documents."""
    return models_folder().parent / "collection"


def demo_passages(count: int) -> list[str]:
    """Texts of the demo collection as long as passages are, one of each document in turn."""
    texts = [item.text for item in ingest_paths([demo_collection()]) if isinstance(item, Document)]
    cut = [[text[start : start + _PASSAGE] for start in range(0, len(text), _PASSAGE)] for text in texts]
    in_turn = [piece for row in zip_longest(*cut) for piece in row if piece and len(piece) > _PASSAGE // 2]
    return list(islice(cycle(in_turn), count))


def demo_questions() -> Path:
    """The demo's questions in SQuAD v2 form."""
    return models_folder().parent / "questions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """One question of the demo, what was expected and what came."""

    example: Example
    result: AskResult

    @property
    def text(self) -> str:
        """The answer given, '' for a refusal."""
        return self.result.answers[0].text if self.result.answered else ""

    @property
    def exact(self) -> bool:
        """Whether an expected answer was given word for word."""
        return self.result.answered and exact_match(self.text, self._golds) == 1.0

    @property
    def right(self) -> bool:
        """Whether the answer is or contains an expected one; for an unanswerable question, the refusal."""
        if not self.example.answerable:
            return not self.result.answered
        return any(_contains(self.text, gold) for gold in self.example.answer_texts)

    @property
    def overlapping(self) -> bool:
        """Whether the answer shares at least half of its words (F1) with an expected one."""
        return self.result.answered and f1(self.text, self._golds) >= _OVERLAP

    @property
    def _golds(self) -> tuple[str, ...]:
        return gold_answers(self.example.answer_texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """All questions of the demo; `seconds` is what asking took, `build_seconds` what the store took."""

    results: tuple[DemoResult, ...]
    documents: int
    seconds: float
    build_seconds: float

    @property
    def answerable(self) -> tuple[DemoResult, ...]:
        """The questions that have an answer in the collection."""
        return tuple(item for item in self.results if item.example.answerable)

    @property
    def unanswerable(self) -> tuple[DemoResult, ...]:
        """The questions that have none."""
        return tuple(item for item in self.results if not item.example.answerable)


def run_demo(
    store_path: Path,
    models: str | None = None,
    *,
    built: Callable[[IngestReport], None],
    each: Callable[[DemoResult], None],
    progress: Callable[[IngestProgress], None] | None = None,
) -> DemoReport:
    """Bring the demo store up to date and ask every question.

    `built` sees what the store took in, `each` every result as it comes. A second run embeds nothing.
    """
    with Store.open(store_path, create=True, models=models) as store:
        ingested = store.ingest([demo_collection()], prune=True, progress=progress)
        built(ingested)
        answerer = Answerer(store)
        began = time.perf_counter()
        results = []
        for example in read_squad(demo_questions()).examples:
            results.append(DemoResult(example=example, result=answerer.ask(example.question)))
            each(results[-1])
        return DemoReport(
            results=tuple(results),
            documents=store.stats().documents,
            seconds=time.perf_counter() - began,
            build_seconds=ingested.seconds,
        )


def example_questions(folders: Sequence[str], *, limit: int = 4) -> tuple[str, ...]:
    """Questions to try when the demo collection is among `folders`: one of each of its first topics."""
    folder = demo_collection().as_posix()
    if (
        not any(path == folder or path.startswith(f"{folder}/") for path in folders)
        or not demo_questions().exists()
    ):
        return ()
    by_title: dict[str, str] = {}
    for example in read_squad(demo_questions()).examples:
        if example.answerable:
            by_title.setdefault(example.title, example.question)
    return tuple(by_title.values())[:limit]


def _contains(text: str, gold: str) -> bool:
    words, wanted = normalise_answer(text), normalise_answer(gold)
    return bool(wanted) and f" {wanted} " in f" {words} "
