"""The seam to a reading model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qa.records import SpanCandidate


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

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        """The best spans of every context, `candidate.context` says of which; best score first in each."""
        ...

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        """As `read` for many (question, contexts), so that questions can share batches: a list for each."""
        ...
