"""Inverted lists of product-quantised codes."""

from typing import Any

import numpy as np

from shoptalk.errors import InputError
from shoptalk.retrieval.dense import SPARE, matrix_products
from shoptalk.retrieval.index.base import positive
from shoptalk.retrieval.index.files import FaissIndex
from shoptalk.retrieval.index.means import ROUNDS, centroids, drawn, ladder, lists_for, products

_CODES = 256  # of a byte
_PER_CODE = 64  # documents that k-means sees for each of them


class PQ(FaissIndex):
    """Product-quantised codes in inverted lists (Jégou et al. 2011), the best by code re-scored.

    For vectors that do not fit into memory: a document takes one byte per four dimensions there.

    Args:
        lists, probes: see ``IVF``.
        rescored: candidates by code, in multiples of k, whose vectors are read.
        recall: see ``Kind``.
    """

    name, unit = "pq", "probes"

    def __init__(self, lists: int | None = None, probes: int | None = None, rescored: int = 4, recall: float = 0.95):
        super().__init__(recall, probes)
        self.lists, self.rescored = positive("lists", lists), positive("rescored", rescored)

    def settings(self) -> dict[str, Any]:
        """The number of lists, and how candidates come about."""
        return {"lists": self.lists, "rescored": self.rescored}

    def products(self, m: int) -> float:
        """k-means, each document's list, and its code."""
        return products(m, lists_for(m, self.lists)) + _CODES * m

    def memory(self, m: int, d: int) -> int:
        """Codes and row numbers, while they grow."""
        return 2 * m * (_bytes(d) + 8)

    def learn(self, documents: np.ndarray) -> Any:
        """Centroids, and codes of what they leave."""
        import faiss

        m, d = documents.shape
        if m < _CODES:
            raise InputError(f"index=pq learns codes from {_CODES} documents or more, not {m}: choose index=exact.")
        quantizer = faiss.IndexFlatIP(d)
        quantizer.add(centroids(documents, lists_for(m, self.lists)))
        made = faiss.IndexIVFPQ(quantizer, d, quantizer.ntotal, _bytes(d), 8, faiss.METRIC_INNER_PRODUCT)
        made.pq.cp.niter, made.pq.cp.min_points_per_centroid = ROUNDS, 1
        with matrix_products():
            made.train(drawn(documents, _PER_CODE * _CODES))
        return made

    def efforts(self, structure: Any, k: int) -> list[int]:
        """From one list to all."""
        return ladder(1, structure.nlist)

    def candidates(self, structure: Any, queries: np.ndarray, documents: np.ndarray, k: int, effort: int) -> np.ndarray:
        """The best by code."""
        import faiss

        wide = min(self.rescored * k + SPARE, len(documents))
        return structure.search(queries, wide, params=faiss.SearchParametersIVF(nprobe=effort))[1]


def _bytes(d: int) -> int:
    """Bytes of a code: one per four dimensions, or per as many more as divide ``d``."""
    return next(size for size in range(max(1, d // 4), 0, -1) if d % size == 0)
