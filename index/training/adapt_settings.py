"""How an encoder is adapted to a collection: the form of the settings file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field

from index.checkpoints.presets import DEFAULT_PRESET
from index.training.settings import AboveZero, Count, LoopSettings, Share, checked

_STRICT: dict[str, Any] = {"extra": "forbid"}
_MASKED_RATE, _REALIGNED_RATE = 1e-4, 5e-5


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

    __pydantic_config__: ClassVar = _STRICT

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
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=_MASKED_RATE))
    realign: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=_REALIGNED_RATE))


def adaptation_settings(content: Mapping[str, Any], *, where: str) -> Adaptation:
    """Settings from a mapping, as read from TOML; raises DataError that names the entry of file `where`."""
    filled = dict(content)
    for name, rate in (("loop", _MASKED_RATE), ("realign", _REALIGNED_RATE)):
        given = content.get(name, {})
        filled[name] = {"learning_rate": rate, **given} if isinstance(given, Mapping) else given
    return checked(
        Adaptation,
        filled,
        where=where,
        hint="names and defaults stand in index/training/adapt_settings.py",
    )
