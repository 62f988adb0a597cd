"""RoBERTa's encoder as the formulas say it, in numpy, one text at a time: the place to look to understand it.

    x    = LayerNorm(word[id] + position[i] + type[0])                      embeddings
    A_h  = softmax(Q K^T / sqrt(d_k)),  Q = x W_Q + b_Q, K = ..., V = ...   one head's weights
    m    = Concat(A_1 V_1, ..., A_h V_h) W_O + b_O                          multi-head attention
    x    = LayerNorm(x + m)                                                 residual, normalised
    x    = LayerNorm(x + GELU(x W_1 + b_1) W_2 + b_2)                       feed-forward

Vaswani et al. 2017 (arXiv:1706.03762) for attention, with BERT's order of residual and normalisation (Devlin
et al. 2019) and learned positions; Liu et al. 2019 (arXiv:1907.11692) for RoBERTa. Three things are easily
got wrong: positions count from the padding id plus one and padding does not advance them; the only token type
is the same vector for every token, so it carries no information; nothing is normalised before a block, only
after it. It agrees with transformers' `RobertaModel` to 1e-5, which a test proves on the bundled weights.

Nothing here is made for speed: what answers questions runs on engines (`index.engines.selection`). What this
module is for besides reading is what engines do not give: the attention of every head and the states of every
layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.checkpoints.architecture import prefix_of, unsupported
from index.checkpoints.files import ModelFiles, Task
from index.checkpoints.weights import Weights
from index.errors import ModelError
from index.protocols import TokenIds

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What one text leaves behind on its way through the layers.

    `states` has shape (layers + 1, n, width): the embeddings, then each layer's output. `attention` has shape
    (layers, heads, n, n): row i says from where token i collects, and sums to 1.
    """

    states: Floats
    attention: Floats


def softmax(scores: Floats) -> Floats:
    """Positive weights that sum to 1 along the last axis; taking the largest score off changes none."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def gelu(x: Floats) -> Floats:
    """x times the share of a normal distribution that lies below x (Hendrycks and Gimpel 2016), exactly."""
    below = np.fromiter((math.erf(value) for value in (x / math.sqrt(2)).flat), np.float32, x.size)
    return np.asarray(x * (1 + below.reshape(x.shape)) / 2, dtype=np.float32)


def layer_norm(x: Floats, scale: Floats, shift: Floats, epsilon: float) -> Floats:
    """Each row brought to mean 0 and variance 1, then stretched and shifted (Ba et al. 2016)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    return np.asarray(centred / spread * scale + shift, dtype=np.float32)


def position_ids(ids: TokenIds, pad_id: int) -> TokenIds:
    """The row of the position table for each token: RoBERTa's begin at `pad_id + 1`, padding gets `pad_id`.

    >>> position_ids(np.array([0, 713, 2, 1, 1]), 1).tolist()
    [2, 3, 4, 1, 1]
    """
    real = ids != pad_id
    return np.asarray(np.cumsum(real) * real + pad_id, dtype=np.int64)


def attention(query: Floats, key: Floats, value: Floats, visible: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """What each token collects and the weights with which it does: softmax(Q K^T / sqrt(d_k)) V.

    All three have shape (n, d_k); `visible`, shape (n,), is False for padding, which gets no weight.
    """
    scores = query @ key.T / math.sqrt(query.shape[-1])
    weights = softmax(np.where(visible, scores, -np.inf))
    return weights @ value, weights


class Roberta:
    """A checkpoint of RoBERTa's architecture, or BERT's, which differs in positions and token types only."""

    def __init__(
        self, config: Mapping[str, Any], weights: Mapping[str, NDArray[Any]], prefix: str = ""
    ) -> None:
        self._weights, self._prefix = weights, prefix
        self.layers, self.heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self.pad_id = int(config["pad_token_id"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._counts_from_zero = config["model_type"] == "bert"

    def forward(self, ids: TokenIds, types: TokenIds | None = None) -> Forward:
        """All states and attention of one framed text; `types` are token types where there are several."""
        visible = ids != self.pad_id
        x = self.embed(ids, np.zeros_like(ids) if types is None else types)
        states, weights = [x], []
        for number in range(self.layers):
            x, seen = self.layer(x, visible, number)
            states.append(x)
            weights.append(seen)
        return Forward(states=np.stack(states), attention=np.stack(weights))

    def embed(self, ids: TokenIds, types: TokenIds) -> Floats:
        """The sum of word, position and token type, normalised: (n, width)."""
        places = np.arange(len(ids)) if self._counts_from_zero else position_ids(ids, self.pad_id)
        words = self._named("embeddings.word_embeddings.weight")[ids]
        positions = self._named("embeddings.position_embeddings.weight")[places]
        kinds = self._named("embeddings.token_type_embeddings.weight")[types]
        return self._normalised(words + positions + kinds, "embeddings.LayerNorm")

    def layer(self, x: Floats, visible: NDArray[np.bool_], number: int) -> tuple[Floats, Floats]:
        """One layer's output (n, width) and its attention (heads, n, n)."""
        name = f"encoder.layer.{number}"
        mixed, weights = self.multi_head_attention(x, visible, f"{name}.attention")
        x = self._normalised(x + mixed, f"{name}.attention.output.LayerNorm")
        fed = self._linear(gelu(self._linear(x, f"{name}.intermediate.dense")), f"{name}.output.dense")
        return self._normalised(x + fed, f"{name}.output.LayerNorm"), weights

    def multi_head_attention(self, x: Floats, visible: NDArray[np.bool_], name: str) -> tuple[Floats, Floats]:
        """Every head attends in its own slice of the width; the output matrix mixes what they found."""
        query, key, value = (
            np.split(self._linear(x, f"{name}.self.{part}"), self.heads, axis=-1)
            for part in ("query", "key", "value")
        )
        found = [attention(*head, visible) for head in zip(query, key, value, strict=True)]
        joined = np.concatenate([output for output, _ in found], axis=-1)
        return self._linear(joined, f"{name}.output.dense"), np.stack([weights for _, weights in found])

    # -- weights --------------------------------------------------------------------------------------------

    def _linear(self, x: Floats, name: str) -> Floats:
        return x @ self._named(f"{name}.weight").T + self._named(f"{name}.bias")

    def _normalised(self, x: Floats, name: str) -> Floats:
        return layer_norm(x, self._named(f"{name}.weight"), self._named(f"{name}.bias"), self._epsilon)

    def _named(self, name: str) -> Floats:
        return np.asarray(self._weights[f"{self._prefix}{name}"], dtype=np.float32)


def read_roberta(files: ModelFiles, task: Task) -> Roberta:
    """The backbone of a checkpoint; raises ModelError where its architecture is another."""
    weights = Weights(files.folder)
    reason = unsupported(files.config, weights.shape, task)
    if reason is not None:
        raise ModelError(
            f"{files.source} cannot be shown layer by layer: {reason}",
            hint="choose a model of RoBERTa's, XLM-RoBERTa's or BERT's architecture",
        )
    # Read once: some are asked for at every text.
    return Roberta(files.config, dict(weights), prefix_of(files.config, weights.shape))
