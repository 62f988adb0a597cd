"""Texts that look like an answer and are none: hard negatives, found with our own retrieval.

The same words index, the same vectors and the same fusion as in a store, over a list of texts in a temporary
folder; used to make training examples and never to answer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from index.fusion import fuse
from index.lexical import LexicalEntry, LexicalIndex
from index.protocols import Encoder

_QUERIES_AT_ONCE = 256


def nearest_texts(
    texts: Sequence[str],
    queries: Sequence[str],
    k: int,
    *,
    encoder: Encoder | None = None,
    language: str = "en",
    progress: Callable[[int, int], None] | None = None,
) -> list[list[int]]:
    """For each query the indices of its `k` nearest texts, nearest first.

    By words alone, or, with an `encoder`, by words and vectors as in a hybrid search. `progress` is called
    with (queries done, queries).
    """
    vectors = None if encoder is None else encoder.encode_passages(texts)
    found: list[list[int]] = []
    with tempfile.TemporaryDirectory(prefix="spanwise-") as folder:
        index = LexicalIndex.create(Path(folder) / "lexical")
        index.update(
            (
                LexicalEntry(id=place, document_key=place, text=text, language=language)
                for place, text in enumerate(texts)
            ),
            (),
        )
        view = index.view()
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            some = queries[start : start + _QUERIES_AT_ONCE]
            near = None if vectors is None or encoder is None else encoder.encode_queries(some) @ vectors.T
            for row, query in enumerate(some):
                lexical = [(hit.id, hit.score) for hit in view.search(query, 2 * k, [language])]
                dense: list[tuple[int, float]] = []
                if near is not None:
                    best = np.argsort(-near[row], kind="stable")[: 2 * k]
                    dense = [(int(place), float(near[row, place])) for place in best]
                ranked = fuse(dense, lexical) if dense else lexical
                found.append([place for place, _ in ranked[:k]])
            if progress:
                progress(len(found), len(queries))
    return found
