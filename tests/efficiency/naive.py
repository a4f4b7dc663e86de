"""What codes do, written out in numpy: quantise, decode, compare with everything, sort."""

import numpy as np

from shoptalk.retrieval.ranked import Ranked


def cut(vectors: np.ndarray, dimension: int) -> np.ndarray:
    head = vectors[:, :dimension].astype(np.float64)
    return head / np.linalg.norm(head, axis=1, keepdims=True)


def scalar(vectors: np.ndarray, bits: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Each entry as the middle of one of 2^bits - 1 steps between its dimension's bounds."""
    steps = 2**bits - 1
    place = np.clip((vectors - low) / (high - low), 0, 1)
    return low + (np.floor(place * steps) + 0.5) / steps * (high - low)


def bounds(vectors: np.ndarray, share: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Per dimension its least and greatest value, or those that ``share`` of the values lie outside of on each side."""
    ordered = np.sort(vectors, axis=0)
    outside = int(share * len(vectors))
    return ordered[outside], ordered[len(vectors) - 1 - outside]


def hamming(queries: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """How many signs differ: int [n, m]."""
    return ((queries[:, None] > 0) != (vectors[None] > 0)).sum(-1)


def best(scores: np.ndarray, k: int) -> Ranked:
    """The k best of each row, ties by column."""
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Ranked(rows, np.take_along_axis(scores, rows, axis=1))
