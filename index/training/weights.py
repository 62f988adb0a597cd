"""Dropout, copies and blends of a model's weights around a training."""

from __future__ import annotations

from collections.abc import Mapping

import torch


def set_dropout(model: torch.nn.Module, dropout: float | None) -> None:
    """Sets the dropout of hidden states; None keeps the model's own."""
    if dropout is None:
        return
    for name, module in model.named_modules():
        # Within the attention it would cost more than all the rest on a CPU: no fused kernel draws it.
        if isinstance(module, torch.nn.Dropout) and "attention.self" not in name:
            module.p = dropout


def copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights as they are now."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def blend(model: torch.nn.Module, other: Mapping[str, torch.Tensor], share: float) -> None:
    """Moves the weights by `share` of the way to `other`."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.lerp_(other[name], share)
