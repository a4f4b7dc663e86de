"""No correction: the naive arm."""

import numpy as np

from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination


class NoCorrection:
    """Every rank counts as looked at: clicks are taken as they are."""

    needs_lists = False
    level = "L0"

    def estimate(self, observed: Observed) -> Examination:
        """Ones."""
        return Examination(np.ones(observed.deepest), notices=["Clicks are not corrected for position."])
