"""What is near: words counted once, sentences at their places; the plane of a map."""

from __future__ import annotations

import numpy as np
import pytest

from index.protocols import Encoder
from index.search.nearest import count_words, nearest_sentences, nearest_words, word_vectors
from index.search.projection import map_of, pca, projections
from index.store.store import Store
from ingest.records import Text


@pytest.fixture
def filled(store: Store) -> Store:
    store.add(
        [
            Text(id="a", text="The ferry leaves at noon. The ferry carries mail. Café closed.", title="A"),
            Text(id="b", text="A lighthouse stands on the hill. The mail ferry returns at night.", title="B"),
        ]
    )
    return store


def test_words_are_counted_whatever_their_case() -> None:
    counted = count_words(["The ferry, the FERRY and The ferry's crew", "3 ferries 😀"])
    assert counted["The"] == 3
    assert counted["ferry"] == 2
    assert {"ferry's", "ferries"} <= set(counted)
    assert "3" not in counted


def test_the_nearest_word_is_near_and_not_the_word_itself(filled: Store, hashing_encoder: Encoder) -> None:
    words = word_vectors(filled, hashing_encoder)
    assert words.counts[words.words.index("ferry")] == 3
    found = nearest_words("ferry", words, hashing_encoder, k=3)
    assert len(found) == 3
    assert "ferry" not in [item.text for item in found]
    assert found[0].cosine >= found[1].cosine >= found[2].cosine
    assert nearest_words("  ", words, hashing_encoder) == []
    assert nearest_words("机器翻译很难", words, hashing_encoder) == []


def test_sentences_stand_where_they_say(filled: Store, hashing_encoder: Encoder) -> None:
    found = nearest_sentences("mail ferry returns", filled, hashing_encoder, k=2)
    assert found[0].text == "The mail ferry returns at night."
    texts = {info.path: filled.document(info.id).text for info in filled.documents()}
    for item in found:
        assert item.path is not None
        assert texts[item.path][item.start : item.end] == item.text


def test_the_plane_keeps_what_differs_most() -> None:
    lot = np.random.default_rng(0)
    vectors = lot.normal(size=(50, 5)).astype(np.float32) * np.array([9, 4, 0.1, 0.1, 0.1], np.float32)
    points, kept = pca(vectors)
    assert kept > 0.99
    # Of chance, not of the axes: singular values say the same.
    values = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)
    assert np.linalg.norm(points, axis=0) == pytest.approx(values[:2], rel=1e-3)
    assert pca(vectors[:1])[0].shape == (1, 2)


def test_a_map_has_a_point_for_each_passage(filled: Store) -> None:
    found = map_of(filled)
    assert len(found.points) == len(found.passages) == found.of > 0
    assert np.abs(found.points).max() <= 1
    assert "pca" in projections()
    assert len(map_of(filled, at_most=1).passages) == 1
