"""Propensities that nobody estimated."""

from collections.abc import Sequence

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, relative


class Given:
    """Propensities given by hand: a list ``theta`` by rank, or else the rule ``1 / k**eta``.

    Raises:
        InputError: a figure lies outside (0, 1], or ``eta`` outside [0, 10].
    """

    needs_lists = False
    level = "L1"

    def __init__(self, theta: Sequence[float] | None = None, eta: float = 1.0):
        if theta is not None and not (len(theta) and all(0 < t <= 1 for t in theta)):
            raise InputError("propensity.theta must list one figure per rank, each above 0 and at most 1.")
        if not 0 <= eta <= 10:
            raise InputError(f"propensity.eta is {eta}; it must lie between 0 (no position bias) and 10.")
        self.theta = None if theta is None else np.asarray(theta, dtype=np.float64)
        self.eta = eta

    def estimate(self, observed: Observed) -> Examination:
        """The given figures, stamped as assumed.

        Raises:
            InputError: the log reaches deeper than the list.
        """
        deepest = observed.deepest
        if self.theta is None:
            return Examination(1.0 / np.arange(1, deepest + 1) ** self.eta, assumed=True)
        if len(self.theta) < deepest:
            raise InputError(
                f"propensity.theta has {len(self.theta)} figures but the log reaches rank {deepest}; "
                f"give {deepest} figures, or leave theta out and set eta."
            )
        return Examination(relative(self.theta[:deepest]), assumed=True)
