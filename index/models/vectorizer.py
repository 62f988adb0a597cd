"""A checkpoint's vectors of any layer: of tokens, words, sentences and whole texts, each with its place.

    from index import load_vectorizer
    words = load_vectorizer("pocket", layers="4-6").words("The lighthouse was built in 1871.")
    words.spans[1], words.vectors[1]        (4, 14), the vector of "lighthouse" in this sentence

What a search stores comes from `index.models.encoder`, which runs on the fastest engine; this is for looking
inside, in float32, with any checkpoint that has a backbone (a reader too). A text longer than the model's
window is read in windows that overlap, and every token is taken from the window that shows most around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from index.checkpoints.presets import DEFAULT_PRESET
from index.engines.batching import Outputs, run_in_batches
from index.engines.torch_engine import keep_freed_memory, torch_inputs
from index.engines.torch_models import Trainable, load_trainable
from index.models.encoder import cut_name, unit_length
from index.models.layer_pooling import How, chosen_layers, pool_states, pool_words
from index.protocols import TokenIds, Vectors
from ingest.records import UNDETERMINED
from ingest.text.sentences import stripped_sentences
from ingest.text.words import word_numbers, word_spans

_MOST_MARGIN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedVectors:
    """Vectors of parts of a text: row i, of `vectors` (n, width), belongs to `text[spans[i, 0]:spans[i, 1]]`.

    `spans` are characters, shape (n, 2).
    """

    text: str
    spans: NDArray[np.int64]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.spans)

    def texts(self) -> list[str]:
        """The parts themselves."""
        return [self.text[start:end] for start, end in self.spans.tolist()]


class Vectorizer:
    """Vectors of the layers `layers` (averaged) with the pooling `pooling`; see `index.models.layer_pooling`.

    `dimension` takes the first ones only, for encoders trained so (`NAME@256`).
    `cut` counts the sentences and texts that did not fit into the model's window since loading.
    """

    def __init__(
        self, model: Trainable, *, layers: str = "last", pooling: How = "model", dimension: int | None = None
    ) -> None:
        keep_freed_memory()
        self._model = model
        self._module: torch.nn.Module = model.model
        self._module.train(mode=False)
        self._pooling = pooling
        self.depth = int(model.model.config.num_hidden_layers)
        full = int(model.model.config.hidden_size)
        self.dimension = full if dimension is None else min(dimension, full)
        self.layers = chosen_layers(layers, self.depth)
        self.tokenizer = model.tokenizer
        self.cut = 0

    @property
    def max_tokens(self) -> int:
        """The window in tokens, special tokens included."""
        return self._model.max_tokens

    def tokens(self, text: str) -> PlacedVectors:
        """A vector for each token of the text, special tokens left out; not of unit length."""
        encoded = self.tokenizer.encode(text)
        return PlacedVectors(text=text, spans=encoded.offsets, vectors=self._token_states(encoded.ids))

    def words(self, text: str) -> PlacedVectors:
        """A vector for each word, of all pieces that a vocabulary cut it into; not of unit length."""
        encoded = self.tokenizer.encode(text)
        numbers = word_numbers(text, encoded.offsets)
        how: How = "mean" if self._pooling in ("model", "cls") else self._pooling
        vectors = pool_words(self._token_states(encoded.ids), numbers, how)
        return PlacedVectors(text=text, spans=word_spans(numbers, encoded.offsets), vectors=vectors)

    def sentences(self, text: str, language: str = UNDETERMINED) -> PlacedVectors:
        """A unit vector for each sentence, read by itself."""
        places = [(span.start, span.end) for span in stripped_sentences(text, language)]
        spans = np.array(places, dtype=np.int64).reshape(-1, 2)
        return PlacedVectors(text=text, spans=spans, vectors=self.whole([text[a:b] for a, b in places]))

    def whole(self, texts: Sequence[str]) -> Vectors:
        """A unit vector for each text as a whole, (texts, width); a text without tokens gets zeros."""
        return unit_length(self.by_layer(texts).mean(axis=0))

    def by_layer(self, texts: Sequence[str]) -> Vectors:
        """The pooled vectors of every chosen layer by itself, (layers, texts, width); not of unit length."""
        frame = self.tokenizer.single
        room = self.max_tokens - frame.size
        ids = self.tokenizer.encode_ids([self._model.prefixes.passage + text for text in texts])
        self.cut += sum(len(item) > room for item in ids)
        vectors = np.zeros((len(self.layers), len(texts), self.dimension), dtype=np.float32)
        rows = [row for row, item in enumerate(ids) if len(item)]
        for place, states in self._states([ids[row][:room] for row in rows]):
            vectors[:, rows[place]] = pool_states(
                states, self._pooling, self._model.pooling, len(frame.before), len(frame.after)
            )
        return vectors

    # -- inside ---------------------------------------------------------------------------------------------

    def _token_states(self, ids: TokenIds) -> Vectors:
        """Each token's states, the chosen layers averaged, (n, width)."""
        frame = self.tokenizer.single
        windows = list(_windows(len(ids), self.max_tokens - frame.size))
        found = np.zeros((len(ids), self.dimension), dtype=np.float32)
        for number, states in self._states([ids[start:end] for start, end, _, _ in windows]):
            start, _, first, after = windows[number]
            own = states.mean(axis=0)[len(frame.before) :]
            found[first:after] = own[first - start : after - start]
        return found

    def _states(self, ids: Sequence[TokenIds]) -> Iterator[tuple[int, Vectors]]:
        """(index, states of the chosen layers, (layers, n, width)) for each text, special tokens included."""
        frame = self.tokenizer.single
        framed = [np.array([*frame.before, *item, *frame.after], dtype=np.int64) for item in ids]
        for index, layers in run_in_batches(self._run, framed, self.tokenizer.pad_id):
            yield index, np.stack(layers)

    def _run(self, ids: TokenIds, mask: TokenIds) -> Outputs:
        inputs = torch_inputs(ids, mask, self._model.separator, self._model.model.device)
        with torch.inference_mode():
            output = self._module(**inputs, output_hidden_states=True)
        return tuple(
            output.hidden_states[layer][..., : self.dimension].float().cpu().numpy() for layer in self.layers
        )


def load_vectorizer(
    name: str = DEFAULT_PRESET, *, layers: str = "last", pooling: How = "model", device: str | None = None
) -> Vectorizer:
    """The vectors of the checkpoint called `name`: a preset, a folder or a hub id, a reader's too.

    Raises ModelNotFound, ModelError, and DataError for layers that it has not.
    """
    whole, dimension = cut_name(name)
    model = load_trainable(whole, "encoder", device=device)
    return Vectorizer(model, layers=layers, pooling=pooling, dimension=dimension)


def _windows(tokens: int, room: int) -> Iterator[tuple[int, int, int, int]]:
    """(start, end) of windows over so many tokens, and (first, after) of the tokens taken from each."""
    if tokens <= room:
        if tokens:
            yield 0, tokens, 0, tokens
        return
    margin = min(_MOST_MARGIN, room // 4)
    first = 0
    while first < tokens:
        start = max(0, min(first - margin, tokens - room))
        end = min(start + room, tokens)
        after = tokens if end == tokens else end - margin
        yield start, end, first, after
        first = after
