"""Losses over tensors; none of them knows a model."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class InfoNCE(nn.Module):
    """Cross-entropy of each query's positive among all documents of the batch (van den Oord et al. 2018, eq. 4).

    Similarity is the cosine divided by the temperature. Documents are columns: positives and mined
    negatives of every query of the batch, each once.
    """

    def forward(
        self, queries: Tensor, documents: Tensor, positive: Tensor, mask: Tensor, weight: Tensor, temperature: Tensor
    ) -> Tensor:
        """The weighted mean Σ wℓ / Σ w, a scalar.

        Args:
            queries: float [n, d], any length.
            documents: float [m, d], any length.
            positive: int64 [n], the column of each query's positive.
            mask: bool [n, m], true where a column must not count as a negative; never at ``positive``.
            weight: float [n], above 0.
            temperature: scalar above 0.
        """
        return weighted_mean(self.per_pair(queries, documents, positive, mask, temperature), weight)

    @staticmethod
    def per_pair(queries: Tensor, documents: Tensor, positive: Tensor, mask: Tensor, temperature: Tensor) -> Tensor:
        """The loss of each pair before weighting, float [n]."""
        cosine = functional.normalize(queries.float(), dim=-1) @ functional.normalize(documents.float(), dim=-1).T
        logits = (cosine / temperature).masked_fill(mask, float("-inf"))
        return functional.cross_entropy(logits, positive, reduction="none")


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Σ wx / Σ w over one batch."""
    return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)
