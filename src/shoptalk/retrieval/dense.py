"""Search by inner product, bounded in memory: exact, or over an index."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from shoptalk.errors import InputError
from shoptalk.retrieval import products
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import in_order

SPARE = 8
"""Candidates asked for beyond k: sums in float32 are rounded, so that the last of k may be of another order."""

_BLOCK_BYTES = 1 << 26  # of documents compared at a time, which torch copies
_LINES, _HELD = 8192, 1 << 20  # queries at a time, and (query, candidate) pairs
_FEW = 4  # queries: so many at least make a matrix product the faster way
_SCORED = 128  # queries scored at a time: their vectors should fit into the processor's cache

Near = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""Queries and c to scores and rows [n, c] of the best c documents, best first, as far as rounding lets one tell."""

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Queries and rows [n, c] to the scores that count, float32 [n, c]."""


def search(queries: np.ndarray, documents: np.ndarray, k: int) -> Ranked:
    """The ``k`` documents with the highest inner product, per query; in blocks of bounded size.

    Scores are inner products summed in float64 and rounded once, and ranks follow from them. So they depend on
    nothing but the two vectors: not on blocks, threads or the matrix library.

    Args:
        queries: float32 [n, d].
        documents: float32 [m, d], maybe memory-mapped; with fewer than ``k`` rows each line ends in row -1.

    Raises:
        InputError: a vector is not finite, or the dimensions differ.
    """
    check(queries, documents)
    return exact(queries, documents, k)


def check(queries: np.ndarray, documents: np.ndarray) -> None:
    """Refuse vectors that nothing can be searched with."""
    if queries.ndim != 2 or documents.ndim != 2 or queries.shape[1] != documents.shape[1]:
        raise InputError(f"Query vectors {queries.shape} and document vectors {documents.shape} differ in dimension.")
    for kind, vectors in (("query", queries), ("document", documents)):
        if not all(np.isfinite(block).all() for _, block in blocks(vectors)):
            raise InputError(f"A {kind}'s embedding is not finite: the model gives NaN or infinity for some {kind}.")


def exact(queries: np.ndarray, documents: np.ndarray, k: int) -> Ranked:
    """``search`` of vectors that were checked before."""
    found, within = nothing(len(queries), k), min(k, len(documents))
    if within and len(queries):
        asked = np.ascontiguousarray(queries, np.float32)
        found.rows[:, :within], found.scores[:, :within] = nearest(
            asked,
            len(documents),
            within,
            lambda part, wide: _candidates(part, documents, wide),
            lambda part, rows: inner_products(part, documents, rows),
        )
    return found


def nearest(
    asked: np.ndarray, m: int, k: int, near: Near, score: Score, wide: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and scores [n, k] of the best of ``m`` documents, ties by row, from ``wide`` candidates each.

    More candidates are asked for where those cannot tell. Ranks depend on ``score`` alone.

    Args:
        k: at most ``m``, at least 1.
        wide: k and a few unless given.
    """
    wide = min(wide or k + SPARE, m)
    lines = max(1, min(_LINES, _HELD // wide))
    parts = [_of_part(asked[i : i + lines], m, k, near, score, wide) for i in range(0, len(asked), lines)]
    rows, scores = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(scores)


def _of_part(asked: np.ndarray, m: int, k: int, near: Near, score: Score, wide: int) -> tuple[np.ndarray, np.ndarray]:
    about, found = near(asked, wide)
    true = score(asked, found)
    rows, scores = (side[:, :k] for side in in_order(found, true))
    if wide < m:
        # Any of the documents nearly tied at the border may be there: what was left out may be as good as the last.
        rounding = np.abs(true - about).max(axis=1)
        torn = np.flatnonzero(scores[:, -1] <= about[:, -1] + 2 * rounding)
        if len(torn):
            rows[torn], scores[torn] = nearest(asked[torn], m, k, near, score, 8 * wide)
    return rows, scores


def nothing(n: int, k: int) -> Ranked:
    """``n`` lines without any result."""
    return Ranked(np.full((n, k), -1, np.int64), np.full((n, k), -np.inf, np.float32))


def inner_products(asked: np.ndarray, documents: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """asked[i] times documents[rows[i, j]]: float32 [n, j], summed in float64, -inf where the row is -1."""
    scores = np.empty(rows.shape, np.float32)
    if isinstance(documents, np.ndarray):
        documents = documents.view(np.ndarray)  # a memory map makes one more of each part that is taken from it
    for start in range(0, len(asked), _SCORED):
        lines = slice(start, start + _SCORED)
        left = asked[lines].astype(np.float64)
        for some in _along_the_shorter(scores[lines].shape):
            right = documents[rows[lines][some]].astype(np.float64)
            scores[lines][some] = np.einsum("nd,nd->n", np.broadcast_to(left[some[0]], right.shape), right)
    scores[rows < 0] = -np.inf
    return scores


def _along_the_shorter(shape: tuple[int, int]) -> Iterator[tuple[int | slice, int | slice]]:
    """The lines of a matrix, or its columns, whichever are fewer."""
    n, k = shape
    whole = slice(None)
    return ((line, whole) for line in range(n)) if n < k else ((whole, column) for column in range(k))


def blocks(vectors: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive rows of ``vectors`` as contiguous float32, each with the number of its first."""
    size = max(1, _BLOCK_BYTES // (4 * max(1, vectors.shape[1])))
    for first in range(0, len(vectors), size):
        yield first, np.ascontiguousarray(vectors[first : first + size], np.float32)


@contextmanager
def matrix_products() -> Iterator[None]:
    """Let faiss compare few queries by matrix products too; it would go one by one, at a sixth of the speed."""
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = 1
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before


def _candidates(asked: np.ndarray, documents: np.ndarray, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``wide`` best of all blocks by sums in float32: scores and rows [n, wide], best first."""
    import faiss

    heap = faiss.ResultHeap(len(asked), wide, keep_max=True)
    for first, block in blocks(documents):
        near, found = _of_block(asked, block, min(wide, len(block)))
        heap.add_result(near, found + first)
    heap.finalize()
    return heap.D, heap.I


def _of_block(asked: np.ndarray, block: np.ndarray, wide: int) -> tuple[np.ndarray, np.ndarray]:
    place = products.device(len(asked))
    if place is not None:
        return products.nearest(asked, block, wide, place)
    import faiss

    with matrix_products() if len(asked) >= _FEW else nullcontext():
        return faiss.knn(asked, block, wide, metric=faiss.METRIC_INNER_PRODUCT)


class Dense:
    """A corpus of vectors to search with texts: the ``Search`` that miners are handed.

    Args:
        embed: ``embed(texts, "query")`` -> float32 [n, d].
        documents: float32 [m, d], one row per corpus row.
        index: searches ``documents`` with vectors; exactly unless given.
    """

    def __init__(
        self,
        embed: Callable[[Sequence[str], str], np.ndarray],
        documents: np.ndarray,
        index: Callable[[np.ndarray, int], Ranked] | None = None,
    ):
        self.embed = embed
        self.documents = documents
        self.index = index
        self._unchecked = documents

    @property
    def notices(self) -> list[str]:
        """What the index has told so far about how it searches."""
        return list(getattr(self.index, "notices", ()))

    def __call__(self, queries: Sequence[str], k: int) -> Ranked:
        """The ``k`` best corpus rows per query."""
        asked = np.asarray(self.embed(queries, "query"))
        if self.index is not None:
            return self.index(asked, k)
        # Once: looking at every document takes longer than searching them for one query.
        check(asked, self._unchecked)
        self._unchecked = self.documents[:0]
        return exact(asked, self.documents, k)

    def score(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """Inner product of queries[i] with corpus row rows[i, j]: float32 [n, j], -inf where the row is -1."""
        return inner_products(np.asarray(self.embed(queries, "query"), np.float32), self.documents, rows)
