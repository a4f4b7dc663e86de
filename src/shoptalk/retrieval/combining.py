"""One ranking of several, and a ranking in another order."""

from collections.abc import Sequence

import numpy as np

from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import in_order


def fuse(lists: Sequence[Ranked], top: int, k: int = 60) -> Ranked:
    """The ``top`` best documents by reciprocal rank fusion (Cormack et al. 2009): the sum of 1 / (k + rank).

    Ranks count from 1; a list that does not hold a document adds nothing to it. Scores are summed in float64 and
    rounded once, so that two documents that trade their ranks stay equal.

    Args:
        lists: rankings of the same queries.
        k: how little the very first ranks stand out, >= 0.
    """
    lines = len(lists[0])
    rows = np.concatenate([found.rows for found in lists], axis=1)
    gains = np.concatenate(
        [np.broadcast_to(1.0 / (k + 1 + np.arange(f.rows.shape[1])), f.rows.shape) for f in lists], 1
    )
    line, column = np.nonzero(rows >= 0)
    pairs, back = np.unique(np.stack([line, rows[line, column]]), axis=1, return_inverse=True)
    sums = np.bincount(back.reshape(-1), gains[line, column], pairs.shape[1]).astype(np.float32)
    width = max(top, int(np.bincount(pairs[0], minlength=1).max(initial=0)))
    fused = Ranked(np.full((lines, width), -1, np.int64), np.full((lines, width), -np.inf, np.float32))
    place = np.arange(pairs.shape[1]) - np.searchsorted(pairs[0], pairs[0])
    fused.rows[pairs[0], place], fused.scores[pairs[0], place] = pairs[1], sums
    return Ranked(*(side[:, :top] for side in in_order(fused.rows, fused.scores)))


def reorder(found: Ranked, scores: np.ndarray) -> Ranked:
    """``found`` with its first results ordered by other scores, and the rest behind them as they were.

    Args:
        scores: float32 [n, w] of the first w results; any value where there is none. What is behind them gets scores
            below the lowest, each 1 less than the one before.
    """
    width = scores.shape[1]
    there = found.rows >= 0
    first = np.where(there[:, :width], scores, -np.inf).astype(np.float32)
    rows, scores = in_order(found.rows[:, :width], first)
    lowest = np.where(np.isfinite(first), first, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    behind = np.where(there[:, width:], lowest - 1 - np.arange(found.rows.shape[1] - width), -np.inf)
    return Ranked(np.hstack([rows, found.rows[:, width:]]), np.hstack([scores, behind]).astype(np.float32))
