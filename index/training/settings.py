"""Settings of the trainings of encoders and classifiers: the forms of their settings files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from index.checkpoints.presets import DEFAULT_PRESET
from index.datasets.labelled_texts import ExampleSource
from index.datasets.question_passages import PairSource
from index.datasets.setting_types import STRICT, AboveZero, Count, NotNegative, Share

Method = Literal["auto", "fine-tune", "linear"]


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

    __pydantic_config__: ClassVar = STRICT

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


@dataclass(frozen=True, slots=True, kw_only=True)
class HardNegatives:
    """Passages beside those of the other questions of a step that a question must not find.

    Each question gets `passages` (0 for none) of the `candidates` that retrieval finds nearest among all
    passages, none that answers it by its labels or holds a labelled answer. `dense` searches by the vectors
    of the starting model beside the words and leaves out what is nearer than `at_most` of the right
    passage's cosine, because most of that is an answer without its label; it costs one pass over all texts.
    """

    __pydantic_config__: ClassVar = STRICT

    passages: Annotated[int, Field(ge=0)] = 1
    candidates: Count = 20
    dense: bool = True
    at_most: AboveZero = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTraining:
    """All settings of one training.

    `start` is a preset, a folder or a hub id. `epochs` may be a fraction. `questions` with their passages
    make one step, and each is contrasted with all passages of the step; `tokens_at_once` of them are in
    memory together, whatever the step holds. Texts are cut at `max_tokens`. Cosines are divided by
    `temperature`. `dimensions` are the shorter vectors that shall serve too, beside the model's full width;
    those that it is not wider than are left out. `hold_out` is the share of titles (or of passages without
    one) kept out of training for evaluation: `evaluated` of their questions at most, asked over
    `evaluated_among` of their passages at most. `dropout` is that of hidden states; None keeps the model's
    own. `start_share` is the share of the starting weights in the result: blending what was known with what
    was learnt keeps more of both than either has (Wortsman et al. 2022).
    """

    __pydantic_config__: ClassVar = STRICT

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
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=2e-5))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierTraining:
    """All settings of one training.

    `start` is a preset, a folder or a hub id: an encoder, or any checkpoint whose encoder shall be used.
    `method` is `linear` for a linear head on the encoder's frozen vectors (of a pair: on both together, their
    differences and products), which sees every example once, `fine-tune` for the whole model,
    `auto` for the first below `few` examples. `adapter` is the rank of low-rank adapters (Hu et al. 2021)
    that are trained instead of the whole model, 0 for none: the result is some MB and names the
    checkpoint it belongs to. `embeddings` trains the word vectors too: half of the parameters of a small
    model, nine tenths of a multilingual one, and few examples hardly move them. Texts are cut at
    `max_tokens`. `epochs` may be a fraction, `batch` examples make a step. `smoothing` is the share of
    certainty that a label gives away to the others. `hold_out` is the share of texts kept out of training
    for evaluation. `dropout` is that of hidden states; None keeps the model's own. `balance` draws rare
    labels more often: 1 shows all labels alike often, 0 as they come.
    """

    __pydantic_config__: ClassVar = STRICT

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
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=1e-4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """All settings of one adaptation.

    `sources` are files and folders of documents; without any, the store's own passages serve. `start` is a
    preset, a folder or a hub id. Texts are cut at `max_tokens`; `texts` of them make one step. Of their
    tokens `rate` are hidden, whole words together with `whole_words`. `epochs` are passes of masked-language
    training, `head_epochs` those before it that train a head alone which is new, and `realign_epochs` those
    after it that lead the encoder's vectors back to the space that they had (0 leaves them where they are).
    `hold_out` is the share of texts kept out for the figures, `asked` the tokens by which pseudo-perplexity
    is estimated. `head_only` trains a head and leaves the encoder as it is. `at_most` takes that many
    passages of a larger collection, drawn by their hash.
    """

    __pydantic_config__: ClassVar = STRICT

    sources: tuple[str, ...] = ()
    start: str = DEFAULT_PRESET
    max_tokens: Annotated[int, Field(ge=20)] = 128
    texts: Count = 32
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.15
    whole_words: bool = False
    epochs: AboveZero = 3.0
    head_epochs: AboveZero = 1.0
    realign_epochs: Annotated[float, Field(ge=0)] = 3.0
    hold_out: Share = 0.1
    asked: Count = 2000
    head_only: bool = False
    at_most: Count | None = None
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=1e-4))
    realign: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=5e-5))
