"""Hard negatives for training: texts that retrieval finds and that do not answer.

The same words index, the same vectors and the same fusion as in a store, over a list of texts in a temporary
folder; used for training examples only.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from index.lexical.tantivy_index import LexicalIndex
from index.protocols import Encoder, Vectors
from index.records import LexicalEntry
from index.search.fusion import fuse

_QUERIES_AT_ONCE = 256
# Thai to Burmese, kana, Chinese characters and Hangul: words without spaces, or with endings set to them.
_UNSPACED = re.compile("[\u0e00-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

Progress = Callable[[int, int], None]


def nearest_texts(
    texts: Sequence[str],
    queries: Sequence[str],
    k: int,
    *,
    encoder: Encoder | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> list[list[int]]:
    """For each query the indices of its `k` nearest texts, nearest first.

    By words alone, or, with an `encoder`, by words and vectors as in a hybrid search. `progress` is called
    with (queries done, queries).
    """
    return [found for found, _ in _search(texts, queries, k, encoder, language, progress)]


def hard_negatives(
    texts: Sequence[str],
    queries: Sequence[str],
    positives: Sequence[Collection[int]],
    k: int,
    *,
    encoder: Encoder | None = None,
    at_most: float = 0.95,
    language: str = "en",
    progress: Progress | None = None,
) -> list[list[int]]:
    """As `nearest_texts`, without the texts that answer: `positives` are the indices known to, per query.

    With an `encoder`, texts whose cosine is above `at_most` of the nearest positive's are left out too: most
    of them answer and are only not labelled so (Moreira et al. 2024).
    """
    kept = []
    searched = _search(texts, queries, k, encoder, language, progress)
    for (found, cosines), known in zip(searched, positives, strict=True):
        ceiling = np.inf if cosines is None else at_most * max(cosines[place] for place in known)
        kept.append(
            [
                place
                for place in found
                if place not in known and (cosines is None or cosines[place] <= ceiling)
            ]
        )
    return kept


def holds_answer(words: str, answers: Sequence[str]) -> bool:
    """Whether a text holds one of the answers and so is no negative; all are words with one space between.

    Whole words are compared, but for scripts that set none apart.
    """
    padded = f" {words} "
    return any(
        answer and (answer if _UNSPACED.search(answer) else f" {answer} ") in padded for answer in answers
    )


def _search(
    texts: Sequence[str],
    queries: Sequence[str],
    k: int,
    encoder: Encoder | None,
    language: str,
    progress: Progress | None,
) -> Iterator[tuple[list[int], Vectors | None]]:
    """For each query its nearest texts and, with an encoder, its cosine with every text."""
    vectors = None if encoder is None else encoder.encode_passages(texts)
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
                yield [place for place, _ in ranked[:k]], None if near is None else near[row]
            if progress:
                progress(start + len(some), len(queries))
