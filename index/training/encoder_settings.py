"""What an encoder is trained from, on what and how: the form of the settings file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field

from index.checkpoints.presets import DEFAULT_PRESET
from index.training.settings import AboveZero, Count, LoopSettings, NotNegative, Share, checked

_STRICT: dict[str, Any] = {"extra": "forbid"}
_LEARNING_RATE = 2e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSource:
    """A file of questions with their passages, and how often each pair is seen per epoch.

    A weight of 0.5 draws half of them anew in every epoch, 2 sees each twice.
    """

    __pydantic_config__: ClassVar = _STRICT

    path: str
    weight: NotNegative = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HardNegatives:
    """Passages beside those of the other questions of a step that a question must not find.

    Each question gets `passages` (0 for none) of the `candidates` that retrieval finds nearest among all
    passages, none that answers it by its labels or holds a labelled answer. `dense` searches by the vectors
    of the starting model beside the words and leaves out what is nearer than `at_most` of the right
    passage's cosine, because most of that is an answer without its label; it costs one pass over all texts.
    """

    __pydantic_config__: ClassVar = _STRICT

    passages: Annotated[int, Field(ge=0)] = 1
    candidates: Count = 20
    dense: bool = True
    at_most: AboveZero = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTraining:
    """All settings of one training.

    `start` is a preset, a folder or a hub id. `epochs` may be a fraction. `questions` with their passages
    make one step, and each is told apart from all passages of the step; `tokens_at_once` of them are in
    memory together, whatever the step holds. Texts are cut at `max_tokens`. Cosines are divided by
    `temperature`. `dimensions` are the shorter vectors that shall serve too, beside the model's full width;
    those that it is not wider than are left out. `hold_out` is the share of titles (or of passages without
    one) kept out of training for evaluation: `evaluated` of their questions at most, asked over
    `evaluated_among` of their passages at most. `dropout` is that of hidden states; None keeps the model's
    own. `start_share` is the share of the starting weights in the result: blending what was known with what
    was learnt keeps more of both than either has (Wortsman et al. 2022).
    """

    __pydantic_config__: ClassVar = _STRICT

    sources: tuple[PairSource, ...]
    start: str = DEFAULT_PRESET
    epochs: AboveZero = 1.0
    questions: Count = 64
    tokens_at_once: Count = 2048
    max_tokens: Count = 256
    temperature: AboveZero = 0.05
    dimensions: tuple[Count, ...] = (256, 128)
    hold_out: Share = 0.05
    evaluated: Count = 500
    evaluated_among: Count = 2000
    dropout: Share | None = None
    start_share: Share = 0.0
    negatives: HardNegatives = field(default_factory=HardNegatives)
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=_LEARNING_RATE))


def encoder_settings(content: Mapping[str, Any], *, where: str) -> EncoderTraining:
    """Settings from a mapping, as read from TOML; raises DataError that names the entry of file `where`."""
    loop = content.get("loop", {})
    if isinstance(loop, Mapping):  # what it says of the rest leaves the learning rate an encoder's
        loop = {"learning_rate": _LEARNING_RATE, **loop}
    return checked(
        EncoderTraining,
        {**content, "loop": loop},
        where=where,
        hint="the README shows the form; names and defaults stand in index/training/encoder_settings.py",
    )
