"""How long, how fast and how often: what every kind of training has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from index.errors import DataError

# What a settings file may say; a dataclass made in Python is taken as it is.
AboveZero = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]

_Settings = TypeVar("_Settings")


def checked(kind: type[_Settings], content: Mapping[str, Any], *, where: str, hint: str) -> _Settings:
    """Settings from a mapping, as read from TOML; raises DataError that names the entry of file `where`."""
    try:
        return TypeAdapter(kind).validate_python(dict(content))
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"{where}: {entry or 'the settings'}: {first['msg']} (got {first['input']!r})", hint=hint
        ) from error


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

    learning_rate: AboveZero = 3e-5
    weight_decay: NotNegative = 0.01
    warmup: Share = 0.05
    decay: Share = 0.95
    clip: AboveZero = 1.0
    average_last: Share = 0.0
    average_every: Count = 10
    evaluations: Annotated[int, Field(ge=0)] = 2
    checkpoint_minutes: NotNegative = 5.0
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
