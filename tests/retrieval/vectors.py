"""Vectors that have neighbours."""

import numpy as np


def clustered(count: int, d: int = 16, seed: int = 0, clusters: int = 60) -> np.ndarray:
    """float32 [count, d] of length 1 around ``clusters`` centres, which are the same for every seed."""
    centres = np.random.default_rng(99).normal(size=(clusters, d))
    rng = np.random.default_rng(seed)
    made = centres[rng.integers(0, clusters, count)] + 1.2 * rng.normal(size=(count, d))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
