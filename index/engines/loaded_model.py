"""A checkpoint ready to run, whichever engine runs it."""

from __future__ import annotations

from dataclasses import dataclass

from index.checkpoints.files import Pooling
from index.checkpoints.presets import Prefixes
from index.protocols import Engine
from ingest.text.tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A checkpoint with the engine that runs it.

    `max_tokens` is its window with special tokens, `dimension` the width of its hidden states. `pooling`,
    `prefixes` and `question_engine` (what runs it for questions, None for `engine`) are for encoders.
    `fingerprint` is a hash of weights, tokenizer, pooling and prefixes; the engine and its precision are no
    part of it.
    """

    name: str
    tokenizer: TextTokenizer
    engine: Engine
    max_tokens: int
    dimension: int
    fingerprint: str
    pooling: Pooling
    prefixes: Prefixes
    question_engine: Engine | None = None
