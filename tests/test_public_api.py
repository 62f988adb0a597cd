"""The public names of the package, and what asking for them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import qa

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert all(getattr(qa, name) is not None for name in qa.__all__)
    with pytest.raises(AttributeError, match="Nothing"):
        qa.Nothing  # noqa: B018


def test_records_cost_no_model_library() -> None:
    script = (
        "import sys; from qa import Answer, AskResult, Reader, Reason, SpanCandidate;"
        "print(sorted({'torch', 'transformers', 'faiss', 'sqlalchemy', 'tokenizers'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
