"""What a classifier is trained from, on what and how: the form of the settings file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from index.checkpoints.presets import DEFAULT_PRESET
from index.training.settings import AboveZero, Count, LoopSettings, NotNegative, Share, checked

Method = Literal["auto", "fine-tune", "linear"]

_STRICT: dict[str, Any] = {"extra": "forbid"}
_LEARNING_RATE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSource:
    """A file of labelled texts, and how often each is seen per epoch.

    `text`, `second` and `label` name its columns where their names do not say so. `labels` renames labels;
    what is renamed to nothing is left out.
    """

    __pydantic_config__: ClassVar = _STRICT

    path: str
    weight: NotNegative = 1.0
    text: str | None = None
    second: str | None = None
    label: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierTraining:
    """All settings of one training.

    `start` is a preset, a folder or a hub id: an encoder, or any checkpoint whose encoder shall be used.
    `method` is `linear` for a linear head on the encoder's frozen vectors (of a pair: on both together, their
    differences and products), which sees every example once, `fine-tune` for the whole model,
    `auto` for the first below `few` examples. `adapter` is the rank of low-rank adapters (Hu et al. 2021)
    that are trained in the place of the whole model, 0 for none: the result is some MB and names the
    checkpoint it belongs to. `embeddings` trains the word vectors too: half of the parameters of a small
    model, nine tenths of a multilingual one, and few examples hardly move them. Texts are cut at
    `max_tokens`. `epochs` may be a fraction, `batch` examples make a step. `smoothing` is the share of
    certainty that a label gives away to the others. `hold_out` is the share of texts kept out of training
    for evaluation. `dropout` is that of hidden states; None keeps the model's own. `balance` draws rare
    labels more often: 1 shows all labels alike often, 0 as they come.
    """

    __pydantic_config__: ClassVar = _STRICT

    sources: tuple[ExampleSource, ...]
    start: str = DEFAULT_PRESET
    method: Method = "auto"
    few: Count = 500
    adapter: Annotated[int, Field(ge=0)] = 0
    epochs: AboveZero = 4.0
    batch: Count = 32
    max_tokens: Count = 256
    smoothing: Share = 0.0
    hold_out: Share = 0.1
    dropout: Share | None = 0.1
    embeddings: bool = False
    balance: Share = 0.0
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=_LEARNING_RATE))


def classifier_settings(content: Mapping[str, Any], *, where: str) -> ClassifierTraining:
    """Settings from a mapping, as read from TOML; raises DataError that names the entry of file `where`."""
    loop = content.get("loop", {})
    if isinstance(loop, Mapping):  # what it says of the rest leaves the learning rate a classifier's
        loop = {"learning_rate": _LEARNING_RATE, **loop}
    return checked(
        ClassifierTraining,
        {**content, "loop": loop},
        where=where,
        hint="names and defaults stand in index/training/classifier_settings.py",
    )
