"""Natural questions asked of real documents: right, wrong or refused as a person would judge, by kind.

    {"id", "collection", "kind", "question", "answerable", "answers", "evidence"}   one question a line

    lines -> NaturalQuestion -> Answerer.ask -> JudgedQuestion -> NaturalReport

`answers` are the accepted words, exact substrings of `evidence`, the sentence of the document that answers;
both are empty where nothing in the collection does. Only `question` and `answers` (or `answerable` false) are
needed: without `evidence` a passage counts that holds an accepted answer. Twenty to fifty questions of one's
own show how good answers are on one's own documents. A user's store is read and never written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.datasets import row_files
from index.errors import DataError
from index.evaluation.calibration_curves import expected_calibration_error
from index.protocols import Encoder
from index.search.retriever import Retriever
from index.store.store import Store
from qa.answering.answerer import Answerer
from qa.evaluation.judgement import holds_answer, holds_evidence, is_right
from qa.evaluation.outcomes import SEARCH_DEPTH, FailureStage
from qa.protocols import Reader
from qa.records import AskResult

CANDIDATES = 3
_HINT = (
    'each line is an object such as {"id": "1", "kind": "fact", "question": "Who wrote it?", "answerable": '
    'true, "answers": ["Ines Falk"], "evidence": "It was written by Ines Falk."}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalQuestion:
    """A question, the words that are accepted as its answer, and the sentence that gives it.

    `kind` is one word such as fact, definition, purpose, howto, why, condition, list or yesno.
    """

    id: str
    collection: str
    kind: str
    question: str
    answerable: bool
    answers: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuestion:
    """A question and what came of it; `result.answers` holds the best spans even where it was refused.

    `rank` is that of the first passage that holds the evidence (without any: an accepted answer), None where
    none of the first 100 does.
    """

    asked: NaturalQuestion
    result: AskResult
    rank: int | None

    @property
    def best_right(self) -> bool:
        """Whether the best span is right, given or not; never for a question that nothing answers."""
        best = self.result.answers[:1]
        return self.asked.answerable and any(self._is_right(answer.text) for answer in best)

    @property
    def right(self) -> bool:
        """Whether a right answer was given."""
        return self.result.answered and self.best_right

    @property
    def first_right(self) -> bool:
        """Whether what is shown first is right: an answer, a likely one, or the sentence that holds it."""
        result = self.result
        if result.answered or not self.asked.answerable:
            return self.right
        if result.candidates:
            return self._is_right(result.candidates[0].text)
        if result.closest is None:
            return False
        sentence = result.closest.text
        return holds_answer(sentence, self.asked.answers) or self._is_right(sentence)

    @property
    def stage(self) -> FailureStage | None:
        """Where the question was lost, None where the decision was right."""
        if not self.asked.answerable:
            return FailureStage.WRONGLY_ANSWERED if self.result.answered else None
        if self.right:
            return None
        if self.best_right:
            return FailureStage.WRONGLY_REFUSED
        if self.rank is None:
            return FailureStage.NOT_RETRIEVED
        return FailureStage.OUT_SCORED if self.rank <= len(self.result.passages) else FailureStage.NOT_READ

    def as_json(self) -> dict[str, Any]:
        """One line for each question: what was asked, what was said, and where it was lost."""
        return {
            "id": self.asked.id,
            "collection": self.asked.collection,
            "kind": self.asked.kind,
            "question": self.asked.question,
            "expected": list(self.asked.answers),
            "status": self.result.status.value,
            "answered": self.result.answered,
            "confidence": float(self.result.confidence),
            "right": self.right if self.asked.answerable else not self.result.answered,
            "stage": self.stage.value if self.stage else None,
            "evidence_rank": self.rank,
            "candidates": [
                {"text": answer.text, "confidence": float(answer.confidence), "sentence": answer.sentence}
                for answer in self.result.answers
            ],
        }

    def _is_right(self, text: str) -> bool:
        return is_right(text, self.asked.answers, self.asked.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class NaturalReport:
    """All questions as judged, in the order of the file."""

    judged: tuple[JudgedQuestion, ...]

    @property
    def misses(self) -> tuple[JudgedQuestion, ...]:
        """Those that were decided wrongly."""
        return tuple(item for item in self.judged if item.stage is not None)

    def by(self, key: Callable[[NaturalQuestion], str]) -> dict[str, Mapping[str, float | int | None]]:
        """Figures of the questions with the same `key`, in the order of their first question."""
        groups: dict[str, list[JudgedQuestion]] = {}
        for item in self.judged:
            groups.setdefault(key(item.asked), []).append(item)
        return {name: natural_figures(group) for name, group in groups.items()}

    def as_json(self) -> dict[str, Any]:
        """Figures of all questions, by collection and by kind."""
        return {
            "all": natural_figures(self.judged),
            "collections": self.by(lambda question: question.collection),
            "kinds": self.by(lambda question: question.kind),
        }


def natural_figures(judged: Sequence[JudgedQuestion]) -> dict[str, float | int | None]:
    """Counts, and shares from 0 to 1 that are None where nothing is there to be counted.

    right, wrong, refused        of the answerable questions
    silent, spoke                of the others
    precision                    right among all answers given
    first                        what is shown first is right, of the answerable
    doubt                        refused, and yet shown as probable, of the others
    passage@1, passage@5         the evidence stands in the first, in one of the first five passages
    ece                          expected calibration error of the confidence of the best span
    """
    answerable = [item for item in judged if item.asked.answerable]
    others = [item for item in judged if not item.asked.answerable]
    right = sum(item.right for item in answerable)
    answered = sum(item.result.answered for item in answerable)
    spoke = sum(item.result.answered for item in others)
    ranks = [item.rank or SEARCH_DEPTH + 1 for item in answerable]
    return {
        "questions": len(judged),
        "answerable": len(answerable),
        "right": _share(right, len(answerable)),
        "wrong": _share(answered - right, len(answerable)),
        "refused": _share(len(answerable) - answered, len(answerable)),
        "silent": _share(len(others) - spoke, len(others)),
        "spoke": _share(spoke, len(others)),
        "precision": _share(right, answered + spoke),
        "first": _share(sum(item.first_right for item in answerable), len(answerable)),
        "doubt": _share(
            sum(not item.result.answered and bool(item.result.candidates) for item in others), len(others)
        ),
        "passage@1": _share(sum(rank <= 1 for rank in ranks), len(answerable)),
        "passage@5": _share(sum(rank <= 5 for rank in ranks), len(answerable)),
        "ece": expected_calibration_error(
            [item.result.confidence for item in judged], [item.best_right for item in judged]
        ),
    }


def _share(count: int, of: int) -> float | None:
    return count / of if of else None


def read_natural_questions(path: str | Path) -> tuple[NaturalQuestion, ...]:
    """The questions of a file of JSON lines; raises DataError with the line that is of another form."""
    path = Path(path)
    questions = tuple(
        _question(record, f"{path}, {where}", number)
        for number, (where, record) in enumerate(row_files.objects(path, hint=_HINT), start=1)
    )
    if not questions:
        raise DataError(f"{path} holds no question", hint=_HINT)
    return questions


def _question(entry: Any, where: str, number: int) -> NaturalQuestion:
    if not isinstance(entry, Mapping):
        raise DataError(f"{where}: not an object but {entry!r:.40}", hint=_HINT)
    answers, answerable = entry.get("answers") or [], entry.get("answerable", True)
    wrong = {
        "question": not isinstance(entry.get("question"), str),
        "answerable": not isinstance(answerable, bool),
        "answers": not isinstance(answers, list) or not all(isinstance(text, str) for text in answers),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise DataError(f"{where}: {name} is {entry.get(name)!r:.40}", hint=_HINT)
    if answerable and not answers:
        raise DataError(f"{where}: an answerable question without accepted answers", hint=_HINT)
    return NaturalQuestion(
        id=str(entry.get("id", number)),
        collection=str(entry.get("collection", "all")),
        kind=str(entry.get("kind", "fact")),
        question=entry["question"],
        answerable=answerable,
        answers=tuple(answers) if answerable else (),
        evidence=str(entry.get("evidence") or "") if answerable else "",
    )


def evaluate_natural(
    questions: Sequence[NaturalQuestion],
    store: Store,
    reader: Reader,
    encoder: Encoder,
    *,
    k: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> NaturalReport:
    """Ask every question of `store` exactly as `ask` does; `progress` gets (questions done, questions)."""
    answerer, retriever = Answerer(store, reader, encoder), Retriever(store, encoder)
    judged = []
    for question in questions:
        result = answerer.ask(question.question, answers=CANDIDATES, k=k, always_answer=True)
        judged.append(JudgedQuestion(asked=question, result=result, rank=_rank(question, result, retriever)))
        if progress:
            progress(len(judged), len(questions))
    return NaturalReport(judged=tuple(judged))


def _rank(question: NaturalQuestion, result: AskResult, retriever: Retriever) -> int | None:
    """Of the first passage with the evidence: looked for deeper where none of those read holds it."""
    if not question.answerable:
        return None
    for hits in (result.passages, retriever.search(question.question, k=SEARCH_DEPTH).hits):
        for hit in hits:
            if _decides(hit.passage.text, question):
                return hit.rank
    return None


def _decides(passage: str, question: NaturalQuestion) -> bool:
    if question.evidence:
        return holds_evidence(passage, question.evidence)
    return holds_answer(passage, question.answers)


@contextmanager
def collection_of(folders: Sequence[str | Path], encoder: Encoder) -> Iterator[Store]:
    """The documents below `folders` in a temporary store; raises DataError where nothing can be read."""
    with (
        tempfile.TemporaryDirectory(prefix="spanwise-") as folder,
        Store.open(Path(folder) / "store", create=True, encoder=encoder) as store,
    ):
        if not store.ingest(folders).added:
            raise DataError(
                f"no document could be read below {', '.join(map(str, folders))}",
                hint="give the folder that holds the collection of the questions",
            )
        yield store
