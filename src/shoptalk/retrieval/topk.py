"""The best k of a row of scores, equal scores ordered by column."""

import numpy as np


def top_k(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` highest scores of each row, best first, ties by the lower column.

    Args:
        scores: float32 [n, m], finite or -inf.
        k: at most m.

    Returns:
        (columns int64 [n, k], scores float32 [n, k]).
    """
    import torch

    n, m = scores.shape
    if k == 0 or n == 0:
        return np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    ahead = torch.topk(torch.from_numpy(scores), min(k + 1, m), dim=1)
    values, columns = ahead.values.numpy(), ahead.indices.numpy()
    if m > k:
        # torch picks any of the columns tied at the border; only there the choice must be made again.
        torn = np.flatnonzero(values[:, k - 1] == values[:, k])
        values, columns = values[:, :k].copy(), columns[:, :k].copy()
        for row in torn:
            columns[row] = _lowest_columns(scores[row], values[row, -1], k)
            values[row] = scores[row, columns[row]]
    return in_order(columns, values)


def in_order(columns: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both [n, k], each row sorted by falling score, ties by rising column."""
    order = np.lexsort((columns, -scores), axis=1)
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _lowest_columns(row: np.ndarray, border: np.float32, k: int) -> np.ndarray:
    above = np.flatnonzero(row > border)
    return np.concatenate([above, np.flatnonzero(row == border)[: k - len(above)]])
