"""How long, how fast and how often: what every kind of training has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """The optimiser (AdamW), its learning-rate schedule, and when to look up from the work.

    The learning rate rises over the first `warmup` of all steps, stays at `learning_rate`, and falls to 0
    over the last `decay` of them, both linearly (with warmup + decay = 1 the usual triangle).
    `average_last` is the share of the steps at the end whose weights are averaged, one in
    `average_every`, 0 for none (stochastic weight averaging, Izmailov et al. 2018); the better of the last
    and the averaged weights on the evaluation is kept. `evaluations` are spread evenly over the run, beside
    those before the first and after the last step. `checkpoint_minutes` is the most work a kill can cost.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    learning_rate: float = 3e-5
    weight_decay: float = 0.01
    warmup: float = 0.05
    decay: float = 0.95
    clip: float = 1.0
    average_last: float = 0.0
    average_every: int = 10
    evaluations: int = 2
    checkpoint_minutes: float = 5.0
    seed: int = 0

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step counted from 0."""
        done = (step + 0.5) / steps
        rising = done / self.warmup if self.warmup else 1.0
        falling = (1 - done) / self.decay if self.decay else 1.0
        return self.learning_rate * min(1.0, rising, falling)

    def averages(self, step: int, steps: int) -> bool:
        """Whether the weights after this step, counted from 0, are one of those averaged."""
        return step >= steps * (1 - self.average_last) and (steps - 1 - step) % self.average_every == 0
