"""Generated vectors, and what an index over them costs, at a size that takes a second."""

from __future__ import annotations

import numpy as np
import pytest

from index.benchmarks.index_size import measure_index
from index.benchmarks.store_size import measure_store
from index.benchmarks.synthetic_vectors import GeneratedVectors
from index.dense.index_kinds import EXACT
from index.errors import StoreError
from index.protocols import Vectors


def test_generated_vectors_are_repeatable_unit_and_crowded() -> None:
    def drawn() -> Vectors:
        return np.concatenate(list(GeneratedVectors(3000, 64).blocks()))

    rows = drawn()
    assert rows.shape == (3000, 64)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.array_equal(rows, drawn())
    cosines = rows[:200] @ rows.T
    tenth = np.sort(cosines, axis=1)[:, -11]
    assert 0.05 < np.median(cosines) < 0.5
    assert np.median(tenth) > np.median(cosines) + 0.2


def test_questions_are_no_stored_vectors() -> None:
    source = GeneratedVectors(3000, 64)
    rows = np.concatenate(list(source.blocks()))
    nearest = (source.questions(50) @ rows.T).max(axis=1)
    assert nearest.max() < 0.99


def test_figures_of_an_approximate_index() -> None:
    found = measure_index(3000, setting="IVF16,SQ8", dimension=32)
    assert (found.kind, found.vectors) == ("IVF16,SQ8", 3000)
    assert found.recall_built is not None
    assert found.recall > 0.9
    # The float16 vectors and their ids on disk, and the codes, ids and centres in memory.
    assert 64 + 8 + 32 + 8 <= found.disk_bytes < 150
    assert 8 + 32 + 8 <= found.memory_bytes < 80
    assert 0 < found.p50_ms <= found.p95_ms
    assert [item.recall for item in found.selected] == [1.0] * 5
    assert found.peak_rss > 1_000_000


def test_figures_of_the_scan() -> None:
    found = measure_index(500, dimension=32)
    assert (found.kind, found.recall, found.probes, found.recall_built) == (EXACT, 1.0, None, None)


@pytest.mark.parametrize(
    ("setting", "said"), [("IVF64,SQ8", "takes 2,496 vectors"), ("nonsense", "no index")]
)
def test_what_cannot_be_built_is_said(setting: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        measure_index(500, setting=setting, dimension=32)


@pytest.mark.slow
def test_figures_of_a_store() -> None:
    found = measure_store(200, dimension=32)
    assert (found.passages, found.documents, found.kind[:5]) == (200, 20, "exact")
    assert 0 < found.sql_ms < found.search_ms
    assert 3 <= found.statements <= 6
    assert found.database_bytes > 200 * 2 * 32
    assert found.commit_last_ms < found.add_ms
