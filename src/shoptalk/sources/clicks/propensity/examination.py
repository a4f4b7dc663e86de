"""The result of every estimator: chances of examination."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shoptalk.sources.clicks.observed import Observed


@dataclass(frozen=True)
class Examination:
    """Chances that a searcher looks at what is shown.

    Attributes:
        theta: float64 [deepest rank], above 0, the largest 1; ``theta[k - 1]`` belongs to rank k. Only ratios
            between ranks can be known from clicks.
        assumed: the figures were given by hand, not estimated from the log.
        rows: float64 [rows of ``Observed.by_position``], the chance for each row, in (0, 1], where more than its
            rank decides; ``None``: ``theta`` of its rank.
        false_clicks: float64 [deepest rank], clicks per impression that a document gets at this rank
            whatever its relevance (trust bias: the beta of an affine click model); ``None``: none.
        notices: sentences the user should see.
    """

    theta: np.ndarray
    assumed: bool = False
    rows: np.ndarray | None = None
    false_clicks: np.ndarray | None = None
    notices: Sequence[str] = ()

    def of_rows(self, position: np.ndarray) -> np.ndarray:
        """Chance of examination of every row, float64, for their ranks int [rows] (from 1)."""
        return self.theta[position.astype(np.int64) - 1] if self.rows is None else self.rows


class Propensity(Protocol):
    """A way to know the chances of examination; sees the counts of a log only.

    Attributes:
        needs_lists: whether ``Observed.lists`` must be there.
        level: of the log that the estimate needs (see ``capability``).
    """

    needs_lists: bool
    level: str

    def estimate(self, observed: Observed) -> Examination:
        """Chances for every rank of ``observed.by_position``.

        Raises:
            InputError: the log does not identify them.
        """
        ...


def relative(theta: np.ndarray) -> np.ndarray:
    """``theta`` scaled so that the largest is 1."""
    return theta / theta.max()
