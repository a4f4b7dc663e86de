"""Attention: which kernel a transformer runs with, and our own over texts of nearly one length."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_LONG = 80
"""From so many tokens on PyTorch's fused attention is the faster one on a CPU."""

_HIGHEST, _LEAST = 80.0, 1e-30
"""Scores and sums of their exponentials between which float32 has all its digits without softmax's shift."""


def choose_attention(backbone: nn.Module, training: bool, device: str) -> None:
    """PyTorch's fused attention; the plain one where a CPU trains: the fused backward pass takes ten times as long."""
    told = getattr(getattr(backbone, "config", None), "_attn_implementation", None)
    if told in ("sdpa", "eager") and hasattr(backbone, "set_attn_implementation"):
        backbone.set_attn_implementation("eager" if training and device == "cpu" else "sdpa")


def attend(query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None) -> Tensor:
    """``softmax(query @ key.T / sqrt(d)) @ value``, each [texts, heads, tokens, d], in the fastest form on a CPU.

    Args:
        padding: bool [texts, 1, 1, tokens], the keys that nothing may see; ``None`` where there are none.
    """
    if torch.is_grad_enabled():
        return _plain(query, key, value, padding)
    if query.shape[2] >= _LONG:
        return functional.scaled_dot_product_attention(query, key, value, None if padding is None else ~padding)
    # In float32: products this small are as fast, exponentials are faster, and bf16 would keep a kernel per shape.
    return _short(*(laid_out(part, torch.float32) for part in (query, key, value)), padding)


def laid_out(vectors: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy in ``dtype`` and in the order of its dimensions, in one pass."""
    return vectors.to(dtype, memory_format=torch.contiguous_format, copy=True)


def _plain(query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None) -> Tensor:
    """With gradients."""
    return _hidden((query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2), padding).softmax(-1) @ value


def _short(query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None) -> Tensor:
    """Softmax without its shift, where scores allow: over rows this short it would take most of the time."""
    shape, width = query.shape, query.shape[2]
    query, key, value = (part.flatten(0, 1) for part in (query, key, value))
    scores = torch.baddbmm(query.new_zeros(1), query, key.transpose(1, 2), beta=0, alpha=shape[-1] ** -0.5)
    scores = _hidden(scores.view(*shape[:2], width, width), padding)
    if scores.amax() < _HIGHEST:
        weights = scores.exp()
        sums = weights.view(-1, width) @ weights.new_ones(width, 1)
        if sums.amin() > _LEAST:
            return (weights.flatten(0, 1) @ value).div_(sums.view(-1, width, 1)).view(shape)
    return (scores.softmax(-1).flatten(0, 1) @ value).view(shape)


def _hidden(scores: Tensor, padding: Tensor | None) -> Tensor:
    return scores if padding is None else scores.masked_fill(padding, torch.finfo(scores.dtype).min)
