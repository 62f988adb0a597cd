"""Which models there are, which could serve a store, what was measured of them, and what a change would cost.

Nothing is loaded or fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.checkpoints.hub import is_here
from index.checkpoints.presets import (
    DEFAULT_PRESET,
    PRESETS,
    ModelChoice,
    Preset,
    models_folder,
    resolve_models,
)
from ui.render.messages import Say
from ui.services.jobs import JobStanding, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetInfo:
    """A preset and the sizes of its two checkpoints on this computer, None for what is not here."""

    preset: Preset
    encoder_bytes: int | None
    reader_bytes: int | None

    @property
    def default(self) -> bool:
        """Whether it serves where nothing else is asked for."""
        return self.preset.name == DEFAULT_PRESET

    @property
    def cached(self) -> bool:
        """Whether both checkpoints are here, so that no network is needed."""
        return self.encoder_bytes is not None and self.reader_bytes is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Models that could serve: a preset, or a reader that was fine-tuned here.

    `models` is what `--models` takes; `bytes` is None for what is not on this computer.
    """

    name: str
    models: str
    bytes: int | None
    bundled: bool = False

    @property
    def here(self) -> bool:
        """Whether it can be used without a network."""
        return self.bytes is not None

    @property
    def key(self) -> str:
        """A short name without signs, for widgets."""
        return hashlib.sha256(self.models.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measurement on this machine: quality over the bundled questions, and the time of one."""

    exact: float
    f1: float
    ece: float
    p50_ms: float
    p95_ms: float
    questions: int
    moment: float


def list_presets() -> tuple[PresetInfo, ...]:
    """All presets in their order, sizes in bytes."""
    cached = _cached()
    return tuple(
        PresetInfo(
            preset=preset,
            encoder_bytes=_bundled(preset.encoder) if preset.bundled else cached.get(preset.encoder),
            reader_bytes=_bundled(preset.reader) if preset.bundled else cached.get(preset.reader),
        )
        for preset in PRESETS.values()
    )


def _bundled(name: str) -> int | None:
    folder: Path = models_folder() / name
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) or None


def _cached() -> dict[str, int]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return {repo.repo_id: repo.size_on_disk for repo in scan_cache_dir().repos}
    except CacheNotFound:
        return {}


def candidates(presets: Iterable[PresetInfo], store: Path, serving: ModelChoice) -> list[Candidate]:
    """The presets, then the readers that were fine-tuned in this store, newest first."""
    rows = []
    for info in presets:
        sizes = (info.encoder_bytes, info.reader_bytes)
        known = [size for size in sizes if size is not None]
        rows.append(
            Candidate(
                name=info.preset.name,
                models=info.preset.name,
                bytes=sum(known) if len(known) == len(sizes) else None,
                bundled=info.preset.bundled,
            )
        )
    for folder in sorted((store / "models").glob("*/model.safetensors"), reverse=True):
        reader = folder.parent
        rows.append(
            Candidate(
                name=reader.name,
                models=f"{serving.encoder},{reader}",
                bytes=sum(file.stat().st_size for file in reader.iterdir() if file.is_file()),
            )
        )
    return rows


def measurements(standings: Iterable[JobStanding]) -> Mapping[str, Measured]:
    """The newest measurement of each models, from the jobs that made them (newest first)."""
    measured: dict[str, Measured] = {}
    for standing in standings:
        output = standing.output() if standing.state is JobState.DONE else {}
        models = standing.job.facts.get("models", "")
        if output and models not in measured:
            try:
                measured[models] = Measured(
                    exact=float(output["exact"]),
                    f1=float(output["f1"]),
                    ece=float(output["ece"]),
                    p50_ms=float(output["p50_ms"]),
                    p95_ms=float(output["p95_ms"]),
                    questions=int(output["questions"]),
                    moment=standing.job.created,
                )
            except (KeyError, TypeError, ValueError):
                continue
    return measured


def serves(candidate: Candidate, serving: ModelChoice) -> bool:
    """Whether these models serve the store already."""
    chosen = resolve_models(candidate.models, default=serving)
    return chosen == serving or (_place(chosen.encoder, "encoder"), _place(chosen.reader, "reader")) == (
        _place(serving.encoder, "encoder"),
        _place(serving.reader, "reader"),
    )


def consequences(serving: ModelChoice, chosen: ModelChoice, passages: int, say: Say) -> Sequence[str]:
    """What a change means, in sentences."""
    sentences = []
    if chosen.encoder != serving.encoder:
        sentences.append(say("models.embeds", passages=f"{passages:,}"))
        sentences.append(say("models.meanwhile"))
    if chosen.reader != serving.reader:
        sentences.append(say("models.reads"))
    if sentences:
        sentences.append(say("models.uncalibrated"))
    return sentences or [say("models.same")]


def missing(models: str, serving: ModelChoice, say: Say) -> list[str]:
    """Which of these models are not on this computer, a sentence for each."""
    chosen = resolve_models(models, default=serving)
    sides = ((chosen.encoder, "encoder"), (chosen.reader, "reader"))
    return [
        say("models.is_missing", name=name, command=f"spanwise bench engines --models {models}")
        for name, task in sides
        if not is_here(name, task)
    ]


def _place(name: str, task: str) -> str:
    """What a name of a preset stands for, so that both names of a model are the same."""
    return str(getattr(PRESETS[name], task)) if name in PRESETS else name
