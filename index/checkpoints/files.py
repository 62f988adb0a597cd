"""A checkpoint's files besides its weights: tokenizer, window, pooling, prefixes, fingerprint.

    name -> folder (`index.checkpoints.hub`) -> `ModelFiles`

No model library is imported, so that an answer needs none. A pooling that is not known is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from index.checkpoints.compact import weight_digests
from index.checkpoints.hub import locate
from index.checkpoints.presets import KNOWN_PREFIXES, Prefixes
from index.errors import ModelError
from ingest.text.tokenizer import TextTokenizer

Task = Literal["encoder", "reader"]
Pooling = Literal["mean", "cls"]

_POOLINGS: dict[str, Pooling] = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceSettings:
    """What the sentence-transformers files of a folder say; defaults where there are none."""

    pooling: Pooling = "mean"
    prefixes: Prefixes = field(default_factory=Prefixes)
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A folder that holds a checkpoint.

    `source` is the checkpoint's own name (a preset's hub id instead of the preset), `config` its
    config.json, `limits` are the windows in tokens that tokenizer and sentence settings name. `fingerprint`
    is a hash of weights, tokenizer, pooling and prefixes.
    """

    source: str
    folder: Path
    config: Mapping[str, Any]
    tokenizer: TextTokenizer
    sentence: SentenceSettings
    limits: tuple[int, ...]
    fingerprint: str

    def window(self, positions: int | None) -> int:
        """The tokens that fit, special ones included, in a model with so many usable positions."""
        return min(limit for limit in (positions, *self.limits) if limit)

    @property
    def separator(self) -> int | None:
        """The separator's id where the model numbers its segments, None where it does not."""
        return self.tokenizer.sep_id if int(self.config.get("type_vocab_size", 0)) > 1 else None


def read_folder(name: str, task: Task) -> ModelFiles:
    """The folder of the checkpoint called `name`: a preset, a folder or a hub id.

    Raises ModelNotFound and ModelError.
    """
    source, folder = locate(name, task)
    tokenizer = _load_tokenizer(folder)
    sentence = _sentence_settings(source, folder) if task == "encoder" else SentenceSettings()
    limits = (sentence.max_tokens, _tokenizer_limit(folder))
    return ModelFiles(
        source=source,
        folder=folder,
        config=_json(folder / "config.json"),
        tokenizer=tokenizer,
        sentence=sentence,
        limits=tuple(limit for limit in limits if limit),
        fingerprint=_fingerprint(folder, tokenizer, sentence),
    )


def _load_tokenizer(folder: Path) -> TextTokenizer:
    try:
        if (folder / "tokenizer.json").is_file():
            return TextTokenizer.from_file(folder / "tokenizer.json")
        from index.checkpoints.slow_tokenizer import convert_tokenizer

        return convert_tokenizer(folder)
    except Exception as error:  # the tokenizers library raises bare Exception for a damaged file
        raise ModelError(
            f"the tokenizer in {folder} cannot be used: {error}",
            hint="put the model's own tokenizer.json there",
        ) from error


def _tokenizer_limit(folder: Path) -> int | None:
    """`model_max_length`, None where it stands for "no limit" with an astronomical number."""
    limit = _json(folder / "tokenizer_config.json").get("model_max_length")
    return int(limit) if limit is not None and limit < 1_000_000 else None


def _sentence_settings(source: str, folder: Path) -> SentenceSettings:
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    known = KNOWN_PREFIXES.get(source, Prefixes())
    passage = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), None)
    settings = _json(folder / "sentence_bert_config.json")
    if settings.get("do_lower_case"):
        raise ModelError(
            f"{folder} wants its texts lower-cased outside its tokenizer (do_lower_case)",
            hint="set a lower-casing normaliser in tokenizer.json, or choose another encoder",
        )
    return SentenceSettings(
        pooling=_pooling(folder),
        prefixes=Prefixes(query=prompts.get("query") or known.query, passage=passage or known.passage),
        max_tokens=settings.get("max_seq_length"),
    )


def _pooling(folder: Path) -> Pooling:
    """How a text's vector is made of its tokens' vectors; mean where the folder does not say."""
    pooling: Pooling = "mean"
    for module in _json(folder / "modules.json", default=[]):
        kind = str(module["type"]).rsplit(".", 1)[-1]
        if kind == "Pooling":
            pooling = _pooling_mode(folder / module["path"] / "config.json")
        elif kind not in ("Transformer", "Normalize"):
            raise ModelError(
                f"{folder} ends in a {kind} layer, which is not supported",
                hint="choose an encoder whose vectors are pooled hidden states",
            )
    return pooling


def _pooling_mode(path: Path) -> Pooling:
    config = _json(path)
    flags = {key.removeprefix("pooling_mode_") for key, value in config.items() if value is True}
    modes = (
        {config["pooling_mode"]}
        if config.get("pooling_mode")
        else flags
        & {
            "cls_token",
            "mean_tokens",
            "max_tokens",
            "mean_sqrt_len_tokens",
            "weightedmean_tokens",
            "lasttoken",
        }
    )
    if len(modes) != 1 or not modes <= _POOLINGS.keys():
        raise ModelError(
            f"{path} asks for pooling by {' and '.join(sorted(map(str, modes))) or 'nothing'}",
            hint="mean and cls pooling are supported; choose another encoder",
        )
    return _POOLINGS[modes.pop()]


def _json(path: Path, default: Any = None) -> Any:
    if not path.is_file():
        return {} if default is None else default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}", hint="fetch the model again") from error


def _fingerprint(folder: Path, tokenizer: TextTokenizer, sentence: SentenceSettings) -> str:
    digest = hashlib.sha256()
    for weights in weight_digests(folder):
        digest.update(weights)
    digest.update(tokenizer.serialise().encode())
    digest.update(json.dumps([sentence.pooling, sentence.prefixes.query, sentence.prefixes.passage]).encode())
    return digest.hexdigest()
