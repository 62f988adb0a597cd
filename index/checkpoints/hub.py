"""From a model's name to the folder that holds its files: bundled, local, or in the hub's cache.

Files that are on this machine are used without asking the hub for anything newer; the hub is asked only for
a model that is not complete here, and never under HF_HUB_OFFLINE. Only the files that can be loaded are
fetched: no pickles, no code, no other framework's weights.
"""

from __future__ import annotations

from pathlib import Path

from index.checkpoints.presets import PRESETS, models_folder
from index.errors import ModelError, ModelNotFound

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "sentencepiece.bpe.model")
_WANTED = (
    "config.json",
    WEIGHTS,
    WEIGHTS_INDEX,
    "model-*.safetensors",
    *VOCABULARIES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "*_Pooling/config.json",
)


def locate(name: str, task: str) -> tuple[str, Path]:
    """The checkpoint's own name (a preset's hub id instead of the preset) and its folder, files complete.

    `task` is `encoder` or `reader`, for presets. Raises ModelNotFound where there is no such model and
    ModelError where its folder lacks a file.
    """
    preset = PRESETS.get(name)
    source = name if preset is None else str(getattr(preset, task))
    if preset is not None and preset.bundled:
        folder = models_folder() / source
    elif _is_path(source):
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise ModelNotFound(
                f"there is no model folder {folder}",
                hint="check the path, or go on with the bundled models: --models pocket",
            )
    else:
        folder = _from_hub(source)
    missing = _missing(folder)
    if missing:
        raise ModelError(f"{folder} lacks {missing}", hint=_hint(folder))
    return source, folder


def is_here(name: str, task: str) -> bool:
    """Whether a checkpoint is on this computer, whole; nothing is asked of the network."""
    preset = PRESETS.get(name)
    source = name if preset is None else str(getattr(preset, task))
    if preset is not None and preset.bundled:
        return not _missing(models_folder() / source)
    folder = Path(source).expanduser() if _is_path(source) else _cached(source)
    return folder is not None and not _missing(folder)


def _is_path(source: str) -> bool:
    """Whether the user means a folder: it looks like no hub id, or there is such a folder."""
    looks_like_path = source.startswith((".", "/", "~")) or "\\" in source or source.count("/") > 1
    return looks_like_path or Path(source).is_dir()


def _from_hub(repository: str) -> Path:
    # Half a second, and only for who names a model of the hub.
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = _cached(repository)
        if folder is not None and not _missing(folder):
            return folder
        if constants.HF_HUB_OFFLINE:
            raise _not_found(repository, "and HF_HUB_OFFLINE forbids asking the hub")
        return Path(snapshot_download(repository, allow_patterns=list(_WANTED)))
    except HFValidationError as error:
        raise ModelNotFound(
            f"{repository!r} is no preset, no folder and no hub id",
            hint=f"presets are {', '.join(PRESETS)}; hub ids look like deepset/roberta-base-squad2",
        ) from error
    except HfHubHTTPError as error:
        raise ModelNotFound(
            f"the hub does not give {repository}: {error}",
            hint="check the name; for a private model log in with `hf auth login`",
        ) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise _not_found(repository, f"and the hub cannot be reached ({type(error).__name__})") from error


def _cached(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(repository, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def _not_found(repository: str, why: str) -> ModelNotFound:
    from huggingface_hub import constants

    folder = _cached(repository)
    lacks = "is not" if folder is None else f"lacks {_missing(folder)}"
    return ModelNotFound(
        f"model {repository} {lacks} in the cache {constants.HF_HUB_CACHE}, {why}",
        hint="connect once so that it is downloaded, give the path of a folder that holds it, "
        "or use the bundled preset `pocket`",
    )


def _missing(folder: Path) -> str:
    """The first file that loading would miss, empty when all are there."""
    if not (folder / "config.json").is_file():
        return "config.json"
    if not any((folder / name).is_file() for name in (WEIGHTS, WEIGHTS_INDEX)):
        return WEIGHTS
    if not any((folder / name).is_file() for name in VOCABULARIES):
        return VOCABULARIES[0]
    return ""


def _hint(folder: Path) -> str:
    if (folder / "pytorch_model.bin").is_file() and _missing(folder) == WEIGHTS:
        return (
            "pytorch_model.bin is a pickle and can run code, so it is not read: save the model again with "
            "save_pretrained(folder), which writes safetensors"
        )
    return "a checkpoint folder needs config.json, model.safetensors and tokenizer.json"
