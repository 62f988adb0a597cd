"""What is minimised: each passage's own loss, one over all passages of a question, and the teacher's.

    passage  cross entropy of the start (end) over the passage's context tokens and "no answer"
    shared   cross entropy of the gold start (end) over the context tokens of *all* passages of its question
             and its own "no answer" (Clark and Gardner 2018): spans of different passages come to one scale,
             which is what open questions need
    teacher  Kullback-Leibler divergence to the teacher's distribution over the same tokens

Pure functions of logits; rows are windows, padded places carry -inf.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import cross_entropy, log_softmax


def passage_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross entropy of every window, shape (windows,); `logits` (windows, length), `labels` (windows,)."""
    return cross_entropy(logits, labels, reduction="none")


def shared_loss(
    logits: torch.Tensor, labels: torch.Tensor, groups: Sequence[Sequence[int]], no_answer: int = 0
) -> torch.Tensor:
    """One value for each of `groups`, the rows of a question with its gold window first, shape (groups,)."""
    context = logits.clone()
    context[:, no_answer] = float("-inf")
    masses = context.logsumexp(dim=1)
    values = []
    for rows in groups:
        gold = rows[0]
        everything = torch.stack([logits[gold, no_answer], *(masses[row] for row in rows)])
        values.append(everything.logsumexp(dim=0) - logits[gold, labels[gold]])
    return torch.stack(values)


def teacher_loss(logits: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Divergence of every window from its teacher, shape (windows,), scaled by the temperature squared."""
    allowed = torch.isfinite(logits)
    ours = log_softmax(logits / temperature, dim=1).masked_fill(~allowed, 0.0)
    theirs = log_softmax(teacher.masked_fill(~allowed, float("-inf")) / temperature, dim=1)
    gaps = theirs.exp() * (theirs.masked_fill(~allowed, 0.0) - ours)
    return gaps.sum(dim=1) * temperature**2
