"""How likely a searcher is to look at each rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.errors import InputError


@dataclass(frozen=True)
class Examination:
    """Chance of examination by rank, relative to rank 1.

    Attributes:
        theta: float64 [deepest rank], in (0, 1]; ``theta[k - 1]`` belongs to rank k.
        assumed: the figures were given by hand, not estimated from the log.
    """

    theta: np.ndarray
    assumed: bool


class Propensity(Protocol):
    """A way to know the chances of examination; sees the aggregated log only."""

    def estimate(self, by_position: pl.DataFrame) -> Examination:
        """Chances for every rank in ``query_id, doc_id, position, impressions, clicks``."""
        ...


class Given:
    """Propensities given by hand: a list ``theta`` by rank, or else the rule ``1 / k**eta``.

    Raises:
        InputError: a figure lies outside (0, 1], or ``eta`` outside [0, 10].
    """

    def __init__(self, theta: Sequence[float] | None = None, eta: float = 1.0):
        if theta is not None and not (len(theta) and all(0 < t <= 1 for t in theta)):
            raise InputError("propensity.theta must list one figure per rank, each above 0 and at most 1.")
        if not 0 <= eta <= 10:
            raise InputError(f"propensity.eta is {eta}; it must lie between 0 (no position bias) and 10.")
        self.theta = None if theta is None else np.asarray(theta, dtype=np.float64)
        self.eta = eta

    def estimate(self, by_position: pl.DataFrame) -> Examination:
        """The given figures, stamped as assumed.

        Raises:
            InputError: the log reaches deeper than the list.
        """
        deepest = int(by_position["position"].max())
        if self.theta is None:
            return Examination(1.0 / np.arange(1, deepest + 1) ** self.eta, assumed=True)
        if len(self.theta) < deepest:
            raise InputError(
                f"propensity.theta has {len(self.theta)} figures but the log reaches rank {deepest}; "
                f"give {deepest} figures, or leave theta out and set eta."
            )
        return Examination(self.theta[:deepest], assumed=True)
