"""Where flags, environment and defaults become one frozen value.

Defaults < environment < flags, resolved here and nowhere else; everything behind this module takes concrete
values. It reads no store and loads no model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.errors import SpanwiseError

STORE_VARIABLE = "SPANWISE_STORE"
MODELS_VARIABLE = "SPANWISE_MODELS"
ENGINE_VARIABLE = "SPANWISE_ENGINE"
DEBUG_VARIABLE = "SPANWISE_DEBUG"
PASSWORDS_VARIABLE = "SPANWISE_PASSWORDS"
PASSWORD_VARIABLE = "SPANWISE_UI_PASSWORD"  # noqa: S105 - the name of a variable

Flags = Mapping[str, Any]  # what was parsed, by name

# Set before the first heavy import: the libraries read them only then.
_FOR_LIBRARIES = {
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # PyTorch's threads wait for each other in loops, by default for milliseconds. Where anything else wants
    # the cores, that is most of their time: a step of training on two cores beside two busy processes takes
    # 4.3 s (2.8 s of processor time) so, 2.8 s (1.7 s) with this, and 0.83 s either way on idle cores.
    "GOMP_SPINCOUNT": "3000",
}


class UsageError(SpanwiseError):
    """The command line cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every command needs to know.

    `models` is "PRESET" or "ENCODER,READER" with either side empty, None for the models that the store
    records. `engine` is what runs models, None for the fastest of this machine. `store_given` says that the
    store was named by a flag. `password` opens the page.
    """

    store: Path
    store_given: bool = False
    models: str | None = None
    password: str | None = field(default=None, repr=False)
    engine: str | None = None
    json: bool = False
    debug: bool = False
    colour: bool = False


def data_folder() -> Path:
    """The folder for this user's stores."""
    import platformdirs

    return platformdirs.user_data_path("spanwise", appauthor=False)


def load_settings(
    flags: Flags | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    terminal: bool = False,
) -> Settings:
    """The settings for one run; `flags` holds only what was given, `terminal` says who reads the output."""
    flags = {} if flags is None else flags
    environ = os.environ if environ is None else environ
    store = flags.get("store") or environ.get(STORE_VARIABLE)
    return Settings(
        store=Path(store).expanduser() if store else data_folder() / "library",
        store_given="store" in flags,
        models=merge_models(
            flags.get("models") or environ.get(MODELS_VARIABLE), flags.get("encoder"), flags.get("reader")
        ),
        password=environ.get(PASSWORD_VARIABLE) or None,
        engine=flags.get("engine") or environ.get(ENGINE_VARIABLE) or None,
        json=bool(flags.get("json", False)),
        debug=bool(environ.get(DEBUG_VARIABLE)),
        colour=terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
    )


def merge_models(models: str | None, encoder: str | None, reader: str | None) -> str | None:
    """One specification out of `--models`, `--encoder` and `--reader`; the narrower flag wins.

    >>> merge_models("base", None, "my/reader")
    'base,my/reader'
    """
    if not encoder and not reader:
        return models or None
    given = models or ""
    encoder_side, comma, reader_side = given.partition(",")
    return f"{encoder or encoder_side},{reader or (reader_side if comma else given)}"


def prepare_environment() -> None:
    """Ask the model libraries for silence and short waits; what the user has set stays."""
    for name, value in _FOR_LIBRARIES.items():
        if name == "GOMP_SPINCOUNT" and "OMP_WAIT_POLICY" in os.environ:
            continue  # it would override that
        os.environ.setdefault(name, value)
