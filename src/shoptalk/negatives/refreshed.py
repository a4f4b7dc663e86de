"""Any strategy, its negatives mined anew while training goes on (ANCE, Xiong et al. 2021)."""

from shoptalk.errors import InputError
from shoptalk.negatives.mined import Mine, Mined, Strategy

EPOCH = "epoch"


class Refreshed:
    """``strategy``, asked again with the weights in training for the pairs still to come.

    What it searches with is then the model as it stands; a teacher stays what it was, and judges the new candidates.

    Args:
        strategy: mines, first with the base model.
        every: steps from one refresh to the next; below 1 a share of the run's steps; or ``epoch``: one pass over the
            pairs that the run draws.
    """

    def __init__(self, strategy: Strategy, every: int | float | str = EPOCH):
        whole = isinstance(every, int) and not isinstance(every, bool) and every >= 1
        share = isinstance(every, float) and 0 < every < 1
        if not (whole or share or every == EPOCH):
            raise InputError(f"negatives.every={every} must be a number of steps from 1 on, a share of them, or epoch.")
        if not strategy.per_pair:
            raise InputError("negatives.strategy mines nothing that could be refreshed: choose another than InBatch.")
        self.strategy, self.every = strategy, every
        self.per_pair, self.window = strategy.per_pair, strategy.window

    def mine(self, ask: Mine) -> Mined:
        """As the strategy mines."""
        return self.strategy.mine(ask)

    def steps(self, pairs: int, size: int, whole: int) -> int:
        """Steps from one refresh to the next.

        Args:
            pairs: different pairs that the run draws.
            size: pairs of a batch.
            whole: steps of the run.
        """
        if self.every == EPOCH:
            return max(1, pairs // size)
        return self.every if isinstance(self.every, int) else max(1, round(self.every * whole))
