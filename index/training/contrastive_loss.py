"""The loss of an encoder, and its gradient over more texts than fit into memory (pure torch).

Each question is contrasted with all passages of its step (InfoNCE, van den Oord et al. 2018), one way only:
a search asks which passage a question means, never which question a passage does, and a passage that answers
several questions of a step would be punished for it. With shorter vectors the loss is the mean over the
widths (Matryoshka representations, Kusupati et al. 2022).

Contrast needs all vectors of a step at once, their graphs need not be: `cached_parts` computes the vectors
without graphs, the gradient of the loss with respect to them, and then chunk by chunk the graph that carries
it to the weights (gradient caching, Gao et al. 2021). The gradient is the direct one's, for one more forward
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch


def contrastive_loss(
    questions: torch.Tensor,
    passages: torch.Tensor,
    positives: torch.Tensor,
    allowed: torch.Tensor,
    *,
    widths: Sequence[int],
    temperature: float,
) -> torch.Tensor:
    """Mean cross-entropy of each question's own passage against all that are allowed for it.

    `questions` has shape (q, width), `passages` (p, width); `positives` (q,) are columns, `allowed` (q, p)
    says which passages count for a question, its own always among them.
    """
    losses = []
    # In float32 whatever the model computes in: a cosine in bfloat16 has three digits.
    with torch.autocast(questions.device.type, enabled=False):
        for width in widths:
            asked = torch.nn.functional.normalize(questions[:, :width].float(), dim=1)
            given = torch.nn.functional.normalize(passages[:, :width].float(), dim=1)
            logits = (asked @ given.T / temperature).masked_fill(~allowed, float("-inf"))
            losses.append(torch.nn.functional.cross_entropy(logits, positives))
    return torch.stack(losses).mean()


def cached_parts(
    chunks: int, embed: Callable[[int], torch.Tensor], loss: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[torch.Tensor]:
    """The loss over all chunks' vectors in one part for each, only one chunk's graph alive at a time.

    `embed(n)` gives the vectors of chunk `n`, the same ones whenever it is asked; `loss` takes all of them in
    order. The parts add up to the loss, and so do their gradients.
    """
    if chunks == 1:
        yield loss(embed(0))
        return
    with torch.no_grad():
        held = [embed(number) for number in range(chunks)]
    vectors = torch.cat(held).detach().requires_grad_()
    value = loss(vectors)
    (gradient,) = torch.autograd.grad(value, vectors)
    parts = torch.split(gradient, [len(item) for item in held])
    for number, part in enumerate(parts):
        carried = (embed(number) * part).sum()
        # Worth the loss once and nothing after, so that the sum of the parts is the loss itself.
        worth = value.detach() if number == 0 else torch.zeros_like(value)
        yield carried - carried.detach() + worth
