"""The public names of the packages, and what asking for them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import index
import ingest
import qa
from index.errors import DataError, ModelError, StoreError
from ingest.errors import IngestError, SpanwiseError

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("package", [ingest, index, qa], ids=lambda package: package.__name__)
def test_every_public_name_is_there_and_nothing_else(package: ModuleType) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="Nothing"):
        package.Nothing  # noqa: B018


def test_errors_can_be_caught_where_they_are_raised() -> None:
    assert (ingest.IngestError, ingest.SpanwiseError) == (IngestError, SpanwiseError)
    assert (index.StoreError, index.ModelError, index.DataError) == (StoreError, ModelError, DataError)
    assert (qa.SpanwiseError, qa.ModelError, qa.DataError) == (SpanwiseError, ModelError, DataError)


def test_records_cost_no_model_library() -> None:
    script = (
        "import sys; from qa import Answer, AskResult, ModelError, Reader, Reason, SpanCandidate;"
        "print(sorted({'torch', 'transformers', 'faiss', 'sqlalchemy', 'tokenizers'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
