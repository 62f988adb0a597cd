"""The models that have a short name, and where the bundled ones lie.

A preset is a pair of checkpoints that were meant for the same documents; either side can be replaced by any
hub id or folder. Nothing here loads anything: `index.engines.load` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from index.errors import ModelNotFound

DEFAULT_PRESET = "pocket"
# The bundled models for documents that are not all in English.
MULTILINGUAL_PRESET = "polyglot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named pair of checkpoints: hub ids, or for a bundled preset folders below `data/models`."""

    name: str
    encoder: str
    reader: str
    bundled: bool
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What the user chose for the two roles: each a preset, a hub id or a folder."""

    encoder: str
    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefixes:
    """Words that an encoder was trained to see before a question and before a passage."""

    query: str = ""
    passage: str = ""


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                name="pocket",
                encoder="pocket/encoder",
                reader="pocket/reader",
                bundled=True,
                summary="English, 6 layers, 384 wide; comes with Spanwise and needs no network",
            ),
            Preset(
                name="polyglot",
                encoder="polyglot/encoder",
                reader="polyglot/reader",
                bundled=True,
                summary="a hundred languages, 12 layers, 384 wide; comes with Spanwise, half as fast",
            ),
            Preset(
                name="base",
                encoder="sentence-transformers/all-distilroberta-v1",
                reader="deepset/roberta-base-squad2",
                bundled=False,
                summary="English, RoBERTa base size: better answers, several times slower",
            ),
            Preset(
                name="large",
                encoder="sentence-transformers/all-roberta-large-v1",
                reader="deepset/roberta-large-squad2",
                bundled=False,
                summary="English, RoBERTa large: the best answers, for a GPU",
            ),
            Preset(
                name="multilingual",
                encoder="intfloat/multilingual-e5-base",
                reader="deepset/xlm-roberta-base-squad2",
                bundled=False,
                summary="a hundred languages, XLM-RoBERTa base; question and document may differ in language",
            ),
        )
    }
)

# Encoders whose own files do not name the prefixes that they were trained with.
KNOWN_PREFIXES: Mapping[str, Prefixes] = MappingProxyType(
    {
        f"intfloat/{name}": Prefixes(query="query: ", passage="passage: ")
        for size in ("small", "base", "large")
        for name in (f"multilingual-e5-{size}", f"e5-{size}", f"e5-{size}-v2")
    }
)


DEFAULT_CHOICE = ModelChoice(encoder=DEFAULT_PRESET, reader=DEFAULT_PRESET)


def resolve_models(spec: str | None, *, default: ModelChoice = DEFAULT_CHOICE) -> ModelChoice:
    """The names meant by `PRESET` or `ENCODER,READER`; an empty side, or no spec, is taken from `default`.

    Raises ModelNotFound for a single name that is no preset.
    """
    encoder, comma, reader = (part.strip() for part in (spec or ",").partition(","))
    if comma:
        return ModelChoice(encoder=encoder or default.encoder, reader=reader or default.reader)
    if encoder not in PRESETS:
        raise ModelNotFound(
            f"there is no preset {encoder!r}",
            hint=f"use one of {', '.join(PRESETS)}, or ENCODER,READER with hub ids or folders",
        )
    return ModelChoice(encoder=encoder, reader=encoder)


def models_folder() -> Path:
    """Where the bundled models lie: in the installed data package, else in a checkout beside the packages."""
    try:
        package = import_module("spanwise_data")
    except ModuleNotFoundError:
        return Path(__file__).resolve().parents[2] / "data" / "models"
    return Path(next(iter(package.__path__))) / "models"
