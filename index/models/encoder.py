"""Texts to unit vectors with a RoBERTa-like checkpoint.

Framing, prefixes and pooling are those the checkpoint was trained with; the engine only runs it. Passages
are cut to fit before they come here (`ingest.chunking.split`), so a text over the window is an event: it is
cut at the window, counted in `truncated` and logged, never silent.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.checkpoints.files import Pooling
from index.checkpoints.presets import DEFAULT_PRESET
from index.engines.load import load_model
from index.engines.loaded_model import LoadedModel
from index.errors import ModelError
from index.protocols import Encoder, Engine, TokenIds, Vectors
from ingest.text.tokenizer import TextTokenizer

_LOG = logging.getLogger(__name__)
_TEXTS_AT_ONCE = 4096


class RobertaEncoder:
    """An encoder over a loaded checkpoint; `truncated` counts the texts that did not fit since loading."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self.truncated = 0

    @property
    def name(self) -> str:
        """What the user calls it: a preset, a hub id or a folder."""
        return self._model.name

    @property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer, pooling and prefixes; vectors of two fingerprints never mix."""
        return self._model.fingerprint

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._model.dimension

    @property
    def max_tokens(self) -> int:
        """The window in tokens, special tokens included."""
        return self._model.max_tokens

    @property
    def tokenizer(self) -> TextTokenizer:
        """The tokens in which passages are measured."""
        return self._model.tokenizer

    @property
    def passage_room(self) -> int:
        """Tokens of the window that are left for a passage beside special tokens and prefix."""
        frame, prefix = self.tokenizer.single.size, self._model.prefixes.passage
        return self.max_tokens - frame - (self.tokenizer.count(prefix) if prefix else 0)

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know, 0.0 for no tokens."""
        return self.tokenizer.unknown_share(text)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit-length float32 rows, shape (len(texts), dimension)."""
        return self._encode(self._model.engine, self._model.prefixes.passage, texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit-length float32 rows, shape (len(texts), dimension)."""
        engine = self._model.question_engine or self._model.engine
        return self._encode(engine, self._model.prefixes.query, texts)

    def _encode(self, engine: Engine, prefix: str, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = [prefix + text for text in texts[start : start + _TEXTS_AT_ONCE]]
            for index, (hidden,) in engine.run(self._framed(part)):
                vectors[start + index] = pool(hidden, self._model.pooling)[: self.dimension]
        return unit_length(vectors)

    def _framed(self, texts: Sequence[str]) -> list[TokenIds]:
        frame = self.tokenizer.single
        room = self.max_tokens - frame.size
        ids = self.tokenizer.encode_ids(texts)
        too_long = sum(len(item) > room for item in ids)
        if too_long:
            self.truncated += too_long
            _LOG.warning("%d of %d texts were cut at %d tokens", too_long, len(texts), self.max_tokens)
        return [np.array([*frame.before, *item[:room], *frame.after], dtype=np.int64) for item in ids]


def load_encoder(name: str = DEFAULT_PRESET, *, engine: str | None = None) -> Encoder:
    """The encoder called `name`: a preset, a folder or a hub id; `engine` overrides the fastest.

    `name@256` gives the first 256 dimensions only. Raises ModelNotFound and ModelError.
    """
    whole, dimension = cut_name(name)
    model = load_model(whole, "encoder", engine=engine)
    return RobertaEncoder(model if dimension is None else _narrowed(model, name, dimension))


def cut_name(name: str) -> tuple[str, int | None]:
    """The name of the model and the dimensions asked for; a folder's own name may end in @ and digits."""
    found = re.fullmatch(r"(.+)@(\d+)", name)
    if found is None or Path(name).expanduser().is_dir():
        return name, None
    return found[1], int(found[2])


def _narrowed(model: LoadedModel, name: str, dimension: int) -> LoadedModel:
    if not 1 <= dimension <= model.dimension:
        raise ModelError(
            f"{model.name} has {model.dimension} dimensions, {dimension} cannot be taken of them",
            hint=f"give a number from 1 to {model.dimension} after the @",
        )
    if dimension == model.dimension:
        return replace(model, name=name)
    digest = hashlib.sha256(f"{model.fingerprint} first {dimension}".encode())
    return replace(model, name=name, dimension=dimension, fingerprint=digest.hexdigest())


def pool(hidden: NDArray[np.float32], pooling: Pooling) -> NDArray[np.float32]:
    """One vector of shape (width,) from the hidden states of one text, shape (length, width)."""
    return hidden[0] if pooling == "cls" else np.asarray(hidden.mean(axis=0), dtype=np.float32)


def unit_length(vectors: Vectors) -> Vectors:
    """Rows divided by their length; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)
