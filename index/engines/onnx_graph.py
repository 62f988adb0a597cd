"""A checkpoint as an ONNX graph, written straight from its weights: no model library, no tracing (pure).

    config.json + named weights -> operators of ONNX Runtime, one sequence at a time, nothing padded

RoBERTa, XLM-RoBERTa, CamemBERT and BERT are one architecture with other numbers: embeddings, layers of
self-attention and feed-forward (Vaswani et al. 2017; Liu et al. 2019), and for a reader one linear layer on
top. `index.checkpoints.architecture` checks what is supported. Attention, GELU and normalisations are fused
operators.

With `bits` the matrices are stored as int8, one scale for each output channel, and the inputs of each product
are quantised as they come, one scale for each token (dynamic quantisation). Processors without VNNI add
two products in 16 bits and saturate; seven bits for the weights keep them from it.

The values, which attention sums up, stay in float32 in an encoder; a reader's logits hardly gain by it
(figures in `data/bench/engines.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from index.checkpoints.architecture import FIRST_WORD, first_position, has_segments, prefix_of
from index.checkpoints.files import Task

_FUSED = "com.microsoft"
_OPSET = 18
_IR_VERSION = 10
_ALIGNED = 4096  # external data is mapped by pages

Array = NDArray[Any]


def build_graph(
    config: Mapping[str, Any], weights: Mapping[str, Array], task: Task, *, bits: int | None = None
) -> tuple[ModelProto, list[Array]]:
    """The model, and the arrays that it expects beside it in this order (see `data_offsets`).

    Input `input_ids` int64 (1, length), for a model with segments also `token_type_ids`; output float32
    (1, length, width), for a reader the start and end logits in the last axis. `bits` are those of the
    weights, None for float32. The checkpoint must not be `unsupported`.
    """
    prefix = prefix_of(config, lambda name: weights[name].shape if name in weights else None)
    graph = _Graph(weights, prefix, task, bits)
    hidden = graph.embed(config)
    for number in range(config["num_hidden_layers"]):
        hidden = graph.layer(config, hidden, f"encoder.layer.{number}")
    if task == "reader":
        hidden = graph.head(hidden, "qa_outputs")
    return graph.finish(hidden, ["token_type_ids"] if has_segments(config) else []), graph.arrays


def data_offsets(arrays: list[Array]) -> list[int]:
    """Where each array begins in the file beside the graph."""
    offsets, position = [], 0
    for array in arrays:
        offsets.append(position)
        position += -(-array.nbytes // _ALIGNED) * _ALIGNED
    return offsets


def place_data(model: ModelProto, arrays: list[Array], file_name: str) -> None:
    """Let the model read its arrays from a file of that name beside its own."""
    for tensor, array, offset in zip(model.graph.initializer, arrays, data_offsets(arrays), strict=True):
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", file_name), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.add(key=key, value=str(value))


class _Graph:
    """The nodes and arrays of one graph as it grows; methods return the name of their result."""

    def __init__(self, weights: Mapping[str, Array], prefix: str, task: Task, bits: int | None) -> None:
        self._weights = weights
        self._prefix = prefix
        self._task = task
        self._bits = bits
        self._nodes: list[NodeProto] = []
        self._tensors: list[TensorProto] = []
        self.arrays: list[Array] = []

    def embed(self, config: Mapping[str, Any]) -> str:
        """Words, positions and segments, added and normalised."""
        words = self._put("words", self._weights[f"{self._prefix}{FIRST_WORD}"])
        # Half the memory: rows are widened only when they are looked up.
        found = self._node("Cast", [self._node("Gather", [words, "input_ids"])], to=TensorProto.FLOAT)
        table = self._backbone("embeddings.position_embeddings.weight")[first_position(config) :]
        segments = self._backbone("embeddings.token_type_embeddings.weight")
        if not has_segments(config):
            table = table + segments[0]
        zero = self._whole_number(0)
        length = self._node("Shape", ["input_ids"], start=1, end=2)
        sliced = self._node("Slice", [self._put("positions", table), zero, length, zero])
        added = self._node("Add", [found, sliced])
        if has_segments(config):
            kinds = self._node("Gather", [self._put("segments", segments), "token_type_ids"])
            added = self._node("Add", [added, kinds])
        scale, bias = self._normalisation("embeddings.LayerNorm")
        return self._node("LayerNormalization", [added, scale, bias], axis=-1, epsilon=_epsilon(config))

    def layer(self, config: Mapping[str, Any], hidden: str, name: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        attended = f"{name}.attention.self"
        rounded = ("query", "key", "value") if self._task == "reader" else ("query", "key")
        split = self._together(hidden, attended, rounded)
        if "value" not in rounded:
            split.append(self._product(hidden, f"{attended}.value", prefix=self._prefix))
        heads = int(config["num_attention_heads"])
        attended = self._node("MultiHeadAttention", split, domain=_FUSED, num_heads=heads)
        attended = self._dense(attended, f"{name}.attention.output")
        hidden = self._added(config, attended, hidden, f"{name}.attention.output")
        inner = self._node("Gelu", [self._dense(hidden, f"{name}.intermediate")], domain=_FUSED)
        return self._added(config, self._dense(inner, f"{name}.output"), hidden, f"{name}.output")

    def head(self, hidden: str, name: str) -> str:
        """What a reader has on top: two columns that cost nothing and decide everything."""
        return self._product(hidden, name)

    def finish(self, output: str, more_inputs: list[str]) -> ModelProto:
        """The whole as a model."""
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, [1, "length"])
            for name in ("input_ids", *more_inputs)
        ]
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, "length", None])
        graph = helper.make_graph(self._nodes, "spanwise", inputs, [result], self._tensors)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    # -- inside ---------------------------------------------------------------------------------------------

    def _backbone(self, name: str) -> NDArray[np.float32]:
        return np.asarray(self._weights[self._prefix + name], dtype=np.float32)

    def _dense(self, hidden: str, name: str) -> str:
        weight, bias = self._backbone(f"{name}.dense.weight"), self._backbone(f"{name}.dense.bias")
        return self._linear(hidden, f"{name}.dense", weight, bias)

    def _together(self, hidden: str, name: str, parts: tuple[str, ...]) -> list[str]:
        """Several linear layers with the same input as one product."""
        weight = np.concatenate([self._backbone(f"{name}.{part}.weight") for part in parts])
        bias = np.concatenate([self._backbone(f"{name}.{part}.bias") for part in parts])
        projected = self._linear(hidden, name, weight, bias)
        return self._nodes_out("Split", [projected], len(parts), axis=-1, num_outputs=len(parts))

    def _product(self, hidden: str, name: str, *, prefix: str = "") -> str:
        """A linear layer in float32 whatever the others are."""
        weight, bias = (
            np.asarray(self._weights[f"{prefix}{name}.{part}"], np.float32) for part in ("weight", "bias")
        )
        return self._multiplied(hidden, name, weight, bias)

    def _multiplied(
        self, hidden: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> str:
        product = self._node("MatMul", [hidden, self._put(f"{name}.weight", weight.T)])
        return self._node("Add", [product, self._put(f"{name}.bias", bias)])

    def _linear(self, hidden: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        if self._bits is None:
            return self._multiplied(hidden, name, weight, bias)
        # Quantised products take one scale for all rows that they are given, and a few tokens with large
        # values would cost all others their digits: each row is brought to at most 1 before and back after.
        largest = self._node("ReduceMax", [self._node("Abs", [hidden]), self._whole_number(-1)], keepdims=1)
        whole, scale = quantised(weight, self._bits)
        inputs = [
            self._node("Div", [hidden, largest]),
            self._put(f"{name}.weight", whole.T),
            self._put(f"{name}.scale", scale),
            self._put(f"{name}.zero", np.zeros(len(scale), dtype=np.int8)),
        ]
        product = self._node("DynamicQuantizeMatMul", inputs, domain=_FUSED)
        restored = self._node("Mul", [product, largest])
        return self._node("Add", [restored, self._put(f"{name}.bias", bias)])

    def _added(self, config: Mapping[str, Any], result: str, hidden: str, name: str) -> str:
        # The fused operator of both takes ten times as long as the two.
        added = self._node("Add", [result, hidden])
        inputs = [added, *self._normalisation(f"{name}.LayerNorm")]
        return self._node("LayerNormalization", inputs, axis=-1, epsilon=_epsilon(config))

    def _normalisation(self, name: str) -> tuple[str, str]:
        scale, bias = f"{name}.weight", f"{name}.bias"
        return self._put(scale, self._backbone(scale)), self._put(bias, self._backbone(bias))

    def _put(self, name: str, array: Array) -> str:
        array = np.ascontiguousarray(array)
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self._tensors.append(TensorProto(name=name, data_type=kind, dims=array.shape))
        self.arrays.append(array)
        return name

    def _whole_number(self, value: int) -> str:
        return self._node("Constant", [], value_ints=[value])

    def _node(self, kind: str, inputs: list[str], *, domain: str = "", **attributes: Any) -> str:
        return self._nodes_out(kind, inputs, 1, domain=domain, **attributes)[0]

    def _nodes_out(
        self, kind: str, inputs: list[str], outputs: int, *, domain: str = "", **attributes: Any
    ) -> list[str]:
        number = len(self._nodes)
        names = [f"{kind}.{number}.{place}" for place in range(outputs)]
        self._nodes.append(
            helper.make_node(kind, inputs, names, name=f"{kind}.{number}", domain=domain, **attributes)
        )
        return names


def quantised(weight: NDArray[np.float32], bits: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows as whole numbers of so many bits, symmetric about zero, and the scale of each row.

    `weight` has shape (outputs, inputs); `whole * scale[:, None]` is within half a step of it.
    """
    largest = 2 ** (bits - 1) - 1
    scale = np.abs(weight).max(axis=1) / largest
    scale[scale == 0] = 1.0
    whole = np.clip(np.rint(weight / scale[:, None]), -largest, largest)
    return whole.astype(np.int8), scale.astype(np.float32)


def _epsilon(config: Mapping[str, Any]) -> float:
    return float(config.get("layer_norm_eps", 1e-12))
