"""Which presets there are and what of them is on this computer already; loads and fetches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from index.checkpoints.presets import DEFAULT_PRESET, PRESETS, Preset, models_folder


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
    try:
        return {repo.repo_id: repo.size_on_disk for repo in scan_cache_dir().repos}
    except CacheNotFound:
        return {}
