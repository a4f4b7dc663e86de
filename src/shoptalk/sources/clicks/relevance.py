"""How surely people click a document of a query once they look at it."""

from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.errors import InputError


class Relevance(Protocol):
    """A score per (query, document); higher is surer."""

    def score(self, table: pl.DataFrame) -> np.ndarray:
        """float64 [pairs] for ``clicks`` and ``examinations`` (expected ones, the sum of propensities)."""
        ...


class GammaLowerBound:
    """Lower confidence bound on clicks per examination.

    The ``level`` quantile of Gamma(clicks + mu, rate = examinations + 1), where mu is the log's own clicks per
    examination: a pair starts with one examination of the average document. Clicks at rank k count in units of
    examinations, so ranks are comparable; little evidence pulls the bound down, so pairs are.

    Raises:
        InputError: ``level`` lies outside (0, 1).
    """

    def __init__(self, level: float = 0.1):
        if not 0 < level < 1:
            raise InputError(f"relevance.level is {level}; it must lie between 0 and 1, such as 0.1.")
        self.level = level

    def score(self, table: pl.DataFrame) -> np.ndarray:
        """The bound for every pair, float64 [pairs], at least 0."""
        from scipy.stats import gamma

        clicks, examinations = table["clicks"].to_numpy(), table["examinations"].to_numpy()
        average = clicks.sum() / examinations.sum()
        if average == 0:
            return np.zeros(len(table))
        return gamma.ppf(self.level, clicks + average, scale=1 / (examinations + 1))
