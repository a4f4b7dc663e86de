"""A large corpus of vectors that is made of a small one: real embeddings, each many times, moved among its neighbours.

A vector is moved at random within the plane of the 20 main directions of its 64 nearest neighbours (local principal
components), as far in each as they lie apart, times ``noise``. So the corpus fills the surface that the embeddings lie
on; its local dimension is estimated, not believed.
"""

from pathlib import Path

import numpy as np

from shoptalk.retrieval.dense import exact

DIRECTIONS, NEIGHBOURS = 20, 64
_AT_ONCE = 256


def write(base: np.ndarray, count: int, noise: float, seed: int, path: Path) -> None:
    """``count`` vectors of length 1 as float32 .npy; ``base`` float32 [b, d], rows of length 1."""
    made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, base.shape[1]))
    used = min(len(base), count)
    near = exact(base[:used], base, NEIGHBOURS + 1).rows[:, 1:]
    for start in range(0, used, _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, used))
        axes = noise * directions(base[near[rows]])
        random = np.random.default_rng([seed, start])
        for first in range(0, count, used):
            here = rows[rows + first < count]
            drawn = random.normal(size=(len(here), 1, axes.shape[1])).astype(np.float32)
            moved = base[here] + (drawn @ axes[: len(here)])[:, 0]
            made[first + here] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    made.flush()


def directions(neighbours: np.ndarray) -> np.ndarray:
    """Main directions of each group, each as long as its standard deviation: [n, g, d] -> float32 [n, 20, d]."""
    centred = neighbours - neighbours.mean(axis=1, keepdims=True)
    _, mixed = np.linalg.eigh(centred @ centred.transpose(0, 2, 1))
    main = mixed[:, :, -DIRECTIONS:].transpose(0, 2, 1)
    return np.float32(main @ centred / np.sqrt(neighbours.shape[1]))


def local_dimension(vectors: np.ndarray, k: int, seed: int, sampled: int = 500) -> float:
    """Maximum-likelihood estimate over ``k`` neighbours (Levina and Bickel 2004; inverses averaged, MacKay and
    Ghahramani 2005), of vectors of length 1."""
    rows = np.random.default_rng(seed).choice(len(vectors), min(sampled, len(vectors)), replace=False)
    found = exact(np.ascontiguousarray(vectors[np.sort(rows)]), vectors, k + 1)
    distances = np.sqrt(np.maximum(2 - 2 * found.scores[:, 1:].astype(np.float64), 1e-12))
    return float(1 / (np.log(distances[:, -1:] / distances[:, :-1]).sum(axis=1) / (k - 2)).mean())
