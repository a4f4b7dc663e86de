"""Scores of every query with every document, never below float32."""

import torch
from torch import Tensor
from torch.nn import functional


def precise(values: Tensor) -> Tensor:
    """``values`` in float32; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def dot(left: Tensor, right: Tensor) -> Tensor:
    """Inner products [n, m] of vectors [n, d] and [m, d]."""
    # Autocast would take the product in bf16, whose steps near 1 are 0.004: coarse once divided by a temperature.
    with torch.autocast(left.device.type, enabled=False):
        return precise(left) @ precise(right).T


def tempered(scores: Tensor, own: Tensor | None, temperature: Tensor) -> Tensor:
    """``scores`` [n, m] divided by the scalar ``temperature``, or each row by its ``own`` [n] where that is no NaN."""
    return scores / (temperature if own is None else torch.where(own.isnan(), temperature, own)[:, None])


def cosine(left: Tensor, right: Tensor) -> Tensor:
    """Cosines [n, m] of vectors [n, d] and [m, d] of any length."""
    return dot(functional.normalize(precise(left), dim=-1), functional.normalize(precise(right), dim=-1))
