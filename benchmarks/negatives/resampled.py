"""A large corpus of vectors made of a small one: real embeddings, each many times, moved among its neighbours.

A vector is moved at random by a Gaussian with the covariance of its 21 nearest neighbours, times ``noise``: within the
20 dimensions that they span, which are their principal components, and farther where they lie farther apart. So the
corpus fills the surface that the embeddings lie on. Its local dimension is estimated, not believed.
"""

from pathlib import Path

import numpy as np

from shoptalk.retrieval.dense import exact

NEIGHBOURS = 21
_AT_ONCE = 1024


def write(base: np.ndarray, count: int, noise: float, seed: int, path: Path) -> None:
    """``count`` vectors of length 1 as float32 .npy; ``base`` float32 [b, d], rows of length 1."""
    made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, base.shape[1]))
    used = min(len(base), count)
    near = exact(base[:used], base, NEIGHBOURS + 1).rows[:, 1:]
    for start in range(0, used, _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, used))
        spread, random = noise * spreads(base[near[rows]]), np.random.default_rng([seed, start])
        for first in range(0, count, used):
            here = rows[rows + first < count]
            drawn = random.normal(size=(len(here), NEIGHBOURS)).astype(np.float32)
            moved = base[here] + np.einsum("ng,ngd->nd", drawn, spread[: len(here)])
            made[first + here] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    made.flush()


def spreads(neighbours: np.ndarray) -> np.ndarray:
    """A root of each group's covariance: normal numbers [n, g] times it have that covariance; [n, g, d] both."""
    return (neighbours - neighbours.mean(axis=1, keepdims=True)) / np.float32(np.sqrt(neighbours.shape[1]))


def local_dimension(vectors: np.ndarray, k: int, seed: int, sampled: int = 500) -> float:
    """Maximum-likelihood estimate over ``k`` neighbours (Levina and Bickel 2004; inverses averaged, MacKay and
    Ghahramani 2005), of vectors of length 1."""
    rows = np.random.default_rng(seed).choice(len(vectors), min(sampled, len(vectors)), replace=False)
    found = exact(np.ascontiguousarray(vectors[np.sort(rows)]), vectors, k + 1)
    distances = np.sqrt(np.maximum(2 - 2 * found.scores[:, 1:].astype(np.float64), 1e-12))
    return float(1 / (np.log(distances[:, -1:] / distances[:, :-1]).sum(axis=1) / (k - 2)).mean())
