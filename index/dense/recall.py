"""Recall@10 of a segment against brute force, and the search effort that reaches it.

Questions are no copies of passages: a stored vector finds itself in any index. Here a question is a stored
vector blended with another one, drawn with a fixed seed. It lies about as far from its neighbours as a real
question does, and along the directions in which the collection varies. The truth comes from numpy, not
from FAISS.
"""

from __future__ import annotations

import numpy as np

from index.dense.faiss_segment import Segment
from index.dense.index_kinds import AIMED_RECALL, Effort, efforts
from index.protocols import Vectors

K = 10
QUESTIONS = 200
_OWN, _OTHER = 0.8, 0.6
_SEED = 7


def questions(segment: Segment, count: int = QUESTIONS) -> Vectors:
    """Unit vectors between stored ones, shape (min(count, len(segment)), dimension)."""
    random = np.random.default_rng(_SEED)
    count = min(count, len(segment))
    own, other = (random.integers(0, len(segment), count) for _ in range(2))
    blended = _OWN * segment.rows_at(own) + _OTHER * segment.rows_at(other)
    lengths = np.linalg.norm(blended, axis=1, keepdims=True)
    return np.asarray(blended / np.maximum(lengths, 1e-6), dtype=np.float32)


def true_scores(segment: Segment, asked: Vectors, k: int = K) -> Vectors:
    """The scores of the `k` nearest to each question by brute force, best first, shape (questions, k)."""
    k = min(k, len(segment))
    best = np.empty((len(asked), 0), dtype=np.float32)
    for _, vectors in segment.blocks():
        scores = np.concatenate([best, asked @ vectors.T], axis=1)
        best = -np.partition(-scores, min(k, scores.shape[1]) - 1, axis=1)[:, :k]
    return -np.sort(-best, axis=1)


def measured_recall(segment: Segment, asked: Vectors, truth: Vectors) -> float:
    """The share of the true neighbours (their scores, one row a question) that a search finds.

    What is as near as the last of them counts: equal vectors may stand in either order.
    """
    found = 0
    for question, scores in zip(asked, truth, strict=True):
        ids, _ = segment.search(question, len(scores), None)
        near = segment.rows_at(np.searchsorted(segment.ids, np.unique(ids))) @ question
        found += int((near >= scores[-1] - 1e-5).sum())
    return found / truth.size


def exact_recall(segment: Segment) -> float:
    """recall@10 of a segment that is scanned; anything but 1.0 is a fault."""
    asked = questions(segment, QUESTIONS // 10)
    return measured_recall(segment, asked, true_scores(segment, asked))


def raise_effort(segment: Segment) -> tuple[Effort, float]:
    """Set the least effort that reaches the recall aimed at, or the highest there is; it and its recall."""
    index = segment.approximate
    if index is None:
        raise ValueError(f"{segment.path.name} has no approximate index")
    asked = questions(segment)
    truth = true_scores(segment, asked)
    recall = 0.0
    for effort in efforts(lists=index.lists, vectors=len(segment)):
        index.effort = effort
        recall = measured_recall(segment, asked, truth)
        if recall >= AIMED_RECALL:
            break
    return index.effort, recall
