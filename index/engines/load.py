"""A checkpoint's name to a model that runs: the front door of the answering path.

    name -> files (`index.checkpoints.files`) -> engine (`index.engines.selection`) -> LoadedModel

Nothing here imports PyTorch or transformers; only the engines that need them do.
"""

from __future__ import annotations

from dataclasses import dataclass

from index.checkpoints.files import Pooling, Task, read_folder
from index.checkpoints.presets import Prefixes
from index.engines.selection import open_engine, question_engine
from index.protocols import Engine
from ingest.text.tokenizer import TextTokenizer

__all__ = ["LoadedModel", "load_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A checkpoint ready to run.

    `max_tokens` is its window with special tokens, `dimension` the width of its hidden states. `pooling`,
    `prefixes` and `question_engine` (what runs it for questions, None for `engine`) are for encoders.
    `fingerprint` is a hash of weights, tokenizer, pooling and prefixes; the engine and its precision are no
    part of it.
    """

    name: str
    tokenizer: TextTokenizer
    engine: Engine
    max_tokens: int
    dimension: int
    fingerprint: str
    pooling: Pooling
    prefixes: Prefixes
    question_engine: Engine | None = None


def load_model(name: str, task: Task, *, engine: str | None = None) -> LoadedModel:
    """The checkpoint called `name`: a preset, a folder or a hub id.

    `engine` is one of `index.checkpoints.engine_names.ENGINES`, by default what this process prefers, else
    the fastest. Raises ModelNotFound and ModelError with what is missing and what to do.
    """
    files = read_folder(name, task)
    opened, window = open_engine(files, task, engine)
    return LoadedModel(
        name=name,
        tokenizer=files.tokenizer,
        engine=opened,
        question_engine=question_engine(files, opened, engine) if task == "encoder" else None,
        max_tokens=window,
        dimension=int(files.config["hidden_size"]),
        fingerprint=files.fingerprint,
        pooling=files.sentence.pooling,
        prefixes=files.sentence.prefixes,
    )
