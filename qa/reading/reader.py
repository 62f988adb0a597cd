"""A question-answering checkpoint as a `Reader`: texts in, exact spans out.

    (question, contexts) -> tokens -> windows -> engine, batched by length -> logits -> spans

Thin on purpose: windows and decoding are pure and stand in `qa.reading.windows` and `qa.reading.spans`, the
checkpoint behind the `Engine` seam. All windows of all questions given together share batches, whatever they
belong to.
"""

from __future__ import annotations

from collections.abc import Sequence

from index.checkpoints.engine_names import FP32, INT8
from index.checkpoints.presets import DEFAULT_PRESET
from index.engines.load import load_model
from index.engines.loaded_model import LoadedModel
from qa.protocols import Reader
from qa.reading.language_router import RoutedReader, is_routed
from qa.reading.spans import SpanSettings, WindowLogits, best_spans
from qa.reading.windows import MAX_TOKENS, Window, make_windows
from qa.records import SpanCandidate


class RobertaReader:
    """Reads with a loaded checkpoint of RoBERTa's kind (any encoder with a start-and-end head)."""

    def __init__(self, model: LoadedModel, *, spans: SpanSettings | None = None) -> None:
        self._model = model
        self._spans = spans or SpanSettings()

    @property
    def name(self) -> str:
        """What the user calls it: a preset, a hub id or a folder."""
        return self._model.name

    @property
    def fingerprint(self) -> str:
        """Hash of weights and tokenizer."""
        return self._model.fingerprint

    @property
    def rounded(self) -> bool:
        """Whether it runs in int8, and so errs by some tenths of a logit."""
        return self._model.engine.name == INT8

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know, 0.0 for no tokens."""
        return self._model.tokenizer.unknown_share(text)

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        """The best spans of every context, best score first in each; none for a blank question."""
        return self.read_many([(question, contexts)])[0]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        """As `read`, for many (question, contexts) at once: one list of candidates for each of them."""
        windows = [self._windows(question, contexts) for question, contexts in asked]
        flat = [window for of_question in windows for of_context in of_question for window in of_context]
        read = iter(self._run(flat))
        return [
            [
                candidate
                for index, (context, of_context) in enumerate(zip(contexts, of_question, strict=True))
                for candidate in best_spans(
                    context, [next(read) for _ in of_context], self._spans, index=index
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
        """What the model says about every window, in their order."""
        sequences = [window.input_ids for window in windows]
        results = dict(self._model.engine.run(sequences))
        return [
            WindowLogits(window=window, start=results[place][0], end=results[place][1])
            for place, window in enumerate(windows)
        ]


def load_reader(name: str = DEFAULT_PRESET, *, engine: str | None = None) -> Reader:
    """The reader called `name`: a preset, a folder or a hub id; `engine` overrides the fastest.

    `en=pocket;multilingual` chooses by language (`qa.reading.language_router`). Raises ModelNotFound and
    ModelError.
    """
    if is_routed(name):
        return RoutedReader(name, lambda one: load_reader(one, engine=engine))
    return RobertaReader(load_model(name, "reader", engine=engine))


def exact_for(reader: Reader) -> Reader | None:
    """The same reader in float32, None where it is exact already or is none of ours; raises ModelError."""
    if isinstance(reader, RobertaReader) and reader.rounded:
        return load_reader(reader.name, engine=FP32)
    return None
