"""Where a document stands among the candidates of its query, in figures that a calibration can use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shoptalk.negatives.mined import Search
from shoptalk.negatives.scoring import Scores


@dataclass(frozen=True)
class _Query:
    """A query's best documents by the base model: scores [depth]; rows and the teacher's logits of the first few."""

    scores: np.ndarray
    rows: np.ndarray
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
        logits = self._judged(queries, rows)
        known = [self._known[query] for query in queries]
        best, level = (np.stack([getattr(one, name) for one in known]) for name in ("scores", "logits"))
        scores = np.where(rows < 0, np.nan, self.dense.score(queries, np.maximum(rows, 0)))
        rank = np.stack([(best > column[:, None]).sum(axis=1) for column in scores.T], axis=1)
        beside = logits - np.logaddexp.reduce(level, axis=1, keepdims=True)
        figures = [beside, scores, scores - best[:, :1], np.where(rows < 0, np.nan, np.log1p(rank))]
        return logits, np.stack(figures, axis=2).astype(np.float32)

    def _judged(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """The logits of ``rows``. New queries are looked into on the way, so that no document is scored twice."""
        first: dict[str, int] = {}
        for line, query in enumerate(queries):
            if query not in self._known:
                first.setdefault(query, line)
        if first:
            found = self.dense(list(first), self.depth)
            beside = np.full((len(queries), self.near), -1)
            beside[list(first.values())] = found.rows[:, : self.near]
            logits = self.scores(queries, np.concatenate([beside, rows], axis=1))
            for scores, near, (query, line) in zip(found.scores, found.rows, first.items(), strict=True):
                self._known[query] = _Query(scores, near[: self.near], logits[line, : self.near])
            return logits[:, self.near :]
        near, told = (np.stack([getattr(self._known[q], name) for q in queries]) for name in ("rows", "logits"))
        same = (rows[:, :, None] == near[:, None, :]) & (rows >= 0)[:, :, None]
        there = same.any(axis=2)
        logits = self.scores(queries, np.where(there, -1, rows))
        return np.where(there, np.take_along_axis(told, same.argmax(axis=2), axis=1), logits)


def judged(
    scores: Scores, context: Context | None, queries: Sequence[str], rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Logits like ``rows`` and, with a ``context``, its figures."""
    return (scores(queries, rows), None) if context is None else context(queries, rows)
