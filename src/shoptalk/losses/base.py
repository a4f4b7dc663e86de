"""What every loss is: the weighted mean over the pairs of a batch."""

import torch
from torch import Tensor, nn

from shoptalk.losses.targets import Targets


class Loss(nn.Module):
    """A loss over the vectors of a batch, computed in float32 (float64 vectors keep theirs), under autocast too.

    Attributes:
        needs: the names, of "teacher" and "guide", that ``Targets`` must hold.
        tempered: whether scores are divided by the temperature.
    """

    needs: frozenset[str] = frozenset()
    tempered: bool = True

    def forward(self, queries: Tensor, documents: Tensor, targets: Targets, temperature: Tensor) -> Tensor:
        """The weighted mean Σ wℓ / Σ w over the pairs, a scalar.

        Args:
            queries: float [n, d], any length.
            documents: float [m, d], any length.
            targets: how they belong together.
            temperature: scalar above 0, of pairs without their own in ``targets``.
        """
        raise NotImplementedError


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Σ wx / Σ w over one batch; 0 where every weight is 0."""
    return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)
