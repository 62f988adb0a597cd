"""Dropout, frozen parts, copies and blends of a model's weights around a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def set_dropout(model: torch.nn.Module, dropout: float | None) -> None:
    """Sets the dropout of hidden states; None keeps the model's own."""
    if dropout is None:
        return
    for name, module in model.named_modules():
        # Within the attention it would cost more than all the rest on a CPU: no fused kernel draws it.
        if isinstance(module, torch.nn.Dropout) and "attention.self" not in name:
            module.p = dropout


def freeze(model: torch.nn.Module, *, words: bool, layers: int) -> None:
    """Keeps the word embeddings, or all embeddings and the lowest `layers`, out of what is trained."""
    family: Any = model  # one of transformers, which gives its parts no types
    if words:
        family.get_input_embeddings().requires_grad_(False)
    if layers:
        for part in (family.base_model.embeddings, *family.base_model.encoder.layer[:layers]):
            part.requires_grad_(False)


def trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The weights that a training changes, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The trained weights as they are now."""
    return {name: weight.detach().clone() for name, weight in trained(model).items()}


def blend(model: torch.nn.Module, other: Mapping[str, torch.Tensor], share: float) -> None:
    """Moves the trained weights by `share` of the way to `other`."""
    with torch.no_grad():
        for name, weight in trained(model).items():
            weight.lerp_(other[name], share)
