"""A question-answering checkpoint as a `Reader`: texts in, exact spans out.

    (question, contexts) -> tokens -> windows -> engine, batched by length -> logits -> spans

Windows and decoding are pure and stand in `qa.reading.windows` and `qa.reading.spans`; the checkpoint is
behind the `Engine` protocol. All windows of all questions given together share batches.
"""

from __future__ import annotations

from collections.abc import Sequence

from index.checkpoints.engine_names import FP32, INT8
from index.checkpoints.presets import DEFAULT_PRESET
from index.engines.load import load_model
from index.engines.loaded_model import LoadedModel
from qa.protocols import Question, Reader
from qa.reading.language_router import LanguageRouter, is_routed
from qa.reading.spans import SpanSettings, WindowLogits, best_spans
from qa.reading.windows import MAX_TOKENS, Window, make_windows
from qa.records import SpanCandidate


class RobertaReader(Reader):
    """Reads with a loaded checkpoint of RoBERTa's kind (any encoder with a start-and-end head)."""

    def __init__(self, model: LoadedModel, *, spans: SpanSettings | None = None) -> None:
        self._model = model
        self._spans = spans or SpanSettings()

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def fingerprint(self) -> str:
        return self._model.fingerprint

    @property
    def rounded(self) -> bool:
        """Whether it runs in int8, which errs by some tenths of a logit."""
        return self._model.engine.name == INT8

    def unknown_share(self, text: str) -> float:
        return self._model.tokenizer.unknown_share(text)

    def read_many(self, asked: Sequence[Question]) -> list[list[SpanCandidate]]:
        windows = [self._windows(question, contexts) for question, contexts in asked]
        flat = [window for of_question in windows for of_context in of_question for window in of_context]
        logits = iter(self._run(flat))
        return [
            [
                candidate
                for index, (context, of_context) in enumerate(zip(contexts, of_question, strict=True))
                for candidate in best_spans(
                    context, [next(logits) for _ in of_context], self._spans, index=index
                )
            ]
            for (_, contexts), of_question in zip(asked, windows, strict=True)
        ]

    def _windows(self, question: str, contexts: Sequence[str]) -> list[tuple[Window, ...]]:
        if not question.strip():
            return [() for _ in contexts]
        tokenizer = self._model.tokenizer
        tokens, limit = tokenizer.encode(question), min(self._model.max_tokens, MAX_TOKENS)
        return [
            make_windows(tokens, context, tokenizer.pair, max_tokens=limit)
            for context in tokenizer.encode_batch(contexts)
        ]

    def _run(self, windows: Sequence[Window]) -> list[WindowLogits]:
        """The model's logits for every window, in their order."""
        results = dict(self._model.engine.run([window.input_ids for window in windows]))
        return [
            WindowLogits(window=window, start=results[number][0], end=results[number][1])
            for number, window in enumerate(windows)
        ]


def load_reader(name: str = DEFAULT_PRESET, *, engine: str | None = None) -> Reader:
    """The reader called `name`: a preset, a folder or a hub id; `engine` overrides the fastest.

    `en=pocket;multilingual` chooses by language (`qa.reading.language_router`). Raises ModelNotFound and
    ModelError.
    """
    if is_routed(name):
        return LanguageRouter(name, lambda one: load_reader(one, engine=engine))
    return RobertaReader(load_model(name, "reader", engine=engine))


def exact_for(reader: Reader) -> Reader | None:
    """The same reader in float32, None where it is exact already or is not ours; raises ModelError."""
    if isinstance(reader, RobertaReader) and reader.rounded:
        return load_reader(reader.name, engine=FP32)
    return None
