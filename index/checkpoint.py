"""The one place where checkpoints are checked and loaded.

    name -> folder (`index.locate`) -> tokenizer + weights + how to pool -> LoadedModel

Safetensors only and remote code never. What would run and give nonsense is refused: a reader without a
trained head, weights that do not fill the architecture, a pooling that is not known here. What the vectors
mean (pooling, prefixes) is returned with the model; using it is the encoder's business.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    PreTrainedModel,
)

from index.engine import TorchEngine
from index.errors import ModelError
from index.locate import locate
from index.presets import KNOWN_PREFIXES, Prefixes
from index.protocols import Engine
from ingest.tokens import TextTokenizer

Task = Literal["encoder", "reader"]
Pooling = Literal["mean", "cls"]

_OUTPUTS = {"encoder": ("last_hidden_state",), "reader": ("start_logits", "end_logits")}
_CLASSES = {"encoder": AutoModel, "reader": AutoModelForQuestionAnswering}
_POOLINGS: dict[str, Pooling] = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A checkpoint ready to run.

    `max_tokens` is its window with special tokens, `dimension` the width of its hidden states. `pooling`
    and `prefixes` are for encoders. `fingerprint` is a hash of weights, tokenizer, pooling and prefixes; the
    engine and its precision are no part of it.
    """

    name: str
    tokenizer: TextTokenizer
    engine: Engine
    max_tokens: int
    dimension: int
    fingerprint: str
    pooling: Pooling
    prefixes: Prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class _SentenceSettings:
    """What the sentence-transformers files of a folder say; defaults where there are none."""

    pooling: Pooling = "mean"
    prefixes: Prefixes = field(default_factory=Prefixes)
    max_tokens: int | None = None


def load_model(
    name: str, task: Task, *, dtype: torch.dtype | None = None, device: str | None = None
) -> LoadedModel:
    """The checkpoint called `name`: a preset, a folder or a hub id.

    `dtype` is by default the one that this machine computes fastest without loss that matters, `device` the
    GPU where there is one. Raises ModelNotFound and ModelError with what is missing and what to do.
    """
    source, folder = locate(name, task)
    place = device or best_device()
    tokenizer = _load_tokenizer(folder)
    sentence = _sentence_settings(source, folder) if task == "encoder" else _SentenceSettings()
    model = _load_weights(folder, task, dtype or best_dtype(place))
    windows = (_window(model), sentence.max_tokens, _tokenizer_limit(folder))
    return LoadedModel(
        name=name,
        tokenizer=tokenizer,
        engine=TorchEngine(
            model, _OUTPUTS[task], device=place, separator=_segment_separator(model, tokenizer)
        ),
        max_tokens=min(window for window in windows if window),
        dimension=int(model.config.hidden_size),
        fingerprint=_fingerprint(folder, tokenizer, sentence),
        pooling=sentence.pooling,
        prefixes=sentence.prefixes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainable:
    """A checkpoint in float32, ready to be trained: the plain transformers model and what belongs to it.

    `separator` is the separator's id where the model numbers its segments, None where it does not;
    `new_head` says that its task's head is fresh, because the checkpoint had none. `pooling` and `prefixes`
    are for encoders.
    """

    model: PreTrainedModel
    tokenizer: TextTokenizer
    max_tokens: int
    separator: int | None
    fingerprint: str
    new_head: bool
    pooling: Pooling = "mean"
    prefixes: Prefixes = field(default_factory=Prefixes)


def load_trainable(name: str, task: Task, *, device: str | None = None, seed: int = 0) -> Trainable:
    """The checkpoint called `name` for training; an encoder asked for as reader gets a new head by `seed`.

    Raises ModelNotFound and ModelError.
    """
    source, folder = locate(name, task)
    tokenizer = _load_tokenizer(folder)
    sentence = _sentence_settings(source, folder) if task == "encoder" else _SentenceSettings()
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers are not ours to reset
        torch.manual_seed(seed)
        model, gaps = _load(folder, task, torch.float32)
    _refuse_gaps(folder, task, [gap for gap in gaps if not gap.startswith("qa_outputs")])
    limits = (_window(model), sentence.max_tokens, _tokenizer_limit(folder))
    return Trainable(
        model=model.to(best_device() if device is None else device),  # type: ignore[arg-type]
        tokenizer=tokenizer,
        max_tokens=min(limit for limit in limits if limit),
        separator=_segment_separator(model, tokenizer),
        fingerprint=_fingerprint(folder, tokenizer, sentence),
        new_head=bool(gaps),
        pooling=sentence.pooling,
        prefixes=sentence.prefixes,
    )


def save_trained(trained: Trainable, start: str, task: Task, folder: Path, *, card: str) -> None:
    """Write trained weights as float16 safetensors with the tokenizer and settings of what they came from.

    `start` is the name that `load_trainable` was given, `card` the text of the model card. The weights are
    written last, so that a folder that loads is whole. Raises ModelError where the folder cannot be written.
    """
    _, origin = locate(start, task)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        (folder / "tokenizer.json").write_bytes(_tokenizer_file(trained.tokenizer, origin))
        if (origin / "tokenizer_config.json").is_file():
            shutil.copyfile(origin / "tokenizer_config.json", folder / "tokenizer_config.json")
        if task == "encoder":
            _write_sentence_settings(trained, folder)
        half = {
            name: value.detach().to("cpu", torch.float16).contiguous()
            for name, value in trained.model.state_dict().items()
        }
        with _quiet():
            trained.model.save_pretrained(folder, state_dict=half)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written: {error}", hint="give a folder that can be written to"
        ) from error


