"""Attention followed through all layers: how much of each token stands in each, as far as attention says.

    rollout = A_L ... A_2 A_1,  A_l = (mean of the layer's heads + I) / 2

The identity stands for the residual connection (Abnar and Zuidema 2020, arXiv:2005.00928). It shows where
information could flow; see `answer_attribution` and `similarity_attribution` for what mattered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def rollout(attention: Floats) -> Floats:
    """(n, n) from attention (layers, heads, n, n); rows sum to 1, row i tells of the last layer's token i."""
    size = attention.shape[-1]
    found = np.eye(size, dtype=np.float32)
    for layer in attention:
        mixed = (layer.mean(axis=0) + np.eye(size, dtype=np.float32)) / 2
        found = mixed @ found
    return found
