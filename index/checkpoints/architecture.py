"""The architecture that RoBERTa's family shares, in names and shapes, and what of it is served (pure).

RoBERTa, XLM-RoBERTa, CamemBERT and BERT are one architecture with other numbers (Devlin et al. 2019; Liu et
al. 2019; Conneau et al. 2020). `unsupported` names what differs in more than numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from index.checkpoints.files import Task

FAMILIES = {"roberta": "roberta.", "xlm-roberta": "roberta.", "camembert": "roberta.", "bert": "bert."}
FIRST_WORD = "embeddings.word_embeddings.weight"

_NEEDED = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
    "max_position_embeddings type_vocab_size pad_token_id"
).split()

Shape = Callable[[str], tuple[int, ...] | None]


def unsupported(config: Mapping[str, Any], shape: Shape, task: Task) -> str | None:
    """Why a checkpoint has no graph here, None where it has one.

    `shape` gives the shape of a weight, None for one that is not there.
    """
    family = config.get("model_type")
    if family not in FAMILIES:
        return f"no graph for the family {family}"
    lacking = [key for key in _NEEDED if not isinstance(config.get(key), int)]
    if lacking:
        return f"config.json does not say {', '.join(lacking)}"
    if config.get("hidden_act", "gelu") != "gelu":
        return f"no graph for the activation {config['hidden_act']}"
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        return "no graph for its kind of positions, or for decoding"
    prefix = prefix_of(config, shape)
    for name, expected in _shapes(config, task, prefix).items():
        if shape(name) != expected:
            return f"{name} is {shape(name)} instead of {expected}"
    return None


def positions(config: Mapping[str, Any]) -> int:
    """The longest sequence that the position table serves; RoBERTa's begin after the padding row."""
    return int(config["max_position_embeddings"]) - first_position(config)


def prefix_of(config: Mapping[str, Any], shape: Shape) -> str:
    """What stands before the names of the backbone's weights."""
    prefix = FAMILIES[config["model_type"]]
    return prefix if shape(f"{prefix}{FIRST_WORD}") is not None else ""


def first_position(config: Mapping[str, Any]) -> int:
    """The row of the position table for a text's first token."""
    return 0 if config["model_type"] == "bert" else int(config["pad_token_id"]) + 1


def _shapes(config: Mapping[str, Any], task: Task, prefix: str) -> dict[str, tuple[int, ...]]:
    """Every weight that a graph reads, and its shape."""
    width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    shapes: dict[str, tuple[int, ...]] = {
        FIRST_WORD: (int(config["vocab_size"]), width),
        "embeddings.position_embeddings.weight": (int(config["max_position_embeddings"]), width),
        "embeddings.token_type_embeddings.weight": (int(config["type_vocab_size"]), width),
        **_vectors("embeddings.LayerNorm", width),
    }
    for number in range(int(config["num_hidden_layers"])):
        layer = f"encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _matrix(f"{layer}.attention.{part}", width, width)
        shapes |= _matrix(f"{layer}.intermediate.dense", inner, width)
        shapes |= _matrix(f"{layer}.output.dense", width, inner)
        for part in ("attention.output", "output"):
            shapes |= _vectors(f"{layer}.{part}.LayerNorm", width)
    whole = {f"{prefix}{name}": shape for name, shape in shapes.items()}
    return whole | (_matrix("qa_outputs", 2, width) if task == "reader" else {})


def _matrix(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _vectors(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def has_segments(config: Mapping[str, Any]) -> bool:
    """Whether question and passage carry different segment numbers."""
    return int(config.get("type_vocab_size", 0)) > 1
