"""A graph of neighbours."""

from typing import Any

import numpy as np

from shoptalk.retrieval.dense import SPARE
from shoptalk.retrieval.index.base import positive
from shoptalk.retrieval.index.files import FaissIndex
from shoptalk.retrieval.index.means import ladder

_BROADEST = 4096


class HNSW(FaissIndex):
    """A navigable small-world graph (Malkov and Yashunin 2018) over vectors held in half precision.

    It is built on one thread, so that it is a function of its vectors: slow to build, fast for few queries.

    Args:
        neighbours: links of a document; M in the paper.
        construction: candidates for them; efConstruction.
        breadth: candidates that a search keeps; efSearch.
        recall: see ``Kind``.
    """

    name, unit = "hnsw", "breadth"

    def __init__(self, neighbours: int = 32, construction: int = 40, breadth: int | None = None, recall: float = 0.95):
        super().__init__(recall, breadth)
        self.neighbours = positive("neighbours", neighbours)
        self.construction = positive("construction", construction)

    def settings(self) -> dict[str, Any]:
        """What the graph depends on."""
        return {"neighbours": self.neighbours, "construction": self.construction}

    def products(self, m: int) -> float:
        """Every document is compared with the links of its candidates, half of which were met before."""
        return m * min(m, self.construction * self.neighbours / 2)

    def memory(self, m: int, d: int) -> int:
        """Vectors at two bytes a number, links, and the vectors to re-score, which are read in no order."""
        return m * (6 * d + 12 * self.neighbours)

    def learn(self, documents: np.ndarray) -> Any:
        """An empty graph."""
        import faiss

        kind, half = faiss.IndexHNSWSQ, faiss.ScalarQuantizer.QT_fp16
        made = kind(documents.shape[1], half, self.neighbours, faiss.METRIC_INNER_PRODUCT)
        made.hnsw.efConstruction = self.construction
        made.train(np.ascontiguousarray(documents[:1], np.float32))
        return made

    def add(self, structure: Any, block: np.ndarray) -> None:
        """On one thread."""
        import faiss

        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            structure.add(block)
        finally:
            faiss.omp_set_num_threads(threads)

    def efforts(self, structure: Any, k: int) -> list[int]:
        """From ``k`` to thousands."""
        return ladder(k, max(k, min(_BROADEST, structure.ntotal)))

    def candidates(self, structure: Any, queries: np.ndarray, documents: np.ndarray, k: int, effort: int) -> np.ndarray:
        """The best that the search has kept."""
        import faiss

        wide = min(k + SPARE, len(documents))
        return structure.search(queries, wide, params=faiss.SearchParametersHNSW(efSearch=max(effort, wide)))[1]
