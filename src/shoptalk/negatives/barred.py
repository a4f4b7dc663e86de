"""What must never be a negative, and random documents that may."""

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.negatives.draws import walk


class Barred:
    """Which (pair, corpus row) must never be a negative: known positives and the pair's own document.

    Known positives of a query are those of every query that normalises to the same text.
    """

    def __init__(self, pairs: pl.DataFrame, corpus: Corpus, known: Known):
        self.size = len(corpus)
        keys = set()
        for i, (query, doc_id) in enumerate(zip(pairs["query"], pairs["doc_id"], strict=True)):
            rows = (corpus.index.get(d) for d in {doc_id, *known.documents(query)})
            keys.update(i * self.size + row for row in rows if row is not None)
        self._keys = np.array(sorted(keys), np.int64)

    def mask(self, rows: np.ndarray, pairs: np.ndarray | None = None) -> np.ndarray:
        """Bool like ``rows`` [n, k], whose lines stand for ``pairs`` (all, in order, when not given)."""
        lines = np.arange(len(rows)) if pairs is None else pairs
        return np.isin(lines[:, None] * self.size + rows, self._keys) & (rows >= 0)


def fill(rows: np.ndarray, barred: Barred, keys: np.ndarray, where: np.ndarray | None = None) -> tuple[np.ndarray, int]:
    """Random documents of the corpus in the empty places (-1) of ``rows`` [n, keep].

    Never a known positive and never a document that already stands in the line; a place stays empty
    only when the corpus has no further document.

    Args:
        where: bool like ``rows``, the places that may be filled; all when not given.

    Returns:
        (rows, number of places filled).
    """
    rows, where = rows.copy(), np.ones(rows.shape, bool) if where is None else where
    short = np.flatnonzero((where & (rows < 0)).any(axis=1))
    before, step, stride = int((rows < 0).sum()), 0, 2 * rows.shape[1] + 8
    # A tour modulo a prime above the corpus size covers it within twice its length (Bertrand).
    while len(short) and step <= 2 * barred.size + stride:
        drawn = walk(keys[short], barred.size, step, stride)
        usable = (drawn >= 0) & ~barred.mask(drawn, short)
        for column in range(stride):
            candidate = drawn[:, column]
            line = rows[short]
            empty = where[short] & (line < 0)
            good = usable[:, column] & empty.any(axis=1) & ~(line == candidate[:, None]).any(axis=1)
            rows[short[good], np.argmax(empty, axis=1)[good]] = candidate[good]
        short = short[(where[short] & (rows[short] < 0)).any(axis=1)]
        step += stride
    return rows, before - int((rows < 0).sum())
