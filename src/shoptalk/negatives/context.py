"""Where a document stands among the candidates of its query, in figures that a calibration can use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoptalk.negatives.mined import Search
from shoptalk.negatives.scoring import Scores


@dataclass(frozen=True)
class _Query:
    """A query's best documents by the base model: rows and scores [depth], the teacher's logits of the first few."""

    rows: np.ndarray
    scores: np.ndarray
    logits: np.ndarray


class Context:
    """Four figures of a document beside the teacher's logit.

    A cross-encoder that learned documents one by one has a level of its own for every query, and does not know how
    the base model ranks. The figures are: the logit less log Σ exp over those of the query's ``near`` best documents
    by the base model; the base model's score; that less its best; log(1 + rank) by the base model, ranks from
    ``depth`` on being one.

    Args:
        scores: the teacher's.
        dense: search over the base model's embeddings.
        depth: ranks told apart.
        near: documents that stand for the query's level. What was found for a query is remembered.
    """

    def __init__(self, scores: Scores, dense: Search, depth: int, near: int = 8):
        self.scores, self.dense, self.depth, self.near = scores, dense, depth, min(near, depth)
        self._known: dict[str, _Query] = {}

    def __call__(self, queries: Sequence[str], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Float32 logits [n, k] and figures [n, k, 4] of corpus row rows[i, j] for queries[i], NaN where it is -1."""
        if not len(queries):
            return np.empty(rows.shape, np.float32), np.empty((*rows.shape, 4), np.float32)
        self._learn(queries)
        known = [self._known[query] for query in queries]
        found, best, level = (np.stack([getattr(one, name) for one in known]) for name in ("rows", "scores", "logits"))
        place = _places(rows, found)
        logits = self._logits(queries, rows, place, level)
        scores = self._scores(queries, rows, place, best)
        beside = logits - np.logaddexp.reduce(level, axis=1, keepdims=True)
        rank = np.log1p(np.where(place < 0, self.depth, place))
        figures = np.stack([beside, scores, scores - best[:, :1], rank], axis=2).astype(np.float32)
        figures[rows < 0] = np.nan
        return logits, figures

    def _learn(self, queries: Sequence[str]) -> None:
        """Look into queries that are new."""
        first: dict[str, int] = {}
        for line, query in enumerate(queries):
            if query not in self._known:
                first.setdefault(query, line)
        if not first:
            return
        # All of them at once are the texts that a strategy searched with: their embeddings are there.
        found, lines = self.dense(queries, self.depth), list(first.values())
        rows, scores = found.rows[lines], found.scores[lines]
        logits = self.scores(list(first), rows[:, : self.near])
        self._known |= {q: _Query(*told) for q, *told in zip(first, rows, scores, logits, strict=True)}

    def _logits(self, queries: Sequence[str], rows: np.ndarray, place: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Those remembered, and the teacher's of the others."""
        there = (place >= 0) & (place < self.near)
        logits = self.scores(queries, np.where(there, -1, rows))
        return np.where(there, np.take_along_axis(level, np.where(there, place, 0), axis=1), logits)

    def _scores(self, queries: Sequence[str], rows: np.ndarray, place: np.ndarray, best: np.ndarray) -> np.ndarray:
        """The base model's scores; only what lies outside of what was found is computed."""
        scores = np.take_along_axis(best, np.maximum(place, 0), axis=1)
        lines = np.flatnonzero(((place < 0) & (rows >= 0)).any(axis=1))
        if len(lines):
            beyond = self.dense.score([queries[i] for i in lines], np.maximum(rows[lines], 0))
            scores[lines] = np.where(place[lines] < 0, beyond, scores[lines])
        return scores


def _places(rows: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Int64 like ``rows``: where each stands in its line of ``found`` [n, depth], -1 where it does not."""
    place = np.full(rows.shape, -1)
    for column in range(rows.shape[1]):
        same = found == rows[:, column, None]
        hit = same.any(axis=1) & (rows[:, column] >= 0)
        place[hit, column] = same[hit].argmax(axis=1)
    return place


def judged(
    scores: Scores, context: Context | None, queries: Sequence[str], rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Logits like ``rows`` and, with a ``context``, its figures."""
    return (scores(queries, rows), None) if context is None else context(queries, rows)
