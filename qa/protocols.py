"""What the rest of the package needs of a reading model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qa.records import SpanCandidate

Question = tuple[str, Sequence[str]]
"""A question and the contexts to read for it."""


class Reader(Protocol):
    """Proposes spans of contexts as answers to a question."""

    @property
    def name(self) -> str:
        """What the user calls it: a preset, a hub id or a folder."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of weights and tokenizer."""
        ...

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know, 0.0 for no tokens."""
        ...

    def read_many(self, asked: Sequence[Question]) -> list[list[SpanCandidate]]:
        """The best spans for many (question, contexts), so that questions can share batches: a list for each.

        `candidate.context` is the position of the context; the contexts in their order, in each the best
        score first; none for a blank question.
        """
        ...

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        """As `read_many`, for one question."""
        return self.read_many([(question, contexts)])[0]


class ReaderWrapper(Reader):
    """A reader that passes everything on to another one; a subclass changes how it reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        return self._reader.name

    @property
    def fingerprint(self) -> str:
        return self._reader.fingerprint

    def unknown_share(self, text: str) -> float:
        return self._reader.unknown_share(text)

    def read_many(self, asked: Sequence[Question]) -> list[list[SpanCandidate]]:
        return self._reader.read_many(asked)
