"""Settings of the training of a reader: the form of its settings file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field

from index.checkpoints.presets import DEFAULT_PRESET
from index.datasets.setting_types import STRICT, AboveZero, Count, NotNegative, Share
from index.training.settings import LoopSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A SQuAD file and how often each of its questions is shown per epoch.

    A weight of 0.5 draws another half of them in every epoch, 2 shows each twice; `unanswerable` multiplies
    it for questions without an answer.
    """

    __pydantic_config__: ClassVar = STRICT

    path: str
    weight: NotNegative = 1.0
    unanswerable: NotNegative = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Negatives:
    """Passages without the answer that a question is read against beside its own.

    `share` of the questions get `passages` of them: from the `candidates` that retrieval finds nearest among
    all contexts (`dense` adds the encoder's vectors to the words), or, for `same_article` of them, any other
    paragraph under the same title. `weight` is that of the loss normalised over all passages of a question
    (Clark and Gardner 2018) beside the loss of each passage.
    """

    __pydantic_config__: ClassVar = STRICT

    share: Share = 0.0
    passages: Count = 1
    candidates: Count = 10
    same_article: Share = 0.3
    dense: bool = False
    weight: NotNegative = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """A larger reader whose logits are learnt beside the labels (Hinton et al. 2015).

    It must cut contexts into the same tokens. `weight` is the share of its part of the loss.
    """

    __pydantic_config__: ClassVar = STRICT

    teacher: str
    weight: Share = 0.7
    temperature: AboveZero = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderTraining:
    """All settings of one training.

    `start` is a preset, a folder or a hub id; an encoder gets a new head. Of several readers, trained apart
    from the same weights, it is the mean (model soups, Wortsman et al. 2022). `epochs` may be a fraction.
    `questions` make one step, of which `questions_at_once` are in memory together; windows are
    `max_tokens` long and share `stride` tokens. `hold_out` is the share of titles kept out of training for
    evaluation, `evaluated` the most questions asked there. `respelled` of the questions lose their
    capitals, question mark or close punctuation, as people type them. `dropout` is that of hidden states;
    None keeps the model's own. `frozen_words` keeps the word embeddings as they are, `frozen_layers` all
    embeddings and that many of the lowest layers. `start_share` is the share of the starting weights in the
    result: blending what was known with what was learnt keeps more of both than either has.
    """

    __pydantic_config__: ClassVar = STRICT

    sources: tuple[Source, ...]
    start: str | Annotated[tuple[str, ...], Field(min_length=1)] = DEFAULT_PRESET
    epochs: AboveZero = 2.0
    questions: Count = 32
    questions_at_once: Count = 32
    max_tokens: Count = 288
    stride: Count = 96
    hold_out: Share = 0.05
    evaluated: Count = 400
    respelled: Share = 0.2
    dropout: Share | None = None
    frozen_words: bool = False
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    start_share: Share = 0.0
    negatives: Negatives = field(default_factory=Negatives)
    distillation: Distillation | None = None
    loop: LoopSettings = field(default_factory=LoopSettings)

    @property
    def starts(self) -> tuple[str, ...]:
        """The names of what is started from."""
        return (self.start,) if isinstance(self.start, str) else self.start
