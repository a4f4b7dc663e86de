"""Spread-out: any loss, plus a pull of unrelated vectors towards right angles."""

import math

import torch
from torch import Tensor

from shoptalk.errors import InputError
from shoptalk.losses.base import Loss
from shoptalk.losses.scores import cosine
from shoptalk.losses.targets import Targets


class SpreadOut(Loss):
    """``base`` + strength · (second moment of the queries' cosines + that of the documents').

    The second moment is the mean of squared cosines over i ≠ j, from the global orthogonal regulariser
    (Zhang et al. 2017, arXiv 1708.06320, section 3), without its mean term and its floor of 1/d, as
    EmbeddingGemma takes it (Schechter Vera et al. 2025, arXiv 2509.20354, training objective). Here every
    document of the batch counts, mined negatives too, and weights play no part. Queries that share a
    positive are not unrelated, and are left out. With no two vectors to compare a moment is 0.

    Args:
        base: the loss it is added to.
        strength: above 0.
    """

    def __init__(self, base: Loss, strength: float):
        super().__init__()
        if not (math.isfinite(strength) and strength > 0):
            raise InputError(f"loss.spread_out={strength} must be finite and above 0, say 0.1, or 0 to leave it out.")
        self.base, self.needs, self.tempered, self.strength = base, base.needs, base.tempered, strength

    def forward(self, queries: Tensor, documents: Tensor, targets: Targets, temperature: Tensor) -> Tensor:
        """See ``Loss.forward``."""
        loss = self.base(queries, documents, targets, temperature)
        unrelated = targets.positive[:, None] != targets.positive
        others = ~torch.eye(len(documents), dtype=torch.bool, device=documents.device)
        return loss + self.strength * (_second_moment(queries, unrelated) + _second_moment(documents, others))


def _second_moment(vectors: Tensor, counted: Tensor) -> Tensor:
    """The mean of the squared cosines of ``vectors`` [n, d] where ``counted`` [n, n], a scalar."""
    squared = cosine(vectors, vectors).square()
    return torch.where(counted, squared, 0).sum() / counted.sum().clamp_min(1)
