"""The one place where transformers loads checkpoints: for its own engine, for training, and back to files.

Safetensors only and remote code never. A reader without a trained head and weights that do
not fill the architecture are refused: they would run and give nonsense.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from index.checkpoints.compact import is_compact, plain_weights
from index.checkpoints.files import ModelFiles, Pooling, Task, read_folder
from index.checkpoints.hub import locate
from index.checkpoints.presets import Prefixes
from index.checkpoints.slow_tokenizer import quiet
from index.engines.batching import padded
from index.engines.loaded_model import LoadedModel
from index.engines.torch_engine import TorchEngine, torch_inputs
from index.errors import ModelError
from index.protocols import TokenIds
from ingest.text.tokenizer import TextTokenizer

OUTPUTS = {"encoder": ("last_hidden_state",), "reader": ("start_logits", "end_logits")}
_CLASSES = {"encoder": AutoModel, "reader": AutoModelForQuestionAnswering}


def torch_engine(
    files: ModelFiles, task: Task, *, dtype: torch.dtype | None = None, device: str | None = None
) -> tuple[TorchEngine, int]:
    """The checkpoint ready to run with PyTorch, and its window in tokens.

    `dtype` and `device` are by default the fastest of this machine. Raises ModelError.
    """
    place = device or best_device()
    kind = dtype or best_dtype(place)
    model = _load_weights(files.folder, task, kind)
    name = f"torch-{'bf16' if kind == torch.bfloat16 else 'fp32'}"
    engine = TorchEngine(
        model,
        OUTPUTS[task],
        pad_id=files.tokenizer.pad_id,
        device=place,
        separator=files.separator,
        name=name if place == "cpu" else f"{name} on {place}",
    )
    return engine, files.window(_window(model))


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

    def inputs(self, sequences: Sequence[TokenIds]) -> dict[str, torch.Tensor]:
        """The model's arguments for framed texts, padded to the longest."""
        ids, mask = padded(sequences, self.tokenizer.pad_id)
        return torch_inputs(ids, mask, self.separator, self.model.device)

    def loaded(self, task: Task) -> LoadedModel:
        """The model with the weights that it has now, ready to run; for figures during a training."""
        return LoadedModel(
            name="in training",
            tokenizer=self.tokenizer,
            engine=TorchEngine(
                self.model,
                OUTPUTS[task],
                pad_id=self.tokenizer.pad_id,
                device=str(self.model.device),
                separator=self.separator,
            ),
            max_tokens=self.max_tokens,  # as it will be used, however short the texts of a step are cut
            dimension=int(self.model.config.hidden_size),
            fingerprint=self.fingerprint,
            pooling=self.pooling,
            prefixes=self.prefixes,
        )


def load_trainable(name: str, task: Task, *, device: str | None = None, seed: int = 0) -> Trainable:
    """The checkpoint called `name` for training; an encoder asked for as reader gets a new head by `seed`.

    Raises ModelNotFound and ModelError.
    """
    files = read_folder(name, task)
    folder = files.folder
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers are not ours to reset
        torch.manual_seed(seed)
        model, gaps = _load(folder, task, torch.float32)
    _refuse_gaps(folder, task, [gap for gap in gaps if not gap.startswith("qa_outputs")])
    return Trainable(
        model=model.to(best_device() if device is None else device),  # type: ignore[arg-type]
        tokenizer=files.tokenizer,
        max_tokens=files.window(_window(model)),
        separator=files.separator,
        fingerprint=files.fingerprint,
        new_head=bool(gaps),
        pooling=files.sentence.pooling,
        prefixes=files.sentence.prefixes,
    )


def with_labels(start: Trainable, labels: Sequence[str], *, seed: int = 0) -> PreTrainedModel:
    """A model for sequence classification over the encoder of `start`, with a new head for these labels."""
    config = start.model.config.__class__.from_dict(start.model.config.to_dict())
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        family: Any = AutoModelForSequenceClassification  # its methods carry no types
        model: PreTrainedModel = family.from_config(config, dtype=torch.float32)
    _, unknown = model.base_model.load_state_dict(start.model.state_dict(), strict=False)
    if unknown:
        raise ModelError(
            f"the encoder has weights that a classifier of its family has not: {', '.join(unknown[:3])}",
            hint="choose a checkpoint of the RoBERTa, XLM-RoBERTa or BERT family",
        )
    return model


def save_trained(
    trained: Trainable, start: str, task: Task, folder: Path, *, card: str, sentences: bool = True
) -> None:
    """Write trained weights as float16 safetensors with the tokenizer and settings of what they came from.

    `start` is the name that `load_trainable` was given, `card` the text of the model card. The weights are
    written last, so that a folder that loads is whole. `sentences` says that an encoder is to serve as one:
    then its pooling is written too. Raises ModelError where the folder cannot be written.
    """
    _, origin = locate(start, task)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        (folder / "tokenizer.json").write_bytes(_tokenizer_file(trained.tokenizer, origin))
        if (origin / "tokenizer_config.json").is_file():
            shutil.copyfile(origin / "tokenizer_config.json", folder / "tokenizer_config.json")
        if task == "encoder" and sentences:
            _write_sentence_settings(trained, folder)
        half = {
            name: value.detach().to("cpu", torch.float16).contiguous()
            for name, value in trained.model.state_dict().items()
        }
        with quiet():
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


def _load_weights(folder: Path, task: Task, dtype: torch.dtype) -> PreTrainedModel:
    model, gaps = _load(folder, task, dtype)
    _refuse_gaps(folder, task, gaps)
    return model


def _load(folder: Path, task: Task, dtype: torch.dtype) -> tuple[PreTrainedModel, list[str]]:
    """The model and the names of weights that its file does not hold."""
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, **local)
            family: Any = _CLASSES[task]
            source: dict[str, Any] = {"pretrained_model_name_or_path": folder, "use_safetensors": True}
            if is_compact(folder):
                # Only the architecture's own class takes weights that are in memory.
                family = family._model_mapping[type(config)]
                weights = {name: torch.from_numpy(value) for name, value in plain_weights(folder).items()}
                source = {"pretrained_model_name_or_path": None, "state_dict": weights}
            loaded: tuple[PreTrainedModel, dict[str, Any]] = family.from_pretrained(
                config=config, dtype=dtype, output_loading_info=True, **source, **local
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


def _window(model: PreTrainedModel) -> int | None:
    """Rows of the position table that a text can use: RoBERTa's begin after the padding row."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings) - unused
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if isinstance(limit, int) else None
