"""Low-rank adapters in a model that is trained (LoRA, Hu et al. 2021): W x + up (down x), W frozen.

`down` begins with small random numbers and `up` with zeros, so that training starts from the model as it is.
"""

from __future__ import annotations

import math

import torch

from index.models.lora import DOWN, UP


class LowRank(torch.nn.Module):
    """A frozen linear layer with a trained difference of some rank."""

    def __init__(self, base: torch.nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        self.down = torch.nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.up = torch.nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The frozen layer's output plus the difference."""
        linear = torch.nn.functional.linear
        moved: torch.Tensor = self.base(x) + 2.0 * linear(linear(x, self.down), self.up)
        return moved


def add_adapters(backbone: torch.nn.Module, rank: int) -> None:
    """Freeze a backbone and give each of its linear layers an adapter."""
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    layers = [name for name, module in backbone.named_modules() if isinstance(module, torch.nn.Linear)]
    for name in layers:
        parent, _, own = name.rpartition(".")
        home = backbone.get_submodule(parent)
        layer = getattr(home, own)
        setattr(home, own, LowRank(layer, rank))


def adapter_tensors(backbone: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What was trained, under the names of the layers; the scale is in `up`."""
    tensors: dict[str, torch.Tensor] = {}
    for name, module in backbone.named_modules():
        if isinstance(module, LowRank):
            tensors[name + DOWN] = module.down.detach()
            tensors[name + UP] = 2.0 * module.up.detach()
    return tensors