def _write_sentence_settings(trained: Trainable, folder: Path) -> None:
    """Pooling, prefixes and window in the files of sentence-transformers, which reads the folder too."""
    kinds = ("Transformer", "Pooling", "Normalize")
    places = ("", "1_Pooling", "2_Normalize")
    modules = [
        {"idx": n, "name": str(n), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for n, (kind, place) in enumerate(zip(kinds, places, strict=True))
    ]
    pooling = {
        "word_embedding_dimension": int(trained.model.config.hidden_size),
        "pooling_mode_cls_token": trained.pooling == "cls",
        "pooling_mode_mean_tokens": trained.pooling == "mean",
    }
    files: dict[str, Any] = {
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "sentence_bert_config.json": {"max_seq_length": trained.max_tokens, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": trained.prefixes.query, "document": trained.prefixes.passage}
        },
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _tokenizer_file(tokenizer: TextTokenizer, origin: Path) -> bytes:
    own = origin / "tokenizer.json"
    return own.read_bytes() if own.is_file() else tokenizer.serialise().encode()


def best_device() -> str:
    """`cuda` or `mps` where torch can use one, else `cpu`."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_dtype(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, else float32."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return torch.float32


def _load_tokenizer(folder: Path) -> TextTokenizer:
    try:
        if (folder / "tokenizer.json").is_file():
            return TextTokenizer.from_file(folder / "tokenizer.json")
        with _quiet():
            slow_files = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return TextTokenizer(slow_files.backend_tokenizer)
    except Exception as error:  # the tokenizers library raises bare Exception for a damaged file
        raise ModelError(
            f"the tokenizer in {folder} cannot be used: {error}",
            hint="put the model's own tokenizer.json there",
        ) from error


def _load_weights(folder: Path, task: Task, dtype: torch.dtype) -> PreTrainedModel:
    model, gaps = _load(folder, task, dtype)
    _refuse_gaps(folder, task, gaps)
    return model


def _load(folder: Path, task: Task, dtype: torch.dtype) -> tuple[PreTrainedModel, list[str]]:
    """The model and the names of weights that its file does not hold."""
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _quiet():
            config = AutoConfig.from_pretrained(folder, **local)
            loaded: tuple[PreTrainedModel, dict[str, Any]] = _CLASSES[task].from_pretrained(
                folder, config=config, dtype=dtype, use_safetensors=True, output_loading_info=True, **local
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder} cannot be loaded as {task}: {error}",
            hint="it must hold a BERT-like encoder (RoBERTa, XLM-RoBERTa, BERT ...) saved as safetensors",
        ) from error
    model, info = loaded
    if config.is_encoder_decoder:
        raise ModelError(f"{folder} holds an encoder-decoder", hint="choose a RoBERTa-like checkpoint")
    if task == "encoder" and hasattr(model, "pooler"):
        model.register_module(
            "pooler", None
        )  # its weights are not in every checkpoint and its output is never used
    gaps = sorted(key for key in info["missing_keys"] if not key.startswith("pooler."))
    return model, gaps + sorted(str(key) for key in info["mismatched_keys"])


def _refuse_gaps(folder: Path, task: Task, gaps: Sequence[str]) -> None:
    """Weights that the file does not hold would be random numbers."""
    if not gaps:
        return
    if any(key.startswith("qa_outputs") for key in gaps):
        raise ModelError(
            f"{folder} has no question-answering head: {', '.join(gaps)} are not in its weights",
            hint="as reader choose a checkpoint fine-tuned on SQuAD, such as deepset/roberta-base-squad2",
        )
    raise ModelError(
        f"the weights in {folder} do not fill the {task}: {', '.join(gaps[:5])} are missing",
        hint="the file and config.json do not belong together; fetch the model again",
    )


def _segment_separator(model: PreTrainedModel, tokenizer: TextTokenizer) -> int | None:
    return tokenizer.sep_id if getattr(model.config, "type_vocab_size", 0) > 1 else None


def _window(model: PreTrainedModel) -> int | None:
    """Rows of the position table that a text can use: RoBERTa's begin after the padding row."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings) - unused
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if isinstance(limit, int) else None


def _tokenizer_limit(folder: Path) -> int | None:
    """`model_max_length`, None where it stands for "no limit" with an astronomical number."""
    limit = _json(folder / "tokenizer_config.json").get("model_max_length")
    return int(limit) if limit is not None and limit < 1_000_000 else None


def _sentence_settings(source: str, folder: Path) -> _SentenceSettings:
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    known = KNOWN_PREFIXES.get(source, Prefixes())
    passage = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), None)
    settings = _json(folder / "sentence_bert_config.json")
    if settings.get("do_lower_case"):
        raise ModelError(
            f"{folder} wants its texts lower-cased outside its tokenizer (do_lower_case)",
            hint="set a lower-casing normaliser in tokenizer.json, or choose another encoder",
        )
    return _SentenceSettings(
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


def _fingerprint(folder: Path, tokenizer: TextTokenizer, sentence: _SentenceSettings) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("model*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    digest.update(tokenizer.serialise().encode())
    digest.update(json.dumps([sentence.pooling, sentence.prefixes.query, sentence.prefixes.passage]).encode())
    return digest.hexdigest()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """transformers without progress bars, advice and warnings: what matters is checked here."""
    library: Any = transformers.logging  # its functions carry no types
    verbosity, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library.set_verbosity(verbosity)
        if bars:
            library.enable_progress_bar()
