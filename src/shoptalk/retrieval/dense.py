"""Exact search by inner product, bounded in memory."""

from collections.abc import Callable, Sequence

import numpy as np

from shoptalk.errors import InputError
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import in_order, top_k


def search(
    queries: np.ndarray,
    documents: np.ndarray,
    k: int,
    *,
    query_chunk: int = 256,
    document_chunk: int = 65_536,
) -> Ranked:
    """The ``k`` documents with the highest inner product, per query.

    At most ``query_chunk * document_chunk`` scores exist at a time; ``documents`` may be memory-mapped.

    Args:
        queries: float32 [n, d].
        documents: float32 [m, d]; with fewer than ``k`` rows each line ends in row -1.

    Raises:
        InputError: a query vector is not finite, or the dimensions differ.
    """
    import torch

    _check(queries, documents)
    n, m = len(queries), len(documents)
    rows = np.full((n, k), -1, np.int64)
    scores = np.full((n, k), -np.inf, np.float32)
    asked = torch.from_numpy(np.array(queries, np.float32, order="C"))
    for first in range(0, m, document_chunk):
        block = torch.from_numpy(np.array(documents[first : first + document_chunk], np.float32, order="C"))
        for start in range(0, n, query_chunk):
            part = slice(start, start + query_chunk)
            near = (asked[part] @ block.T).numpy()
            columns, values = top_k(near, min(k, near.shape[1]))
            rows[part], scores[part] = _merged(rows[part], scores[part], columns + first, values, k)
    return Ranked(rows, scores)


def _merged(
    rows: np.ndarray, scores: np.ndarray, new_rows: np.ndarray, new_scores: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The best ``k`` of two rankings of different documents; empty places (-1, -inf) go last."""
    if not np.isfinite(new_scores).all():
        raise InputError("A document's embedding is not finite: the model gives NaN or infinity for some document.")
    both_rows, both_scores = np.concatenate([rows, new_rows], axis=1), np.concatenate([scores, new_scores], axis=1)
    both_rows, both_scores = in_order(both_rows, both_scores)
    return both_rows[:, :k], both_scores[:, :k]


def _check(queries: np.ndarray, documents: np.ndarray) -> None:
    if queries.ndim != 2 or documents.ndim != 2 or queries.shape[1] != documents.shape[1]:
        raise InputError(f"Query vectors {queries.shape} and document vectors {documents.shape} differ in dimension.")
    if not np.isfinite(queries).all():
        raise InputError("A query's embedding is not finite: the model gives NaN or infinity for some query.")


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
