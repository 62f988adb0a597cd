"""A checkpoint by its name, ready to run.

    name -> files (`index.checkpoints.files`) -> engine (`index.engines.selection`) -> LoadedModel

Nothing here imports PyTorch or transformers; only the engines that need them do.
"""

from __future__ import annotations

from index.checkpoints.files import Task, read_folder
from index.engines.loaded_model import LoadedModel
from index.engines.selection import open_engine, question_engine


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
