"""The tokenizer of a folder that has only the files of a slow one; transformers converts it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoTokenizer

from ingest.text.tokenizer import TextTokenizer


def convert_tokenizer(folder: Path) -> TextTokenizer:
    """The tokenizer of the checkpoint in `folder`, as `tokenizers` runs it."""
    with quiet():
        slow_files = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return TextTokenizer(slow_files.backend_tokenizer)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """transformers without progress bars, advice and warnings: what matters is checked by the caller."""
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
