"""What inverted lists share: k-means of a sample, and nearest centroids."""

import numpy as np

from shoptalk.retrieval.dense import matrix_products

ROUNDS = 10
"""Rounds of k-means."""

PER_LIST = 64
"""Documents that k-means sees for each list."""


def lists_for(m: int, asked: int | None) -> int:
    """As many lists as ``asked``, else the power of two next to the square root of ``m``; never more than ``m``."""
    return min(m, asked or 2 ** round(np.log2(m) / 2))


def products(m: int, lists: int) -> float:
    """Inner products that k-means and finding each document's list take."""
    return lists * (m + ROUNDS * min(m, PER_LIST * lists))


def centroids(documents: np.ndarray, lists: int) -> np.ndarray:
    """Spherical k-means of a sample of ``documents``: float32 [lists, d]."""
    import faiss

    means = faiss.Kmeans(
        documents.shape[1],
        lists,
        niter=ROUNDS,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=PER_LIST,
    )
    with matrix_products():
        means.train(drawn(documents, PER_LIST * lists))
    return means.centroids


def nearest(vectors: np.ndarray, means: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` nearest ``means`` of each vector by inner product, best first: int64 [n, count]."""
    import faiss

    with matrix_products():
        return faiss.knn(vectors, means, count, metric=faiss.METRIC_INNER_PRODUCT)[1]


def drawn(documents: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` of the ``documents``, always the same ones."""
    m = len(documents)
    rows = np.arange(m) if m <= most else np.sort(np.random.default_rng(0).choice(m, most, replace=False))
    return np.ascontiguousarray(documents[rows], np.float32)


def ladder(low: int, high: int) -> list[int]:
    """Whole numbers from ``low`` to ``high``, each about a tenth above the one before."""
    steps = [low]
    while steps[-1] < high:
        steps.append(min(high, max(steps[-1] + 1, round(1.1 * steps[-1]))))
    return steps
