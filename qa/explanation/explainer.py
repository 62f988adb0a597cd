"""Why an answer was given: the words that made the reader choose it, its retrieval scores, other answers.

    AskResult, Answer -> scores of its passage + contributions of words + the other answers -> Why

Explaining needs gradients, so the reader is loaded a second time, as a float32 model, for the first
explanation and not before.
"""

from __future__ import annotations

import threading

from index.checkpoints.presets import DEFAULT_PRESET
from index.engines.torch_models import Trainable, load_trainable
from index.errors import ModelError
from index.records import Hit
from ingest.records import Span
from qa.answering.evidence import coverage
from qa.explanation.answer_attribution import attribute
from qa.explanation.integrated_gradients import STEPS
from qa.explanation.records import Attribution, Competitor, Evidence, Method, Why
from qa.reading.language_router import chosen_reader
from qa.records import Answer, AskResult


class Explainer:
    """Explains the answers of one reader; may be shared between threads, which then take turns.

    `reader` is the preset, folder or hub id of the reader that answered, or a choice of readers by language.
    """

    def __init__(
        self,
        reader: str = DEFAULT_PRESET,
        *,
        method: Method = Method.INTEGRATED,
        steps: int = STEPS,
        device: str | None = None,
    ) -> None:
        self.name = reader
        self._method = method
        self._steps = steps
        self._device = device
        self._models: dict[str, Trainable] = {}
        self._one_at_a_time = threading.Lock()

    def explain(self, result: AskResult, answer: Answer) -> Why:
        """Why `answer`, one of `result.shown`, was given.

        Raises ModelError and ModelNotFound where the reader cannot be loaded, DataError for an answer that is
        not this reader's, ValueError for one that is not of this result.
        """
        hit = next((hit for hit in result.passages if hit.passage.id == answer.passage.id), None)
        if hit is None:
            raise ValueError("the answer does not stand in a passage of this result")
        return Why(
            answer=answer.text,
            confidence=answer.confidence,
            span_score=_span_score(answer),
            agreement=len(answer.also_in),
            evidence=_evidence(result.question, hit),
            attribution=self._attribute(result, answer),
            competitors=tuple(_competitor(other) for other in result.shown if other is not answer),
        )

    def _attribute(self, result: AskResult, answer: Answer) -> Attribution:
        start = answer.passage.start
        name = chosen_reader(self.name, result.question, [hit.passage.text for hit in result.passages])
        with self._one_at_a_time:
            if name not in self._models:
                self._models[name] = _load(name, self._device)
            return attribute(
                self._models[name],
                result.question,
                answer.passage.text,
                Span(start=answer.start - start, end=answer.end - start),
                method=self._method,
                steps=self._steps,
            )


def _load(name: str, device: str | None) -> Trainable:
    reader = load_trainable(name, "reader", device=device)
    if reader.new_head:
        raise ModelError(
            f"{name} has no question-answering head of its own, so it has no answers to explain",
            hint="name the reader that gave the answer",
        )
    reader.model.requires_grad_(requires_grad=False)
    return reader


def _evidence(question: str, hit: Hit) -> Evidence:
    return Evidence(
        rank=hit.rank,
        score=hit.score,
        dense_score=hit.dense_score,
        lexical_score=hit.lexical_score,
        coverage=coverage(question, hit),
    )


def _span_score(answer: Answer) -> float:
    if answer.span_score is None:
        raise ValueError("the closest sentence is not an answer of the reader")
    return answer.span_score


def _competitor(answer: Answer) -> Competitor:
    return Competitor(
        text=answer.text,
        confidence=answer.confidence,
        span_score=_span_score(answer),
        title=answer.document.title,
        path=answer.document.path,
        page=answer.page,
    )
