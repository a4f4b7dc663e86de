"""What every retriever gives back."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranked:
    """The best documents per query, best first.

    ``rows`` int64 [n, k] are corpus rows, ``scores`` float32 [n, k] fall along each line; a line with
    fewer than k results ends in row -1 with score -inf. Equal scores are ordered by corpus row.
    """

    rows: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)
