"""Matryoshka: any loss, over the leading entries of the vectors too."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from shoptalk.errors import InputError
from shoptalk.losses.base import Loss
from shoptalk.losses.targets import Targets


class Matryoshka(Loss):
    """Σ c_d · base over vectors cut to their first d entries (Kusupati et al. 2022, arXiv 2205.13147, eq. 1).

    The base loss normalises what it is given, so vectors are cut first and normalised after. The full
    length is trained only where it is one of the dimensions.

    Args:
        base: the loss at each length.
        dimensions: the lengths d, at least 1, each once; at most the length of the vectors.
        weights: c_d of each dimension, above 0; 1 unless given.
    """

    def __init__(self, base: Loss, dimensions: Sequence[int], weights: Sequence[float] | None = None):
        super().__init__()
        self.base, self.needs, self.tempered = base, base.needs, base.tempered
        self.dimensions = _checked_dimensions(list(dimensions))
        self.weights = [1.0] * len(self.dimensions) if weights is None else _checked_weights(list(weights))
        if len(self.weights) != len(self.dimensions):
            raise InputError(
                f"Matryoshka has {len(self.dimensions)} dimensions and {len(self.weights)} weights: "
                "give one weight per dimension."
            )

    def forward(self, queries: Tensor, documents: Tensor, targets: Targets, temperature: Tensor) -> Tensor:
        """See ``Loss.forward``; raises InputError where a dimension exceeds the length of the vectors."""
        if max(self.dimensions) > queries.shape[1]:
            raise InputError(
                f"loss.matryoshka={self.dimensions} asks for more than the {queries.shape[1]} entries "
                f"of the model's vectors: give dimensions up to {queries.shape[1]}."
            )
        losses = [
            weight * self.base(queries[:, :size], documents[:, :size], targets, temperature)
            for size, weight in zip(self.dimensions, self.weights, strict=True)
        ]
        return torch.stack(losses).sum()


def _checked_dimensions(dimensions: list[int]) -> list[int]:
    whole = all(isinstance(size, int) and size > 0 for size in dimensions)
    if not (dimensions and whole and len(set(dimensions)) == len(dimensions)):
        raise InputError(
            f"loss.matryoshka={dimensions} must list different whole numbers above 0, say [384,128], or be null."
        )
    return dimensions


def _checked_weights(weights: list[float]) -> list[float]:
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise InputError(f"The weights {weights} of Matryoshka must be finite and above 0.")
    return weights
