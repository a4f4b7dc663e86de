"""A teacher that judges the queries it was trained on: what cross-fitting is to be compared with."""

from collections.abc import Sequence

from shoptalk.negatives.crossfit import Examples
from shoptalk.negatives.own import OwnTeacher


class InSample(OwnTeacher):
    """One teacher of as many pairs as each cross-fitted one, in place of all of them; never shipped as an option."""

    def parts(self, data: Examples) -> Sequence[Examples]:
        """The first ``max_pairs`` pairs whatever their query, for every fold."""
        return [data.first(self.max_pairs)] * self.folds
