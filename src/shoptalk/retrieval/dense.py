"""Exact search by inner product, bounded in memory."""

from collections.abc import Callable, Sequence

import numpy as np

from shoptalk.errors import InputError
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import in_order, top_k


def search(queries: np.ndarray, documents: np.ndarray, k: int) -> Ranked:
    """The ``k`` documents with the highest inner product, per query; by faiss, in blocks of bounded size.

    Args:
        queries: float32 [n, d].
        documents: float32 [m, d], maybe memory-mapped; with fewer than ``k`` rows each line ends in row -1.

    Raises:
        InputError: a vector is not finite, or the dimensions differ.
    """
    import faiss

    _check(queries, documents)
    n, m = len(queries), len(documents)
    rows, scores = np.full((n, k), -1, np.int64), np.full((n, k), -np.inf, np.float32)
    within = min(k, m)
    if not n or not within:
        return Ranked(rows, scores)
    asked, known = (np.ascontiguousarray(vectors, np.float32) for vectors in (queries, documents))
    near, found = faiss.knn(asked, known, min(within + 1, m), metric=faiss.METRIC_INNER_PRODUCT)
    rows[:, :within], scores[:, :within] = in_order(found[:, :within], near[:, :within])
    if m > within:
        # faiss takes any of the documents tied at the border; only there the choice must be made again.
        torn = np.flatnonzero(near[:, within - 1] == near[:, within])
        for line in torn:
            rows[[line]], scores[[line]] = top_k(asked[[line]] @ known.T, within)
    return Ranked(rows, scores)


def _check(queries: np.ndarray, documents: np.ndarray) -> None:
    if queries.ndim != 2 or documents.ndim != 2 or queries.shape[1] != documents.shape[1]:
        raise InputError(f"Query vectors {queries.shape} and document vectors {documents.shape} differ in dimension.")
    for kind, vectors in (("query", queries), ("document", documents)):
        if not np.isfinite(vectors).all():
            raise InputError(f"A {kind}'s embedding is not finite: the model gives NaN or infinity for some {kind}.")


class Dense:
    """A corpus of vectors to search with texts: the ``Search`` that miners are handed.

    Args:
        embed: ``embed(texts, "query")`` -> float32 [n, d].
        documents: float32 [m, d], one row per corpus row.
    """

    def __init__(self, embed: Callable[[Sequence[str], str], np.ndarray], documents: np.ndarray):
        self.embed = embed
        self.documents = documents

    def __call__(self, queries: Sequence[str], k: int) -> Ranked:
        """The ``k`` best corpus rows per query."""
        return search(np.asarray(self.embed(queries, "query")), self.documents, k)

    def score(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """Inner product of queries[i] with corpus row rows[i, j]: float32 [n, j], -inf where the row is -1."""
        asked = np.asarray(self.embed(queries, "query"), dtype=np.float32)
        scores = np.empty(rows.shape, np.float32)
        for column in range(rows.shape[1]):
            scores[:, column] = np.einsum("nd,nd->n", asked, self.documents[rows[:, column]], dtype=np.float32)
        return np.where(rows >= 0, scores, -np.inf).astype(np.float32)
