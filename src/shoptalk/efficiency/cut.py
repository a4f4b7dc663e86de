"""Matryoshka: vectors cut to their first entries (Kusupati et al. 2022, arXiv 2205.13147)."""

from collections.abc import Iterator

import numpy as np

from shoptalk.retrieval.dense import blocks


def cut(vectors: np.ndarray, dimension: int) -> np.ndarray:
    """The first ``dimension`` entries of each vector [n, d], at unit length again; all of them are left as they are."""
    if dimension == vectors.shape[1]:
        return vectors
    head = np.asarray(vectors[:, :dimension], np.float32)
    return head / np.maximum(np.linalg.norm(head, axis=1, keepdims=True), 1e-12)


def cut_blocks(vectors: np.ndarray, dimension: int) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive rows of ``cut``, contiguous float32, each block with the number of its first row."""
    for first, block in blocks(vectors):
        yield first, np.ascontiguousarray(cut(block, dimension))
